import assert from "node:assert/strict";
import { test } from "node:test";
import { TransferTime } from "../build/transfer-time.js";
import { Cdn, box, dash, entry, joined } from "./dash-harness.mjs";
import { FakeEngine, bytesOf, fakeGlue, settle, sha, stopClock, until } from "./harness.mjs";

const piece = (n, k) => joined(box("moof", 30, 10 * n + k), box("mdat", 200 + 20 * k, 10 * n + k)).buffer;
const pieces = (n) => [0, 1, 2, 3].map((k) => piece(n, k));
const size = (parts) => parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
const hashes = (data) => ({ bytes: data.byteLength, sha256: sha(data) });
const segment = (n) => joined(...pieces(n).map((data) => new Uint8Array(data))).buffer;

/** An entry of the list: segment `n` of four chunks, of which these are listed. */
const grown = (n, count, isComplete = count === 4) => ({
  url: `v0/${n}.m4s`, number: n, start: 2 * n, duration: 2, ...(isComplete ? hashes(segment(n)) : {}),
  chunks: pieces(n).slice(0, count).map((data) => ({ duration: 0.5, ...hashes(data) })),
});

/** A low-latency stream whose playhead is at 2 s; with an engine, if nothing else is said. */
async function event({ segments = [grown(2, 4)], engine = true, gate = engine ? undefined : new Promise(() => {}), ...more } = {}) {
  const self = await dash({ live: true, segments: [entry(1), ...segments], glue: fakeGlue({ gate }), ...more });
  self.cdn = new Cdn();
  if (engine) self.engine = await self.start();
  else {
    self.manifest();
    if (more.property !== false && !more.options) await until(() => self.plugin.source.list !== null);
  }
  self.answers = self.cdn.answers;
  self.stats = () => self.plugin.swarmline.stats();
  self.ask = (n, fragment, config) => new Asked(self.request(n, { availabilityTimeComplete: false, ...fragment }, config));
  /** The playhead so many seconds before a place, in what is buffered. */
  self.before = (position, seconds) => self.video.at(position - seconds, [0, position]);
  /** The list says something else from now on. */
  self.list = async (...entries) => {
    self.segments = [entry(1), ...entries];
    await self.plugin.source.refresh();
    await settle();
  };
  /** The engine brings what it was asked for last. */
  self.bring = async (data, rateBps = 100_000) => {
    const [load] = self.engine.of("load").at(-1);
    self.engine.host.deliver(load, data.slice(0), rateBps, 30);
    await settle();
  };
  /** Where the chunks began that the engine was asked for. */
  self.loads = () => self.engine.of("load").map(([, { offset }]) => offset);
  return self;
}

class Asked {
  constructor(load) {
    Object.assign(this, load);
  }
  /** As dash.js does it. */
  abort() {
    const { customData } = this.request;
    customData.onloadend = customData.onprogress = undefined;
    customData.abort();
  }
  get data() {
    return this.calls.filter(([name, { data } = {}]) => name === "progress" && data).map(([, { data }]) => Buffer.from(data));
  }
  get reports() {
    return this.calls.filter(([name, news]) => name === "progress" && !news.noTrace).map(([, news]) => news);
  }
  /** All but progress. */
  get ends() {
    return this.names().filter((name) => name !== "progress");
  }
  /** These went to dash.js, in this order, and nothing else. */
  got(...parts) {
    assert.deepEqual(this.data.map((data) => data.toString("hex")), parts.map((data) => Buffer.from(data).toString("hex")));
  }
  /** It came to a good end, told once. */
  ended(total, rest = 0) {
    assert.deepEqual(this.ends, ["end"]);
    assert.deepEqual(this.reports.map(({ loaded, total }) => [loaded, total]), [[total, total]]);
    assert.deepEqual([this.response.status, this.response.data.byteLength], [200, rest]);
    assert.deepEqual(this.names().slice(-2), ["progress", "end"]);
  }
}

