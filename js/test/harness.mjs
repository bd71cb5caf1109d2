/**
 * The two neighbours of the plug-in, to be driven step by step: a player with its own loader on one side, an
 * engine on the other. What lies between them is the real thing. Real players and the real engine meet in
 * tests/e2e.
 */
import { createHash } from "node:crypto";
import { afterEach } from "node:test";
import { loaderClass } from "../build/hls-loader.js";
import { HlsPlugin } from "../build/hls-plugin.js";
import { resolveOptions } from "../build/options.js";

globalThis.RTCPeerConnection ??= class {};

const players = [];
afterEach(() => players.splice(0).forEach(({ plugin }) => plugin.destroy()));

export const sha = (bytes) => createHash("sha256").update(new Uint8Array(bytes)).digest("base64url");
export const hex = (bytes) => createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
export const bytesOf = (length, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 255).buffer;

/** Lets promises, crypto and microtasks run. */
export async function settle(turns = 12) {
  for (let i = 0; i < turns; i += 1) await new Promise((done) => setImmediate(done));
}

const { setTimeout: realTimeout } = globalThis;

/** Time stands still until the test, `t`, lets it pass. */
export function stopClock(t) {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Set();
  let now = performance.now();
  performance.now = () => now;
  globalThis.setTimeout = (act, ms = 0) => {
    const timer = { at: now + ms, act };
    timers.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => timers.delete(timer) || clearTimeout(timer);
  t.after(() => {
    delete performance.now;
    Object.assign(globalThis, { setTimeout, clearTimeout });
  });
  return {
    /** How many timers run. */
    get timers() {
      return timers.size;
    },
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const [timer] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!timer) break;
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.act();
      }
      now = end;
    },
  };
}

/** Waits for a condition that is sure to come, and does not wait for ever if it is not. */
export async function until(condition) {
  const begun = Date.now();
  while (!condition()) {
    if (Date.now() - begun > 10_000) throw new Error(`never came: ${condition}`);
    await new Promise((done) => realTimeout(done, 2));
  }
}

function newStats() {
  const span = () => ({ start: 0, first: 0, end: 0 });
  return {
    aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0,
    loading: span(), parsing: { start: 0, end: 0 }, buffering: span(),
  };
}

/** The player's own loader, as hls.js's behave: usable once, callbacks dropped by destroy. */
export class PlayerLoader {
  static made = [];
  stats = newStats();
  context = null;
  destroyed = false;
  constructor(config) {
    this.config = config;
    PlayerLoader.made.push(this);
  }
  load(context, settings, callbacks) {
    if (this.stats.loading.start) throw new Error("Loader can only be used once.");
    Object.assign(this, { context, settings, callbacks });
    this.stats.loading.start = performance.now();
  }
  abort() {
    this.stats.aborted = true;
    this.callbacks?.onAbort?.(this.stats, this.context, "details");
  }
  destroy() {
    this.destroyed = true;
    this.callbacks = null;
  }
  get busy() {
    return !!this.callbacks;
  }
  /** The answer comes. */
  answer(data, details = "details", ms = 20) {
    const { stats, callbacks, context } = this;
    stats.loading.first = stats.loading.start + 5;
    stats.loading.end = stats.loading.first + ms;
    stats.loaded = stats.total = data.byteLength;
    callbacks.onProgress?.(stats, context, data, details);
    callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, details);
  }
  fail(code) {
    this.callbacks.onError({ code, text: "no" }, this.context, "details", this.stats);
  }
}

/** What hls.js gives a loader, recording the order of what comes back; destroys the loader as hls.js does. */
export class Callbacks {
  calls = [];
  constructor(progress = false) {
    this.loader = null;
    const ended = (name) => (...args) => {
      this.calls.push([name, ...args]);
      this.loader?.destroy();
    };
    this.onSuccess = ended("success");
    this.onError = ended("error");
    this.onTimeout = ended("timeout");
    this.onAbort = ended("abort");
    if (progress) this.onProgress = (...args) => this.calls.push(["progress", ...args]);
  }
  get names() {
    return this.calls.map(([name]) => name);
  }
}

