// The application's own web server: the test page, the built package and hls.js, on another origin
// than the stream, as on any real site with a CDN.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".map": "application/json",
  ".wasm": "application/wasm",
};

const FOLDERS = { page: "tests/e2e/page", dist: "js/dist", vendor: "js/node_modules" };

/** The file behind a path. The first part of a path names a folder; of a vendor's package, what it ships is in `dist`. */
function locate(path, folders) {
  const [, top, rest] = /^\/(\w+)\/(.+)$/.exec(normalize(decodeURIComponent(path)));
  const inside = top === "vendor" ? rest.replace("/", "/dist/") : rest;
  return resolve(repository, folders[top], inside);
}

/** By file: packed once. Files do not change while tests run. */
const packed = new Map();

async function pack(file) {
  const body = packed.get(file) ?? gzipSync(await readFile(file));
  packed.set(file, body);
  return body;
}

/**
 * Starts the server on a loopback port of the system's choosing. `more`: further folders, or others, by the first part of
 * a path; relative to the repository.
 */
export async function startSite(more = {}) {
  const folders = { ...FOLDERS, ...more };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const file = locate(pathname, folders);
      const body = await pack(file);
      response.writeHead(200, {
        // As every real site does; a line of a few Mbit/s would feel it.
        "content-encoding": "gzip",
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "cache-control": "no-store",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
