import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { fetchPart } from "../build/fetch-part.js";

const whole = Uint8Array.from({ length: 100 }, (_, i) => i);

/** A CDN that answers a byte range as `odd` says: `[status, headers, body]`; without a range, with the whole. */
async function read(t, odd, part = { offset: 40, bytes: null }) {
  const asked = [];
  const server = createServer(({ headers: { range } }, response) => {
    asked.push(range);
    const [status, headers, body] = range ? odd : [200, {}, whole];
    response.writeHead(status, headers).end(Buffer.from(body));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  let received = 0;
  const owner = { session: { counters: { received: (bytes) => (received += bytes) } }, prepare: (url, init) => new Request(url, init) };
  const got = [];
  const url = `http://127.0.0.1:${server.address().port}/`;
  for await (const bytes of fetchPart(owner, { url, signal: new AbortController().signal, ...part })) got.push(...bytes);
  return { got, asked, received };
}

const said = (first, last) => ({ "content-range": `bytes ${first}-${last}/100` });

for (const [name, odd, requests] of [
  ["the part asked for", [206, said(40, 99), whole.slice(40)], 1],
  ["the part asked for, which does not say so", [206, {}, whole.slice(40)], 1],
  ["a part that begins earlier", [206, said(30, 99), whole.slice(30)], 1],
  ["the whole", [200, {}, whole], 1],
  ["a part that begins later", [206, said(50, 99), whole.slice(50)], 2],
  ["a part that is over before", [206, said(0, 30), whole.slice(0, 31)], 2],
  ["a part that cannot be told", [206, { "content-range": "bytes */100" }, whole], 2],
  ["several parts", [206, { "content-type": "multipart/byteranges; boundary=x" }, "--x\r\n\r\n"], 2],
]) {
  test(`a growing segment from its middle on; the CDN answers with ${name}`, async (t) => {
    const { got, asked } = await read(t, odd);
    assert.deepEqual(got, [...whole.slice(40)]);
    assert.deepEqual(asked, ["bytes=40-", undefined].slice(0, requests));
  });
}
