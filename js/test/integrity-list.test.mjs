import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ListError, keyOf, parseList } from "../build/integrity-list.js";
import { IntegritySource } from "../build/integrity-source.js";
import { bytesOf, settle, sha, stopClock, until } from "./harness.mjs";

const URL_OF_LIST = "https://cdn.example/live/integrity.json?token=1";
const HASH = sha(bytesOf(10));

const segment = (number, more = {}) => ({ url: `v0/${number}.m4s`, number, start: 2 * number, duration: 2, bytes: 10, sha256: HASH, ...more });
const list = (segments, more = {}) => JSON.stringify({ version: 1, live: true, representations: [{ period: "p", id: "v0", segments }], ...more });

test("a list is read, relative to itself", () => {
  const { live, representations } = parseList(list([segment(1), segment(2, { root: HASH, offset: 7 })]), URL_OF_LIST);
  assert.equal(live, true);
  const [[first, second]] = representations.values();
  const place = { number: 1, start: 2, duration: 2, representation: '["p","v0"]' };
  assert.deepEqual(first, { ...place, url: "https://cdn.example/live/v0/1.m4s", offset: null, bytes: 10, sha256: HASH, root: null });
  assert.deepEqual([second.root, second.offset], [HASH, 7]);
});

test("what is no list is refused, whatever it is", () => {
  const bad = ["", "<html>", "[]", "null", "7", "{}", JSON.stringify({ version: 2, representations: [] }), JSON.stringify({ version: 1 })];
  for (const text of bad) assert.throws(() => parseList(text, URL_OF_LIST), ListError, text);
});

test("a segment with an error in it is left out, the others stay", () => {
  const bad = [
    segment(1, { sha256: HASH.slice(1) }), segment(1, { sha256: undefined }), segment(1, { root: "x" }), segment(1, { bytes: 0 }),
    segment(1, { bytes: 2 ** 32 }), segment(1, { bytes: 1.5 }), segment(1, { number: -1 }), segment(1, { duration: 0 }),
    segment(1, { start: "2" }), segment(1, { url: "https://[" }), segment(1, { url: 3 }), segment(1, { offset: -1 }), null, 7, [], "x",
  ];
  const { representations } = parseList(list([...bad, segment(2)]), URL_OF_LIST);
  const [segments] = representations.values();
  assert.deepEqual(segments.map(({ number }) => number), [2]);
  assert.equal(parseList(list([], { representations: [null, 7, { id: 3 }, { id: "x" }] }), URL_OF_LIST).representations.size, 0);
});

test("requests are compared by path and byte range, not by host or query", () => {
  assert.equal(keyOf("https://a.example/x/1.m4s?t=1", null, 5), keyOf("https://b.example/x/1.m4s#u", null, 9));
  assert.notEqual(keyOf("https://a.example/x/1.mp4", 0, 5), keyOf("https://a.example/x/1.mp4", 0, 6));
  assert.notEqual(keyOf("https://a.example/x/1.mp4", 0, 5), keyOf("https://a.example/x/1.mp4", null, 5));
  assert.equal(keyOf("x/1.m4s", null, 5), "x/1.m4s", "what cannot be resolved is no error: it is in no list");
});

test("representations of periods without an id are told apart", () => {
  const representations = [1, 2, 3].map((number) => ({ id: "v0", segments: [segment(number)] }));
  const read = parseList(list([], { representations }), URL_OF_LIST).representations;
  const found = [...read.entries()].map(([name, segments]) => [name, segments.map((one) => [one.number, one.representation])]);
  const name = (...more) => JSON.stringify(["", "v0", ...more]);
  assert.deepEqual(found, [[name(), [[1, name()]]], [name(2), [[2, name(2)]]], [name(3), [[3, name(3)]]]]);
});

const chunk = (bytes, more = {}) => ({ duration: 0.5, bytes, sha256: HASH, ...more });
const growing = (number, chunks) => segment(number, { bytes: undefined, sha256: undefined, chunks });

