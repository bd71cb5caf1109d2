// The option `publisherKeys` in a player: which hashes count, and in which order sources do.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { afterEach, test } from "node:test";
import { dash } from "./dash-harness.mjs";
import { readTags } from "../build/tag.js";
import { Media, bytesOf, hex, player, playlist, settle, sha, until } from "./harness.mjs";

const trackers = ["wss://t.example"];
const STREAM = "final-2026";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const KEY = publicKey.export({ format: "jwk" }).x;
const publisherKeys = [KEY];
const options = { trackers, swarmId: STREAM, publisherKeys };
const hash = (text) => createHash("sha256").update(text).digest("base64url");
const sig = (statement) => sign(null, Buffer.from(statement), createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }))).toString("base64url");

let issued = Date.now();

/** A playlist of the harness, signed. */
function signed(details, { stream = STREAM, at = (issued += 1), path = "v0/media.m3u8" } = {}) {
  const lines = [...readTags(details.m3u8)].map(([sn, { sha256, root, bytes }]) => `${sn} ${sha256} ${root ?? "-"} ${bytes}\n`);
  const live = !details.m3u8.includes("#EXT-X-ENDLIST");
  const statement = `swarmline-playlist-1\n${stream}\n${path}\n${at}\n${live ? "live" : "ended"}\n${hash(lines.join(""))}\n`;
  const line = `#EXT-X-SWARMLINE-SIGNATURE:KEY=${KEY.slice(0, 12)},ISSUED=${at},STREAM="${stream}",PATH="${path}",SIG=${sig(statement)}`;
  return { ...details, m3u8: details.m3u8.replace("#EXTM3U", `#EXTM3U\n${line}`) };
}

function signedList(list, path = "integrity.json") {
  const body = JSON.stringify(list).slice(0, -1).concat(`,"stream":"${STREAM}","path":"${path}","issued":${(issued += 1)}`);
  return `${body},"signatures":[{"key":"${KEY.slice(0, 12)}","sig":"${sig(`swarmline-list-1\n${hash(body)}\n`)}"}]}`;
}

/** What the page fetches beside the player: `answers` by the end of the URL's path. */
function serve(answers) {
  const kept = globalThis.fetch;
  const asked = [];
  globalThis.fetch = async (request) => {
    const url = typeof request === "string" ? request : request.url;
    asked.push(`${request.method ?? "GET"} ${new URL(url).pathname}`);
    const answer = Object.entries(answers).find(([end]) => new URL(url).pathname.endsWith(end))?.[1];
    return answer === undefined ? new Response("", { status: 404 }) : answer(request);
  };
  closing.push(() => {
    globalThis.fetch = kept;
  });
  return asked;
}

const closing = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A viewer with time to spare. */
function watching(self) {
  const media = new Media();
  self.hls.emit("hlsMediaAttached", { media });
  media.at(101, [100, 106]);
  return media;
}

const untagged = (count) => playlist(Array.from({ length: count }, () => ({ tagged: false })));

test("with a good signature the tags count", async () => {
  const self = player({ options });
  const details = signed(playlist([{}, {}, {}, {}]));
  const engine = await self.start(details);
  assert.equal(self.swarmline.stats().offReason, null);
  self.request(details.fragments[1]);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(bytesOf(100, 11)));
  assert.deepEqual(self.events("warning"), []);
});

test("a segment that is asked for in the moment its playlist comes waits for the signature, and is the engine's", async () => {
  const self = player({ options });
  const engine = await self.start(signed(playlist([{}, {}, {}, {}])));
  watching(self);
  const next = signed(playlist([{}, {}, {}, {}, {}]));
  self.updated(next);
  const { stock } = self.request(next.fragments[4]);
  assert.equal(stock.busy, false);
  await until(() => engine.of("load").length > 0);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(bytesOf(100, 14)));
});

for (const [name, details, reason] of [
  ["none", () => playlist([{}, {}]), /it is not signed/],
  ["another stream's", () => signed(playlist([{}, {}]), { stream: "other" }), /another stream/],
  ["a wrong", () => ({ ...signed(playlist([{}, {}])), ...{ m3u8: signed(playlist([{}, {}])).m3u8.replace(/BYTES=100/, "BYTES=101") } }), /its signature is wrong/],
]) {
  test(`with ${name} signature the tags do not count, which is said once; the player's loader goes on`, async () => {
    const self = player({ options });
    const first = details();
    self.open();
    self.updated(first);
    self.updated(details());
    await until(() => self.events("warning").length > 0);
    await settle();
    const said = self.events("warning");
    assert.deepEqual(said.map(({ code }) => code), ["signature"]);
    assert.match(said[0].message, reason);
    assert.equal(self.swarmline.stats().offReason, "no-hashes");
    // Nothing to compare with: whatever the CDN sends is played, and shared with nobody.
    const { stock, callbacks } = self.request(first.fragments[0]);
    stock.answer(bytesOf(100, 99));
    assert.deepEqual(callbacks.names, ["success"]);
    assert.equal(self.events("segment").at(-1).hash, null);
  });
}

