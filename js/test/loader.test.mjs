import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Callbacks, FakeEngine, Media, PlayerLoader, bytesOf, hex, player, playlist, settle, sha, until } from "./harness.mjs";

/** A load that the engine has taken: what hls.js sees, and the engine's number for it. */
async function taken(options = {}) {
  const self = player(options);
  const details = playlist([{}, {}, {}, {}]);
  const engine = await self.start(details);
  if (options.at !== undefined) {
    self.media = new Media();
    self.hls.emit("hlsMediaAttached", { media: self.media });
    self.media.at(options.at, [100, options.at + 20]);
  }
  const frag = details.fragments[2];
  const request = self.request(frag, options.request);
  const [load, segment] = engine.of("load").at(-1);
  return { self, engine, frag, load, segment, ...request };
}

test("a segment with a hash goes to the engine, which is told what it is", async () => {
  const { segment, frag, stock, load } = await taken();
  assert.equal(stock.busy, false);
  assert.equal(typeof load, "number");
  assert.deepEqual(segment, {
    sha256: sha(frag.data), root: null, bytes: 100, url: frag.url, offset: null,
    rendition: 0, track: 0, sn: 12, start: 104, duration: 2,
  });
});

test("a byte range is told with its offset; a tag of another size is worth nothing", async () => {
  const self = player();
  const details = playlist([{}, { range: [500, 600] }, { range: [600, 650] }]);
  const engine = await self.start(details);
  self.request(details.fragments[1]);
  assert.equal(engine.of("load").at(-1)[1].offset, 500);
  const { stock } = self.request(details.fragments[2]);
  assert.equal(engine.of("load").length, 1);
  assert.ok(stock.busy);
});

test("delivery: the rate hls.js will compute is the engine's, waiting left out", async () => {
  const { engine, load, callbacks, stats, context, frag } = await taken({ at: 101 });
  await new Promise((done) => setTimeout(done, 30));
  const data = frag.data.slice(0);
  engine.host.deliver(load, data, 4_000_000, 40);
  assert.deepEqual(callbacks.names, ["success"]);
  const [, response, givenStats, givenContext, details] = callbacks.calls[0];
  assert.equal(response.data, data);
  assert.equal(response.code, 200);
  assert.equal(givenStats, stats);
  assert.equal(givenContext, context);
  assert.equal(details, null);
  const { start, first, end } = stats.loading;
  assert.ok(Math.abs((8000 * 100) / (end - first) - 4_000_000) < 1);
  assert.ok(Math.abs(first - start - 40) < 1e-6);
  assert.equal(stats.loaded, 100);
  assert.equal(stats.total, 100);
});

test("stats is one plain object from the constructor on", async () => {
  const { loader, stats, engine, load, frag } = await taken();
  assert.equal(loader.stats, stats);
  engine.host.deliver(load, frag.data, 1e6, 1);
  assert.equal(loader.stats, stats);
});

/** hls.js's abandon rule, its first three steps (abr-controller, 1.5 to 1.7). */
function abandonRule(stats, durationMs) {
  if (stats.aborted || (stats.loaded && stats.loaded === stats.total)) return "stopped for this fragment";
  const timeLoading = performance.now() - stats.loading.start;
  return timeLoading <= durationMs / 2 ? "not yet" : "judges";
}

test("while a load waits on purpose the abandon rule does not judge it, and is not stopped either", async () => {
  const { stats, engine, load } = await taken({ at: 101 });
  await new Promise((done) => setTimeout(done, 40));
  assert.equal(abandonRule(stats, 20), "not yet");
  assert.equal(stats.total, 100);
  // Urgent: the real counters, and then the rule works.
  engine.host.progress(load, 30, 100, 500);
  assert.equal(stats.loaded, 30);
  assert.equal(abandonRule(stats, 20), "judges");
  assert.ok(Math.abs(performance.now() - stats.loading.first - 500) < 50);
});

test("at start-up and after a seek a load counts from the outset", async () => {
  const { stats } = await taken();
  assert.ok(Number.isFinite(stats.loading.start) && stats.loading.start > 0);
});

test("the CDN's failure gets out with its status, in hls.js's order of arguments", async () => {
  const { engine, load, callbacks, context, stats, stock } = await taken({ at: 101 });
  engine.host.fail(load, "cdn-status", 503, "the CDN answered 503");
  assert.deepEqual(callbacks.calls, [["error", { code: 503, text: "the CDN answered 503" }, context, null, stats]]);
  assert.ok(Number.isFinite(stats.loading.start));
  assert.equal(stock.destroyed, true);
});