/** An engine that does what a test says. */
export class FakeEngine {
  static made = [];
  calls = [];
  disposed = false;
  numbers = {};
  constructor(options, rtc, host) {
    Object.assign(this, { options: JSON.parse(options), rtc, host });
    FakeEngine.made.push(this);
  }
  #note(name, ...args) {
    FakeEngine.trap?.(name);
    this.calls.push([name, ...args]);
  }
  playlist(json) { this.#note("playlist", JSON.parse(json)); }
  playhead(position, rate) { this.#note("playhead", position, rate); }
  load(load, segment) { this.#note("load", load, JSON.parse(segment)); }
  abort(load) { this.#note("abort", load); }
  insert(segment, data, firstByteMs, transferMs) {
    this.#note("insert", JSON.parse(segment), data.slice(0), firstByteMs, transferMs);
  }
  switch(on) { this.#note("switch", on); }
  stats() { this.#note("stats"); return JSON.stringify(this.numbers); }
  dispose() { this.#note("dispose"); this.disposed = true; }
  free() {}
  of(name) { return this.calls.filter(([call]) => call === name).map(([, ...args]) => args); }
}

/** A module loader that counts, and fails as often as told. */
export function fakeGlue({ failures = 0, gate } = {}) {
  const load = async () => {
    load.calls += 1;
    await gate;
    if (load.calls <= failures) throw new Error("404");
    return { Client: FakeEngine, onPanic() {}, default: async () => {} };
  };
  load.calls = 0;
  return load;
}

/** A media playlist of hls.js with its fragments. `segments`: {data?, tagged?, range?, name?} by order. */
export function playlist(segments, { url = "https://cdn.example/v0/media.m3u8", first = 10, live = true, type = "main", level = 0, skip = 0, drop = 0 } = {}) {
  const lines = ["#EXTM3U", `#EXT-X-MEDIA-SEQUENCE:${first}`];
  if (skip) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skip}`);
  const fragments = segments.map((segment, index) => {
    const sn = first + index;
    const { data = bytesOf(100, sn), tagged = true, range, name = `${sn}.m4s` } = segment;
    if (index >= skip) {
      if (tagged) lines.push(`#EXT-X-SWARMLINE:SHA256=${segment.sha256 ?? sha(data)},BYTES=${data.byteLength}`);
      lines.push("#EXTINF:2,", name);
    }
    return {
      type, sn, level, start: 100 + 2 * index, duration: 2, url: new URL(name, url).href, baseurl: url, data,
      byteRangeStartOffset: range?.[0], byteRangeEndOffset: range?.[1],
    };
  });
  return { fragments: fragments.slice(drop), live, m3u8: `${lines.join("\n")}\n`, url, startSN: first, endSN: first + segments.length - 1 };
}

/** A stream begins: its first segment came by the player's loader. Nobody has seen it yet. */
export async function firstDelivered(self, details = playlist([{}, {}, {}, {}])) {
  self.open();
  self.updated(details);
  const { stock, callbacks } = self.request(details.fragments[0]);
  stock.answer(details.fragments[0].data.slice(0));
  await until(() => callbacks.names.length > 0);
  return details;
}

/** A media element that stands where it is told. */
export class Media extends EventTarget {
  currentTime = 0;
  paused = false;
  playbackRate = 1;
  readyState = 0;
  ranges = [];
  get buffered() {
    return { length: this.ranges.length, start: (i) => this.ranges[i][0], end: (i) => this.ranges[i][1] };
  }
  at(currentTime, ...ranges) {
    Object.assign(this, { currentTime, ranges });
    this.dispatchEvent(new Event("timeupdate"));
  }
  /** The first frame is there. */
  show() {
    this.readyState = 2;
    this.dispatchEvent(new Event("loadeddata"));
  }
}

/** A player with the plug-in. */
export function player({ options = { trackers: ["wss://t.example"] }, config = {}, glue = fakeGlue(), events = { AUDIO_TRACK_UPDATED: "hlsAudioTrackUpdated" } } = {}) {
  const plugin = new HlsPlugin(resolveOptions(options), config.fLoader, glue);
  const listeners = new Map();
  const hls = {
    config: { loader: PlayerLoader, ...config, fLoader: loaderClass(plugin) },
    levels: [],
    audioTracks: [],
    media: null,
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    emit(event, data) {
      if (event === "hlsMediaAttached") hls.media = data.media;
      if (event === "hlsMediaDetaching") hls.media = null;
      (listeners.get(event) ?? []).forEach((listener) => listener(event, data));
    },
  };
  plugin.connect(hls, events);
  const seen = [];
  for (const type of ["segment", "hashfailure", "statechange", "warning", "peerconnect"]) {
    plugin.swarmline.addEventListener(type, (event) => seen.push([type, event.detail]));
  }
  const self = {
    plugin, hls, glue, seen, swarmline: plugin.swarmline, session: plugin.session,
    events: (type) => seen.filter(([name]) => name === type).map(([, detail]) => detail),
    open: (url = "https://cdn.example/master.m3u8?token=1#t") => hls.emit("hlsManifestLoading", { url }),
    updated: (details) => hls.emit(details.fragments[0]?.type === "audio" ? "hlsAudioTrackUpdated" : "hlsLevelUpdated", { details }),
    /** One request of hls.js. */
    request(frag, { progress = false, part = null, own = hls.config } = {}) {
      const loader = new hls.config.fLoader(own);
      const callbacks = new Callbacks(progress);
      callbacks.loader = loader;
      const { byteRangeStartOffset: start = 0, byteRangeEndOffset: end = 0 } = frag;
      const context = { url: frag.url, frag, part, responseType: "arraybuffer", headers: {}, rangeStart: start, rangeEnd: end };
      const stats = loader.stats;
      loader.load(context, { loadPolicy: { maxTimeToFirstByteMs: 9000, maxLoadTimeMs: 100_000 }, highWaterMark: 1 }, callbacks);
      return { loader, callbacks, context, stats, stock: PlayerLoader.made.at(-1) };
    },
    /** The first picture is on the screen; on one that nobody asks anything afterwards, if there is none. */
    async shown() {
      const { media } = hls;
      const screen = media ?? new Media();
      if (!media) hls.emit("hlsMediaAttached", { media: screen });
      screen.show();
      await settle();
      if (!media) hls.emit("hlsMediaDetaching", {});
    },
    /** Plays a first segment by the player's loader, so that the engine starts, and answers that engine. */
    async start(details = playlist([{}, {}, {}, {}])) {
      await firstDelivered(self, details);
      const before = FakeEngine.made.length;
      await self.shown();
      await until(() => FakeEngine.made.length > before || self.session.offReason() !== "loading");
      await settle();
      return FakeEngine.made.at(-1);
    },
  };
  players.push(self);
  return self;
}
