import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { FakeEngine, bytesOf, hex, player, playlist, settle, sha, until } from "./harness.mjs";

/** A CDN that answers every request with what `body` gives. */
async function origin(t, body) {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end(Buffer.from(body(seen.length)));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return { seen, url: `http://127.0.0.1:${server.address().port}/media.m3u8` };
}

/** One segment of `details` by the player's loader, which brings `data`. */
async function load(self, details, index, data) {
  const { stock, callbacks } = self.request(details.fragments[index]);
  stock.answer(data.slice(0));
  await until(() => callbacks.names.length > 0);
  const [[name, response]] = callbacks.calls;
  return name === "success" ? sha(response.data) : response.code;
}

const wrong = bytesOf(100, 77);

test("a CDN whose bytes differ from the hashes and from each other: errors only, and after three in a row P2P is off", async (t) => {
  const { seen, url } = await origin(t, (count) => bytesOf(100, 200 + count));
  const self = player();
  const details = playlist([{}, {}, {}, {}, {}, {}], { url });
  self.open();
  self.updated(details);
  for (const index of [0, 1]) assert.equal(await load(self, details, index, wrong), 502);
  assert.notEqual(self.swarmline.stats().offReason, "hash-mismatch");
  for (const index of [2, 3, 4]) assert.equal(await load(self, details, index, wrong), 502);
  const { offReason, offDetail, hashFailures, deliveredBytes } = self.swarmline.stats();
  assert.equal(offReason, "hash-mismatch");
  assert.match(offDetail, /segment after segment/);
  assert.deepEqual([hashFailures, deliveredBytes, seen.length], [10, 0, 5]);
  assert.deepEqual(self.events("warning").map(({ code }) => code), ["hash-mismatch"]);
  assert.equal(self.events("statechange").at(-1).offReason, "hash-mismatch");
  // What does match is delivered.
  assert.equal(await load(self, details, 5, details.fragments[5].data), sha(details.fragments[5].data));
});

test("a CDN that gives the same wrong bytes again and again: errors only, for as long as the stream lasts", async (t) => {
  const { seen, url } = await origin(t, () => wrong);
  const self = player();
  const details = playlist([{}, {}, {}, {}, {}, {}], { url });
  self.open();
  self.updated(details);
  for (const index of [0, 0, 1, 2, 3, 4]) assert.equal(await load(self, details, index, wrong), 502);
  assert.equal(seen.length, 6);
  const { offReason, hashFailures, deliveredBytes } = self.swarmline.stats();
  assert.deepEqual([offReason, hashFailures, deliveredBytes], ["hash-mismatch", 12, 0]);
  assert.equal(self.events("hashfailure").at(-1).hash, hex(details.fragments[4].data));
  assert.deepEqual(self.events("segment"), []);
  // Another stream begins with trust.
  self.open("https://cdn.example/other.m3u8");
  assert.notEqual(self.swarmline.stats().offReason, "hash-mismatch");
});

test("one that matches in between, by the CDN or by the swarm: the stream is believed", async (t) => {
  const { url } = await origin(t, () => wrong);
  const self = player();
  const details = playlist([{}, {}, {}, {}, {}, {}, {}, {}], { url });
  const engine = await self.start(details);
  const bySwarm = (index) => {
    const { callbacks } = self.request(details.fragments[index]);
    const [[number]] = engine.of("load").slice(-1);
    return { callbacks, number };
  };
  const lose = (index) => {
    const { callbacks, number } = bySwarm(index);
    engine.host.fail(number, "hash-mismatch", 0, "twice");
    assert.equal(callbacks.calls[0][1].code, 502);
  };
  [1, 2].forEach(lose);
  const { number } = bySwarm(3);
  engine.host.deliver(number, details.fragments[3].data.slice(0), 1e6, 5);
  [4, 5].forEach(lose);
  assert.equal(self.swarmline.stats().offReason, null);
  const waiting = bySwarm(7);
  lose(6);
  assert.equal(self.swarmline.stats().offReason, "hash-mismatch");
  assert.ok(engine.disposed);
  await settle();
  // What the engine was at goes on by the player's loader, and is checked.
  assert.deepEqual(waiting.callbacks.names, []);
  assert.equal(FakeEngine.made.at(-1), engine);
});

test("a whole answer to a request for a range is cut, and no second request made", async (t) => {
  const whole = bytesOf(1000, 9);
  const good = whole.slice(500, 600);
  const { seen, url } = await origin(t, () => whole);
  const self = player();
  const details = playlist([{ data: good, range: [500, 600] }], { url });
  self.open();
  self.updated(details);
  assert.equal(await load(self, details, 0, whole), sha(good));
  assert.equal(seen.length, 0);
  assert.equal(self.swarmline.stats().hashFailures, 0);
});

test("a resource that has grown since it was published is played as published, one that has shrunk is not", async (t) => {
  const { seen, url } = await origin(t, () => bytesOf(99, 10));
  const self = player();
  const details = playlist([{}, {}], { url });
  self.open();
  self.updated(details);
  const [{ data }] = details.fragments;
  const grown = new Uint8Array([...new Uint8Array(data), 1, 2, 3]).buffer;
  assert.equal(await load(self, details, 0, grown), sha(data));
  assert.equal(seen.length, 0);
  assert.equal(await load(self, details, 1, bytesOf(99, 11)), 502);
  assert.equal(seen.length, 1);
});