test("a time-out gets out as one", async () => {
  const { engine, load, callbacks, context, stats } = await taken();
  engine.host.fail(load, "timeout", 0, "nothing arrived in time");
  assert.deepEqual(callbacks.calls, [["timeout", stats, context, null]]);
});

test("a hash mismatch of the CDN gets out with a stable word, and as something that hls.js tries again", async () => {
  const { engine, load, callbacks } = await taken();
  engine.host.fail(load, "hash-mismatch", 0, "hash-mismatch: x");
  assert.equal(callbacks.names[0], "error");
  assert.equal(callbacks.calls[0][1].code, 502);
  assert.match(callbacks.calls[0][1].text, /^hash-mismatch/);
});

for (const [code, status] of [["cdn-network", 0], ["cdn-request", 0], ["cdn-status", 403], ["cdn-status", 405]]) {
  test(`${code} ${status} may be about the request: the player's loader has a try before anything gets out`, async () => {
    const { engine, load, callbacks, stock, frag } = await taken();
    engine.host.fail(load, code, status, "refused");
    assert.deepEqual(callbacks.names, []);
    assert.ok(stock.busy);
    stock.answer(frag.data.slice(0));
    await until(() => callbacks.names.length > 0);
    assert.deepEqual(callbacks.names, ["success"]);
  });
}

test("a CDN that refuses only the engine's requests switches P2P off", async () => {
  const self = player();
  const details = playlist(Array.from({ length: 8 }, () => ({})));
  const engine = await self.start(details);
  for (const frag of details.fragments.slice(1, 4)) {
    const { stock, callbacks } = self.request(frag);
    engine.host.fail(engine.of("load").at(-1)[0], "cdn-status", 401, "401");
    stock.answer(frag.data.slice(0));
    await until(() => callbacks.names.length > 0);
  }
  assert.equal(self.swarmline.stats().offReason, "cdn-refused");
  assert.ok(engine.disposed);
  const loads = engine.of("load").length;
  assert.ok(self.request(details.fragments[5]).stock.busy);
  assert.equal(engine.of("load").length, loads);
});

test("abort: told once, the engine too, nothing afterwards", async () => {
  const { engine, load, loader, callbacks, context, stats, frag } = await taken({ at: 101 });
  loader.abort();
  assert.equal(stats.aborted, true);
  assert.ok(Number.isFinite(stats.loading.start));
  assert.deepEqual(callbacks.calls, [["abort", stats, context, null]]);
  assert.deepEqual(engine.of("abort"), [[load]]);
  engine.host.deliver(load, frag.data, 1e6, 1);
  engine.host.fail(load, "cdn-status", 500, "");
  engine.host.progress(load, 1, 100, 1);
  loader.abort();
  loader.destroy();
  assert.deepEqual(callbacks.names, ["abort"]);
});

test("destroy: silent, the engine is told, nothing afterwards", async () => {
  const { engine, load, loader, callbacks, stock, frag } = await taken();
  loader.destroy();
  loader.destroy();
  engine.host.deliver(load, frag.data, 1e6, 1);
  assert.deepEqual(callbacks.names, []);
  assert.deepEqual(engine.of("abort"), [[load]]);
  assert.equal(stock.destroyed, true);
  assert.equal(loader.context, null);
});

test("an engine that answers twice, or from inside load, is heard once", async () => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  const load = engine.load.bind(engine);
  engine.load = (number, segment) => {
    load(number, segment);
    engine.host.deliver(number, details.fragments[1].data, 1e6, 1);
    engine.host.deliver(number, details.fragments[1].data, 1e6, 1);
  };
  const { callbacks } = self.request(details.fragments[1]);
  assert.deepEqual(callbacks.names, ["success"]);
});

test("an engine that refuses a load, or throws, leaves it to the player's loader", async () => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  engine.load = () => {
    throw new Error("bad segment");
  };
  const { stock } = self.request(details.fragments[1]);
  assert.ok(stock.busy);
  assert.deepEqual(self.events("warning").map(({ code }) => code), ["engine-error"]);
});