test("listed chunks come by the engine, one after the other, and dash.js is told once how long they took", async () => {
  const self = await event();
  const load = self.ask(2);
  const [, first] = self.engine.of("load")[0];
  assert.deepEqual([first.sn, first.offset, first.start, first.duration, first.sha256], [2, 0, 4, 0.5, sha(piece(2, 0))]);
  assert.equal(first.url, "https://cdn.example/live/v0/2.m4s?t=2");
  for (const data of pieces(2)) await self.bring(data);
  const [a, b, c] = pieces(2).map(({ byteLength }) => byteLength);
  assert.deepEqual(self.loads(), [0, a, a + b, a + b + c]);
  assert.equal(self.engine.of("load")[3][1].start, 5.5);
  load.got(...pieces(2));
  load.ended(size(pieces(2)));
  // At 100 kbit/s.
  assert.ok(Math.abs(load.reports[0].time - (8000 * size(pieces(2))) / 100_000) < 0.001);
  assert.deepEqual([self.cdn.requests.length, self.stock.requests.length], [0, 1]);
  assert.equal(self.stats().deliveredBytes, 1000 + size(pieces(2)));
});

test("a chunk that is not listed yet is awaited, and then comes by the engine", async () => {
  const self = await event({ segments: [grown(3, 1)] });
  const load = self.ask(3);
  await self.bring(piece(3, 0));
  assert.deepEqual([self.loads().length, self.cdn.requests.length], [1, 0]);
  await self.list(grown(3, 1));
  assert.equal(self.loads().length, 1, "still not");
  await self.list(grown(3, 3));
  await self.bring(piece(3, 1));
  await self.bring(piece(3, 2));
  await self.list(grown(3, 4));
  await self.bring(piece(3, 3));
  load.got(...pieces(3));
  load.ended(size(pieces(3)));
  assert.equal(self.cdn.requests.length, 0);
});

test("a segment whose chunks are all there ends when the list says so", async () => {
  const self = await event({ segments: [grown(3, 4, false)] });
  const load = self.ask(3);
  for (const data of pieces(3)) await self.bring(data);
  assert.deepEqual(load.ends, []);
  await self.list(grown(3, 4));
  load.ended(size(pieces(3)));
});

test("a segment that nobody lists in time comes from the CDN as it grows", async () => {
  const self = await event();
  self.before(6, 0.8);
  const load = self.ask(3);
  await settle();
  assert.deepEqual([self.cdn.last.range, self.cdn.last.cache], [null, "default"]);
  self.cdn.last.answer();
  const [first, second] = [piece(3, 0), piece(3, 1)];
  self.cdn.last.send(first.slice(0, 100));
  await settle();
  load.got();
  self.cdn.last.send(first.slice(100), second);
  await settle();
  load.got(first, second);
  self.cdn.last.send(bytesOf(5));
  self.cdn.last.end();
  await settle();
  load.ended(first.byteLength + second.byteLength + 5, 5);
  assert.deepEqual([self.loads(), self.engine.of("insert").length], [[], 1], "unverified bytes are not shared");
  assert.deepEqual(self.events.warning.map(({ message }) => message), ["the integrity list cannot be used: it does not list /live/v0/3.m4s"]);
  const { cdnBytes, deliveredBytes } = self.stats();
  assert.deepEqual([cdnBytes, deliveredBytes], [1000 + size([first, second]) + 5, 1000 + size([first, second]) + 5]);
});

for (const status of [206, 200]) {
  test(`what is left of a segment that the list does not follow comes from the CDN, which answers ${status}`, async () => {
    const self = await event({ segments: [grown(3, 1)] });
    const load = self.ask(3);
    self.before(6.5, 0.8);
    const [first, ...others] = pieces(3);
    await self.bring(first);
    assert.equal(self.cdn.last.range, `bytes=${first.byteLength}-`);
    self.cdn.last.answer(status);
    if (status === 200) self.cdn.last.send(first.slice(0, 70), joined(new Uint8Array(first, 70), new Uint8Array(others[0])).buffer);
    else self.cdn.last.send(others[0]);
    self.cdn.last.send(others[1], others[2]);
    self.cdn.last.end();
    await settle();
    load.got(first, ...others);
    load.ended(size(pieces(3)));
    assert.equal(self.stats().cdnBytes, 1000 + size(others) + (status === 200 ? first.byteLength : 0));
    assert.equal(self.stats().deliveredBytes, 1000 + size(pieces(3)));
  });
}