test("a segment that grows is shared by its chunks, one after the other from its first byte", () => {
  const { representations, whole, chunked } = parseList(list([segment(1), growing(2, [chunk(7), chunk(8, { duration: 0.25, root: HASH }), chunk(9)])]), URL_OF_LIST);
  const [[first, ...chunks]] = representations.values();
  assert.deepEqual(chunks.map(({ offset, bytes, start, duration, root }) => [offset, bytes, start, duration, root]), [
    [0, 7, 4, 0.5, null], [7, 8, 4.5, 0.25, HASH], [15, 9, 4.75, 0.5, null],
  ]);
  assert.ok(chunks.every(({ url, number }) => url === "https://cdn.example/live/v0/2.m4s" && number === 2));
  assert.deepEqual(whole, [first]);
  assert.deepEqual(chunked, [{ url: "https://cdn.example/live/v0/2.m4s", chunks }]);
});

test("a complete segment with chunks is known both ways, and shared by its chunks", () => {
  const { representations, whole, chunked } = parseList(list([segment(1, { chunks: [chunk(4), chunk(6)] })]), URL_OF_LIST);
  assert.deepEqual([...representations.values()][0], chunked[0].chunks);
  assert.deepEqual(whole.map(({ offset, bytes, duration }) => [offset, bytes, duration]), [[null, 10, 2]]);
});

test("chunks that are not the segment, or have an error in them, are left out, and the segment stays", () => {
  const bad = [
    [], [chunk(4)], [chunk(4), chunk(7)], [chunk(4), chunk(6, { sha256: "x" })], [chunk(10, { duration: 0 })], [chunk(10, { duration: "1" })],
    [chunk(10, { root: 7 })], [chunk(4), chunk(0), chunk(6)], [null], ["x"], "x", 7, {},
  ];
  for (const chunks of bad) {
    const { representations, whole, chunked } = parseList(list([segment(1, { chunks })]), URL_OF_LIST);
    assert.deepEqual([[...representations.values()][0], chunked], [whole, []], JSON.stringify(chunks));
    assert.equal(whole.length, 1);
  }
  const { whole, chunked } = parseList(list([segment(1, { offset: 5, chunks: [chunk(10)] })]), URL_OF_LIST);
  assert.deepEqual([whole.length, chunked.length], [1, 0], "a part of a file does not grow");
});

test("a segment that grows and whose chunks have an error in them is left out, the others stay", () => {
  const bad = [[], [chunk(4), chunk(-1)], [chunk(4), null], undefined, null];
  const half = segment(1, { sha256: undefined, chunks: [chunk(10)] });
  const { representations } = parseList(list([...bad.map((chunks) => growing(1, chunks)), half, growing(2, [chunk(4)])]), URL_OF_LIST);
  assert.deepEqual([...representations.values()][0].map(({ number }) => number), [2]);
});

/** A source whose server answers what the test says. */
function source(answers) {
  const seen = { changed: [], failed: [], asked: 0, times: [], wanted: true, playing: true };
  const kept = globalThis.fetch;
  globalThis.fetch = async () => {
    seen.asked += 1;
    seen.times.push(performance.now());
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return typeof answer === "function" ? answer() : new Response(answer);
  };
  const made = new IntegritySource({
    prepare: (url, init) => new Request(url, init),
    wanted: () => seen.wanted,
    playing: () => seen.playing,
    changed: (list) => seen.changed.push(list),
    failed: ({ message }) => seen.failed.push(message),
  });
  open.push(() => {
    made.close();
    globalThis.fetch = kept;
  });
  return { made, seen };
}

const open = [];
afterEach(() => open.splice(0).forEach((close) => close()));

