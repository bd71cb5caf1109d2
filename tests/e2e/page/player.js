// A viewer's page: `start(config)` makes a player with or without Swarmline, and a recorder writes down
// what the viewer would have seen. `report(n)` is the whole record of player n as plain data.
//
// config: {
//   url,                        the master playlist
//   swarm: {…} | null,          options of Swarmline; null: the plain player
//   build: "esm" | "umd",       which build of hls.js (umd brings its worker)
//   library: "hls.js" | "hls.js-1.5",
//   hls: {…},                   further options of hls.js
//   wait: true,                 do not load yet
// }

// Scenarios that count timers patch them before this runs, and leave the real ones here.
const { setInterval, clearInterval } = window.untouched ?? window;
const SAMPLE_MS = 100;
const FROZEN_MS = 300;
// A picture that stands still with this much media ahead stands still because the machine is busy.
const DRY_SECONDS = 0.5;
const STUCK_MS = 5000;

window.players = [];
window.start = start;
window.report = (player) => window.players[player].report();

async function start(config) {
  const begun = performance.now();
  const [Hls, swarmline] = await Promise.all([library(config), config.swarm ? import("/dist/hls.js") : null]);
  const Player = swarmline ? swarmline.withSwarmline(Hls) : Hls;
  const options = { ...config.hls };
  if (config.swarm) options.swarmline = config.swarm;
  const hls = new Player(options);
  const video = document.createElement("video");
  video.muted = true;
  // Drawn small: what is measured is delivery, not how fast a machine without a GPU scales pictures.
  video.width = 64;
  document.body.append(video);
  const record = new Recorder(hls, video, Hls, begun);
  window.players.push(record);
  if (!config.wait) record.play(config.url);
  return window.players.length - 1;
}

async function library({ build = "esm", library: name = "hls.js" }) {
  if (build === "esm") return (await import(`/vendor/${name}/hls.mjs`)).default;
  const script = document.createElement("script");
  script.src = `/vendor/${name}/hls.js`;
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`cannot load ${script.src}`));
  });
  document.head.append(script);
  await loaded;
  return window.Hls;
}

class Recorder {
  constructor(hls, video, Hls, begun) {
    Object.assign(this, { hls, video, begun });
    const mark = performance.mark(`viewer ${crypto.randomUUID()}`);
    this.clock = { name: mark.name, at: mark.startTime - begun };
    this.firstFrameMs = null;
    this.frozen = null;
    this.freezes = [];
    this.waiting = [];
    this.samples = [];
    this.payloads = [];
    this.errors = [];
    this.levels = [];
    this.longTasks = [];
    this.events = {};
    this.pending = 0;
    this.#watchFrames();
    this.#watchPayloads();
    this.#watchErrors(Hls);
    this.#watchTasks();
    this.#watchSwarm();
    this.sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  play(url) {
    this.hls.loadSource(url);
    this.hls.attachMedia(this.video);
    this.video.play().catch((error) => {
      if (error.name !== "AbortError") this.errors.push({ type: "play", details: String(error) });
    });
  }

  destroy() {
    clearInterval(this.sampler);
    this.hls.destroy();
  }

  stats() {
    return this.hls.swarmline?.stats() ?? null;
  }

  get bufferAhead() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  #watchFrames() {
    const { video } = this;
    const first = () => {
      this.firstFrameMs ??= performance.now() - this.begun;
    };
    video.requestVideoFrameCallback(first);
    video.addEventListener("waiting", () => {
      if (this.firstFrameMs !== null && !video.seeking) this.waiting.push(this.#now());
    });
  }

  /**
   * Sees every media payload where hls.js takes it over, before a worker can detach it. The loader is
   * wrapped, not subclassed: a loader's constructor may answer with another object.
   */
  #watchPayloads() {
    const record = this;
    const Inner = this.hls.config.fLoader ?? this.hls.config.loader;
    this.hls.config.fLoader = function (config) {
      const loader = new Inner(config);
      const load = loader.load;
      loader.load = (context, settings, callbacks) => {
        const onSuccess = (response, stats, ...rest) => {
          if (context.frag?.sn !== "initSegment") record.#payload(context, response.data, stats);
          callbacks.onSuccess(response, stats, ...rest);
        };
        return load.call(loader, context, settings, { ...callbacks, onSuccess });
      };
      return loader;
    };
  }

