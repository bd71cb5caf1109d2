import assert from "node:assert/strict";
import { test } from "node:test";
import { Strain } from "../build/strain.js";
import { Media, player, playlist, stopClock } from "./harness.mjs";

/** Timers that come as late as the test says. */
function lateTimers(t) {
  let now = 1_000;
  let timer = null;
  t.mock.method(performance, "now", () => now);
  t.mock.method(Math, "random", () => 0.5);
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (act, ms) => {
    timer = { act, at: now + ms };
    return timer;
  };
  t.after(() => (globalThis.setTimeout = real));
  return {
    /** `look` four times a second for so many seconds, each timer late by so many ms. */
    pass(look, seconds, late) {
      const end = now + seconds * 1000;
      for (; now < end; now += 250 - 100) {
        look();
        if (!timer) continue;
        const { act, at } = timer;
        timer = null;
        now = at + late;
        act();
      }
    },
  };
}

function strained(t, ahead = 4_000) {
  const changes = [];
  const strain = new Strain(() => changes.push(strain.rests));
  const timers = lateTimers(t);
  return { strain, changes, pass: (seconds, late) => timers.pass(() => strain.look(ahead), seconds, late) };
}

test("a machine that is a little late, or has stood still once, shares on", (t) => {
  const { changes, pass } = strained(t);
  pass(60, 20);
  pass(0.1, 900);
  pass(0.1, 20_000);
  pass(60, 40);
  assert.deepEqual(changes, []);
});

test("who has little ahead rests sooner", (t) => {
  const { changes, pass } = strained(t, 1_000);
  pass(60, 20);
  assert.deepEqual(changes, []);
  pass(10, 40);
  assert.deepEqual(changes, [true]);
});

test("a hidden page, whose timers the browser holds back, begins no rest, and ends one", (t) => {
  const { strain, changes, pass } = strained(t);
  const document = { hidden: true };
  globalThis.document = document;
  t.after(() => delete globalThis.document);
  pass(60, 900);
  assert.deepEqual(changes, []);
  document.hidden = false;
  pass(10, 120);
  assert.equal(strain.rests, true);
  document.hidden = true;
  pass(60, 900);
  assert.deepEqual(changes, [true, false]);
});

test("one that is late again and again rests, and shares again when it has time", (t) => {
  const { strain, changes, pass } = strained(t);
  pass(10, 120);
  assert.deepEqual(changes, [true]);
  pass(60, 60);
  assert.equal(strain.rests, true, "it still has none");
  pass(10, 0);
  assert.deepEqual(changes, [true, false]);
});

test("each rest is twice as long as the one before", (t) => {
  const { strain, pass } = strained(t);
  const rest = () => {
    pass(5, 200);
    assert.equal(strain.rests, true);
    let seconds = 0;
    for (; strain.rests; seconds += 1) pass(1, 0);
    return seconds;
  };
  const near = (seconds, wanted) => assert.ok(Math.abs(seconds - wanted) <= 6, `${seconds} s, not ${wanted}`);
  [20, 40, 80, 160, 320].forEach((wanted) => near(rest(), wanted));
});

test("stopped, it leaves no timer behind, and can look again", (t) => {
  const clock = stopClock(t);
  const strain = new Strain(() => {});
  strain.look(4_000);
  assert.equal(clock.timers, 1);
  strain.stop();
  assert.equal(clock.timers, 0);
  strain.look(4_000);
  assert.equal(clock.timers, 1);
});

test("while it rests the player's loader does all, and peers are left", async (t) => {
  const self = player();
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  // The one timer that runs now is of the real clock.
  await new Promise((done) => setTimeout(done, 150));
  const timers = lateTimers(t);
  timers.pass(() => media.at(100, [100, 120]), 10, 200);
  assert.equal(self.swarmline.stats().offReason, "busy");
  assert.deepEqual(engine.of("switch"), [[false]]);
  assert.ok(self.request(details.fragments[1]).stock.busy);
  assert.equal(engine.of("load").length, 0);
  self.swarmline.setEnabled(false);
  self.swarmline.setEnabled(true);
  assert.equal(engine.of("switch").at(-1)[0], false, "the viewer's switch does not end a rest");
  timers.pass(() => media.at(101, [100, 120]), 40, 0);
  assert.equal(self.swarmline.stats().offReason, null);
  assert.deepEqual(engine.of("switch").at(-1), [true]);
});
