// The application's own web server: the test page, the built package and hls.js, on another origin
// than the stream, as on any real site with a CDN.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
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

/** The file behind a path, or null. Every route is a prefix and a directory. */
function locate(path) {
  const clean = normalize(decodeURIComponent(path));
  const vendor = /^\/vendor\/([\w.-]+)\/(.+)$/.exec(clean);
  if (vendor) return join(repository, "js/node_modules", vendor[1], "dist", vendor[2]);
  const [, top, rest] = /^\/(page|dist)\/(.+)$/.exec(clean) ?? [];
  if (top === "page") return join(repository, "tests/e2e/page", rest);
  if (top === "dist") return join(repository, "js/dist", rest);
  return null;
}

/** By file: packed once. Files do not change while tests run. */
const packed = new Map();

async function pack(file) {
  const body = packed.get(file) ?? gzipSync(await readFile(file));
  packed.set(file, body);
  return body;
}

/** Starts the server on a loopback port of the system's choosing. */
export async function startSite() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const file = locate(pathname);
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
