import assert from "node:assert/strict";
import { test } from "node:test";
import { attachSwarmline } from "../build/dash.js";
import { dash, entry } from "./dash-harness.mjs";
import { FakeEngine, bytesOf, settle, sha, until } from "./harness.mjs";

const options = { trackers: ["wss://t.example"] };

test("a player that is no dash.js 5 is refused, and so is a second swarm of one player", () => {
  const player = (version) => ({ getVersion: () => version, extend() {}, on() {}, reset() {}, destroy() {} });
  for (const version of ["4.7.4", "3.0.0", ""]) {
    assert.throws(() => attachSwarmline(player(version), options), (error) => error.field === "player" && /dash\.js 5\.0 or later/.test(error.message));
  }
  assert.throws(() => attachSwarmline({}, options), /unknown/);
  const good = player("5.0.3");
  attachSwarmline(good, options).destroy();
  assert.throws(() => attachSwarmline(good, options), /has not had yet/);
  assert.throws(() => attachSwarmline(player("5.0.0"), { maxPeers: 0 }), /maxPeers/);
});

test("what is no media segment of video or audio goes to the player's loader as it came", async () => {
  const self = await dash();
  self.manifest();
  for (const more of [{ type: "InitializationSegment" }, { type: "MPD" }, { mediaType: "text" }, { mediaType: "image" }, { isPartialSegmentRequest: true }, { startTime: NaN, duration: NaN }]) {
    const { request } = self.request(3, more);
    const entry = self.stock.requests.at(-1);
    assert.equal(entry.request, request);
    assert.equal(entry.onloadend, request.customData.onloadend, "callbacks are the player's own");
  }
});

test("the first segment comes by the player's loader, is verified and offered to the engine", async () => {
  const self = await dash();
  const engine = await self.start();
  const [segment, data] = engine.of("insert")[0];
  assert.equal(segment.sn, 1);
  assert.equal(segment.url, "https://cdn.example/live/v0/1.m4s?t=2");
  assert.deepEqual(new Uint8Array(data), new Uint8Array(self.data(1)));
  assert.deepEqual(self.events.segment.map(({ sn, loader, bytes, kind }) => [sn, loader, bytes, kind]), [[1, "player", 1000, "main"]]);
  assert.deepEqual(self.settings[0], { streaming: { abr: { throughput: { useResourceTimingApi: false } } } });
});

test("the engine delivers, and dash.js is told the rate at which bytes really came", async () => {
  const self = await dash();
  const engine = await self.start();
  const load = self.request(3);
  const [number, segment] = engine.of("load").at(-1);
  assert.deepEqual([segment.sn, segment.start, segment.duration], [3, 6, 2]);
  engine.host.deliver(number, self.data(3), 4_000_000, 30);
  assert.deepEqual(load.names(), ["progress", "progress", "end"]);
  const [first, last] = load.calls.map(([, event]) => event);
  assert.deepEqual([first.loaded, first.time], [0, 30]);
  // 8 × 1000 bit ÷ 4 Mbit/s
  assert.deepEqual([last.loaded, last.total, last.time], [1000, 1000, 2]);
  assert.deepEqual([load.response.status, load.response.data.byteLength], [200, 1000]);
  assert.equal(self.stock.requests.length, 1, "the player's loader had no part in it");
});

test("while bytes are urgent dash.js sees them come, and in the end the same rate", async () => {
  const self = await dash();
  const engine = await self.start();
  const load = self.request(3);
  const [number] = engine.of("load").at(-1);
  // 8 × 1000 bit ÷ 80 kbit/s = 100 ms in all.
  engine.host.progress(number, 300, 1000, 25);
  engine.host.progress(number, 700, 1000, 60);
  engine.host.deliver(number, self.data(3), 80_000, 30);
  const traces = load.calls.filter(([name]) => name === "progress").map(([, { loaded, time }]) => [loaded, time]);
  assert.deepEqual(traces, [[0, 1], [300, 25], [700, 35], [1000, 40]]);
  assert.equal(load.names().at(-1), "end");
});

test("an abort reaches the engine, and dash.js hears of it once", async () => {
  const self = await dash();
  const engine = await self.start();
  const load = self.request(3);
  const { customData } = load.request;
  // As dash.js does it.
  customData.onloadend = customData.onprogress = undefined;
  customData.abort();
  assert.equal(engine.of("abort").length, 1);
  const [number] = engine.of("load").at(-1);
  engine.host.deliver(number, self.data(3), 4_000_000, 30);
  assert.deepEqual(load.names(), ["abort"]);
});

