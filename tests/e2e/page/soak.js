// A player without a decoder, for streams that no machine could decode so fast: the package's hls.js plug-in, its engine and
// its peers are the real ones. It plays a live playlist of `origin`, one segment after the other, each as soon as its moment
// has come: `run(config)`; `state` tells how far it is.
//
// config: { origin, trackers, seconds, speed, segmentSeconds, lag (segments behind the edge), options }
import { withSwarmline } from "/dist/hls.js";

const WINDOW = 6;
const AHEAD = 2;

window.state = { segments: 0, position: 0, errors: [], most: 0, over: false, wasm: () => 0 };

// This leaves the thread no time to spare, on purpose. Of a hidden page Swarmline does not judge that, and so shares on.
Object.defineProperty(document, "hidden", { value: true });

// The module's memory, for whoever wants to know how large it is.
const { instantiateStreaming } = WebAssembly;
WebAssembly.instantiateStreaming = async (...args) => {
  const made = await instantiateStreaming.apply(WebAssembly, args);
  const { memory } = made.instance.exports;
  window.state.wasm = () => memory.buffer.byteLength;
  return made;
};

/** What the plug-in needs of a media element. */
export class Media extends EventTarget {
  currentTime = 0;
  paused = false;
  playbackRate = 1;
  readyState = 0;
  end = 0;
  get buffered() {
    return { length: this.end > 0 ? 1 : 0, start: () => 0, end: () => this.end };
  }
}

/** hls.js's own loader, as far as it is used here. */
class Stock {
  context = null;
  #abort = new AbortController();
  constructor() {
    const span = () => ({ start: 0, first: 0, end: 0 });
    this.stats = { aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0, loading: span(), parsing: { start: 0, end: 0 }, buffering: span() };
  }
  async load(context, _settings, callbacks) {
    const { stats } = this;
    stats.loading.start = performance.now();
    try {
      const response = await fetch(context.url, { signal: this.#abort.signal });
      stats.loading.first = performance.now();
      const data = await response.arrayBuffer();
      stats.loading.end = performance.now();
      stats.loaded = stats.total = data.byteLength;
      callbacks.onSuccess({ url: context.url, data, code: response.status }, stats, context, null);
    } catch (error) {
      if (!stats.aborted) callbacks.onError({ code: 0, text: String(error) }, context, null, stats);
    }
  }
  abort() {
    this.stats.aborted = true;
    this.#abort.abort();
  }
  destroy() {
    this.#abort.abort();
  }
}

export class Player {
  static Events = { AUDIO_TRACK_UPDATED: "hlsAudioTrackUpdated" };
  levels = [];
  audioTracks = [];
  #listeners = new Map();
  constructor(config) {
    this.config = { loader: Stock, ...config };
  }
  on(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }
  emit(event, data) {
    for (const listener of this.#listeners.get(event) ?? []) listener(event, data);
  }
  destroy() {}
}

window.run = async ({ origin, trackers, seconds, speed, segmentSeconds, lag, options }) => {
  const SwarmPlayer = withSwarmline(Player);
  const player = new SwarmPlayer({ swarmline: { trackers, swarmId: "soak", ...options } });
  const { state } = window;
  const media = new Media();
  const url = `${origin}/media.m3u8`;
  window.swarmline = player.swarmline;
  player.emit("hlsManifestLoading", { url });
  player.emit("hlsMediaAttached", { media });
  const begun = performance.now();
  const edge = () => Math.floor(((performance.now() - begun) / 1000) * (speed / segmentSeconds)) - lag;
  const last = Math.floor(seconds / segmentSeconds);
  for (let sn = 0; sn < last; sn += 1) {
    while (edge() < sn) await new Promise((resolve) => setTimeout(resolve, 10));
    const m3u8 = await (await fetch(`${url}?first=${Math.max(0, sn + AHEAD - WINDOW)}&last=${sn + AHEAD}`)).text();
    const details = read(m3u8, url, segmentSeconds);
    player.emit("hlsLevelUpdated", { details });
    const frag = details.fragments.find((frag) => frag.sn === sn);
    const bytes = await load(player, frag);
    state.segments += 1;
    state.most = Math.max(state.most, bytes);
    media.end = (sn + 1) * segmentSeconds;
    media.currentTime = Math.max(0, media.end - segmentSeconds);
    state.position = media.currentTime;
    media.readyState = 4;
    media.dispatchEvent(new Event("loadeddata"));
    media.dispatchEvent(new Event("timeupdate"));
  }
  state.over = true;
  state.tookMs = performance.now() - begun;
};

export function read(m3u8, url, duration) {
  const lines = m3u8.split("\n");
  const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(m3u8)[1]);
  const names = lines.filter((line) => line && !line.startsWith("#"));
  const fragments = names.map((name, i) => {
    const sn = first + i;
    return { type: "main", sn, level: 0, start: sn * duration, duration, url: new URL(name, url).href, baseurl: url };
  });
  return { fragments, live: true, m3u8, url, startSN: first, endSN: first + names.length - 1 };
}

/** Loads a fragment as hls.js would, and tries again for a while; tells how large it was. */
export async function load(player, frag) {
  for (let attempt = 0; ; attempt += 1) {
    const loader = new player.config.fLoader(player.config);
    const context = { url: frag.url, frag, part: null, responseType: "arraybuffer", headers: {}, rangeStart: 0, rangeEnd: 0 };
    const result = await new Promise((resolve) => {
      loader.load(context, { loadPolicy: { maxTimeToFirstByteMs: 60_000, maxLoadTimeMs: 60_000 } }, {
        onSuccess: ({ data }) => resolve(data.byteLength),
        onError: ({ code, text }) => resolve(`${code} ${text}`),
        onTimeout: () => resolve("timeout"),
      });
    });
    loader.destroy();
    if (typeof result === "number") return result;
    window.state.errors.push(`${frag.sn}: ${result}`);
    if (attempt > 5) throw new Error(result);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
