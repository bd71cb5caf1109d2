// How playback begins: the picture first, then the engine, and what has time to spare waits for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Playhead } from "../build/playhead.js";
import { FakeEngine, Media, bytesOf, fakeGlue, firstDelivered, player, playlist, settle, until } from "./harness.mjs";

const trackers = ["wss://t.example"];
const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

/** A media element with pictures, which are presented when a test says so. */
class Video extends Media {
  videoWidth = 640;
  frames = new Map();
  requestVideoFrameCallback(callback) {
    const handle = this.frames.size + 1;
    this.frames.set(handle, callback);
    return handle;
  }
  cancelVideoFrameCallback(handle) {
    this.frames.delete(handle);
  }
  present() {
    const frames = [...this.frames.values()];
    this.frames.clear();
    frames.forEach((frame) => frame(0, {}));
  }
}

function attached(self, media) {
  self.hls.emit("hlsMediaAttached", { media });
  return media;
}

test("the module is asked for when the first picture is on the screen, not before, and not in the same task", async () => {
  const self = player();
  const video = attached(self, new Video());
  await firstDelivered(self);
  await settle();
  assert.equal(self.glue.calls, 0);
  video.show();
  await settle();
  assert.equal(self.glue.calls, 0);
  video.present();
  assert.equal(self.glue.calls, 0);
  await until(() => self.glue.calls === 1);
  await until(() => self.swarmline.stats().offReason === null);
});

test("sound alone has no picture: that it can play is enough", async () => {
  const self = player();
  const audio = attached(self, new Media());
  await firstDelivered(self);
  audio.show();
  assert.equal(self.glue.calls, 0);
  await until(() => self.glue.calls === 1);
});

test("a picture that was there before the segment was delivered counts", async () => {
  const self = player();
  attached(self, new Media()).show();
  await firstDelivered(self);
  await until(() => self.glue.calls === 1);
});

test("another media element takes over: its picture counts, not that of the one before", async () => {
  const self = player();
  const first = attached(self, new Video());
  await firstDelivered(self);
  self.hls.emit("hlsMediaDetaching", {});
  const second = attached(self, new Video());
  first.show();
  first.present();
  await settle();
  assert.equal(self.glue.calls, 0);
  second.show();
  second.present();
  await until(() => self.glue.calls === 1);
});

for (const [name, media] of [["without media", null], ["in a hidden page, which presents no frames", new Video()]]) {
  test(`${name} the engine comes all the same, later`, async (t) => {
    const self = player();
    if (media) attached(self, media);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    self.open();
    self.updated(playlist([{}]));
    self.session.delivered(1);
    media?.show();
    t.mock.timers.tick(999);
    assert.equal(self.glue.calls, 0);
    t.mock.timers.tick(1);
    assert.equal(self.glue.calls, 1);
  });
}

test("destroyed before the picture: nothing starts, no timer and no listener is left", async () => {
  const self = player();
  const video = attached(self, new Video());
  const before = timers();
  await firstDelivered(self);
  assert.equal(timers(), before + 1);
  self.plugin.destroy();
  assert.equal(timers(), before);
  video.show();
  assert.equal(video.frames.size, 0);
  await settle();
  assert.equal(self.glue.calls, 0);
});

test("destroyed between picture and engine: likewise", async () => {
  const self = player();
  const video = attached(self, new Video());
  const before = timers();
  await firstDelivered(self);
  video.show();
  assert.equal(video.frames.size, 1);
  self.plugin.destroy();
  assert.equal(video.frames.size, 0);
  assert.equal(timers(), before);
});

test("another stream has a first picture of its own", async () => {
  const self = player();
  const first = await self.start();
  self.open("https://cdn.example/other.m3u8");
  const details = playlist([{}, {}]);
  self.updated(details);
  await settle();
  assert.equal(self.glue.calls, 1);
  assert.equal(first.disposed, true);
  await self.start(details);
  assert.equal(self.glue.calls, 2);
});

/**
 * A viewer who has seen the first segment, 2 s long, while the module is on its way until `open()`; the first
 * segment took 25 ms. `lead`: how long before the second is due.
 */
async function expecting({ lead = 2, glue, options, segments = [{}, {}, {}, {}], seen = true } = {}) {
  let open;
  const gate = new Promise((done) => (open = done));
  const self = player({ glue: glue ?? fakeGlue({ gate }), ...(options && { options }) });
  const media = attached(self, new Media());
  const details = await firstDelivered(self, playlist(segments));
  media.at(102 - lead, [102 - lead, 102]);
  if (seen) {
    await self.shown();
    await until(() => self.glue.calls === 1);
  }
  return { self, media, details, open, next: (index = 1) => self.request(details.fragments[index]) };
}

