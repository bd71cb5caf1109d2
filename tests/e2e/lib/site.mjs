// The application's own web server: the test page, the built package and hls.js, on another origin
// than the stream, as on any real site with a CDN.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

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

/** Starts the server on a loopback port of the system's choosing. */
export async function startSite() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const file = locate(pathname);
      const body = await readFile(file);
      response.writeHead(200, {
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
