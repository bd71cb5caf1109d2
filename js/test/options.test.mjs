import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../build/options.js";
import { SwarmlineError } from "../build/index.js";

const MIB = 1024 * 1024;

test("every option has a default", () => {
  for (const given of [undefined, {}, { maxPeers: undefined }]) {
    assert.deepEqual(resolveOptions(given), {
      trackers: [],
      swarmId: null,
      enabled: true,
      iceServers: [],
      maxPeers: 16,
      maxUploadBitrate: 20_000_000,
      cacheBytes: 64 * MIB,
      maxSegmentBytes: 32 * MIB,
      cdnTimeoutMs: 10_000,
      wasmUrl: null,
      integrityUrl: null,
      hashes: null,
      publisherKeys: null,
    });
  }
});

test("allowed values come through", () => {
  const ice = { urls: ["stun:stun.example", "turns:turn.example?transport=tcp"], username: "u", credential: "c" };
  const resolved = resolveOptions({
    trackers: ["wss://a.example/x", "ws://127.0.0.1:80/tracker"],
    swarmId: "final-2026",
    enabled: false,
    iceServers: [{ urls: "stun:stun.example" }, ice],
    maxPeers: 64,
    maxUploadBitrate: 0,
    cacheBytes: MIB,
    maxSegmentBytes: 1,
    cdnTimeoutMs: 120_000,
    wasmUrl: new URL("https://cdn.example/s.wasm"),
  });
  assert.deepEqual(resolved.trackers, ["wss://a.example/x", "ws://127.0.0.1/tracker"]);
  assert.deepEqual(resolved.iceServers[1], ice);
  assert.equal(resolved.wasmUrl, "https://cdn.example/s.wasm");
  assert.equal(resolved.maxUploadBitrate, 0);
  const hashes = () => null;
  assert.equal(resolveOptions({ hashes }).hashes, hashes);
});

const wrong = [
  ["trackerUrls", ["wss://a.example"], /trackers/],
  ["trackers", "wss://a.example", /array/],
  ["trackers", ["https://a.example"], /wss/],
  ["trackers", ["wss://a.example", "udp://a.example"], /wss/],
  ["trackers", ["a.example"], /wss/],
  ["trackers", [""], /wss/],
  ["trackers", [7], /wss/],
  ["trackers", ["wss://a.example/#x"], /#/],
  ["trackers", [`wss://a.example/${"x".repeat(2048)}`], /2048/],
  ["trackers", new Array(9).fill("wss://a.example"), /at most 8/],
  ["publisherKeys", [], /1 to 8 keys/],
  ["publisherKeys", "A".repeat(43), /array/],
  ["publisherKeys", new Array(9).fill("A".repeat(43)), /1 to 8 keys/],
  ["swarmId", "", /1 to 256/],
  ["swarmId", "x".repeat(257), /1 to 256/],
  ["swarmId", null, /text/],
  ["enabled", "yes", /true or false/],
  ["enabled", 1, /true or false/],
  ["iceServers", {}, /array/],
  ["iceServers", ["stun:x"], /object/, "iceServers[0]"],
  ["iceServers", [{ urls: "http://x" }], /stun:/, "iceServers[0].urls"],
  ["iceServers", [{ urls: [] }], /stun:/, "iceServers[0].urls"],
  ["iceServers", [{ url: "stun:x" }], /urls/, "iceServers[0].url"],
  ["iceServers", [{ urls: "turn:x", credential: 5 }], /text/, "iceServers[0].credential"],
  ["maxPeers", 0, /1 to 64/],
  ["maxPeers", 65, /1 to 64/],
  ["maxPeers", 1.5, /whole number/],
  ["maxPeers", NaN, /whole number/],
  ["maxPeers", "16", /whole number/],
  ["maxUploadBitrate", -1, /0 to/],
  ["maxUploadBitrate", Infinity, /whole number/],
  ["cacheBytes", -5, /1,048,576 to 4,294,967,296/],
  ["cacheBytes", MIB - 1, /1,048,576/],
  ["maxSegmentBytes", 0, /1 to 268,435,456/],
  ["maxSegmentBytes", 257 * MIB, /268,435,456/],
  ["cdnTimeoutMs", 999, /1,000 to 120,000/],
  ["cdnTimeoutMs", 120_001, /120,000/],
  ["cdnTimeoutMs", null, /whole number/],
  ["wasmUrl", "", /URL/],
  ["wasmUrl", 7, /URL/],
  ["hashes", "https://api.example/hashes", /a function/],
];

for (const [option, value, allowed, field = option] of wrong) {
  const shown = JSON.stringify(value)?.slice(0, 60);
  test(`${option}: ${shown} is refused, saying why`, () => {
    assert.throws(
      () => resolveOptions({ [option]: value }),
      (error) => {
        assert.ok(error instanceof SwarmlineError && error instanceof Error);
        assert.equal(error.name, "SwarmlineError");
        assert.equal(error.code, "bad-option");
        assert.equal(error.field, field);
        assert.match(error.allowed, allowed);
        assert.ok(error.message.includes(field) && error.message.includes(error.allowed));
        return true;
      },
    );
  });
}

test("publisher's keys are 32 bytes each, and of no use without the stream's name", () => {
  const key = "A".repeat(43);
  assert.deepEqual(resolveOptions({ swarmId: "final", publisherKeys: [key] }).publisherKeys, [key]);
  assert.throws(() => resolveOptions({ publisherKeys: [key] }), { field: "swarmId", allowed: /publisherKeys/ });
  for (const bad of [`${key}=`, "A".repeat(42), 7, null, `${"A".repeat(42)}B`]) {
    assert.throws(() => resolveOptions({ swarmId: "s", publisherKeys: [key, bad] }), { field: "publisherKeys[1]", value: bad });
  }
});

test("an error carries the value as it was given", () => {
  for (const [options, value] of [
    [{ maxPeers: -3 }, -3],
    [{ trackers: ["wss://fine.example", "ftp://x"] }, "ftp://x"],
    [{ surprise: 12 }, 12],
  ]) {
    assert.throws(() => resolveOptions(options), { value });
  }
});

test("options that are no object are refused", () => {
  for (const given of [null, true, "wss://a.example", []]) {
    assert.throws(() => resolveOptions(given), { code: "bad-option", field: "swarmline" });
  }
});