test("an engine that never answers cannot hang playback", async (t) => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { stock, callbacks, stats } = self.request(details.fragments[1]);
  // The segment is due in 4 s, the CDN may be given up twice, after 8 s each, and 8 s are grace.
  t.mock.timers.tick(27_999);
  assert.equal(stock.busy, false);
  t.mock.timers.tick(2);
  assert.ok(stock.busy);
  assert.ok(stats.loading.start > 0 && Number.isFinite(stats.loading.start));
  assert.deepEqual(self.events("warning").map(({ code }) => code), ["engine-silent"]);
  t.mock.timers.reset();
  stock.answer(details.fragments[1].data.slice(0));
  await until(() => callbacks.names.length > 0);
  engine.host.deliver(engine.of("load").at(-1)[0], details.fragments[1].data, 1e6, 1);
  assert.deepEqual(callbacks.names, ["success"]);
});

test("progress keeps a load alive", async (t) => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { stock } = self.request(details.fragments[1]);
  for (let i = 0; i < 4; i += 1) {
    t.mock.timers.tick(20_000);
    engine.host.progress(engine.of("load").at(-1)[0], i, 100, 1000);
  }
  assert.equal(stock.busy, false);
});

test("a loader is used once", async () => {
  const { loader, context } = await taken();
  assert.throws(() => loader.load(context, {}, new Callbacks()), /once/);
});

test("progressive: all of it as progress, then an empty success, as hls.js's own loader does", async () => {
  const { engine, load, callbacks, frag, stats, context } = await taken({ config: { progressive: true }, request: { progress: true } });
  engine.host.deliver(load, frag.data, 1e6, 1);
  assert.deepEqual(callbacks.calls[0], ["progress", stats, context, frag.data, null]);
  assert.equal(callbacks.calls[1][0], "success");
  assert.equal(callbacks.calls[1][1].data.byteLength, 0);
});

test("hls.js 1.5 passes onProgress always: without `progressive` the data comes with the success", async () => {
  const { engine, load, callbacks, frag } = await taken({ request: { progress: true } });
  engine.host.deliver(load, frag.data, 1e6, 1);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(callbacks.calls[0][1].data, frag.data);
});

test("progressive with the player's loader: pieces of what is not verified yet go nowhere", async () => {
  const self = player({ config: { progressive: true } });
  const details = playlist([{}]);
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0], { progress: true });
  assert.equal(stock.callbacks.onProgress, undefined);
  stock.answer(details.fragments[0].data.slice(0));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["progress", "success"]);
});

test("init segments, subtitles, parts and what has no hash go to the player's loader as they are", async () => {
  const self = player();
  const details = playlist([{}, {}, { tagged: false }]);
  const engine = await self.start(details);
  const frag = details.fragments[1];
  const cases = [
    [{ ...frag, sn: "initSegment" }, {}],
    [{ ...frag, type: "subtitle" }, {}],
    [frag, { part: { index: 0 } }],
    [details.fragments[2], {}],
  ];
  for (const [other, options] of cases) {
    const { stock, callbacks, context, stats } = self.request(other, { progress: true, ...options });
    assert.ok(stock.busy);
    const data = bytesOf(7);
    stock.answer(data);
    assert.deepEqual(callbacks.calls, [
      ["progress", stats, context, data, "details"],
      ["success", { url: context.url, data, code: 200 }, stats, context, "details"],
    ]);
  }
  assert.deepEqual(engine.of("load"), []);
});

test("players that inherit the configuration get their own loader, untouched", async () => {
  const self = player();
  await self.start();
  const child = { ...self.hls.config };
  const loader = new self.hls.config.fLoader(child);
  assert.ok(loader instanceof PlayerLoader);
  assert.equal(loader.config, child);
});

test("an application's own fLoader stands in for the player's", async () => {
  class Own extends PlayerLoader {}
  const self = player({ config: { fLoader: Own } });
  const details = playlist([{ tagged: false }]);
  self.open();
  self.updated(details);
  assert.ok(self.request(details.fragments[0]).stock instanceof Own);
});

