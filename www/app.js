import { offerFaults } from "/www/faults.js";
import { bytes, percent, seconds } from "/www/format.js";
import { Log } from "/www/log.js";
import { describe } from "/www/reasons.js";
import { Strip } from "/www/strip.js";

/*
 * Query: ?stream= URL of a playlist or MPD, ?swarm= a name for the swarm, ?tracker= another tracker (repeatable; empty:
 * none), ?p2p=off to begin switched off.
 */
const query = new URLSearchParams(location.search);
const stream = query.get("stream") ?? "/live/master.m3u8";
const isDash = /\.mpd(?:$|[?#])/.test(stream);
// One event has one swarm, whichever way it is watched.
const own = /^\/(live|vod|low-latency)\//.exec(stream)?.[1];
const swarmId = query.get("swarm") ?? (own ? `${location.host}/${own}` : null);
const trackers = query.getAll("tracker");
const ownTracker = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/tracker`;

const at = (id) => document.getElementById(id);
const video = at("video");
const log = new Log(at("log"));

markStream();
let watched = null;
watched = await begin();
// For a look from the console, and for tests.
globalThis.demo = { ...watched, video };

/** What is watched, and how else it can be. */
function markStream() {
  at("another").href = location.href;
  if (!own) return void (at("ways").hidden = true);
  const [hls, dash] = ["master.m3u8", "manifest.mpd"];
  // Low latency is another way to watch the live event.
  const event = own === "vod" ? "vod" : "live";
  const usual = isDash ? dash : hls;
  const links = {
    "stream-live": `/live/${usual}`,
    "stream-vod": `/vod/${usual}`,
    "way-hls": `/${event}/${hls}`,
    "way-dash": `/${event}/${dash}`,
    "way-fast": `/low-latency/${dash}`,
  };
  for (const [id, target] of Object.entries(links)) at(id).href = `?stream=${target}`;
  const way = own === "low-latency" ? "way-fast" : isDash ? "way-dash" : "way-hls";
  for (const id of [`stream-${event}`, way]) at(id).setAttribute("aria-current", "page");
  // A packager's folder may have no MPD of this name.
  const there = (path) => fetch(path, { method: "HEAD" }).then(({ ok }) => ok);
  if (event === "live") void there(`/low-latency/${dash}`).then((ok) => (at("way-fast").hidden = !ok));
  void there(`/${event}/${dash}`).then((ok) => (at("ways").hidden = !ok && !isDash));
}

async function begin() {
  const { begin: load } = await import(`/www/players/${isDash ? "dash" : "hls"}.js`);
  const options = { trackers: trackers.length > 0 ? trackers.filter(Boolean) : [ownTracker], enabled: query.get("p2p") !== "off" };
  const page = {
    switched: (quality) => log.add(`Quality: ${quality}`),
    note: (words) => log.add(words, "bad"),
    trouble: (details) => trouble(details),
  };
  const side = load({ stream, options: swarmId ? { ...options, swarmId } : options, video, page });
  void play();
  if (!side) return playNatively();
  watchSwarm(side.swarmline);
  watchWaiting();
  void offerFaults(at("faults"), at("fault-buttons"), log);
  setInterval(show, 500, side);
  return side;
}

/** Before the first picture everybody waits. */
function watchWaiting() {
  let played = false;
  video.addEventListener("playing", () => (played = true));
  video.addEventListener("waiting", () => played && video.readyState < 3 && log.add("Playback waits for data", "bad"));
}

/** Browsers without Media Source Extensions play HLS by themselves, and no DASH. */
function playNatively() {
  at("p2p").disabled = true;
  at("p2p").checked = false;
  if (isDash) trouble("this browser has no Media Source Extensions");
  else showState("off", "Off: this browser plays HLS by itself.");
  return null;
}

/** Browsers begin muted without a gesture. */
async function play() {
  at("unmute").addEventListener("click", () => {
    video.muted = false;
    video.focus();
  });
  video.addEventListener("volumechange", () => (at("unmute").hidden = !video.muted));
  at("unmute").hidden = false;
  // dash.js begins by itself, and must see the element begin: it reads the MPD again from then on.
  if (isDash) return;
  await video.play().catch(() => log.add("Press play to begin"));
}

function trouble(details) {
  log.add(`Player stopped: ${details}`, "bad");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => {
    at("trouble").hidden = true;
    watched?.again();
    void video.play();
  });
  at("trouble").replaceChildren(`The stream cannot be played (${details}).`, ...(watched === null ? [] : [again]));
  at("trouble").hidden = false;
}

function watchSwarm(swarmline) {
  const strips = { main: strip("strip-main"), audio: strip("strip-audio") };
  swarmline.addEventListener("segment", ({ detail }) => {
    if (detail.kind === "audio") at("lane-audio-row").hidden = false;
    strips[detail.kind].add(detail);
  });
  watchPeers(swarmline);
  swarmline.addEventListener("statechange", ({ detail: { offReason } }) => {
    if (offReason !== "loading") log.add(offReason === null ? "Sharing is on" : describe({ offReason }));
  });
  swarmline.addEventListener("hashfailure", ({ detail }) =>
    log.add(`Thrown away: bytes from ${detail.fromCdn ? "the CDN" : "a peer"} that do not match the publisher's hash`, "bad"),
  );
  swarmline.addEventListener("tracker", ({ detail }) =>
    log.add(`Tracker ${detail.connected ? "connected" : "gone"}`, detail.connected ? "" : "bad"),
  );
  swarmline.addEventListener("trackerwarning", ({ detail }) => log.add(`Tracker: ${detail.message}`, "bad"));
  swarmline.addEventListener("warning", ({ detail }) => log.add(`${detail.code}: ${detail.message.split("\n")[0]}`, "bad"));
  const toggle = at("p2p");
  toggle.checked = swarmline.enabled;
  toggle.addEventListener("change", () => swarmline.setEnabled(toggle.checked));
}

