import assert from "node:assert/strict";
import { test } from "node:test";
import { poison } from "../build/glue.js";
import { FakeEngine, player, playlist, settle, until } from "./harness.mjs";

/** The instance is the page's: once broken it stays so, and each test here needs a process of its own but for its order. */
test("a panic: loads go on by the player's loader at once, all is closed, nothing calls the instance again", async () => {
  const two = [player(), player({ options: { trackers: ["wss://other.example"] } })];
  const details = playlist([{}, {}, {}, {}]);
  const engines = [];
  for (const self of two) engines.push(await self.start(details));
  const requests = two.map((self) => self.request(details.fragments[1]));
  const closed = [];
  const socket = Object.assign(new EventTarget(), { close: () => closed.push("socket") });
  const abort = new AbortController();
  const throwing = { close: () => { throw new Error("already closed"); } };
  const released = { close: () => closed.push("released") };
  for (const resource of [throwing, socket, abort, released]) engines[0].host.retain(resource);
  engines[0].host.release(released);
  engines.forEach((engine) => (engine.numbers = { peerBytes: 9, peers: 2 }));
  two[0].swarmline.stats();

  // As the panic hook does it: from inside a call, whose trap then comes out as an exception.
  engines[0].playlist = () => {
    poison("panicked at src/x.rs");
    engines[0].dead = true;
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const calls = engines.map(({ calls }) => calls.length);
  two[0].updated(playlist([{}, {}]));

  requests.forEach(({ stock }) => assert.ok(stock.busy));
  assert.deepEqual(closed, ["socket"]);
  assert.ok(abort.signal.aborted);
  for (const self of two) {
    const { offReason, offDetail, peers } = self.swarmline.stats();
    assert.deepEqual([offReason, offDetail, peers], ["wasm-panicked", "panicked at src/x.rs", 0]);
    assert.deepEqual(self.events("warning").map(({ code }) => code), ["wasm-panicked"]);
    assert.equal(self.events("statechange").at(-1).offReason, "wasm-panicked");
  }
  assert.equal(two[0].swarmline.stats().peerBytes, 9);
  for (const { stock, callbacks } of requests) {
    stock.answer(details.fragments[1].data.slice(0));
    await until(() => callbacks.names.length > 0);
    assert.deepEqual(callbacks.names, ["success"]);
  }
  two.forEach((self) => {
    self.swarmline.setEnabled(false);
    self.swarmline.setEnabled(true);
    self.updated(playlist([{}, {}]));
    self.plugin.destroy();
  });
  await settle();
  assert.deepEqual(engines.map(({ calls }) => calls.length), calls);
});

test("a player made afterwards plays, by its own loader", async () => {
  const made = FakeEngine.made.length;
  const self = player();
  const details = playlist([{}]);
  await self.start(details);
  assert.equal(self.swarmline.stats().offReason, "wasm-panicked");
  assert.equal(FakeEngine.made.length, made);
  assert.equal(self.glue.calls, 0);
});
