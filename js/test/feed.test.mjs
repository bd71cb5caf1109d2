import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeEngine, Media, bytesOf, player, playlist, sha, until } from "./harness.mjs";

const sns = ([{ segments }]) => segments.map(({ sn }) => sn);

test("renditions are numbered by playlist URL without query, for the whole session", async () => {
  const self = player();
  const engine = await self.start();
  self.updated(playlist([{}], { url: "https://cdn.example/v1/media.m3u8?token=1" }));
  self.updated(playlist([{}], { url: "https://cdn.example/a0/media.m3u8", type: "audio" }));
  self.updated(playlist([{}], { url: "https://cdn.example/v1/media.m3u8?token=2" }));
  self.open("https://cdn.example/master.m3u8");
  self.updated(playlist([{}], { url: "https://cdn.example/a0/media.m3u8?x" }));
  assert.deepEqual(engine.of("playlist").map(([{ rendition }]) => rendition), [0, 1, 2, 1, 2]);
});

test("only segments with a hash are told", async () => {
  const self = player();
  const engine = await self.start();
  self.updated(playlist([{}, { tagged: false }, { sha256: "bad" }, {}], { first: 20 }));
  assert.deepEqual(sns(engine.of("playlist").at(-1)), [20, 23]);
});

test("a delta playlist: the hashes of skipped segments are known from before", async () => {
  const self = player();
  const data = (sn) => ({ data: bytesOf(100, sn) });
  const engine = await self.start(playlist([data(10), data(11), data(12)]));
  self.updated(playlist([data(10), data(11), data(12), data(13)], { skip: 3 }));
  assert.deepEqual(sns(engine.of("playlist").at(-1)), [10, 11, 12, 13]);
});

test("other URLs for the same numbers change nothing", async () => {
  const self = player();
  const engine = await self.start(playlist([{}, {}]));
  const renamed = playlist([{ name: "x.m4s?t=9", tagged: false, data: bytesOf(100, 10) }, { name: "y.m4s" }]);
  self.updated(renamed);
  assert.equal(engine.of("playlist").at(-1)[0].segments[0].url, "https://cdn.example/v0/x.m4s?t=9");
});

test("a packager that begins anew with lower numbers: old hashes are gone", async () => {
  const self = player();
  await self.start(playlist([{}, {}, {}], { first: 5000 }));
  const fresh = playlist([{ tagged: false }, { tagged: false }], { first: 1 });
  self.updated(fresh);
  const later = playlist(Array.from({ length: 3 }, () => ({ tagged: false })), { first: 5000 });
  self.updated(later);
  assert.equal(self.plugin.known(later.fragments[0]), null);
});

test("another stream on the same URLs: old hashes are gone", async () => {
  const self = player();
  await self.start(playlist([{}]));
  self.open();
  const again = playlist([{ tagged: false }]);
  self.updated(again);
  assert.equal(self.plugin.known(again.fragments[0]), null);
});

test("hashes of a live stream do not pile up", async () => {
  const self = player();
  await self.start(playlist([{}]));
  const first = playlist([{}, {}]);
  for (let sn = 11; sn < 400; sn += 1) self.updated(playlist([{}, {}], { first: sn }));
  assert.equal(self.plugin.hashes.find({ ...first.fragments[0] }), null);
  assert.notEqual(self.plugin.hashes.find({ ...first.fragments[0], sn: 380, data: undefined }), null);
});

test("a timeline that turns out to begin elsewhere is told again; one that stands still is not", async () => {
  const self = player();
  const details = playlist([{}, {}]);
  const engine = await self.start(details);
  const told = engine.of("playlist").length;
  self.hls.emit("hlsLevelPtsUpdated", { details });
  assert.equal(engine.of("playlist").length, told);
  for (const frag of details.fragments) frag.start += 1.5;
  self.hls.emit("hlsLevelPtsUpdated", { details });
  assert.equal(engine.of("playlist").at(-1)[0].segments[0].start, 101.5);
});

test("a long recording is told in windows around the playhead", async () => {
  const self = player();
  const details = playlist(Array.from({ length: 3000 }, () => ({ data: bytesOf(10) })), { first: 0, live: false });
  const engine = await self.start(details);
  const last = () => sns(engine.of("playlist").at(-1));
  assert.deepEqual([last()[0], last().at(-1)], [0, 399]);
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  const told = engine.of("playlist").length;
  media.at(150, [100, 160]);
  assert.equal(engine.of("playlist").length, told);
  media.at(4100, [4090, 4110]);
  assert.deepEqual([last()[0], last().at(-1)], [1900, 2299]);
  const again = engine.of("playlist").length;
  for (let time = 4100; time < 4300; time += 1) media.at(time, [4090, 4310]);
  assert.equal(engine.of("playlist").length, again);
  media.at(6095, [6090, 6100]);
  assert.deepEqual([last()[0], last().at(-1)], [2600, 2999]);
});

test("a long live window without a playhead is told from its end", async () => {
  const self = player();
  const engine = await self.start(playlist(Array.from({ length: 1000 }, () => ({ data: bytesOf(10) }))));
  assert.deepEqual([sns(engine.of("playlist")[0])[0], sns(engine.of("playlist")[0]).at(-1)], [610, 1009]);
});

test("hls.js 1.5: an audio segment is asked for before its playlist was told of", async () => {
  const self = player({ events: {} });
  const engine = await self.start();
  const details = playlist([{}, {}], { type: "audio", url: "https://cdn.example/a0/media.m3u8" });
  self.hls.audioTracks.push({ details });
  self.request(details.fragments[0]);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(details.fragments[0].data));
  self.hls.emit("hlsAudioTrackLoaded", { details });
  assert.equal(engine.of("playlist").at(-1)[0].rendition, 1);
});

test("a delta playlist that failed has holes; they do no harm", async () => {
  const self = player();
  const engine = await self.start();
  const details = playlist([{}, {}, {}], { first: 30, skip: 1 });
  self.updated({ ...details, fragments: [null, ...details.fragments.slice(1)] });
  assert.deepEqual(sns(engine.of("playlist").at(-1)), [31, 32]);
});

test("a segment that the player's loader is at is not told, so that the engine does not fetch it too", async () => {
  const self = player();
  const details = playlist([{}, {}, {}, {}]);
  self.open();
  self.updated(details);
  const [first, second] = details.fragments.map((frag) => () => self.request(frag));
  const slow = second();
  const { stock, callbacks } = first();
  stock.answer(details.fragments[0].data.slice(0));
  await until(() => callbacks.names.length > 0);
  await self.shown();
  await until(() => self.swarmline.stats().offReason === null);
  const engine = FakeEngine.made.at(-1);
  assert.deepEqual(engine.of("insert").map(([{ sn }]) => sn), [10]);
  assert.deepEqual(sns(engine.of("playlist").at(-1)), [10, 12, 13]);
  assert.ok(engine.calls.findIndex(([name]) => name === "insert") < engine.calls.findIndex(([name]) => name === "playlist"));
  slow.loader.abort();
  self.updated(playlist([{}, {}, {}, {}]));
  assert.deepEqual(sns(engine.of("playlist").at(-1)), [10, 11, 12, 13]);
});
