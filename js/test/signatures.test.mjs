// What `swarmline seal --key` signs and what a viewer makes of it. The vectors are made by the Rust side.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verify } from "../build/ed25519.js";
import { verifySlowly } from "../build/ed25519-slow.js";
import { fromBase64Url } from "../build/known.js";
import { Publisher } from "../build/publisher.js";
import { readTags } from "../build/tag.js";

const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/signatures.json", import.meta.url), "utf8"));
const [old, young] = vectors.keys;
const { stream } = vectors;
const DAY = 86_400_000;
const at = (path) => `https://cdn.example/token=7/live/${path.split("/").map(encodeURIComponent).join("/")}?token=1`;

/** The clock is right when a case is judged, unless a test says otherwise. */
function clock(t, now) {
  t.mock.method(Date, "now", () => now);
}

const judge = (publisher, { signed, path }, url = at(path), manifest = undefined) => publisher.playlist(signed, readTags(signed), url, manifest);

for (const one of vectors.playlists) {
  test(`a playlist as Rust signs it: ${one.name}`, async (t) => {
    clock(t, one.issued);
    const keys = one.keys.map((key) => vectors.keys[key].public);
    await judge(new Publisher(keys, stream), one);
    for (const key of keys) await judge(new Publisher([key], stream), one);
    const stranger = vectors.keys.find(({ public: key }) => !keys.includes(key));
    if (stranger) await assert.rejects(judge(new Publisher([stranger.public], stream), one), /none of publisherKeys/);
  });
}

for (const one of vectors.lists) {
  test(`an integrity list as Rust signs it: ${one.name}`, async (t) => {
    clock(t, one.issued);
    for (const index of one.keys) {
      const covered = await new Publisher([vectors.keys[index].public], stream).list(one.signed, at(one.path));
      const { stream: name, path, issued, ...rest } = JSON.parse(covered);
      assert.deepEqual([name, path, issued], [stream, one.path, one.issued]);
      assert.deepEqual(rest, JSON.parse(one.unsigned), "what counts is what was signed, and no more");
    }
  });
}

