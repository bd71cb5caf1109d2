import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeEngine, Media, bytesOf, fakeGlue, firstDelivered, player, playlist, settle, sha, until } from "./harness.mjs";

const trackers = ["wss://t.example"];
const reason = (self) => self.swarmline.stats().offReason;

test("nothing happens at import, and a façade may be made before any stream", () => {
  const self = player();
  assert.equal(self.glue.calls, 0);
  assert.equal(reason(self), "loading");
  assert.equal(self.swarmline.stats().offload, 0);
});

test("without trackers everything is the player's, and the module is not even loaded", async () => {
  const self = player({ options: {} });
  const details = playlist([{}, {}]);
  self.open();
  self.updated(details);
  for (const frag of details.fragments) {
    const { stock, callbacks } = self.request(frag);
    stock.answer(frag.data.slice(0));
    await until(() => callbacks.names.length > 0);
  }
  assert.equal(self.glue.calls, 0);
  const stats = self.swarmline.stats();
  assert.equal(stats.offReason, "no-trackers");
  assert.deepEqual([stats.cdnBytes, stats.deliveredBytes, stats.offload, stats.segmentsFromCdn], [200, 200, 0, 2]);
  assert.deepEqual(self.events("segment")[0], {
    hash: Buffer.from(sha(details.fragments[0].data), "base64url").toString("hex"), sn: 10, rendition: 0, kind: "main",
    bytes: 100, duration: 2, peerBytes: 0, cdnBytes: 100, slackMs: null, loader: "player",
  });
});

test("without WebRTC likewise", async () => {
  const kept = globalThis.RTCPeerConnection;
  delete globalThis.RTCPeerConnection;
  try {
    const self = player();
    await self.start();
    assert.equal(reason(self), "no-webrtc");
    assert.equal(self.glue.calls, 0);
  } finally {
    globalThis.RTCPeerConnection = kept;
  }
});

test("xhrSetup without fetchSetup leaves everything to the player; with it, or with `progressive`, it does not", async () => {
  const alone = player({ config: { xhrSetup() {} } });
  await alone.start();
  assert.equal(reason(alone), "xhr-setup");
  assert.equal(alone.glue.calls, 0);
  for (const config of [{ xhrSetup() {}, fetchSetup() {} }, { xhrSetup() {}, progressive: true }]) {
    const both = player({ config });
    await both.start();
    assert.equal(reason(both), null);
  }
});

test("a stream without hashes is the player's, until one appears", async () => {
  const self = player();
  const plain = playlist([{ tagged: false }]);
  await self.start(plain);
  assert.equal(reason(self), "no-hashes");
  assert.equal(self.glue.calls, 0);
  self.updated(playlist([{ tagged: false }, {}]));
  await until(() => reason(self) === null);
});

test("on a narrow line the module comes in a pause of the player's, and nobody waits for it before", async () => {
  const self = player();
  const details = playlist([{ data: bytesOf(125_000, 1) }, { data: bytesOf(125_000, 2) }, {}]);
  const media = new Media();
  self.open();
  self.hls.emit("hlsMediaAttached", { media });
  self.updated(details);
  const [first, second] = details.fragments;
  const { stock, callbacks } = self.request(first);
  // A line of 1 Mbit/s, on which the module takes as long as this.
  stock.answer(first.data.slice(0), "details", 1_000);
  await until(() => callbacks.names.length > 0);
  media.show();
  const next = self.request(second);
  assert.ok(next.stock.busy, "by the player's loader, at once");
  const pause = () => new Promise((done) => setTimeout(done, 320));
  const asked = async (ahead) => {
    media.at(first.start, [first.start, first.start + ahead]);
    await settle();
    return self.glue.calls;
  };
  await pause();
  assert.equal(await asked(9), 0, "a segment is on its way");
  next.stock.answer(second.data.slice(0), "details", 1_000);
  await until(() => next.callbacks.names.length > 0);
  assert.equal(await asked(9), 0, "the next one may follow at once");
  await pause();
  assert.equal(await asked(2.9), 0, "a second for the module, one for a segment, one more");
  assert.equal(await asked(3.2), 1);
  await until(() => reason(self) === null);
});