test("the player's loader's errors, time-outs and aborts pass in hls.js's order of arguments", async () => {
  const self = player();
  const details = playlist([{}]);
  self.open();
  self.updated(details);
  const one = self.request(details.fragments[0]);
  one.stock.fail(404);
  assert.deepEqual(one.callbacks.calls, [["error", { code: 404, text: "no" }, one.context, "details", one.stats]]);
  const two = self.request(details.fragments[0]);
  two.stock.callbacks.onTimeout(two.stats, two.context, "details");
  assert.deepEqual(two.callbacks.calls, [["timeout", two.stats, two.context, "details"]]);
  const three = self.request(details.fragments[0]);
  three.loader.abort();
  assert.deepEqual(three.callbacks.calls, [["abort", three.stats, three.context, "details"]]);
  assert.equal(three.stats.aborted, true);
});

test("the player's bytes are verified, then given to the engine with true times, then to hls.js", async () => {
  const self = player();
  const details = playlist([{}, {}, {}]);
  const engine = await self.start(details);
  engine.load = () => {
    throw new Error("not this one");
  };
  const { stock, callbacks } = self.request(details.fragments[1]);
  const before = engine.of("insert").length;
  stock.answer(details.fragments[1].data.slice(0));
  assert.deepEqual(callbacks.names, []);
  await until(() => callbacks.names.length > 0);
  const [segment, data, firstByteMs, transferMs] = engine.of("insert")[before];
  assert.equal(segment.sn, 11);
  assert.equal(sha(data), segment.sha256);
  assert.deepEqual([Math.round(firstByteMs), Math.round(transferMs)], [5, 20]);
});

test("nothing is delivered after an abort while bytes are being verified", async () => {
  const self = player();
  const details = playlist([{}]);
  self.open();
  self.updated(details);
  for (const end of ["abort", "destroy"]) {
    const { stock, callbacks, loader } = self.request(details.fragments[0]);
    stock.answer(details.fragments[0].data.slice(0));
    loader[end]();
    await settle();
    assert.deepEqual(callbacks.names, end === "abort" ? ["abort"] : []);
  }
});

/** An origin that answers each request in turn. */
async function origin(t, ...answers) {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const { status = 200, headers = {}, body = "" } = answers[Math.min(seen.length, answers.length) - 1];
    response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : Buffer.from(body));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return { seen, url: `http://127.0.0.1:${server.address().port}/media.m3u8` };
}

test("bytes that are not the publisher's: past the cache once, then delivered if right", async (t) => {
  const good = bytesOf(100, 5);
  const { seen, url } = await origin(t, { body: good });
  const self = player();
  const details = playlist([{ data: good }], { url });
  self.open();
  self.updated(details);
  const { stock, callbacks, stats } = self.request(details.fragments[0]);
  stock.answer(bytesOf(100, 6));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(sha(callbacks.calls[0][1].data), sha(good));
  assert.equal(seen.length, 1);
  assert.match(seen[0].headers["cache-control"], /no-cache/);
  assert.deepEqual(self.events("hashfailure"), [{ hash: hex(good), fromCdn: true }]);
  const { cdnBytes, deliveredBytes, hashFailures } = self.swarmline.stats();
  assert.deepEqual([cdnBytes, deliveredBytes, hashFailures], [200, 100, 1]);
  assert.ok(stats.loading.end >= stats.loading.first && stats.loading.first >= stats.loading.start);
});

for (const [name, answer, expected] of [
  ["wrong again", { body: bytesOf(100, 7) }, { code: 502, text: /^hash-mismatch/ }],
  ["of another size again", { body: bytesOf(99, 5) }, { code: 502, text: /^hash-mismatch/ }],
  ["503", { status: 503 }, { code: 503, text: /./ }],
]) {
  test(`bytes that are not the publisher's, and then ${name}: an error, never the bytes`, async (t) => {
    const good = bytesOf(100, 5);
    const { seen, url } = await origin(t, answer);
    const self = player();
    const details = playlist([{ data: good }], { url });
    self.open();
    self.updated(details);
    const { stock, callbacks } = self.request(details.fragments[0]);
    stock.answer(bytesOf(100, 6));
    await until(() => callbacks.names.length > 0);
    assert.deepEqual(callbacks.names, ["error"]);
    assert.equal(callbacks.calls[0][1].code, expected.code);
    assert.match(callbacks.calls[0][1].text, expected.text);
    assert.equal(seen.length, 1);
  });
}

test("the second try asks for the same byte range, and cuts it out of a whole answer", async (t) => {
  const whole = bytesOf(1000, 9);
  const good = whole.slice(500, 600);
  const { seen, url } = await origin(t, { body: whole });
  const self = player();
  const details = playlist([{ data: good, range: [500, 600] }], { url });
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0]);
  stock.answer(bytesOf(100, 6));
  await until(() => callbacks.names.length > 0);
  assert.equal(seen[0].headers.range, "bytes=500-599");
  assert.equal(sha(callbacks.calls[0][1].data), sha(good));
});

