// PeerTube's `segments-sha256.json` for HLS, and integrity lists for HLS.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ListError, parseList } from "../build/integrity-list.js";
import { FakeEngine, Media, bytesOf, hex, player, playlist, settle, sha, stopClock, until } from "./harness.mjs";

const trackers = ["wss://t.example"];
const LIST = "https://tube.example/static/segments-sha256.json";
const options = { trackers, integrityUrl: LIST };

const closing = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** The list that the page fetches, and what a HEAD of a segment says. */
function serve({ list, size = 100, headers = {} }) {
  const kept = globalThis.fetch;
  const asked = [];
  globalThis.fetch = async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    if (request.url === LIST) return new Response(JSON.stringify(list));
    return new Response("", size === null ? { status: 404 } : { headers: { "content-length": String(size), ...headers } });
  };
  closing.push(() => {
    globalThis.fetch = kept;
  });
  return asked;
}

const untagged = (count, more) => playlist(Array.from({ length: count }, (_, i) => ({ tagged: false, ...more?.(i) })));
const names = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${10 + i}.m4s`, hex(bytesOf(100, 10 + i))]));

test("names of files and of ranges are read, what is broken is left out, and what is neither is no list", () => {
  const good = hex(bytesOf(5));
  const list = { "a.ts": good, "b c.mp4": { "0-9": good.toUpperCase(), "9": good, "10-19": "xyz", "20-29": 7 }, "c.ts": null, "d.ts": sha(bytesOf(5)) };
  const { live, names, whole } = parseList(JSON.stringify(list), LIST);
  assert.deepEqual([live, whole], [true, []]);
  assert.deepEqual([...names], [["a.ts", sha(bytesOf(5))], ["b c.mp4 0-9", sha(bytesOf(5))]]);
  for (const bad of [{}, { a: 7 }, { "a.ts": {} }, { version: 1, "a.ts": good }, { version: 2 }]) {
    assert.throws(() => parseList(JSON.stringify(bad), LIST), ListError, JSON.stringify(bad));
  }
});

test("a recording in one file: ranges have hashes, and the engine takes them", async () => {
  const range = (i) => [100 * i, 100 * (i + 1)];
  const ranges = Object.fromEntries([0, 1, 2, 3].map((i) => [`${100 * i}-${100 * i + 99}`, hex(bytesOf(100, 10 + i))]));
  const asked = serve({ list: { "film 720.mp4": ranges } });
  const self = player({ options });
  const details = { ...untagged(4, (i) => ({ name: "film%20720.mp4?token=1", range: range(i) })), live: false };
  self.open();
  await until(() => self.plugin.source.list !== null);
  const engine = await self.start(details);
  assert.equal(self.swarmline.stats().offReason, null);
  const told = engine.of("playlist").at(-1)[0].segments;
  assert.deepEqual(told.map(({ sha256, root, bytes, offset }) => [sha256, root, bytes, offset]), [0, 1, 2, 3].map((i) => [sha(bytesOf(100, 10 + i)), null, 100, 100 * i]));
  self.request(details.fragments[2]);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(bytesOf(100, 12)));
  assert.ok(asked.every((what) => what === "GET /static/segments-sha256.json"), String(asked));
});

test("live: the size of a file comes from the CDN, its hash from the list", async () => {
  const asked = serve({ list: names(8) });
  const self = player({ options });
  const details = untagged(8);
  const engine = await self.start(details);
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  media.at(101, [100, 106]);
  self.request(details.fragments[6]);
  await until(() => engine.of("load").length > 0);
  const { sha256, bytes, root } = engine.of("load").at(-1)[1];
  assert.deepEqual([sha256, bytes, root], [sha(bytesOf(100, 16)), 100, null]);
  assert.ok(asked.includes("HEAD /v0/16.m4s"));
  assert.deepEqual(self.events("warning"), []);
});

/** One segment, for which the viewer has time, by the player's loader if there is nobody else. */
async function next(self, frag, media) {
  media.at(101, [100, 106]);
  const before = FakeEngine.made.at(-1).of("load").length;
  const asked = self.request(frag);
  await until(() => asked.stock.busy || FakeEngine.made.at(-1).of("load").length > before);
  return asked;
}

test("the length of a compressed answer is no size", async () => {
  const asked = serve({ list: names(8), size: 60, headers: { "content-encoding": "gzip" } });
  const self = player({ options });
  const details = untagged(8);
  const engine = await self.start(details);
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  const { stock, callbacks } = await next(self, details.fragments[6], media);
  assert.ok(asked.includes("HEAD /v0/16.m4s"));
  assert.deepEqual(engine.of("load"), []);
  stock.answer(bytesOf(100, 16));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(self.events("segment").at(-1).hash, hex(bytesOf(100, 16)));
});

test("where nobody sees that an answer was compressed, the bytes that come decide the size, and no other is asked for", async () => {
  const asked = serve({ list: names(16), size: 60 });
  const self = player({ options });
  const details = untagged(16);
  const engine = await self.start(details);
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  const { fragments } = details;
  const { stock, callbacks } = await next(self, fragments[2], media);
  const [number, { bytes }] = engine.of("load").at(-1);
  assert.equal(bytes, 60);
  engine.host.fail(number, "hash-mismatch", 0, "twice");
  assert.ok(stock.busy, "its size may be what was wrong");
  stock.answer(bytesOf(100, 12));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(callbacks.calls[0][1].data.byteLength, 100);
  assert.deepEqual(engine.of("insert").at(-1)[0].bytes, 100);
  // 13 has been asked for already, and is not believed any more; 20 is not even asked for.
  const heads = asked.filter((what) => what.startsWith("HEAD")).length;
  for (const sn of [13, 20]) {
    const other = await next(self, fragments[sn - 10], media);
    assert.equal(engine.of("load").length, 1);
    other.stock.answer(bytesOf(100, sn));
    await until(() => other.callbacks.names.length > 0);
    assert.deepEqual(other.callbacks.names, ["success"]);
    assert.equal(self.events("segment").at(-1).hash, hex(bytesOf(100, sn)));
  }
  assert.equal(asked.filter((what) => what.startsWith("HEAD")).length, heads);
  assert.deepEqual([self.events("hashfailure"), self.swarmline.stats().offReason], [[], null]);
  // What is not the publisher's is not delivered, whatever its size.
  const bad = await next(self, fragments[12], media);
  bad.stock.answer(bytesOf(60, 99));
  await until(() => bad.callbacks.names.length > 0);
  assert.deepEqual(bad.callbacks.names, ["error"]);
});

test("a wrong size from the CDN does not cut what the player's loader brings", async () => {
  serve({ list: names(8), size: 60 });
  const self = player({ options, glue: () => new Promise(() => {}) });
  const details = untagged(8);
  self.open();
  await until(() => self.plugin.source.list !== null);
  self.updated(details);
  self.request(details.fragments[0]).stock.answer(bytesOf(100, 10));
  await until(() => self.plugin.known(details.fragments[2])?.bytes === 60);
  const { stock, callbacks } = self.request(details.fragments[2]);
  stock.answer(bytesOf(100, 12));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.deepEqual(self.events("hashfailure"), []);
});

test("without a size in time the player's loader goes on, and what it brings has to match all the same", async () => {
  serve({ list: names(4), size: null });
  const self = player({ options, config: { xhrSetup: undefined } });
  const details = untagged(4);
  self.open();
  await until(() => self.plugin.source.list !== null);
  self.updated(details);
  const good = self.request(details.fragments[0]);
  good.stock.answer(bytesOf(100, 10));
  await until(() => good.callbacks.names.length > 0);
  assert.deepEqual(good.callbacks.names, ["success"]);
  assert.equal(self.events("segment").at(-1).hash, hex(bytesOf(100, 10)));
  const bad = self.request(details.fragments[1]);
  bad.stock.answer(bytesOf(90, 99));
  await until(() => self.events("hashfailure").length > 0);
  await until(() => bad.callbacks.names.length > 0);
  assert.deepEqual(bad.callbacks.names, ["error"], "neither the first answer nor the second one was the publisher's");
});

test("past the cache the right bytes may have another size than the wrong ones", async () => {
  const kept = globalThis.fetch;
  closing.push(() => {
    globalThis.fetch = kept;
  });
  globalThis.fetch = async (request) => new Response(request.url === LIST ? JSON.stringify(names(4)) : bytesOf(100, 11));
  const self = player({ options });
  const details = untagged(4);
  self.open();
  await until(() => self.plugin.source.list !== null);
  self.updated(details);
  const { callbacks, stock } = self.request(details.fragments[1]);
  stock.answer(bytesOf(90, 99));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(self.events("hashfailure").length, 1);
});

test("a recording's list is read once, a live stream's again and again", async (t) => {
  const clock = stopClock(t);
  for (const live of [false, true]) {
    const asked = serve({ list: names(4) });
    const self = player({ options });
    const media = new Media();
    self.hls.emit("hlsMediaAttached", { media });
    self.open();
    self.updated({ ...untagged(4), live });
    media.at(101, [100, 106]);
    await clock.pass(90_000);
    const lists = asked.filter((what) => what.includes("sha256")).length;
    assert.ok(live ? lists > 1 : lists === 1, `live ${live}: ${lists}`);
    self.plugin.destroy();
    closing.splice(0).forEach((close) => close());
  }
});

test("a recording's list: what it lacks is told of, and shared with nobody", async () => {
  const asked = serve({ list: names(2) });
  const self = player({ options });
  const details = { ...untagged(4), live: false };
  self.open();
  self.updated(details);
  await until(() => self.plugin.source.list !== null);
  await settle();
  const lists = () => asked.filter((what) => what.includes("sha256")).length;
  const { stock } = self.request(details.fragments[3]);
  assert.ok(stock.busy);
  assert.match(self.events("warning").at(-1).message, /does not list \/v0\/13.m4s/);
  assert.equal(lists(), 1);
});

test("nobody has signed PeerTube's list: with publisherKeys it does not count", async () => {
  serve({ list: names(8) });
  const self = player({ options: { ...options, swarmId: "s", publisherKeys: ["A".repeat(43)] } });
  self.open();
  await until(() => self.events("warning").length > 0);
  assert.equal(self.events("warning")[0].code, "signature");
  assert.equal(self.plugin.source.list, null);
});

test("an integrity list serves HLS where the playlists cannot be touched", async () => {
  const segments = [10, 11, 12, 13].map((sn) => ({ url: `/v0/${sn}.m4s`, number: sn, start: 2 * sn, duration: 2, bytes: 100, sha256: sha(bytesOf(100, sn)), root: sha(bytesOf(7, sn)) }));
  serve({ list: { version: 1, live: true, representations: [{ id: "v0", segments }] } });
  const self = player({ options });
  const engine = await self.start(untagged(4));
  const [told] = engine.of("playlist").at(-1);
  assert.deepEqual(told.segments.map(({ sha256, root }) => [sha256, root]), segments.map(({ sha256, root }) => [sha256, root]));
});