test("a list is asked for again when something is lacking, but not for every request", async () => {
  const { made, seen } = source([list([segment(1)]), list([segment(1), segment(2)])]);
  made.open(URL_OF_LIST);
  await until(() => seen.changed.length === 1);
  assert.notEqual(made.find("https://other.example/live/v0/1.m4s?x", null, 0, 2), null);
  assert.equal(made.pending(), null, "it was read just now");
  await new Promise((done) => setTimeout(done, 420));
  const [one, two] = [made.pending(), made.pending()];
  assert.equal(one, two, "one request at a time");
  await one;
  assert.equal(seen.asked, 2);
  assert.notEqual(made.find("https://cdn.example/live/v0/2.m4s", null, 0, 4), null);
});

test("nobody asks for what is not wanted, and nobody goes on asking who is paused", async () => {
  const short = { ...segment(1), duration: 0.02 };
  const { made, seen } = source([list([short])]);
  seen.wanted = false;
  made.open(URL_OF_LIST);
  assert.equal(made.pending(), null);
  assert.equal(seen.asked, 0);
  seen.wanted = true;
  await made.pending();
  await until(() => seen.asked >= 3);
  seen.playing = false;
  await new Promise((done) => setTimeout(done, 60));
  const asked = seen.asked;
  await new Promise((done) => setTimeout(done, 150));
  assert.equal(seen.asked, asked);
});

test("a finished list is not asked for again", async () => {
  const { made, seen } = source([list([segment(1)], { live: false })]);
  made.open(URL_OF_LIST);
  await until(() => seen.changed.length === 1);
  await new Promise((done) => setTimeout(done, 420));
  assert.equal(made.pending(), null);
});

test("late, missing, malformed and oversized lists are told of once each, and leave what is known as it is", async () => {
  const large = () => new Response("x", { headers: { "content-length": String(2 ** 30) } });
  const { made, seen } = source([list([segment(1)]), () => new Response("", { status: 404 }), "{", large, large, list([segment(3)])]);
  made.open(URL_OF_LIST);
  await until(() => seen.changed.length === 1);
  for (let i = 0; i < 4; i += 1) await made.refresh();
  assert.deepEqual(seen.failed, ["the server answered 404", "it is not JSON", "it is longer than 33554432 bytes"]);
  assert.notEqual(made.find("https://cdn.example/live/v0/1.m4s", null, 0, 2), null);
  await made.refresh();
  assert.notEqual(made.find("https://cdn.example/live/v0/3.m4s", null, 0, 6), null);
});

test("a body that grows beyond the limit is given up while it comes", async () => {
  let sent = 0;
  const endless = () => new Response(new ReadableStream({ pull: (to) => { sent += 1; to.enqueue(new Uint8Array(1 << 20)); } }));
  const { made, seen } = source([endless]);
  made.open(URL_OF_LIST);
  await until(() => seen.failed.length > 0);
  assert.deepEqual(seen.failed, ["it is longer than 33554432 bytes"]);
  assert.ok(sent < 40, `${sent} MiB were read`);
});

test("a list that lacks what is played is told of once, until it has it", async () => {
  const { made, seen } = source([list([segment(1)]), list([segment(2)])]);
  made.lacks("https://cdn.example/live/v0/1.m4s");
  made.open(URL_OF_LIST);
  made.lacks("https://cdn.example/live/v0/1.m4s");
  await until(() => seen.changed.length === 1);
  for (const n of [2, 3]) made.lacks(`https://cdn.example/live/v0/${n}.m4s`);
  assert.deepEqual(seen.failed, ["it does not list /live/v0/2.m4s"]);
});

test("of a film that is played twice, the turn at hand is found", async () => {
  const turn = (period, start) => ({ period, id: "v0", segments: [{ ...segment(1), start }] });
  const { made, seen } = source([list([], { representations: [turn("a", 0), turn("b", 60), turn("c", 90)] })]);
  made.open(URL_OF_LIST);
  await until(() => seen.changed.length === 1);
  const find = (start) => JSON.parse(made.find("https://cdn.example/live/v0/1.m4s", null, 0, start).representation)[0];
  assert.deepEqual([0, 29, 61, 89, 1e9].map(find), ["a", "a", "b", "c", "c"]);
});