test("fetchSetup makes the requests, and loses neither range nor abort", async (t) => {
  const { seen, url } = await origin(t, { body: "x" });
  const contexts = [];
  const fetchSetup = (context, init) => {
    contexts.push([context, init]);
    return new Request(`${context.url}?token=2`, { headers: { "x-own": "1" } });
  };
  const self = player({ config: { fetchSetup, xhrSetup() {} } });
  const details = playlist([{}, {}], { url });
  const engine = await self.start(details);
  const abort = new AbortController();
  const frag = details.fragments[1];
  self.request(frag);
  const request = await engine.host.prepare(frag.url, { headers: { Range: "bytes=5-9" }, signal: abort.signal });
  assert.equal(contexts[0][0].frag, frag);
  assert.ok(contexts[0][1].headers instanceof Headers);
  assert.equal(contexts[0][1].headers.get("range"), "bytes=5-9");
  await (await fetch(request)).text();
  assert.equal(seen[0].url, `${new URL(frag.url).pathname}?token=2`);
  assert.equal(seen[0].headers["x-own"], "1");
  assert.equal(seen[0].headers.range, "bytes=5-9");
  abort.abort();
  assert.ok(request.signal.aborted);
});

test("headers that the player's request carries (CMCD) are on the engine's too", async () => {
  const { self, engine, frag, context } = await taken();
  context.headers["CMCD-Request"] = "mtp=1";
  const request = await engine.host.prepare(frag.url, {});
  assert.equal(request.headers.get("cmcd-request"), "mtp=1");
  assert.equal(request.credentials, "same-origin");
  const other = await engine.host.prepare("https://cdn.example/other.m4s", {});
  assert.equal(other.headers.get("cmcd-request"), null);
  assert.equal(self.swarmline.stats().offReason, null);
});

test("a digest in the player's answers stands in for tags; the next hashes are asked for ahead", async (t) => {
  const datas = [1, 2, 3, 4].map((seed) => bytesOf(50, seed));
  const digest = (data) => `sha-256=:${Buffer.from(sha(data), "base64url").toString("base64")}:`;
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const data = datas[Number(/(\d+)\.m4s/.exec(request.url)[1]) - 10];
    response.writeHead(200, { "repr-digest": digest(data), "content-length": data.byteLength }).end(request.method === "HEAD" ? undefined : Buffer.from(data));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/media.m3u8`;
  const details = playlist(datas.map((data) => ({ data, tagged: false })), { url });
  const self = player();
  self.open();
  self.updated(details);
  assert.equal(self.swarmline.stats().offReason, "no-hashes");
  const { stock, callbacks } = self.request(details.fragments[0]);
  stock.answer(datas[0].slice(0), new Response(datas[0], { headers: { "repr-digest": digest(datas[0]) } }));
  await until(() => callbacks.names.length > 0);
  await self.shown();
  await until(() => self.swarmline.stats().offReason === null);
  await until(() => details.fragments.every((frag) => self.plugin.known(frag)));
  assert.deepEqual(seen.map(({ method }) => method), ["HEAD", "HEAD", "HEAD"]);
  const engine = FakeEngine.made.at(-1);
  assert.equal(engine.of("insert")[0][0].sn, 10);
  self.request(details.fragments[2]);
  assert.deepEqual(engine.of("load").at(-1)[1], {
    sha256: sha(datas[2]), root: null, bytes: 50, url: details.fragments[2].url, offset: null,
    rendition: 0, track: 0, sn: 12, start: 104, duration: 2,
  });
});

test("a digest that is not that of the bytes is no reason to ask for more, nor to hold anything back", async () => {
  const details = playlist([{ tagged: false }, { tagged: false }]);
  const self = player();
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0]);
  const wrong = Buffer.from(sha(bytesOf(3)), "base64url").toString("base64");
  stock.answer(details.fragments[0].data.slice(0), new Response("", { headers: { "repr-digest": `sha-256=:${wrong}:` } }));
  await until(() => callbacks.names.length > 0);
  assert.deepEqual(callbacks.names, ["success"]);
  assert.equal(self.swarmline.stats().offReason, "no-hashes");
});