const waits = ({ stock, stats }) => !stock.busy && stats.loading.start === Infinity;

test("a load with time to spare waits for the engine that is on its way, and is the engine's", async () => {
  const { self, next, open, details } = await expecting();
  const second = next(1);
  const third = next(2);
  assert.ok(waits(second) && waits(third));
  assert.equal(second.stats.total, 100);
  open();
  await until(() => self.swarmline.stats().offReason === null);
  const engine = FakeEngine.made.at(-1);
  assert.deepEqual(engine.of("load").map(([, { sn }]) => sn), [11, 12]);
  // It is told of the stream before it is asked for something.
  const order = engine.calls.map(([name]) => name);
  assert.ok(order.indexOf("insert") < order.indexOf("playlist") && order.indexOf("playlist") < order.indexOf("load"));
  assert.ok(waits(second));
  const [load] = engine.of("load")[0];
  engine.host.deliver(load, details.fragments[1].data, 1e6, 1);
  assert.deepEqual(second.callbacks.names, ["success"]);
  assert.equal(second.stock.busy, false);
});

test("before the picture, too", async () => {
  const { self, next, open } = await expecting({ seen: false });
  const second = next();
  assert.ok(waits(second));
  await self.shown();
  open();
  await until(() => self.swarmline.stats().offReason === null);
  assert.equal(FakeEngine.made.at(-1).of("load").length, 1);
  assert.equal(second.stock.busy, false);
});