test("streamed chunks that are listed by then are verified and shared; a wrong one is never given to dash.js", async () => {
  const self = await event();
  self.before(6, 0.8);
  const load = self.ask(3);
  await settle();
  const [a, b, c, d] = pieces(3);
  self.cdn.last.answer();
  self.cdn.last.send(a);
  await settle();
  await self.list(grown(2, 4), grown(3, 3));
  self.cdn.last.send(b);
  await until(() => load.data.length === 2);
  const [shared, data, firstByteMs] = self.engine.of("insert").at(-1);
  assert.deepEqual([shared.offset, shared.start, sha(data)], [a.byteLength, 6.5, sha(b)]);
  assert.ok(firstByteMs > 0, "what the CDN took to answer");
  const wrong = c.slice(0);
  new Uint8Array(wrong)[100] ^= 1;
  const stream = self.cdn.last;
  self.cdn.last.send(wrong);
  await until(() => self.loads().length === 1);
  load.got(a, b);
  assert.deepEqual([self.loads(), self.events.hashfailure.length, stream.cancelled], [[a.byteLength + b.byteLength], 1, true]);
  self.before(7, 2);
  await self.bring(c);
  await self.list(grown(3, 4));
  await self.bring(d);
  load.got(...pieces(3));
  load.ended(size(pieces(3)));
});

test("a listed chunk is cut as it is listed, whatever boxes it has", async () => {
  const self = await event({ engine: false });
  const two = joined(new Uint8Array(piece(2, 0)), new Uint8Array(piece(2, 1)), box("free", 4)).buffer;
  const chunks = [two, piece(2, 2)].map((data) => ({ duration: 1, ...hashes(data) }));
  await self.list({ ...grown(2, 0, false), chunks });
  const load = self.ask(2);
  await settle();
  self.cdn.last.whole(two, piece(2, 2));
  await until(() => load.ends.length > 0);
  load.got(two, piece(2, 2));
  assert.deepEqual([self.events.hashfailure.length, self.cdn.requests.length], [0, 1]);
});

test("before there is an engine chunks are streamed, verified, and kept for it", async () => {
  let come;
  const self = await event({ engine: false, gate: new Promise((done) => { come = done; }) });
  const load = self.ask(2);
  await settle();
  self.cdn.last.whole(...pieces(2));
  await until(() => load.ends.length > 0);
  load.got(...pieces(2));
  load.ended(size(pieces(2)));
  assert.equal(self.events.segment.filter(({ hash }) => hash !== null).length, 4);
  const before = FakeEngine.made.length;
  self.video.show();
  come();
  await until(() => FakeEngine.made.length > before);
  assert.deepEqual(FakeEngine.made.at(-1).of("insert").map(([{ sha256 }]) => sha256), pieces(2).map(sha));
});

test("while a segment is streamed the engine is told of none of its chunks, also when one of two requests for it has ended", async () => {
  const self = await event();
  await self.list(grown(2, 4), grown(3, 1));
  self.ask(2);
  self.before(6.5, 0.8);
  const [one, two] = [self.ask(3), self.ask(3)];
  for (let k = 0; k < 2; k += 1) {
    const [load] = self.engine.of("load").at(-1 - k);
    self.engine.host.deliver(load, piece(3, 0), 100_000, 30);
  }
  await settle();
  const told = () => self.engine.of("playlist").at(-1)[0].segments.map(({ sn, offset }) => [sn, offset]).filter(([sn]) => sn === 3).length;
  one.abort();
  await settle();
  await self.list(grown(2, 4), grown(3, 2));
  assert.equal(told(), 0);
  two.abort();
  await settle();
  await self.list(grown(2, 4), grown(3, 3));
  assert.equal(told(), 3);
});

test("the engine is lost in the middle: that chunk comes by a request of its own, the others as the segment grows", async () => {
  const self = await event();
  const load = self.ask(2);
  const [a, b, c, d] = pieces(2);
  await self.bring(a);
  self.plugin.session.open("https://cdn.example/another/manifest.mpd");
  await settle();
  assert.equal(self.cdn.last.range, `bytes=${a.byteLength}-${a.byteLength + b.byteLength - 1}`);
  self.cdn.last.whole(b);
  await until(() => self.cdn.requests.length === 2);
  assert.equal(self.cdn.last.range, `bytes=${a.byteLength + b.byteLength}-`);
  self.cdn.last.whole(c, d);
  await until(() => load.ends.length > 0);
  load.got(a, b, c, d);
  load.ended(size(pieces(2)));
  assert.equal(self.stats().cdnBytes, 1000 + size([b, c, d]));
});

test("the stream is taken away while a chunk is awaited: nothing is asked for, nothing is called", async () => {
  const self = await event({ segments: [grown(3, 1)] });
  const load = self.ask(3);
  await self.bring(piece(3, 0));
  self.player.reset();
  load.abort();
  await settle();
  assert.deepEqual([load.ends, self.cdn.requests.filter(({ aborted }) => !aborted).length], [["abort"], 0]);
});