test("what was loaded while the module was on its way is given to the engine when it is there, a few at most", async () => {
  let open;
  const gate = new Promise((done) => (open = done));
  const self = player({ glue: fakeGlue({ gate }) });
  const details = playlist(Array.from({ length: 9 }, () => ({})));
  self.open();
  self.updated(details);
  for (const frag of details.fragments) {
    const { stock, callbacks } = self.request(frag);
    const data = frag.data.slice(0);
    stock.answer(data);
    await until(() => callbacks.names.length > 0);
    // hls.js's worker detaches what it was given.
    structuredClone(data, { transfer: [data] });
  }
  await self.shown();
  open();
  await until(() => reason(self) === null);
  const inserted = FakeEngine.made.at(-1).of("insert");
  assert.deepEqual(inserted.map(([segment]) => segment.sn), [13, 14, 15, 16, 17, 18]);
  for (const [segment, data] of inserted) assert.equal(sha(data), segment.sha256);
});

test("a new engine hears at once what there is to know, and its options", async () => {
  const self = player({ options: { trackers, maxPeers: 5, iceServers: [{ urls: "stun:s" }] } });
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  media.at(101, [100, 120]);
  const engine = await self.start();
  assert.deepEqual(engine.options, {
    trackers: ["wss://t.example/"], enabled: true, maxPeers: 5, maxUploadBitrate: 20_000_000, cacheBytes: 64 << 20,
    maxSegmentBytes: 32 << 20, cdnTimeoutMs: 10_000, swarmKey: "https://cdn.example/master.m3u8",
  });
  assert.deepEqual(engine.rtc, { iceServers: [{ urls: "stun:s" }] });
  const [{ rendition, live, segments }] = engine.of("playlist")[0];
  assert.deepEqual([rendition, live, segments.map(({ sn }) => sn)], [0, true, [10, 11, 12, 13]]);
  assert.deepEqual(engine.of("playhead")[0], [101, 1]);
});

test("a module that cannot be loaded is no harm, and is tried again later", async (t) => {
  const self = player({ glue: fakeGlue({ failures: 1 }) });
  const details = playlist([{}, {}]);
  await self.start(details);
  assert.equal(reason(self), "wasm-failed");
  assert.equal(self.swarmline.stats().offDetail, "404");
  const { stock, callbacks } = self.request(details.fragments[1]);
  stock.answer(details.fragments[1].data.slice(0));
  await until(() => callbacks.names.length > 0);
  self.updated(playlist([{}, {}]));
  await settle();
  assert.equal(self.glue.calls, 1);
  t.mock.method(performance, "now", () => 1e9);
  self.updated(playlist([{}, {}]));
  await until(() => reason(self) === null);
  assert.equal(self.glue.calls, 2);
});

test("an engine that cannot be made is a failure like any other, not a loop", async () => {
  const glue = fakeGlue();
  let made = 0;
  const broken = async (url) => ({
    ...(await glue(url)),
    Client: class {
      constructor() {
        made += 1;
        throw new Error("cannot be made");
      }
    },
  });
  const self = player({ glue: broken });
  await self.start();
  await settle();
  assert.equal(made, 1);
  assert.equal(reason(self), "wasm-failed");
  assert.equal(self.swarmline.stats().offDetail, "cannot be made");
});

test("it is not tried for ever", async (t) => {
  const self = player({ glue: fakeGlue({ failures: 99 }) });
  await self.start();
  let now = 1e9;
  t.mock.method(performance, "now", () => (now += 1e6));
  for (let i = 0; i < 20; i += 1) {
    self.updated(playlist([{}]));
    await settle();
  }
  assert.equal(self.glue.calls, 5);
});