test("a playlist that is signed for the master playlist's own folder does not count in a folder below", async () => {
  for (const [path, master, reason] of [
    ["media.m3u8", "https://cdn.example/master.m3u8?t=1", /another place/],
    ["v0/media.m3u8", "https://cdn.example/master.m3u8?t=1", null],
    ["media.m3u8", "https://cdn.example/v0/master.m3u8", null],
    ["media.m3u8", "https://other.example/master.m3u8", null],
  ]) {
    const self = player({ options });
    const details = signed(playlist([{}, {}]), { path });
    // Where it was asked for does not matter, only where it was found in the end.
    self.open("https://cdn.example/redirects.m3u8");
    self.hls.emit("hlsManifestLoaded", { url: master });
    self.updated(details);
    await until(() => self.events("warning").length > 0 || self.plugin.known(details.fragments[0]) !== null);
    if (reason) assert.match(self.events("warning")[0].message, reason);
    else assert.deepEqual(self.events("warning"), []);
  }
});

test("dash.js: a list that is signed for the MPD's own folder does not count in a folder below, but where the application says", async () => {
  const list = { version: 1, live: false, representations: [{ id: "v0", segments: [] }] };
  for (const [value, path, integrityUrl, counts] of [
    ["audio/integrity.json", "integrity.json", undefined, false],
    ["audio/integrity.json", "audio/integrity.json", undefined, true],
    ["other.json", "integrity.json", "https://cdn.example/live/audio/integrity.json", true],
  ]) {
    const self = await dash({ options: { swarmId: STREAM, publisherKeys, ...(integrityUrl && { integrityUrl }) } });
    self.answers = () => new Response(signedList(list, path));
    self.manifest({ SupplementalProperty: [{ schemeIdUri: "urn:swarmline:integrity:2026", value }] });
    await until(() => self.plugin.source.list !== null || self.events.warning.length > 0);
    assert.equal(self.plugin.source.list !== null, counts, `${value} ${path}`);
    if (!counts) assert.match(self.events.warning[0].message, /another place/);
  }
});

test("beside a live rendition, yesterday's ended one does not count; with another source of the same player it does", async () => {
  const self = player({ options });
  await self.start(signed(playlist([{}, {}])));
  const yesterday = (path) => {
    const details = playlist([{}, {}], { url: `https://cdn.example/${path}`, type: "audio" });
    return signed({ ...details, m3u8: `${details.m3u8}#EXT-X-ENDLIST\n`, live: false }, { path, at: issued - 86_400_000 });
  };
  const [replayed, recorded] = ["audio/media.m3u8", "archive/media.m3u8"].map(yesterday);
  self.updated(replayed);
  await until(() => self.events("warning").length > 0);
  assert.match(self.events("warning")[0].message, /the stream is live again/);
  assert.equal(self.plugin.hashes.find(replayed.fragments[0]), null);
  self.open("https://cdn.example/archive/master.m3u8");
  self.updated(recorded);
  await until(() => self.plugin.hashes.find(recorded.fragments[0]) !== null);
  assert.equal(self.events("warning").length, 1);
});

/** Signatures cannot be checked, so many times. */
function unable(t, times) {
  const verify = t.mock.method(crypto.subtle, "verify");
  for (let i = 0; i < times; i += 1) verify.mock.mockImplementationOnce(() => Promise.reject(new TypeError("Failed to fetch dynamically imported module")), i);
  return verify;
}