/** Time that passes when a test says so, in ms. */
function clock(t) {
  let now = performance.now();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(performance, "now", () => now);
  return (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
}

test("a load waits no longer than the CDN's own time leaves, and then is the player's for good", async (t) => {
  const { self, media, next, open, details } = await expecting();
  const pass = clock(t);
  const { stock, stats, callbacks } = next();
  // 2 s, less twice 25 ms and the guard of 700 ms.
  media.at(101.1, [100, 102]);
  pass(1100);
  assert.equal(stock.busy, false);
  media.at(101.26, [100, 102]);
  pass(160);
  assert.ok(stock.busy);
  assert.ok(Number.isFinite(stats.loading.start) && stats.loading.start > 0);
  t.mock.reset();
  t.mock.timers.reset();
  open();
  await until(() => self.swarmline.stats().offReason === null);
  const engine = FakeEngine.made.at(-1);
  assert.deepEqual(engine.of("load"), []);
  assert.ok(engine.of("playlist")[0][0].segments.every(({ sn }) => sn !== 11));
  stock.answer(details.fragments[1].data.slice(0));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
});

test("one wait ends with what is worth waiting for; a module that hangs holds up nobody afterwards", async (t) => {
  const { next } = await expecting({ lead: 30 });
  const pass = clock(t);
  const second = next(1);
  assert.ok(waits(second));
  pass(1500);
  assert.ok(second.stock.busy);
  assert.ok(next(2).stock.busy);
});

test("what waits for a picture goes on waiting when it comes, for the engine that follows it", async (t) => {
  const { self, next } = await expecting({ lead: 30, seen: false });
  const now = performance.now();
  t.mock.method(performance, "now", () => now);
  const second = next(1);
  assert.ok(waits(second));
  await self.shown();
  await until(() => self.glue.calls === 1);
  // Longer than it would have waited without a picture.
  await new Promise((done) => setTimeout(done, 400));
  assert.ok(waits(second));
});

test("nothing waits long for an engine that waits for a picture, which may need what waits", async (t) => {
  const { self, media, next } = await expecting({ lead: 30, seen: false });
  Object.assign(self.hls, { hasEnoughToStart: false, startPosition: 72 });
  media.at(72);
  const pass = clock(t);
  const second = next(1);
  assert.ok(waits(second));
  pass(150);
  assert.equal(self.glue.calls, 0);
  assert.ok(second.stock.busy && next(2).stock.busy);
});

test("a picture that has all it needs, and only takes long, is waited for twice as long", async (t) => {
  const { self, next } = await expecting({ lead: 30, seen: false });
  const pass = clock(t);
  const second = next(1);
  pass(250);
  assert.ok(waits(second));
  pass(50);
  assert.equal(self.glue.calls, 0);
  assert.ok(second.stock.busy && next(2).stock.busy);
});

test("a module that cannot be loaded is not waited for: not now, not when it is tried again", async (t) => {
  let fail;
  const gate = new Promise((_, reject) => (fail = reject));
  const glue = async () => {
    glue.calls += 1;
    return gate;
  };
  glue.calls = 0;
  const { self, next } = await expecting({ glue });
  const second = next(1);
  assert.ok(waits(second));
  fail(new Error("404"));
  await until(() => second.stock.busy);
  assert.ok(next(2).stock.busy);
  const later = performance.now() + 60_000;
  t.mock.method(performance, "now", () => later);
  self.session.consider();
  assert.equal(glue.calls, 2);
  assert.equal(self.swarmline.stats().offReason, "loading");
  assert.ok(next(3).stock.busy);
});

for (const [name, end] of [
  ["switched off", (self) => self.swarmline.setEnabled(false)],
  ["destroyed", (self) => self.swarmline.destroy()],
]) {
  test(`${name} while loads wait: they are the player's, at once`, async () => {
    const { self, next, open } = await expecting();
    const second = next();
    assert.ok(waits(second));
    end(self);
    assert.ok(second.stock.busy);
    open();
    await settle();
    assert.ok(second.stock.busy);
  });
}

for (const end of ["abort", "destroy"]) {
  test(`${end} while a load waits: told once, nothing afterwards, no timer left`, async () => {
    const { self, next, open } = await expecting();
    const before = timers();
    const { loader, callbacks, stock, stats } = next();
    assert.equal(timers(), before + 1);
    loader[end]();
    assert.equal(timers(), before);
    assert.ok(Number.isFinite(stats.loading.start));
    open();
    await until(() => self.swarmline.stats().offReason === null);
    assert.deepEqual(FakeEngine.made.at(-1).of("load"), []);
    assert.deepEqual(callbacks.names, end === "abort" ? ["abort"] : []);
    assert.equal(stock.busy, false);
  });
}

test("nothing waits that has no time: at the start, after a seek, close to the edge of what is buffered", async () => {
  const self = player();
  const details = playlist([{}, {}]);
  attached(self, new Media());
  self.open();
  self.updated(details);
  assert.ok(self.request(details.fragments[0]).stock.busy);
  const close = await expecting({ lead: 0.7 });
  assert.ok(close.next().stock.busy);
  const seek = await expecting();
  seek.media.at(105, [100, 102]);
  assert.ok(seek.next(2).stock.busy);
});

test("nothing waits while it is not known how fast the CDN is", async () => {
  const { next } = await expecting({ segments: [{ tagged: false }, {}] });
  assert.ok(next().stock.busy);
});

test("nothing waits that the engine would not take", async () => {
  const big = await expecting({ options: { trackers, maxSegmentBytes: 100 }, segments: [{}, { data: bytesOf(101) }] });
  assert.ok(big.next().stock.busy);
  const unknown = await expecting({ segments: [{}, { tagged: false }] });
  assert.ok(unknown.next().stock.busy);
});

test("a CDN that takes long is given the time", async () => {
  const slow = player({ glue: fakeGlue({ gate: new Promise(() => {}) }) });
  const media = attached(slow, new Media());
  const details = playlist([{}, {}]);
  slow.open();
  slow.updated(details);
  const { stock, callbacks } = slow.request(details.fragments[0]);
  stock.stats.loading.start -= 700;
  const answer = stock.answer.bind(stock);
  const { onSuccess } = stock.callbacks;
  stock.callbacks.onSuccess = (response, stats, ...rest) => {
    stats.loading.end = stats.loading.first + 700;
    onSuccess(response, stats, ...rest);
  };
  answer(details.fragments[0].data.slice(0));
  await until(() => callbacks.names.length > 0);
  media.at(100, [100, 102]);
  assert.ok(slow.request(details.fragments[1]).stock.busy);
});

test("before hls.js goes to where playback begins, that is the place to count from", async () => {
  const { self, media, next } = await expecting({ seen: false });
  media.at(0, [100, 102]);
  Object.assign(self.hls, { hasEnoughToStart: false, startPosition: 100 });
  assert.ok(waits(next(1)));
  self.hls.startPosition = 101.5;
  assert.ok(next(1).stock.busy);
  self.hls.startPosition = -1;
  assert.ok(next(2).stock.busy);
  Object.assign(self.hls, { hasEnoughToStart: true, startPosition: 100 });
  assert.ok(next(3).stock.busy);
});

test("the first segment is due at once though nothing plays yet, whether the element is there or not; a paused viewer has time", () => {
  const goal = 10;
  const playhead = new Playhead(() => {}, () => 0.1, () => goal);
  assert.deepEqual([8, 10, 12].map((start) => playhead.until(start)), [0, 0, 2000]);
  const media = new Media();
  playhead.attach(media);
  media.paused = true;
  assert.deepEqual([8, 10, 12].map((start) => playhead.until(start)), [0, 0, 2000]);
  media.at(10, [10, 12]);
  media.paused = true;
  assert.equal(playhead.until(12), Infinity);
  playhead.detach();
});