test("the viewer's switch: off is the player's alone, on is as before", async () => {
  const self = player();
  const details = playlist([{}, {}, {}, {}]);
  const engine = await self.start(details);
  self.swarmline.setEnabled(false);
  assert.equal(self.swarmline.enabled, false);
  assert.equal(reason(self), "switched-off");
  const off = self.request(details.fragments[1]);
  assert.ok(off.stock.busy);
  off.stock.answer(details.fragments[1].data.slice(0));
  await until(() => off.callbacks.names.length > 0);
  assert.equal(engine.of("load").length, 0);
  self.swarmline.setEnabled(true);
  self.request(details.fragments[2]);
  assert.equal(engine.of("load").length, 1);
  assert.deepEqual(engine.of("switch"), [[false], [true]]);
  assert.deepEqual(self.events("statechange").map(({ offReason }) => offReason), [null, "switched-off", null]);
  assert.equal(engine.disposed, false);
});

test("off from the start: no module until it is switched on", async () => {
  const self = player({ options: { trackers, enabled: false } });
  await self.start();
  assert.equal(self.glue.calls, 0);
  self.swarmline.setEnabled(true);
  await until(() => reason(self) === null);
});

test("switched off while the module is on its way: the engine begins switched off", async () => {
  let open;
  const self = player({ glue: fakeGlue({ gate: new Promise((done) => (open = done)) }) });
  const details = playlist([{}]);
  await firstDelivered(self, details);
  await self.shown();
  await until(() => self.glue.calls === 1);
  self.swarmline.setEnabled(false);
  const made = FakeEngine.made.length;
  open();
  await until(() => FakeEngine.made.length > made);
  assert.equal(FakeEngine.made.at(-1).options.enabled, false);
});

test("the same stream again keeps the swarm; another one makes a new one", async () => {
  const self = player();
  const first = await self.start();
  self.open("https://cdn.example/master.m3u8?token=2");
  self.updated(playlist([{}]));
  assert.equal(first.disposed, false);
  assert.equal(reason(self), null);
  self.open("https://cdn.example/other.m3u8");
  assert.equal(first.disposed, true);
  assert.equal(reason(self), "loading");
  const second = await self.start();
  assert.notEqual(second, first);
});

test("swarmId names the swarm, whatever the URL", async () => {
  const self = player({ options: { trackers, swarmId: "final" } });
  const engine = await self.start();
  assert.equal(engine.options.swarmKey, "final");
  self.open("https://elsewhere.example/x.m3u8");
  assert.equal(engine.disposed, false);
});

test("media that is detached and attached again, as by recoverMediaError, keeps the swarm", async () => {
  const self = player();
  const engine = await self.start();
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  media.at(101, [100, 120]);
  self.hls.emit("hlsMediaDetaching", {});
  assert.deepEqual(engine.of("playhead").at(-1), [undefined, 0]);
  const told = engine.of("playhead").length;
  media.at(102, [100, 120]);
  assert.equal(engine.of("playhead").length, told);
  self.hls.emit("hlsMediaAttached", { media });
  assert.deepEqual(engine.of("playhead").at(-1), [102, 1]);
  assert.equal(engine.disposed, false);
});

test("the position is told only where something is buffered, the rate as it is", async () => {
  const self = player({ config: { maxBufferHole: 0.5 } });
  const engine = await self.start();
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  const last = () => engine.of("playhead").at(-1);
  media.at(99.7, [100, 110]);
  assert.deepEqual(last(), [99.7, 1]);
  media.at(99.4, [100, 110]);
  assert.deepEqual(last(), [undefined, 1]);
  media.at(110, [100, 110]);
  assert.deepEqual(last(), [undefined, 1]);
  media.at(130, [100, 110], [128, 140]);
  assert.deepEqual(last(), [130, 1]);
  media.paused = true;
  media.dispatchEvent(new Event("pause"));
  assert.deepEqual(last(), [130, 0]);
});