  async #payload({ url, rangeStart, rangeEnd, frag }, data, stats) {
    const loading = { ...stats.loading };
    const payload = {
      key: rangeEnd ? `${url}|${rangeStart}-${rangeEnd}` : url,
      type: frag?.type,
      level: frag?.level,
      sn: frag?.sn,
      bytes: data.byteLength,
      at: this.#now(),
      ms: loading.end - loading.start,
    };
    this.pending += 1;
    payload.sha256 = base64url(await crypto.subtle.digest("SHA-256", data));
    this.pending -= 1;
    this.payloads.push(payload);
  }

  #watchErrors(Hls) {
    this.hls.on(Hls.Events.ERROR, (_, { type, details, fatal, response }) => {
      this.errors.push({ at: this.#now(), type, details, fatal, status: response?.code });
    });
    this.hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
      this.live = details.live;
    });
    this.hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => this.levels.push({ at: this.#now(), level }));
  }

  /** Which script kept the thread busy: by the browser's own attribution where it has one. */
  #watchTasks() {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const scripts = (entry.scripts ?? []).map((script) => ({
          source: script.sourceURL,
          invoker: script.invoker,
          name: script.sourceFunctionName,
          ms: script.duration,
        }));
        this.longTasks.push({ at: entry.startTime - this.begun, ms: entry.duration, scripts });
      }
    }).observe({ type: "long-animation-frame", buffered: true });
  }

  #watchSwarm() {
    const types = ["segment", "peerconnect", "peerdisconnect", "hashfailure", "tracker", "trackerwarning", "statechange", "warning"];
    for (const type of types) {
      this.hls.swarmline?.addEventListener(type, (event) => {
        (this.events[type] ??= []).push({ at: this.#now(), ...event.detail });
      });
    }
  }

  #sample() {
    const { video } = this;
    const now = this.#now();
    const last = this.samples.at(-1);
    const latency = this.hls.latency;
    this.samples.push({ at: now, time: video.currentTime, ahead: this.bufferAhead, latency });
    if (!last || this.firstFrameMs === null || video.paused || video.seeking || video.ended) {
      this.moved = now;
      return;
    }
    if (video.currentTime !== last.time) this.#moved(now);
    else if (now - this.moved >= FROZEN_MS) this.#froze();
  }

  #froze() {
    this.frozen ??= { at: this.moved, ahead: Infinity };
    this.frozen.ahead = Math.min(this.frozen.ahead, this.bufferAhead);
  }

  #moved(now) {
    if (this.frozen) this.freezes.push({ ...this.frozen, ms: now - this.frozen.at });
    this.frozen = null;
    this.moved = now;
  }

  #now() {
    return performance.now() - this.begun;
  }

  async report() {
    while (this.pending > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const all = [...this.freezes];
    if (this.frozen) all.push({ ...this.frozen, ms: this.#now() - this.frozen.at });
    const dry = ({ ahead, ms }) => ahead < DRY_SECONDS || ms > STUCK_MS;
    const stalls = all.filter(dry);
    const freezes = all.filter((freeze) => !dry(freeze));
    const { clock, firstFrameMs, waiting, samples, payloads, errors, levels, longTasks, events } = this;
    return {
      clock, firstFrameMs, stalls, freezes, waiting, samples, payloads, errors, levels, longTasks, events,
      at: this.#now(),
      time: this.video.currentTime,
      live: this.live,
      stats: this.stats(),
    };
  }
}

function base64url(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
