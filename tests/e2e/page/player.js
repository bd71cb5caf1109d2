// A viewer's page: `start(config)` makes a player with or without Swarmline, and a recorder writes down
// what the viewer would have seen. `report(n)` is the whole record of player n as plain data.
//
// config: {
//   url,                        the master playlist, or the MPD
//   player: "hls" | "dash",     which player
//   swarm: {…} | null,          options of Swarmline; null: the plain player
//   hashes: "name",             the page's function of this name is Swarmline's option `hashes`
//   build: "esm" | "umd",       which build of hls.js (umd brings its worker)
//   library: "hls.js" | "hls.js-1.5" | "dashjs" | "dashjs-5.0",
//   hls: {…},                   further options of hls.js
//   dash: {…},                  settings of dash.js
//   protection: {…},            protection data of dash.js, by key system
//   ahead: S,                   how much to load ahead, in seconds
//   wait: true,                 do not load yet
//   side: "/path.js",           a module whose default is the class of another player; see HlsSide for what it has
//   unseen: true,               when the first picture has been shown, move the video out of sight
//   unhashed: true,             count what the player is given, and compute no hashes of it
// }
import { DashSide } from "./dash.js";
import { HlsSide } from "./hls.js";

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
  const swarm = config.hashes ? { ...config.swarm, hashes: window[config.hashes] } : config.swarm;
  const Side = config.side ? (await import(config.side)).default : config.player === "dash" ? DashSide : HlsSide;
  const side = await Side.make({ ...config, swarm });
  const video = document.createElement("video");
  video.muted = true;
  // Drawn small: what is measured is delivery, not how fast a machine without a GPU scales pictures.
  video.width = 64;
  document.body.append(video);
  const record = new Recorder(side, video, begun, config);
  window.players.push(record);
  if (!config.wait) record.play(config.url);
  return window.players.length - 1;
}

class Recorder {
  constructor(side, video, begun, { unhashed = false, unseen = false }) {
    // `hls` or `dash`, for scenarios that do something with the player itself.
    Object.assign(this, { side, video, begun, unhashed, [side.name]: side.player });
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
    this.#watchFrames(unseen);
    side.watch({
      payload: (about, data) => void this.#payload(about, data),
      error: (error) => this.errors.push({ at: this.#now(), ...error }),
      live: (live) => {
        this.live = live;
      },
      level: (level) => this.levels.push({ at: this.#now(), level }),
    });
    this.#watchTasks();
    this.#watchSwarm();
    this.sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  play(url) {
    this.side.play(this.video, url);
  }

  destroy() {
    clearInterval(this.sampler);
    this.side.destroy();
  }

  stats() {
    return this.side.swarmline?.stats() ?? null;
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

  #watchFrames(unseen) {
    const { video } = this;
    const first = () => {
      this.firstFrameMs ??= performance.now() - this.begun;
      if (unseen) Object.assign(video.style, { position: "absolute", left: "-1000px" });
    };
    video.requestVideoFrameCallback(first);
    video.addEventListener("waiting", () => {
      if (this.firstFrameMs !== null && !video.seeking) this.waiting.push(this.#now());
    });
  }

  async #payload(about, data) {
    const payload = { ...about, bytes: data.byteLength, at: this.#now() };
    if (this.unhashed) return void this.payloads.push(payload);
    this.pending += 1;
    payload.sha256 = base64url(await crypto.subtle.digest("SHA-256", data));
    this.pending -= 1;
    this.payloads.push(payload);
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
      this.side.swarmline?.addEventListener(type, (event) => {
        (this.events[type] ??= []).push({ at: this.#now(), ...event.detail });
      });
    }
  }

  #sample() {
    const { video } = this;
    const now = this.#now();
    const last = this.samples.at(-1);
    const { latency, behind } = this.side;
    this.samples.push({ at: now, time: video.currentTime, ahead: this.bufferAhead, latency, behind });
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
      epoch: performance.timeOrigin + this.begun,
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