test("nothing comes after another stream has begun", async () => {
  let answer;
  const { made, seen } = source([() => new Promise((done) => { answer = done; })]);
  made.open(URL_OF_LIST);
  await until(() => answer);
  made.close();
  answer(new Response(list([segment(1)])));
  await settle();
  assert.deepEqual([seen.changed.length, seen.failed.length], [0, 0]);
});

test("a list that has an error in it each time is told of once", async () => {
  const { made, seen } = source(["{", "{", "{", "[]", "[]", "{"]);
  made.open(URL_OF_LIST);
  for (let i = 0; i < 5; i += 1) await made.refresh();
  assert.deepEqual(seen.failed, ["it is not JSON", "it is not a JSON object", "it is not JSON"]);
});

/** Intervals between requests in ms. */
const intervals = ({ times }) => times.slice(1).map((time, i) => Math.round(time - times[i]));

test("a list with chunks is asked for as they come, soon again if there is none, and ever more rarely if the stream stands still", async (t) => {
  const clock = stopClock(t);
  const short = (chunks) => list([segment(1, { duration: 1 }), growing(2, chunks.map((bytes) => chunk(bytes)))]);
  const still = short([1, 2, 3]);
  const failure = () => new Response("", { status: 500 });
  const { made, seen } = source([short([1]), short([1, 2]), still, still, still, failure, "{", still]);
  made.open(URL_OF_LIST);
  await clock.pass(6_000);
  // One and a half segments at most.
  assert.deepEqual(intervals(seen), [500, 500, 500, 125, 250, 500, 1000, 1500]);
});

test("however short the chunks are, the list is not asked for all the time; and after news the pace is as before", async (t) => {
  const clock = stopClock(t);
  const short = (...chunks) => list([segment(1), growing(2, chunks.map((bytes) => chunk(bytes, { duration: 0.02 })))]);
  const { made, seen } = source([short(1), short(1), short(1), short(1, 2), short(1, 2, 3)]);
  made.open(URL_OF_LIST);
  await clock.pass(1_500);
  assert.deepEqual(intervals(seen), [400, 100, 200, 400, 400]);
});

test("who waits for the list is called when it has been read, also while the player is paused; who no longer waits is not", async (t) => {
  const clock = stopClock(t);
  const { made, seen } = source([list([growing(1, [chunk(1)])])]);
  seen.playing = false;
  made.open(URL_OF_LIST);
  await until(() => seen.changed.length === 1);
  const called = [];
  made.whenRead(() => called.push("one"));
  const forget = made.whenRead(() => called.push("two"));
  forget();
  assert.deepEqual([called, seen.asked], [[], 1], "it was read just now");
  await clock.pass(500);
  assert.deepEqual([called, seen.asked], [["one"], 2]);
  await clock.pass(5_000);
  assert.equal(seen.asked, 2, "nobody waits any more");
  made.whenRead(() => called.push("three"));
  made.whenRead(() => called.push("four"));
  assert.equal(called.length, 1, "never at once");
  made.close();
  assert.deepEqual(called, ["one", "three", "four"], "nobody is left waiting");
});

test("who waits for the list of a paused player is not forgotten, however soon after the last request", async (t) => {
  const clock = stopClock(t);
  const { made, seen } = source([list([growing(1, [chunk(1, { duration: 0.02 })])])]);
  seen.playing = false;
  made.open(URL_OF_LIST);
  await clock.pass(450);
  made.whenRead(() => {});
  await clock.pass(200);
  assert.equal(seen.asked, 2);
  let called = 0;
  made.whenRead(() => { called += 1; });
  await clock.pass(190);
  assert.deepEqual([called, seen.asked], [1, 3]);
});
