import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { digestOf, parseDigest, parseReprDigest } from "../build/digest.js";
import { fromBase64, isHash, toBase64Url, toHex } from "../build/known.js";
import { sha256Slowly } from "../build/sha256-slow.js";
import { sha256 } from "../build/sha256.js";
import { parseTag, readTags } from "../build/tag.js";

const hash = (text) => createHash("sha256").update(text).digest("base64url");
const A = hash("a");
const B = hash("b");
const tag = (sha256, bytes = 1000, root = B) => `#EXT-X-SWARMLINE:SHA256=${sha256},ROOT=${root},BYTES=${bytes}`;

test("a tag is read whole", () => {
  assert.deepEqual(parseTag(tag(A)), { sha256: A, root: B, bytes: 1000 });
});

test("ROOT is optional, order is free, unknown attributes are skipped", () => {
  const line = `#EXT-X-SWARMLINE:BYTES=7,X-NEW="a,b=c",SHA256=${A},Y=1`;
  assert.deepEqual(parseTag(line), { sha256: A, root: null, bytes: 7 });
});

for (const line of [
  "#EXT-X-SWARMLINE:",
  `#EXT-X-SWARMLINE:SHA256=${A}`,
  "#EXT-X-SWARMLINE:BYTES=7",
  `#EXT-X-SWARMLINE:SHA256=${A.slice(1)},BYTES=7`,
  `#EXT-X-SWARMLINE:SHA256=${A}=,BYTES=7`,
  `#EXT-X-SWARMLINE:SHA256=${A.slice(0, 42)}B,BYTES=7`, // two spellings of one hash
  `#EXT-X-SWARMLINE:SHA256=${A.slice(0, 42)}+,BYTES=7`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=0`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=-1`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=1e3`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=4294967296`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=7,BYTES=8`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=7,ROOT=short`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=7,nonsense`,
  `#EXT-X-SWARMLINE:SHA256=${A},BYTES=7,X=${"x".repeat(1024)}`,
  `#EXT-X-OTHER:SHA256=${A},BYTES=7`,
]) {
  test(`no part of a bad tag is used: ${line.slice(0, 70)}`, () => assert.equal(parseTag(line), null));
}

test("tags belong to the next URI, by media sequence number", () => {
  const text = [
    "#EXTM3U",
    "#EXT-X-MEDIA-SEQUENCE:40",
    "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"cdn\"",
    '#EXT-X-MAP:URI="init.mp4"',
    tag(A, 1),
    "#EXTINF:2,title",
    "https://{$host}/a.m4s?t=1",
    "#EXTINF:2,",
    "untagged.m4s",
    "#EXT-X-DISCONTINUITY",
    "#EXTINF:2,",
    tag(B, 2),
    "",
    "  b.m4s  ",
  ].join("\r\n");
  assert.deepEqual([...readTags(text)], [
    [40, { sha256: A, root: B, bytes: 1 }],
    [42, { sha256: B, root: B, bytes: 2 }],
  ]);
});

test("segments skipped by a delta playlist count", () => {
  const text = `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n${tag(A)}\n#EXTINF:2,\na.m4s\n`;
  assert.deepEqual([...readTags(text).keys()], [15]);
  const other = text.replace("SKIPPED-SEGMENTS=5", 'RECENTLY-REMOVED-DATERANGES="x",SKIPPED-SEGMENTS=5');
  assert.deepEqual([...readTags(other).keys()], [15]);
});

test("two tags before one URI, good or bad, leave it without", () => {
  assert.equal(readTags(`${tag(A)}\n${tag(B)}\na.m4s\n`).size, 0);
  assert.equal(readTags(`${tag("bad")}\n${tag(B)}\na.m4s\n`).size, 0);
  assert.equal(readTags(`${tag(A)}\n${tag(B)}\na.m4s\n${tag(A)}\nb.m4s\n`).get(1)?.sha256, A);
});

test("a tag after the last URI, and an empty text, give nothing", () => {
  assert.equal(readTags(`a.m4s\n${tag(A)}\n`).size, 0);
  assert.equal(readTags("").size, 0);
});

test("Repr-Digest is read, whatever stands beside it", () => {
  const digest = createHash("sha256").update("x").digest("base64");
  assert.equal(parseReprDigest(`sha-256=:${digest}:`), hash("x"));
  assert.equal(parseReprDigest(`sha-512=:AAAA:, sha-256=:${digest}:;p=1`), hash("x"));
  for (const bad of [null, "", `sha-256=${digest}`, `sha-512=:${digest}:`, "sha-256=:AAAA:", `SHA-256=:${digest}`]) {
    assert.equal(parseReprDigest(bad), null);
  }
});

test("Digest and Amazon's checksum are read as well, Repr-Digest before both", () => {
  const of = (text) => createHash("sha256").update(text).digest("base64");
  assert.equal(parseDigest(`md5=x, SHA-256=${of("x")}`), hash("x"));
  for (const bad of [null, "", of("x"), `sha-512=${of("x")}`, "sha-256=AAAA"]) assert.equal(parseDigest(bad), null);
  const answer = (headers) => digestOf({ status: 200, headers });
  assert.equal(answer({ "x-amz-checksum-sha256": of("x") }), hash("x"));
  assert.equal(answer({ "x-amz-checksum-sha256": `${of("x")}-3` }), null);
  assert.equal(answer({ digest: `sha-256=${of("y")}`, "x-amz-checksum-sha256": of("x") }), hash("y"));
  assert.equal(answer({ "repr-digest": `sha-256=:${of("z")}:`, digest: `sha-256=${of("y")}` }), hash("z"));
  assert.equal(answer({}), null);
});

test("a digest counts for whole resources only", () => {
  const digest = createHash("sha256").update("x").digest("base64");
  const headers = { "Repr-Digest": `sha-256=:${digest}:` };
  assert.equal(digestOf(new Response("x", { headers })), hash("x"));
  assert.equal(digestOf(new Response("x", { headers, status: 206 })), null);
  assert.equal(digestOf(new Response("x")), null);
  assert.equal(digestOf(null), null);
});

test("hashes change spelling without changing", () => {
  const bytes = randomBytes(32);
  assert.equal(toBase64Url(new Uint8Array(bytes)), bytes.toString("base64url"));
  assert.equal(fromBase64(bytes.toString("base64")), bytes.toString("base64url"));
  assert.equal(toHex(bytes.toString("base64url")), bytes.toString("hex"));
  assert.ok(isHash(A) && !isHash(`${A}A`) && !isHash("") && !isHash(A.slice(1)));
});

for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 256 * 1024, 600_001]) {
  test(`SHA-256 of ${size} bytes, with and without crypto.subtle`, async () => {
    const bytes = new Uint8Array(randomBytes(size));
    const expected = createHash("sha256").update(bytes).digest("base64url");
    assert.equal(await sha256(bytes.buffer), expected);
    assert.equal(toBase64Url(await sha256Slowly(bytes.buffer)), expected);
  });
}