test("counters of the engine and of the player's loader add up, across engines", async () => {
  const self = player();
  const details = playlist([{}, {}, {}, {}]);
  const engine = await self.start(details);
  engine.numbers = { cdnBytes: 30, peerBytes: 70, deliveredBytes: 12345, segmentsFromPeers: 1, peers: 3, cacheBytes: 9, hashFailures: 2 };
  self.request(details.fragments[1]);
  engine.host.deliver(engine.of("load")[0][0], details.fragments[1].data, 1e6, 1);
  const now = self.swarmline.stats();
  assert.deepEqual(
    [now.cdnBytes, now.peerBytes, now.deliveredBytes, now.offload, now.peers, now.segmentsFromCdn, now.segmentsFromPeers],
    [130, 70, 200, 1 - 130 / 200, 3, 1, 1],
  );
  self.open("https://cdn.example/other.m3u8");
  const later = self.swarmline.stats();
  assert.deepEqual([later.cdnBytes, later.peerBytes, later.hashFailures, later.peers, later.cacheBytes], [130, 70, 2, 0, 0]);
});

test("bytes of requests that were given up count as the CDN's", async () => {
  const self = player({ options: {} });
  const details = playlist([{}, {}]);
  self.open();
  self.updated(details);
  const aborted = self.request(details.fragments[0]);
  aborted.stats.loaded = 40;
  aborted.loader.abort();
  aborted.loader.destroy();
  const destroyed = self.request(details.fragments[1]);
  destroyed.stats.loaded = 7;
  destroyed.loader.destroy();
  assert.equal(self.swarmline.stats().cdnBytes, 47);
});

test("the engine's news become events", async () => {
  const self = player();
  const details = playlist([{}, {}]);
  const engine = await self.start(details);
  self.request(details.fragments[1]);
  engine.host.notice(JSON.stringify({ type: "segment", hash: "ab", sn: 11, rendition: 0, peerBytes: 60, cdnBytes: 40, slackMs: 1500 }));
  assert.deepEqual(self.events("segment").at(-1), {
    hash: "ab", sn: 11, rendition: 0, kind: "main", bytes: 100, duration: 2, peerBytes: 60, cdnBytes: 40, slackMs: 1500, loader: "swarm",
  });
  engine.host.notice('{"type":"peerconnect","conn":4,"peer":"ff"}');
  assert.deepEqual(self.events("peerconnect"), [{ conn: 4, peer: "ff" }]);
  engine.host.notice('{"type":"something-new"}');
});

test("a page that goes away says bye; one that comes back joins again, and no request is lost", async () => {
  globalThis.addEventListener ??= () => {};
  const page = new EventTarget();
  const kept = globalThis.addEventListener;
  globalThis.addEventListener = page.addEventListener.bind(page);
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  globalThis.addEventListener = kept;
  const { stock } = self.request(details.fragments[1]);
  page.dispatchEvent(new Event("pagehide"));
  assert.equal(engine.disposed, true);
  assert.equal(stock.busy, false);
  assert.equal(reason(self), "loading");
  page.dispatchEvent(new Event("pageshow"));
  assert.ok(stock.busy);
  await until(() => reason(self) === null);
  assert.notEqual(FakeEngine.made.at(-1), engine);
  self.plugin.destroy();
  page.dispatchEvent(new Event("pagehide"));
  page.dispatchEvent(new Event("pageshow"));
  assert.equal(reason(self), "destroyed");
});

test("destroy: engine gone, loads back with the player, nothing starts again, twice is once", async () => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  const { stock } = self.request(details.fragments[1]);
  self.swarmline.destroy();
  self.swarmline.destroy();
  assert.deepEqual(engine.of("dispose").length, 1);
  assert.ok(stock.busy);
  assert.equal(reason(self), "destroyed");
  self.swarmline.setEnabled(false);
  self.open();
  self.updated(details);
  await settle();
  assert.equal(self.glue.calls, 1);
});

test("destroyed while the module is on its way: no engine is made", async () => {
  let open;
  const self = player({ glue: fakeGlue({ gate: new Promise((done) => (open = done)) }) });
  const details = playlist([{}]);
  await firstDelivered(self, details);
  await self.shown();
  await until(() => self.glue.calls === 1);
  const made = FakeEngine.made.length;
  self.plugin.destroy();
  open();
  await settle();
  assert.equal(FakeEngine.made.length, made);
});
