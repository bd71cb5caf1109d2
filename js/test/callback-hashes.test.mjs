import assert from "node:assert/strict";
import { test } from "node:test";
import { CallbackHashes } from "../build/callback-hashes.js";
import { readHash } from "../build/known.js";
import { Media, bytesOf, hex, player, playlist, settle, sha, until } from "./harness.mjs";

const trackers = ["wss://t.example"];
const untagged = (count, more = {}) => playlist(Array.from({ length: count }, () => ({ tagged: false, ...more })));

/** A stream whose only hashes are the callback's; the playhead has time to spare. */
async function playing(hashes, details = untagged(8)) {
  const self = player({ options: { trackers, hashes } });
  const engine = await self.start(details);
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  media.at(101, [100, 106]);
  return { self, engine, details };
}

test("a hash is told in hex or as base64url", () => {
  const bytes = bytesOf(9);
  assert.equal(readHash(hex(bytes)), sha(bytes));
  assert.equal(readHash(hex(bytes).toUpperCase()), sha(bytes));
  assert.equal(readHash(sha(bytes)), sha(bytes));
  for (const bad of [undefined, null, 7, "", hex(bytes).slice(1), `${sha(bytes)}=`]) assert.equal(readHash(bad), null);
});

test("the application's hashes stand in for tags, a few segments ahead of the player", async () => {
  const asked = [];
  const hashes = (segment) => {
    asked.push(segment);
    return { sha256: hex(bytesOf(100, segment.sn)), bytes: 100 };
  };
  const { self, engine, details } = await playing(hashes);
  assert.equal(self.swarmline.stats().offReason, null);
  assert.deepEqual(asked.map(({ sn }) => sn), [10, 11, 12, 13, 14]);
  assert.deepEqual(asked[1], { url: details.fragments[1].url, offset: null, bytes: null, sn: 11, kind: "main", start: 102, duration: 2 });
  self.request(details.fragments[4]);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(bytesOf(100, 14)));
  assert.deepEqual(self.events("warning"), []);
});

test("at start-up nothing waits; a hash that comes before the bytes is compared with them", async () => {
  const self = player({ options: { trackers, hashes: ({ sn }) => ({ sha256: sha(bytesOf(100, sn)), bytes: 100 }) } });
  const details = untagged(2);
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0]);
  assert.ok(stock.busy);
  await settle();
  stock.answer(bytesOf(100, 99));
  await until(() => self.events("hashfailure").length > 0);
  assert.deepEqual(callbacks.names.filter((name) => name === "success"), []);
});

test("progressive: what hls.js has had in pieces is not held back by a hash that comes afterwards", async () => {
  const hashes = ({ sn }) => ({ sha256: sha(bytesOf(100, sn)), bytes: 100 });
  const self = player({ options: { trackers, hashes }, config: { progressive: true } });
  const details = untagged(2);
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0], { progress: true });
  await settle();
  stock.answer(bytesOf(100, 99));
  await settle();
  assert.deepEqual([callbacks.names, self.events("hashfailure")], [["progress", "success"], []]);
});

test("nobody asks the application for what the playlist says, or while P2P is off", async () => {
  const asked = [];
  const hashes = (segment) => {
    asked.push(segment);
    return null;
  };
  await playing(hashes, playlist([{}, {}, {}, {}]));
  const off = player({ options: { trackers: [], hashes } });
  await off.start(untagged(4));
  assert.deepEqual(asked, []);
});

test("a promise is waited for, but not for long", async () => {
  const answers = [];
  const { self, engine, details } = await playing(({ sn }) =>
    sn <= 11 ? { sha256: sha(bytesOf(100, sn)), bytes: 100 } : new Promise((answer) => answers.push([sn, answer])),
  );
  assert.deepEqual(answers.map(([sn]) => sn), [12, 13, 14]);
  const quick = self.request(details.fragments[3]);
  await settle();
  assert.deepEqual([quick.stock.busy, engine.of("load").length], [false, 0]);
  answers[1][1]({ sha256: sha(bytesOf(100, 13)), bytes: 100 });
  await until(() => engine.of("load").length === 1);
  const slow = self.request(details.fragments[4]);
  assert.equal(slow.stats.loading.start, Infinity, "it has not begun");
  const begun = performance.now();
  await until(() => slow.stock.busy);
  assert.ok(performance.now() - begun > 400);
  // It comes before the bytes do.
  answers[2][1]({ sha256: sha(bytesOf(100, 14)), bytes: 100 });
  await settle();
  slow.stock.answer(bytesOf(100, 14));
  await until(() => slow.callbacks.names.length > 0);
  assert.equal(engine.of("insert").at(-1)[0].sn, 14);
});

test("null is no hash, and no reason to complain", async () => {
  const { self, details } = await playing(() => null);
  assert.equal(self.swarmline.stats().offReason, "no-hashes");
  const { stock, callbacks } = self.request(details.fragments[2]);
  stock.answer(details.fragments[2].data);
  assert.deepEqual([callbacks.names, self.events("warning")], [["success"], []]);
});

const good = { sha256: sha(bytesOf(100)), bytes: 100 };
for (const [name, answer, words] of [
  ["nothing", () => undefined, /neither an object nor null/],
  ["an exception", () => { throw new Error("down"); }, /down/],
  ["a rejection", () => Promise.reject(new Error("503")), /503/],
  ["a text", () => "abc", /neither/],
  ["no hash", () => ({ bytes: 100 }), /sha256/],
  ["a short hash", () => ({ ...good, sha256: "abcd" }), /sha256/],
  ["a wrong root", () => ({ ...good, root: "abcd" }), /root/],
  ["no size", () => ({ sha256: good.sha256 }), /bytes is not a size/],
  ["a size of nothing", () => ({ ...good, bytes: 0 }), /bytes is not a size/],
  ["a size as text", () => ({ ...good, bytes: "100" }), /bytes is not a size/],
]) {
  test(`${name} from the callback: one warning, and the CDN only`, async () => {
    const { self, details } = await playing(answer);
    const { stock, callbacks } = self.request(details.fragments[2]);
    if (!stock.busy) await until(() => stock.busy);
    stock.answer(details.fragments[2].data);
    assert.deepEqual(callbacks.names, ["success"]);
    const warnings = self.events("warning");
    assert.deepEqual(warnings.map(({ code }) => code), ["hashes-callback"]);
    assert.match(warnings[0].message, words);
    assert.equal(self.swarmline.stats().offReason, "no-hashes");
  });
}

/** The source alone, with what it warned of. */
function source(hashes) {
  const warnings = [];
  const session = { options: { hashes }, wantsHashes: true, warn: (_code, message) => warnings.push(message) };
  const view = (bytes) => ({ url: "https://cdn.example/a.mp4", offset: 0, bytes, sn: 1, kind: "main", start: 0, duration: 2 });
  const callback = new CallbackHashes(session, view);
  return { warnings, ask: (bytes) => callback.ask(bytes, new AbortController().signal) };
}

test("the size must be that of the byte range; a good answer ends a row of complaints", async () => {
  const { ask, warnings } = source(() => good);
  const told = { ...good, root: null };
  assert.deepEqual([await ask(99), await ask(99), await ask(100), await ask(99)], [null, null, told, null]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /size of the byte range/);
});

test("an answer that does not come is given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask, warnings } = source(() => new Promise(() => {}));
  const answer = ask(100);
  t.mock.timers.tick(5_001);
  assert.equal(await answer, null);
  assert.match(warnings[0], /no answer within 5000 ms/);
});