test("an abort while the player's loader is at work, and while its bytes are being checked", async () => {
  const self = await dash();
  self.manifest();
  await until(() => self.plugin.source.list !== null);
  const working = self.request(1);
  working.request.customData.abort();
  assert.equal(self.stock.requests.at(-1).aborted, true);
  assert.deepEqual(working.names(), ["abort"]);
  const checking = self.request(2);
  self.stock.answer(self.data(2));
  checking.request.customData.onloadend = undefined;
  checking.request.customData.abort();
  await settle();
  assert.deepEqual(checking.names().filter((name) => name !== "progress"), ["abort"]);
});

test("wrong bytes from the CDN are asked for again past its caches, and never delivered", async () => {
  const self = await dash();
  self.manifest();
  await until(() => self.plugin.source.list !== null);
  self.answers = (request) => (request.url.endsWith(".m4s?t=2") ? new Response(self.data(1)) : null);
  const load = self.request(1);
  self.stock.answer(bytesOf(1000, 99));
  await until(() => load.names().includes("end"));
  assert.deepEqual(new Uint8Array(load.response.data), new Uint8Array(self.data(1)));
  const again = self.fetched.at(-1);
  assert.deepEqual([again.cache, again.headers.get("x-token")], ["reload", "7"]);
  assert.equal(self.events.hashfailure.length, 1);

  self.answers = (request) => (request.url.endsWith(".m4s?t=2") ? new Response(bytesOf(1000, 98)) : null);
  const bad = self.request(2);
  self.stock.answer(bytesOf(1000, 99));
  await until(() => bad.names().includes("end"));
  assert.deepEqual([bad.response.status, bad.response.data], [502, undefined]);

  self.answers = () => new Response(null, { status: 503 });
  const worse = self.request(3);
  self.stock.answer(bytesOf(1000, 99));
  await until(() => worse.names().includes("end"));
  assert.equal(worse.response.status, 503, "the CDN's own word");
});

test("a CDN that has ended sharing is looked at all the more: the list goes on being read", async () => {
  const self = await dash({ listed: [1, 2, 3], live: true });
  self.manifest();
  await until(() => self.plugin.source.list !== null);
  self.answers = (request) => (request.url.endsWith(".m4s?t=2") ? new Response(bytesOf(1000, 98)) : null);
  const status = async (n) => {
    const load = self.request(n);
    await until(() => self.stock.requests.length === n);
    self.stock.answer(bytesOf(1000, 99));
    await until(() => load.names().includes("end"));
    return load.response.status;
  };
  for (const n of [1, 2, 3]) assert.equal(await status(n), 502);
  assert.equal(self.plugin.session.offReason(), "hash-mismatch");
  self.segments.push(entry(4));
  await until(() => self.plugin.source.find("https://cdn.example/live/v0/4.m4s", null, 0, 8) !== null);
  assert.equal(await status(4), 502);
});

test("bytes that come before their hash, of a CDN that has given wrong ones, wait for the list", async () => {
  const self = await dash({ listed: [1], live: true });
  self.manifest();
  await until(() => self.plugin.source.list !== null);
  self.answers = (request) => (request.url.endsWith(".m4s?t=2") ? new Response(bytesOf(1000, 98)) : null);
  // Nothing is ahead, so nobody waits before the CDN is asked.
  self.video.at(6, [0, 6]);
  const request = (n, data) => {
    const load = self.request(n);
    self.stock.answer(data);
    return load;
  };
  const unlisted = request(2, bytesOf(1000, 97));
  await until(() => unlisted.names().includes("end"));
  assert.equal(unlisted.response.status, 200, "there is no reason to wait");
  const bad = request(1, bytesOf(1000, 99));
  await until(() => bad.names().includes("end"));
  assert.equal(bad.response.status, 502);
  const early = request(3, bytesOf(1000, 96));
  await settle();
  assert.deepEqual(early.names().filter((name) => name === "end"), []);
  self.segments.push(entry(3));
  await until(() => early.names().includes("end"));
  assert.equal(early.response.status, 502);
});

const digest = (data) => `sha-256=:${Buffer.from(sha(data), "base64url").toString("base64")}:`;