test("a recording whose signature could not be checked is judged again with the next request, and told from a bad one", async (t) => {
  const verify = unable(t, 2);
  const self = player({ options });
  const details = signed({ ...playlist([{}, {}, {}, {}]), live: false });
  self.open();
  self.updated(details);
  await until(() => self.events("warning").length > 0);
  assert.deepEqual(self.events("warning").map(({ code }) => code), ["signature-unchecked"]);
  assert.match(self.events("warning")[0].message, /could not be checked: .*Failed to fetch/);
  await settle();
  assert.equal(self.swarmline.stats().offReason, "no-hashes");
  watching(self);
  // One attempt for each request, however often its hash is looked for.
  const second = self.request(details.fragments[2]);
  await until(() => second.stock.busy);
  assert.equal(verify.mock.callCount(), 2);
  second.loader.abort();
  self.request(details.fragments[3]);
  await until(() => self.plugin.known(details.fragments[3]) !== null);
  await until(() => self.swarmline.stats().offReason !== "no-hashes");
  self.request(details.fragments[1]);
  assert.equal(verify.mock.callCount(), 3);
  assert.equal(self.events("warning").length, 1);
});

test("a live playlist whose signature could not be checked is judged when it comes again, changed or not", async (t) => {
  const verify = unable(t, 1);
  const self = player({ options });
  const details = signed(playlist([{}, {}, {}, {}]));
  self.open();
  self.updated(details);
  await until(() => self.events("warning").length > 0);
  await settle();
  self.updated({ ...details });
  await until(() => self.plugin.known(details.fragments[1]) !== null);
  self.updated({ ...details });
  await settle();
  assert.equal(verify.mock.callCount(), 2);
});

test("dash.js: a list whose signature could not be checked is judged when it is read again", async (t) => {
  const verify = unable(t, 1);
  const text = signedList({ version: 1, live: false, representations: [{ id: "v0", segments: [] }] });
  const self = await dash({ options: { swarmId: STREAM, publisherKeys } });
  self.answers = () => new Response(text);
  self.manifest();
  await until(() => self.events.warning.length > 0);
  assert.deepEqual(self.events.warning.map(({ code }) => code), ["signature-unchecked"]);
  assert.equal(self.plugin.source.list, null);
  await self.plugin.source.refresh();
  assert.notEqual(self.plugin.source.list, null);
  assert.equal(verify.mock.callCount(), 2);
});

test("a playlist that does not count takes nothing from what was signed before", async () => {
  const self = player({ options });
  const engine = await self.start(signed(playlist([{}, {}, {}, {}])));
  self.updated(playlist([{}, {}, {}, { sha256: sha(bytesOf(1)) }]));
  await until(() => self.events("warning").length > 0);
  const { fragments } = playlist([{}, {}, {}, {}]);
  self.request(fragments[3]);
  assert.equal(engine.of("load").at(-1)[1].sha256, sha(bytesOf(100, 13)));
});

test("what does not change is judged once", async (t) => {
  const verify = t.mock.method(crypto.subtle, "verify");
  const self = player({ options });
  const details = signed(playlist([{}, {}, {}, {}]));
  await self.start(details);
  for (let i = 0; i < 3; i += 1) self.updated({ ...details });
  await settle();
  assert.equal(verify.mock.callCount(), 1);
  self.updated(signed(playlist([{}, {}, {}, {}, {}])));
  await until(() => verify.mock.callCount() === 2);
});

test("nobody has signed the CDN's digests: they do not count; the application's own word does", async () => {
  const data = bytesOf(100, 10);
  const answer = new Response("", { headers: { "repr-digest": `sha-256=:${createHash("sha256").update(new Uint8Array(data)).digest("base64")}:` } });
  const told = [];
  for (const [more, expected] of [[{}, null], [{ hashes: ({ sn }) => ({ sha256: hex(bytesOf(100, sn)), bytes: 100 }) }, hex(data)]]) {
    const self = player({ options: { ...options, ...more } });
    const asked = serve({});
    const details = untagged(4);
    self.open();
    self.updated(details);
    await settle();
    const { stock, callbacks } = self.request(details.fragments[0]);
    await settle();
    stock.answer(data, answer);
    await until(() => callbacks.names.length > 0);
    assert.equal(self.events("segment").at(-1).hash, expected);
    assert.deepEqual(asked, [], "nobody asks for digests by HEAD");
    told.push(self.swarmline.stats().offReason);
  }
  assert.equal(told[0], "no-hashes");
  assert.notEqual(told[1], "no-hashes");
});

test("dash.js: a signed list counts, an unsigned one does not", async () => {
  const entries = [1, 2, 3].map((n) => ({ url: `v0/${n}.m4s`, number: n, start: 2 * n, duration: 2, bytes: 1000, sha256: sha(bytesOf(1000, n)) }));
  const list = { version: 1, live: false, representations: [{ period: "p", id: "v0", segments: entries }] };
  for (const [text, reason] of [[signedList(list), null], [JSON.stringify(list), "signature"]]) {
    const self = await dash({ options: { swarmId: STREAM, publisherKeys } });
    self.answers = () => new Response(text);
    self.manifest();
    await until(() => self.plugin.source.list !== null || self.events.warning.length > 0);
    assert.equal(self.plugin.source.list?.whole.length ?? 0, reason ? 0 : 3);
    assert.deepEqual(self.events.warning.map(({ code }) => code), reason ? [reason] : []);
  }
});