test("any other byte of what was signed is refused", async (t) => {
  const [one] = vectors.playlists;
  clock(t, one.issued);
  const changes = [
    [/SHA256=y/, "SHA256=z"], [/ROOT=q/, "ROOT=r"], [/BYTES=1000/, "BYTES=1001"], [/SEQUENCE:40/, "SEQUENCE:41"],
    [/ISSUED=(\d+)\d/, "ISSUED=$10"], [/SIG=./, "SIG=A"], [/$/, "#EXT-X-ENDLIST\n"], [/#EXTINF:2.0,\n(#EXT-X-SWARMLINE:.*\n)/, "$1$1"],
  ];
  for (const [pattern, text] of changes) {
    const signed = one.signed.replace(pattern, text);
    assert.notEqual(signed, one.signed);
    await assert.rejects(judge(new Publisher([old.public], stream), { ...one, signed }), /its signature is wrong/, String(pattern));
  }
  const list = vectors.lists[0];
  for (const [pattern, text] of [[/"number":1/, '"number":2'], [/"start":2.0/, '"start":2'], [/"live":true/, '"live":false'], [/"issued":1/, '"issued":2']]) {
    const signed = list.signed.replace(pattern, text);
    assert.notEqual(signed, list.signed);
    await assert.rejects(new Publisher([old.public], stream).list(signed, at(list.path)), /its signature is wrong/, String(pattern));
  }
});

test("what a CDN changes of URLs, and what is nobody's statement, does not matter", async (t) => {
  const [one] = vectors.playlists;
  clock(t, one.issued);
  const signed = one.signed.replaceAll(".m4s", ".m4s?token=abc").replace("#EXT-X-VERSION:7", "#EXT-X-VERSION:8");
  await judge(new Publisher([old.public], stream), { ...one, signed });
});

test("a signature is of one stream and one place in it", async (t) => {
  const [one] = vectors.playlists;
  clock(t, one.issued);
  const publisher = () => new Publisher([old.public], stream);
  await assert.rejects(judge(new Publisher([old.public], "another"), one), /another stream/);
  for (const url of [at("v1/index.m3u8"), at("av0/index.m3u8"), at("v0/index.m3u8/x"), "https://cdn.example/%", "https://v0/index.m3u8", "blob:x"]) {
    await assert.rejects(judge(publisher(), one, url), /another place/, url);
  }
  await judge(publisher(), one, "https://other.example/v0/index.m3u8#t");
  const list = vectors.lists[0];
  await assert.rejects(publisher().list(list.signed, at("b.integrity.json")), /another place/);
});

test("below its manifest's folder a signature is of all folders in between", async () => {
  const now = Date.now();
  const judged = (path, url, manifest) => judge(new Publisher([old.public], stream), made(now, { path }), url, manifest);
  const master = "https://cdn.example/token=7/live/master.m3u8?token=1";
  await judged("index.m3u8", at("index.m3u8"), master);
  await judged("audio/index.m3u8", at("audio/index.m3u8"), master);
  await judged("live/audio/index.m3u8", at("audio/index.m3u8"), master);
  await judged("Straße 7/a b.m3u8", at("Straße 7/a b.m3u8"), at("Straße 7/master.m3u8"));
  for (const url of [at("audio/index.m3u8"), at("audio%2Findex.m3u8"), "https://cdn.example/token=7/l%69ve/audio/index.m3u8"]) {
    await assert.rejects(judged("index.m3u8", url, master), /another place/, url);
  }
  await assert.rejects(judged("index.m3u8", at("a/b/index.m3u8"), at("a/master.m3u8")), /another place/);
  // Elsewhere nothing says where the folder that is served begins.
  for (const elsewhere of [at("x/master.m3u8"), "https://api.example/1.m3u8", "blob:https://page.example/1", "data:,%", "master.m3u8"]) {
    await judged("index.m3u8", at("audio/index.m3u8"), elsewhere);
  }
  const list = vectors.lists[0];
  const publisher = () => new Publisher([old.public], stream);
  const manifest = `${at("")}manifest.mpd`.replace("?token=1", "");
  await assert.rejects(publisher().list(list.signed, at(`audio/${list.path}`), manifest), /another place/);
});

test("what is not signed, or not so that it can be read, counts as unsigned", async () => {
  const publisher = new Publisher([old.public], stream);
  const [{ unsigned, signed, path }] = vectors.playlists;
  const bad = [unsigned, "", signed.replace(/SIG=.*/, "SIG=short"), signed.replace(/KEY=.*?,/, ""), signed.replace(/ISSUED=\d/, "ISSUED=x")];
  for (const text of bad) await assert.rejects(publisher.playlist(text, readTags(text), at(path)), /it is not signed/);
  const list = vectors.lists[0];
  for (const text of [list.unsigned, "", "{", `${list.signed}x`, list.signed.replace('"stream":', '"other":'), '{"a":1,"signatures":[null,7,{}]}']) {
    await assert.rejects(publisher.list(text, at(list.path)), /it is not signed/, text.slice(-60));
  }
});

/** A playlist of one segment, signed here by node's own Ed25519, at any time. */
function made(issued, { live = true, path = "v0/index.m3u8", bytes = 1, key = old } = {}) {
  const tag = vectors.playlists[0].unsigned.match(/#EXT-X-SWARMLINE:.*/)[0].replace(/BYTES=\d+/, `BYTES=${bytes}`);
  const bare = `#EXTM3U\n${tag}\na.ts\n${live ? "" : "#EXT-X-ENDLIST\n"}`;
  const [, { sha256, root }] = [...readTags(bare)][0];
  const segments = hash(`0 ${sha256} ${root} ${bytes}\n`);
  const statement = `swarmline-playlist-1\n${stream}\n${path}\n${issued}\n${live ? "live" : "ended"}\n${segments}\n`;
  const sig = signBytes(null, Buffer.from(statement), createPrivateKey(key.pem)).toString("base64url");
  const line = `#EXT-X-SWARMLINE-SIGNATURE:KEY=${key.id},ISSUED=${issued},STREAM="${stream}",PATH="${path}",SIG=${sig}\n`;
  return { signed: bare.replace("\n", `\n${line}`), path };
}

test("an old playlist served again is refused, the newest may come again", async () => {
  const publisher = new Publisher([old.public], stream);
  const now = Date.now();
  await judge(publisher, made(now));
  await judge(publisher, made(now));
  await assert.rejects(judge(publisher, made(now, { bytes: 2 })), /older than one that was seen/);
  await assert.rejects(judge(publisher, made(now - 1)), /older than one that was seen/);
  await assert.rejects(judge(publisher, made(now - 1, { live: false })), /older than one that was seen/);
  await judge(publisher, made(now + 1));
});

test("another rendition's live playlist must not be much older than what the publisher has said already", async (t) => {
  const publisher = new Publisher([old.public], stream);
  const now = Date.now();
  await judge(publisher, made(now));
  await judge(publisher, made(now - 4 * 60_000, { path: "v1/index.m3u8" }));
  await assert.rejects(judge(publisher, made(now - 6 * 60_000, { path: "v2/index.m3u8" })), /too old/);
  const later = performance.now() + 4 * 60_000;
  t.mock.method(performance, "now", () => later);
  await assert.rejects(judge(publisher, made(now - 2 * 60_000, { path: "v3/index.m3u8" })), /too old/);
  await judge(publisher, made(now), at("v0/index.m3u8"));
});

test("beside what is live, what has ended long before is an old one served again; alone it is a recording", async (t) => {
  const now = Date.now();
  const ended = (issued, path) => made(issued, { path, live: false });
  const publisher = new Publisher([old.public], stream);
  await judge(publisher, ended(now - DAY, "v3/index.m3u8"));
  await judge(publisher, ended(now - 2 * DAY, "v4/index.m3u8"));
  await judge(publisher, made(now));
  await judge(publisher, made(now - 60_000, { path: "v1/index.m3u8" }));
  for (const path of ["v2/index.m3u8", "v3/index.m3u8"]) {
    await assert.rejects(judge(publisher, ended(now - DAY, path)), /it has ended, and the stream is live again/);
  }
  // Renditions do not end in the same moment, and the one that was not played yet is there for hours after that.
  await judge(publisher, ended(now - 4 * 60_000, "v2/index.m3u8"));
  const later = performance.now() + 3 * 3_600_000;
  t.mock.method(performance, "now", () => later);
  await judge(publisher, ended(now + 1000, "v3/index.m3u8"));
  // The application plays a recording with the same player.
  publisher.opened("https://cdn.example/archive/master.m3u8");
  await judge(publisher, ended(now - DAY, "archive/index.m3u8"));
});

test("at first contact a live playlist is compared with the clock, and with a day's grace; a recording is not", async (t) => {
  const issued = 1_795_000_000_000;
  clock(t, issued + DAY - 60_000);
  await judge(new Publisher([old.public], stream), made(issued));
  clock(t, issued + DAY + 60_000);
  await assert.rejects(judge(new Publisher([old.public], stream), made(issued)), /too old/);
  await judge(new Publisher([old.public], stream), made(issued, { live: false }));
  clock(t, 0);
  await judge(new Publisher([old.public], stream), made(issued));
});

test("while one key replaces another, a viewer with either or both goes on", async () => {
  const now = Date.now();
  const both = new Publisher([old.public, young.public], stream);
  await judge(both, made(now));
  await judge(both, made(now + 1, { key: young }));
  await assert.rejects(judge(new Publisher([young.public], stream), made(now)), /none of publisherKeys/);
});

test("Ed25519 with and without WebCrypto", async () => {
  const message = Buffer.from("abc");
  const sig = signBytes(null, message, createPrivateKey(old.pem));
  const key = fromBase64Url(old.public);
  for (const check of [verify, async (...given) => verifySlowly(...given.map((bytes) => new Uint8Array(bytes)))]) {
    assert.equal(await check(key, sig, message), true);
    assert.equal(await check(fromBase64Url(young.public), sig, message), false);
    assert.equal(await check(key, sig, Buffer.from("abd")), false);
    assert.equal(await check(key, sig.subarray(1), message), false);
    assert.equal(await check(new Uint8Array(32).fill(255), sig, message), false);
  }
});

test("without WebCrypto a key that signs everything is none", () => {
  const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
  const everything = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0));
  assert.equal(verifySlowly(identity, everything, new Uint8Array(3)), false);
});

test("a browser that knows no Ed25519 verifies all the same", async (t) => {
  t.mock.method(crypto.subtle, "importKey", () => Promise.reject(new DOMException("Unrecognized name", "NotSupportedError")));
  const native = t.mock.method(crypto.subtle, "verify");
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  const message = Buffer.from("abc");
  assert.equal(await verify(key, signBytes(null, message, privateKey), message), true);
  assert.equal(await verify(key, signBytes(null, message, privateKey), Buffer.from("abd")), false);
  assert.equal(native.mock.callCount(), 0);
});

function hash(text) {
  return createHash("sha256").update(text).digest("base64url");
}
