import assert from "node:assert/strict";
import { test } from "node:test";
import { player, playlist } from "./harness.mjs";

test("a trap without a word from the panic hook counts as a panic", async () => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  const before = self.request(details.fragments[1]);
  engine.load = () => {
    throw new WebAssembly.RuntimeError("memory access out of bounds");
  };
  const { stock } = self.request(details.fragments[2]);
  assert.ok(stock.busy);
  assert.ok(before.stock.busy);
  assert.equal(self.swarmline.stats().offReason, "wasm-panicked");
  assert.match(self.swarmline.stats().offDetail, /out of bounds/);
});