test("without a list, a digest in the player's answers is compared, and the next hashes are asked for by HEAD", async () => {
  const self = await dash();
  const before = FakeEngine.made.length;
  self.answers = ({ method, url }) => {
    const data = self.data(Number(/(\d+)\.m4s/.exec(url)[1]));
    return new Response(method === "HEAD" ? null : data, { headers: { "repr-digest": digest(data), "content-length": "1000" } });
  };
  self.manifest({ SupplementalProperty: [] });
  assert.equal(self.plugin.swarmline.stats().offReason, "no-hashes");
  const first = self.request(1);
  self.stock.answer(self.data(1), { headers: { "repr-digest": digest(self.data(1)) } });
  await until(() => first.names().includes("end"));
  self.video.show();
  await until(() => FakeEngine.made.length > before);
  const engine = FakeEngine.made.at(-1);
  await until(() => engine.of("insert").length > 0);
  assert.equal(engine.of("insert")[0][0].sha256, sha(self.data(1)));
  self.video.at(2, [2, 4]);
  const next = self.request(3, { representation: { id: "v0" } });
  await until(() => engine.of("load").length > 0);
  assert.deepEqual(self.fetched.map(({ method, url }) => [method, url]), [["HEAD", next.request.url]]);
  assert.deepEqual(engine.of("load")[0][1], {
    sha256: sha(self.data(3)), root: null, bytes: 1000, url: next.request.url, offset: null,
    rendition: 1, track: 0, sn: 3, start: 6, duration: 2,
  });
  engine.host.deliver(engine.of("load")[0][0], self.data(3), 4_000_000, 30);
  assert.equal(next.response.data.byteLength, 1000);
  // Another query may be another segment.
  const other = self.request(3, { range: "0-9" });
  assert.equal(self.stock.requests.at(-1).request, other.request);
});

for (const [name, more] of [["of an answer that is seen to be compressed", { "content-encoding": "br" }], ["that is wrong", {}]]) {
  test(`a size beside a digest ${name} keeps no bytes from the player`, async () => {
    const self = await dash();
    const before = FakeEngine.made.length;
    self.answers = ({ url }) => {
      const data = self.data(Number(/(\d+)\.m4s/.exec(url)[1]));
      return new Response(null, { headers: { "repr-digest": digest(data), "content-length": "400", ...more } });
    };
    self.manifest({ SupplementalProperty: [] });
    const first = self.request(1);
    self.stock.answer(self.data(1), { headers: { "repr-digest": digest(self.data(1)) } });
    await until(() => first.names().includes("end"));
    self.video.show();
    await until(() => FakeEngine.made.length > before);
    await settle();
    self.video.at(2, [2, 4]);
    const engine = FakeEngine.made.at(-1);
    for (const n of [3, 4]) {
      const { length } = self.stock.requests;
      const next = self.request(n, { representation: { id: "v0" } });
      const loads = engine.of("load").length;
      await until(() => self.stock.requests.length > length || engine.of("load").length > loads);
      // The engine is asked once, if ever.
      if (engine.of("load").length > loads) engine.host.fail(engine.of("load").at(-1)[0], "hash-mismatch", 0, "twice");
      assert.equal(self.stock.requests.length, length + 1);
      self.stock.answer(self.data(n));
      await until(() => next.names().includes("end"));
      assert.deepEqual([next.response.status, next.response.data?.byteLength], [200, 1000]);
    }
    assert.equal(engine.of("load").length, "content-encoding" in more ? 0 : 1);
    assert.deepEqual(self.events.hashfailure, []);
  });
}

test("a digest that is not that of the bytes shares nothing, and the player gets them", async () => {
  const self = await dash();
  self.manifest({ SupplementalProperty: [] });
  const load = self.request(1);
  self.stock.answer(self.data(1), { headers: { "repr-digest": digest(self.data(2)) } });
  await until(() => load.names().includes("end"));
  assert.equal(load.response.data.byteLength, 1000);
  assert.equal(self.plugin.swarmline.stats().offReason, "no-hashes");
});

test("the application's callback is asked for what the list lacks, and for nothing else", async () => {
  const asked = [];
  const hashes = (segment) => {
    asked.push(segment);
    return Promise.resolve({ sha256: sha(self.data(segment.sn)), bytes: 1000 });
  };
  const self = await dash({ listed: [1, 2], options: { hashes } });
  const engine = await self.start();
  self.request(2);
  assert.deepEqual(asked, []);
  const { request } = self.request(5, { representation: { id: "v0" } });
  await until(() => engine.of("load").length > 1);
  assert.deepEqual(asked, [{ url: request.url, offset: null, bytes: null, sn: 5, kind: "main", start: 10, duration: 2 }]);
  assert.equal(engine.of("load")[1][1].sha256, sha(self.data(5)));
  assert.deepEqual(self.events.warning, []);
});

test("a failure of the player's loader is the player's business", async () => {
  const self = await dash();
  self.manifest();
  await until(() => self.plugin.source.list !== null);
  const load = self.request(1);
  self.stock.answer(null, { status: 404 });
  assert.deepEqual([load.names().at(-1), load.response.status], ["end", 404]);
});

