// An origin of endless large segments, made as they are asked for: sealed, with trees.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const LEAF = 16 * 1024;
const HEADERS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*", "cache-control": "no-store" };

const sha = (bytes) => createHash("sha256").update(bytes).digest();

/** BEP 52's pieces root. */
function rootOf(bytes) {
  let layer = [];
  for (let at = 0; at < bytes.length; at += LEAF) layer.push(sha(bytes.subarray(at, at + LEAF)));
  const width = 2 ** Math.ceil(Math.log2(layer.length));
  while (layer.length < width) layer.push(Buffer.alloc(32));
  while (layer.length > 1) {
    layer = layer.filter((_, i) => i % 2 === 0).map((left, i) => sha(Buffer.concat([left, layer[2 * i + 1]])));
  }
  return layer[0];
}

/** Segments of so many bytes each; all different in each of their leaves' first bytes. */
export class LargeOrigin {
  static async start(bytes) {
    const origin = new LargeOrigin(bytes);
    origin.server.listen(0, "127.0.0.1");
    await new Promise((resolve) => origin.server.once("listening", resolve));
    return origin;
  }

  #tags = new Map();

  constructor(bytes) {
    this.bytes = bytes;
    this.sent = 0;
    /** Whether it answers every request for a segment with 503. */
    this.refuses = false;
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  #segment(sn) {
    const body = Buffer.alloc(this.bytes, sn & 255);
    for (let at = 0; at < this.bytes; at += LEAF) body.writeUInt32BE((sn << 12) | (at / LEAF), at);
    return body;
  }

  #tag(sn) {
    if (!this.#tags.has(sn)) {
      const body = this.#segment(sn);
      const [hash, root] = [sha(body), rootOf(body)].map((hash) => hash.toString("base64url"));
      this.#tags.set(sn, `#EXT-X-SWARMLINE:SHA256=${hash},ROOT=${root},BYTES=${this.bytes}`);
    }
    return this.#tags.get(sn);
  }

  #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (request.method === "OPTIONS") return void response.writeHead(204, HEADERS).end();
    if (pathname === "/media.m3u8") {
      const [first, last] = ["first", "last"].map((name) => Number(searchParams.get(name)));
      const lines = ["#EXTM3U", `#EXT-X-MEDIA-SEQUENCE:${first}`];
      for (let sn = first; sn <= last; sn += 1) lines.push(this.#tag(sn), "#EXTINF:2,", `${sn}.m4s`);
      return void response.writeHead(200, HEADERS).end(lines.join("\n"));
    }
    if (this.refuses) return void response.writeHead(503, HEADERS).end();
    const body = this.#segment(Number(/(\d+)\.m4s$/.exec(pathname)[1]));
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = from === undefined ? body : body.subarray(Number(from), Number(to) + 1);
    const range = from === undefined ? {} : { "content-range": `bytes ${from}-${to}/${this.bytes}`, "access-control-expose-headers": "content-range" };
    this.sent += part.length;
    response.writeHead(from === undefined ? 200 : 206, { ...HEADERS, ...range, "content-length": part.length }).end(part);
  }
}
