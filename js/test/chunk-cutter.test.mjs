import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkCutter } from "../build/chunk-cutter.js";
import { box, joined } from "./dash-harness.mjs";

/** Numbers in [0, n), the same for the same seed (xorshift32). */
function dice(seed) {
  let state = seed * 2654435761 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const text = (data) => Buffer.from(data).toString("base64");

/** All chunks of the input, read in parts of these lengths; and what is left. */
function cut(input, lengths, known = () => null) {
  const cutter = new ChunkCutter();
  const chunks = [];
  const take = () => {
    for (let chunk = cutter.next(known(chunks)); chunk; chunk = cutter.next(known(chunks))) chunks.push(chunk);
  };
  let at = 0;
  for (const length of lengths) {
    cutter.push(input.slice(at, at + length), at);
    at += length;
    take();
  }
  const rest = cutter.rest();
  assert.equal(cutter.rest().data.byteLength, 0, "nothing is given twice");
  return { chunks: chunks.map(({ data }) => text(data)), rest: text(rest.data), times: chunks.map(({ tookMs }) => tookMs) };
}

/** Lengths of reads that add up. */
function reads(total, random, longest) {
  const lengths = [];
  for (let left = total; left > 0; left -= lengths.at(-1)) lengths.push(Math.min(left, random(longest + 1)));
  return lengths;
}

test("a chunk ends where an mdat ends, however the bytes are read", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = dice(seed);
    const made = Array.from({ length: 1 + random(5) }, (_, i) => {
      const before = ["styp", "prft", "emsg"].filter(() => random(2)).map((type) => box(type, random(20), i));
      return joined(...before, box("moof", random(40), i), box("mdat", random(90), i + 1));
    });
    const tail = random(2) ? box("free", random(9)).subarray(0, 1 + random(8)) : new Uint8Array();
    const input = joined(...made, tail);
    const found = cut(input, reads(input.byteLength, random, 1 + random(120)));
    assert.deepEqual(found.chunks, made.map(text), `seed ${seed}`);
    assert.equal(found.rest, text(tail), `seed ${seed}`);
  }
});

test("where lengths are known they count, whatever the boxes say", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = dice(seed);
    const input = joined(...Array.from({ length: 4 }, (_, i) => joined(box("moof", random(40), i), box("mdat", random(90), i))));
    const lengths = [1 + random(30), 1 + random(30), 1 + random(30)];
    const found = cut(input, reads(input.byteLength, random, 50), (chunks) => lengths[chunks.length] ?? Infinity);
    const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((sum, length) => sum + length));
    assert.deepEqual(found.chunks, ends.map((end, i) => text(input.subarray(end - lengths[i], end))), `seed ${seed}`);
    assert.equal(found.rest, text(input.subarray(ends.at(-1))), `seed ${seed}`);
  }
});

test("boxes count again after a chunk whose length was known", () => {
  const [first, second] = [joined(box("moof", 5), box("mdat", 9), box("free", 3)), joined(box("moof", 5), box("mdat", 7))];
  const found = cut(joined(first, second), [10, 20, 39], (chunks) => (chunks.length === 0 ? first.byteLength : null));
  assert.deepEqual(found.chunks, [text(first), text(second)]);
});

test("garbage neither loops nor throws, and comes out as it went in", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = dice(seed);
    const input = Uint8Array.from({ length: random(300) }, () => (random(3) ? random(256) : 0));
    const { chunks, rest } = cut(input, reads(input.byteLength, random, 60));
    const out = joined(...[...chunks, rest].map((part) => Buffer.from(part, "base64")));
    assert.equal(text(out), text(input), `seed ${seed}`);
  }
});

test("a box that is too small, too large or without a size keeps everything together", () => {
  for (const size of [0, 1, 7, 256 * 1024 * 1024 + 1, 0xffff_ffff]) {
    const bad = box("mdat", 20);
    new DataView(bad.buffer).setUint32(0, size);
    const input = joined(box("moof", 4), box("mdat", 4), bad, box("moof", 4), box("mdat", 4));
    const { chunks, rest } = cut(input, [30, 30, input.byteLength - 60]);
    assert.deepEqual([chunks.length, rest], [1, text(input.subarray(24))], `size ${size}`);
  }
});

test("a chunk's time is what all of it took, though the clock starts with its first read", () => {
  const chunk = joined(box("moof", 32), box("mdat", 52));
  assert.equal(chunk.byteLength, 100);
  const cutter = new ChunkCutter();
  const push = (from, to, now) => cutter.push(joined(chunk, chunk, chunk).subarray(from, to), now);
  push(0, 20, 1000);
  push(20, 60, 1040);
  assert.equal(cutter.next(null), null);
  push(60, 150, 1080);
  // 80 of 100 bytes in 80 ms.
  assert.equal(cutter.next(null).tookMs, 100);
  push(150, 200, 1090);
  // 50 of 100 in 10 ms.
  assert.equal(cutter.next(null).tookMs, 20);
  push(200, 300, 2000);
  assert.equal(cutter.next(null).tookMs, 0, "at once tells nothing");
});