function strip(id) {
  let pinned = false;
  return new Strip(at(id), (text, chosen) => {
    // The newest video segment speaks unless the reader has chosen one.
    if (!chosen && !pinned && id === "strip-audio") return;
    pinned = chosen;
    at("readout").textContent = text;
  });
}

function watchPeers(swarmline) {
  const items = new Map();
  swarmline.addEventListener("peerconnect", ({ detail: { conn, peer } }) => {
    const item = document.createElement("li");
    item.textContent = shortName(peer);
    items.set(conn, item);
    at("peer-list").append(item);
    at("no-peers").hidden = true;
    log.add(`Peer ${shortName(peer)} connected`, "good");
  });
  swarmline.addEventListener("peerdisconnect", ({ detail: { conn, peer, reason } }) => {
    items.get(conn)?.remove();
    items.delete(conn);
    at("no-peers").hidden = items.size > 0;
    log.add(`Peer ${shortName(peer)} gone: ${reason}`);
  });
}

/** The end of a peer's id: its beginning names the software. */
function shortName(peer) {
  return peer.slice(-6);
}

function show(side) {
  const stats = side.swarmline.stats();
  showState(stats.offReason === null ? "on" : stats.offReason === "loading" ? "loading" : "off", describe(stats));
  showOffload(stats);
  at("latency-tile").hidden = !side.live;
  text("latency", side.live ? seconds(side.latency) : "–");
  text("buffer", seconds(side.buffer));
  text("quality", side.quality);
  text("peers", String(stats.peers));
  text("uploaded", bytes(stats.uploadedBytes));
  text("wasted", bytes(stats.wastedBytes + stats.duplicateBytes));
  text("hash-failures", String(stats.hashFailures));
  text("stalls", String(stats.stallsAvoided));
}

function showOffload({ offload, peerBytes, cdnBytes, deliveredBytes }) {
  showFigure(deliveredBytes > 0 ? percent(offload) : "–");
  text("peer-bytes", bytes(peerBytes));
  text("cdn-bytes", bytes(cdnBytes));
  text("delivered-bytes", bytes(deliveredBytes));
  const bar = at("balance");
  const all = peerBytes + cdnBytes;
  bar.style.width = all > 0 ? `${(100 * peerBytes) / all}%` : "0";
  bar.toggleAttribute("data-none", peerBytes === 0);
}

/** The number large, its unit small. */
function showFigure(words) {
  if (at("offload").textContent === words) return;
  const unit = document.createElement("small");
  const [number, sign] = words.split("\u00a0");
  unit.textContent = sign ? `\u00a0${sign}` : "";
  at("offload").replaceChildren(number, unit);
}

function showState(state, words) {
  at("state").dataset.state = state;
  text("state", words);
}

/** Only what changed: a screen reader hears `role=status` again otherwise. */
function text(id, words) {
  if (at(id).textContent !== words) at(id).textContent = words;
}