test("chunks that the list drops, because the segment is old and complete, are not awaited", async () => {
  const self = await event();
  const load = self.ask(2);
  const [a, ...others] = pieces(2);
  const old = { ...grown(2, 4), chunks: undefined };
  await self.list(old, grown(3, 1));
  await self.bring(a);
  assert.equal(self.cdn.last.range, `bytes=${a.byteLength}-`);
  self.cdn.last.whole(...others);
  await until(() => load.ends.length > 0);
  load.ended(size(pieces(2)));
  assert.deepEqual(self.events.warning, []);

  await self.list(grown(3, 4, false));
  const all = self.ask(3);
  for (const data of pieces(3)) await self.bring(data);
  await self.list({ ...grown(3, 4), chunks: undefined }, grown(4, 1));
  all.ended(size(pieces(3)));
});

test("who streams asks for the list, also while the player is paused", async (t) => {
  const self = await event({ segments: [] });
  const clock = stopClock(t);
  self.video.paused = true;
  await self.list();
  await clock.pass(5_000);
  const lists = () => self.fetched.filter(({ url }) => url.endsWith(".json")).length;
  const before = lists();
  self.ask(3);
  await settle();
  assert.deepEqual([self.cdn.requests.length, lists()], [1, before + 1]);
});

test("a request that is over leaves no timer behind", async (t) => {
  const self = await event();
  const clock = stopClock(t);
  await self.list(grown(3, 1));
  const before = clock.timers;
  const load = self.ask(3);
  await self.bring(piece(3, 0));
  assert.equal(clock.timers, before + 2, "its own limit, and that of the waiting for the list");
  load.abort();
  assert.equal(clock.timers, before);
});

/** Brings a request into a phase; what is returned may come too late. */
const PHASES = {
  "while the engine is at it": async (self) => {
    const load = self.ask(2);
    const [number] = self.engine.of("load").at(-1);
    return [load, () => self.engine.host.deliver(number, piece(2, 0), 100_000, 30)];
  },
  "while it is given a chunk": async (self) => {
    const load = self.ask(2);
    const { customData } = load.request;
    const { onprogress } = customData;
    customData.onprogress = (news) => {
      onprogress(news);
      load.abort();
    };
    await self.bring(piece(2, 0));
    return [load, () => assert.equal(self.loads().length, 1)];
  },
  "while the list is awaited": async (self) => {
    await self.list(grown(3, 1));
    const load = self.ask(3);
    await self.bring(piece(3, 0));
    return [load, () => self.list(grown(3, 4)).then(() => assert.equal(self.loads().length, 1))];
  },
  "before the CDN answers": async (self) => {
    self.before(6, 0.5);
    const load = self.ask(3);
    await settle();
    return [load, () => self.cdn.last.answer()];
  },
  "while the segment grows": async (self) => {
    self.before(6, 0.5);
    const load = self.ask(3);
    await settle();
    self.cdn.last.answer();
    self.cdn.last.send(piece(3, 0), piece(3, 1).slice(0, 50));
    await settle();
    assert.equal(load.data.length, 1);
    return [load, () => {}];
  },
  "while a streamed chunk is verified, and more has come": async (self) => {
    await self.list(grown(3, 1));
    self.before(6, 0.5);
    self.plugin.session.open("https://cdn.example/another/manifest.mpd");
    self.plugin.session.sawPlaylist(true);
    const load = self.ask(3);
    await settle();
    self.cdn.last.answer();
    const more = joined(...pieces(3).map((data) => new Uint8Array(data))).buffer;
    const { digest } = crypto.subtle;
    self.digested = new Promise((done) => {
      crypto.subtle.digest = async (...args) => {
        crypto.subtle.digest = digest;
        await new Promise((go) => { self.go = go; });
        setTimeout(done, 20);
        return digest.apply(crypto.subtle, args);
      };
    });
    self.cdn.last.send(more);
    await until(() => self.go);
    return [load, async () => { self.go(); await self.digested; }];
  },
  "while a request for one chunk is under way": async (self) => {
    const load = self.ask(2);
    self.engine.host.fail(self.engine.of("load").at(-1)[0], "cdn-network", 0, "no");
    await settle();
    assert.match(self.cdn.last.range, /^bytes=0-\d+$/);
    self.cdn.last.answer();
    self.cdn.last.send(piece(2, 0).slice(0, 50));
    await settle();
    return [load, () => assert.equal(self.stats().cdnBytes, 1050)];
  },
};