test("a segment that the list lacks comes from the CDN, unshared, and that is told", async () => {
  const self = await dash({ listed: [1, 2] });
  const engine = await self.start();
  const load = self.request(5);
  self.stock.answer(self.data(5));
  await until(() => load.names().includes("end"));
  assert.equal(engine.of("load").length, 0);
  assert.equal(engine.of("insert").length, 1, "only the first, which is listed");
  assert.deepEqual(self.events.warning.map(({ code }) => code), ["integrity-list"]);
});

test("a request that hangs ends when dash.js wants it to", async () => {
  const self = await dash();
  const engine = await self.start();
  const calls = [];
  const { request } = self.request(3);
  request.customData.abort();
  const slow = { ...request, timeout: 30, customData: { ...request.customData, ontimeout: () => calls.push("timeout"), onloadend: () => calls.push("end") } };
  const response = { status: 0, headers: {}, url: "" };
  self.load(slow, response);
  await until(() => calls.length === 2);
  assert.deepEqual([calls, response.status], [["timeout", "end"], 0]);
  assert.equal(engine.of("abort").length, 2);
});

test("reset() leaves the swarm until there is a stream again, destroy() for good", async () => {
  const self = await dash();
  const engine = await self.start();
  self.player.reset();
  assert.deepEqual([engine.disposed, self.seen], [true, ["reset"]]);
  assert.equal(self.plugin.swarmline.stats().offReason, "loading");
  const next = await self.start();
  assert.notEqual(next, engine);
  self.player.destroy();
  assert.equal(next.disposed, true);
  assert.equal(self.plugin.swarmline.stats().offReason, "destroyed");
});

test("the engine hears of a representation when it is asked for, of a long one around the playhead, and not twice", async () => {
  const self = await dash({ listed: Array.from({ length: 1000 }, (_, i) => i + 1) });
  const engine = await self.start();
  const told = () => engine.of("playlist").map(([{ segments }]) => [segments[0].sn, segments.at(-1).sn]);
  const spans = () => told().slice(before);
  let before = 0;
  assert.equal(told().at(-1)[1], 400);
  before = told().length;
  for (const n of [2, 3, 60]) self.request(n);
  assert.deepEqual(spans(), [], "near enough");
  self.request(500);
  assert.deepEqual(spans(), [[400, 799]]);
  // The list's clock is another one than the player's.
  self.request(501, { startTime: 2000 });
  assert.equal(spans().length, 2);
  const [{ segments }] = engine.of("playlist").at(-1);
  assert.equal(segments.find(({ sn }) => sn === 501).start, 2000);
});

/** A player whose own loader is at work on a segment that the list does not name yet. */
async function asksForUnlisted() {
  const self = await dash({ listed: [1, 2, 3], live: true });
  await self.start();
  const load = self.request(4);
  await until(() => self.stock.requests.length === 2);
  return { self, load };
}

test("bytes that are newer than the list wait for their hash, while there is time", async () => {
  const { self, load } = await asksForUnlisted();
  self.stock.answer(bytesOf(1000, 99));
  await settle();
  assert.ok(!load.names().includes("end"), "its hash is about to come");
  self.segments = [1, 2, 3, 4].map(entry);
  // The CDN's second answer is the publisher's.
  self.answers = (request) => (request.url.includes("4.m4s") ? new Response(self.data(4)) : null);
  await until(() => load.names().includes("end"));
  assert.deepEqual(new Uint8Array(load.response.data), new Uint8Array(self.data(4)));
  assert.equal(self.events.hashfailure.length, 1);
});

test("bytes that no list will name are the player's at once", async () => {
  const self = await dash({ listed: [1, 2, 3], live: true });
  await self.start();
  // It begins no later than the newest that is listed.
  const load = self.request(50, { startTime: 6.02 });
  await until(() => self.stock.requests.length === 2);
  const reads = self.fetched.length;
  self.stock.answer(bytesOf(1000, 99));
  await settle();
  assert.ok(load.names().includes("end"));
  assert.equal(self.fetched.length, reads);
});

test("bytes that a list names too late are the player's before they are needed", async () => {
  const { self, load } = await asksForUnlisted();
  self.stock.answer(bytesOf(1000, 4));
  await settle();
  assert.ok(!load.names().includes("end"));
  // A second before the playhead is there; the list is read a moment later.
  self.video.at(7, [2, 8]);
  const reads = self.fetched.length;
  await until(() => load.names().includes("end"));
  assert.ok(self.fetched.length - reads <= 1, "nor is the list asked again and again");
});

test("bytes that are being checked when the player aborts are shown to nobody", async () => {
  const { self, load } = await asksForUnlisted();
  self.stock.answer(bytesOf(1000, 99));
  await settle();
  assert.equal(load.response.status, 200, "they wait for their hash");
  load.request.customData.abort();
  assert.deepEqual([load.names().at(-1), load.response.status, load.response.data], ["abort", 0, undefined]);
});
