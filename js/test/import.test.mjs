import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

test("server-side import is safe: no module touches a browser's globals, or leaves a new one", async () => {
  const before = Object.getOwnPropertyNames(globalThis).sort();
  const modules = (await readdir(new URL("../dist/", import.meta.url))).filter((name) => name.endsWith(".js"));
  assert.ok(modules.includes("index.js") && modules.includes("hls.js"));
  for (const name of modules) await import(`../dist/${name}`);
  assert.deepEqual(Object.getOwnPropertyNames(globalThis).sort(), before);
});

test("the plug-in keeps the given class and its statics, and throws before it makes anything", async () => {
  const { SwarmlineError, withSwarmline } = await import("../dist/hls.js");
  let made = 0;
  class Hls {
    static Events = { AUDIO_TRACK_UPDATED: "hlsAudioTrackUpdated" };
    static version = "1.0";
    config;
    constructor(config) {
      made += 1;
      this.config = { ...config };
      this.listening = [];
    }
    on(event) {
      this.listening.push(event);
    }
    destroy() {
      this.destroyed = true;
    }
  }
  const SwarmHls = withSwarmline(Hls);
  assert.throws(() => new SwarmHls({ swarmline: { maxPeers: 0 } }), SwarmlineError);
  assert.equal(made, 0);
  const config = { swarmline: { trackers: [] }, debug: true };
  const hls = new SwarmHls(config);
  assert.ok(hls instanceof Hls);
  assert.equal(SwarmHls.version, "1.0");
  assert.deepEqual(Object.keys(config), ["swarmline", "debug"]);
  assert.equal(hls.config.debug, true);
  assert.equal(hls.swarmline.stats().offReason, "no-trackers");
  hls.destroy();
  assert.ok(hls.destroyed);
  assert.equal(hls.swarmline.stats().offReason, "destroyed");
  assert.equal(new SwarmHls().swarmline.stats().offReason, "no-trackers");
});