for (const [phase, bring] of Object.entries(PHASES)) {
  test(`an abort ${phase} is told once, and nothing afterwards`, async () => {
    const self = await event();
    const [load, late] = await bring(self);
    const { deliveredBytes } = self.stats();
    const seen = self.events.segment.length;
    const [given, loads] = [load.data.length, self.loads().length];
    load.abort();
    load.request.customData.abort();
    await settle();
    await late();
    await settle();
    assert.deepEqual(load.ends, ["abort"]);
    assert.equal(load.data.length, given);
    assert.deepEqual([self.stats().deliveredBytes, self.events.segment.length, self.loads().length], [deliveredBytes, seen, loads]);
    assert.ok(self.cdn.requests.every(({ aborted, cancelled }) => aborted || cancelled), "nothing goes on");
    assert.equal(self.engine.of("abort").length, phase.includes("the engine") ? 1 : 0);
  });
}

test("a request that brings nothing for too long ends when dash.js wants it to; one that does goes on", async (t) => {
  const self = await event();
  const clock = stopClock(t);
  const load = self.ask(2, {}, { timeout: 5000 });
  for (const data of pieces(2).slice(0, 3)) {
    await clock.pass(4_900);
    await self.bring(data);
  }
  assert.deepEqual(load.ends, []);
  await clock.pass(5_100);
  assert.deepEqual([load.ends, load.response.status, load.response.data], [["timeout", "end"], 0, undefined]);
  assert.equal(self.engine.of("abort").length, 1);
  load.abort();
  await self.bring(piece(2, 3));
  assert.equal(load.ends.length, 2);
});

for (const status of [404, 503]) {
  test(`the CDN's status ${status} is dash.js's business`, async () => {
    const self = await event();
    self.before(6, 0.8);
    const load = self.ask(3);
    await settle();
    self.cdn.last.answer(status);
    await until(() => load.ends.length > 0);
    assert.deepEqual([load.names(), load.response.status, load.response.data], [["end"], status, undefined]);
  });
}

test("a connection that breaks is a failure, one that ends early is not the end of what the list knows", async () => {
  const self = await event({ engine: false, segments: [grown(3, 1)] });
  const broken = self.ask(3);
  await settle();
  self.cdn.last.answer();
  self.cdn.last.send(piece(3, 0));
  await until(() => broken.data.length === 1);
  self.cdn.last.fail();
  await until(() => broken.ends.length > 0);
  assert.deepEqual([broken.ends, broken.response.status, broken.reports.length], [["end"], 0, 0]);

  const early = self.ask(3);
  await settle();
  self.cdn.last.answer();
  self.cdn.last.send(piece(3, 0), piece(3, 1).slice(0, 60));
  await until(() => early.data.length === 1);
  await self.list(grown(3, 2));
  self.cdn.last.end();
  await until(() => self.cdn.last.range);
  assert.deepEqual(early.ends, []);
  const [a, b] = pieces(3);
  assert.equal(self.cdn.last.range, `bytes=${a.byteLength}-${a.byteLength + b.byteLength - 1}`);
  self.cdn.last.whole(b);
  await until(() => self.cdn.last.range.endsWith("-"));
  early.got(a, b);
});

test("a chunk that the CDN never has as it is listed is a failure after two requests", async () => {
  const self = await event();
  const load = self.ask(2);
  self.engine.host.fail(self.engine.of("load").at(-1)[0], "cdn-network", 0, "no");
  for (const cache of ["default", "reload"]) {
    await until(() => self.cdn.last?.cache === cache);
    self.cdn.last.whole(bytesOf(piece(2, 0).byteLength, 7));
  }
  await until(() => load.ends.length > 0);
  assert.deepEqual([load.names(), load.response.status, self.cdn.requests.length], [["end"], 502, 2]);
  assert.equal(self.stats().cdnBytes, 1000 + 2 * piece(2, 0).byteLength);
});

test("behind the last byte there is nothing: the end of a segment that is long enough, a failure of another", async () => {
  for (const count of [4, 3]) {
    const self = await event({ segments: [grown(3, count, false)] });
    const load = self.ask(3);
    self.before(6 + count / 2, 0.8);
    for (const data of pieces(3).slice(0, count)) await self.bring(data);
    assert.match(self.cdn.last.range, /^bytes=\d+-$/);
    self.cdn.last.answer(416);
    await until(() => load.ends.length > 0);
    assert.equal(load.response.status, count === 4 ? 200 : 416);
  }
});