test("dash.js: where a list's signatures begin is found behind whatever it has of its own, and a bad list is judged once", async (t) => {
  const own = { version: 1, live: false, extra: { a: 1, signatures: [] }, representations: [{ id: "v0", segments: [] }] };
  const self = await dash({ options: { swarmId: STREAM, publisherKeys } });
  self.answers = () => new Response(signedList(own));
  self.manifest();
  await until(() => self.plugin.source.list !== null || self.events.warning.length > 0);
  assert.deepEqual(self.events.warning, []);

  const verify = t.mock.method(crypto.subtle, "verify");
  const bad = signedList({ ...own, live: true }).replace('"a":1', '"a":2');
  const other = await dash({ options: { swarmId: STREAM, publisherKeys } });
  other.answers = () => new Response(bad);
  other.manifest();
  await until(() => other.events.warning.length > 0);
  for (let i = 0; i < 3; i += 1) await other.plugin.source.refresh();
  assert.equal(verify.mock.callCount(), 1);
  assert.deepEqual(other.events.warning.map(({ code }) => code), ["signature"]);
});

test("a tag that comes later counts for more than what the callback has said", async () => {
  const self = player({ options: { trackers, hashes: () => ({ sha256: sha(bytesOf(100, 400)), bytes: 100 }) } });
  const details = untagged(4);
  await self.start(details);
  await until(() => self.plugin.known(details.fragments[2]) !== null);
  assert.equal(self.plugin.known(details.fragments[2]).sha256, sha(bytesOf(100, 400)));
  const tagged = playlist([{}, {}, {}, {}]);
  self.updated(tagged);
  for (const frag of [tagged.fragments[2], details.fragments[2]]) {
    assert.equal(self.plugin.known(frag).sha256, sha(bytesOf(100, 12)));
  }
});

test("the order of sources: tag, list, digest, callback", async () => {
  const known = (n) => ({ sha256: sha(bytesOf(100, n)), bytes: 100 });
  const digest = (n) => `sha-256=:${createHash("sha256").update(new Uint8Array(bytesOf(100, n))).digest("base64")}:`;
  const entries = Array.from({ length: 10 }, (_, i) => 10 + i).map((sn) => ({ url: `v0/${sn}.m4s`, number: sn, start: 2 * sn, duration: 2, bytes: 100, sha256: known(200).sha256 }));
  const list = JSON.stringify({ version: 1, live: true, representations: [{ id: "v0", segments: entries }] });
  const head = () => new Response("", { headers: { "repr-digest": digest(300), "content-length": "100" } });
  const cases = [["tag", true, true, true, 17], ["list", false, true, true, 200], ["digest", false, false, true, 300], ["callback", false, false, false, 400]];
  for (const [name, tagged, hasList, hasDigest, expected] of cases) {
    const asked = [];
    const hashes = (segment) => {
      asked.push(segment.sn);
      return known(400);
    };
    serve({ "list.json": () => new Response(list), ".m4s": hasDigest ? head : () => new Response("") });
    const integrityUrl = hasList ? "https://cdn.example/list.json" : undefined;
    const self = player({ options: { trackers, hashes, integrityUrl } });
    const details = playlist(Array.from({ length: 10 }, () => ({ tagged })));
    self.open();
    await settle();
    self.updated(details);
    await settle();
    watching(self);
    // The first one is the player's; its answer may show that the CDN's digests are true.
    const { fragments } = details;
    const seen = bytesOf(100, tagged ? 10 : hasList ? 200 : 300);
    const first = self.request(fragments[0]);
    await settle();
    if (hasDigest && first.stock.busy) {
      first.stock.answer(seen, new Response("", { headers: { "repr-digest": digest(300) } }));
      await until(() => first.callbacks.names.length > 0 || self.events("hashfailure").length > 0);
    }
    self.request(fragments[7]);
    await until(() => self.plugin.known(fragments[7]) !== null);
    assert.equal(self.plugin.known(fragments[7])?.sha256, known(expected).sha256, name);
    if (name !== "callback") assert.ok(!asked.includes(17), `${name}: the callback was asked`);
    closing.splice(0).forEach((close) => close());
  }
});