test("a segment that is listed only as a whole comes whole", async () => {
  const self = await event({ segments: [entry(2)] });
  const load = self.ask(2);
  const [, asked] = self.engine.of("load")[0];
  assert.deepEqual([asked.offset, asked.bytes], [null, 1000]);
  await self.bring(self.data(2));
  load.got(self.data(2));
  load.ended(1000);
  assert.equal(load.reports[0].time, 80);
});

test("it is verified also without an engine, and no byte of a wrong one is handed on", async () => {
  const self = await event({ engine: false, segments: [entry(2), grown(3, 1)] });
  const load = self.ask(2);
  await settle();
  assert.equal(self.cdn.last.range, null);
  self.cdn.last.whole(bytesOf(1000, 99));
  await until(() => self.cdn.last.cache === "reload");
  load.got();
  self.cdn.last.whole(self.data(2));
  await until(() => load.ends.length > 0);
  load.got(self.data(2));
  load.ended(1000);
  assert.deepEqual([self.events.hashfailure.length, self.events.warning.length], [1, 0]);
});

for (const [why, more, fragment] of [
  ["sharing is off for good", { options: { trackers: [] } }],
  ["there is no list", { property: false }],
  ["a request is for a part of a file", {}, { range: "0-99" }],
]) {
  test(`where ${why} the player's own loader does it, and its bytes are counted once`, async () => {
    const self = await event({ engine: false, property: true, ...more });
    const aborted = self.ask(2, fragment);
    const stock = self.stock.requests.at(-1);
    assert.equal(stock.request, aborted.request);
    stock.onprogress({ data: piece(2, 0), noTrace: true });
    aborted.abort();
    assert.deepEqual(aborted.ends, ["abort"]);

    const load = self.ask(2, fragment);
    const again = self.stock.requests.at(-1);
    again.onprogress({ lengthComputable: false, noTrace: true });
    again.onprogress({ data: piece(2, 0), noTrace: true });
    again.onprogress({ loaded: 400, total: 400, lengthComputable: true, time: 20 });
    Object.assign(load.response, { status: 200, data: bytesOf(9) });
    again.onloadend();
    const { cdnBytes, deliveredBytes } = self.stats();
    assert.deepEqual([cdnBytes, deliveredBytes], [2 * piece(2, 0).byteLength + 9, 2 * piece(2, 0).byteLength + 9]);
    load.got(piece(2, 0));
    assert.deepEqual([load.ends, load.reports.length, self.cdn.requests.length], [["end"], 1, 0]);
  });
}

test("what is streamed is reported with the time that its bytes took, waiting left out", async (t) => {
  const self = await event();
  const clock = stopClock(t);
  self.before(6, 0.8);
  const load = self.ask(3);
  await settle();
  self.cdn.last.answer();
  for (const data of pieces(3)) {
    const half = data.byteLength / 2;
    self.cdn.last.send(data.slice(0, half));
    await clock.pass(25);
    self.cdn.last.send(data.slice(half));
    await clock.pass(450);
  }
  self.cdn.last.end();
  await clock.pass(0);
  load.ended(size(pieces(3)));
  // Half of each of four chunks in 25 ms.
  assert.ok(Math.abs(load.reports[0].time - 200) < 0.001, `${load.reports[0].time} ms`);
});

test("a chunk that came at once counts with the rate of the others; if all did, with the time to their answer", () => {
  const time = new TransferTime();
  assert.equal(time.of(0), 1);
  time.add(100, 0, 30);
  time.add(300, 0, 20);
  assert.equal(time.of(400), 50);
  time.add(600, 60, 1000);
  assert.equal(time.of(1000), 100);
});

test("a list that stands still is not waited for for ever, also by a player that is paused", async (t) => {
  const self = await event();
  const clock = stopClock(t);
  self.video.paused = true;
  await self.list(grown(3, 1));
  const load = self.ask(3);
  await self.bring(piece(3, 0));
  await clock.pass(3_900);
  assert.equal(self.cdn.requests.length, 0);
  await clock.pass(200);
  assert.equal(self.cdn.requests.length, 1);
  const lists = self.fetched.filter(({ url }) => url.endsWith(".json")).length;
  assert.ok(lists >= 4 && lists <= 12, `${lists} requests for the list`);
  load.abort();
});
