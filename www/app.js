import Hls from "/vendor/hls.js/hls.mjs";
import { withSwarmline } from "/dist/hls.js";
import { offerFaults } from "/www/faults.js";
import { bytes, percent, seconds } from "/www/format.js";
import { Log } from "/www/log.js";
import { describe } from "/www/reasons.js";
import { Strip } from "/www/strip.js";

/*
 * Query: ?stream= URL of a manifest, ?swarm= a name for the swarm, ?tracker= another tracker (repeatable; empty:
 * none), ?p2p=off to begin switched off.
 */
const query = new URLSearchParams(location.search);
const stream = query.get("stream") ?? "/live/master.m3u8";
const swarmId = query.get("swarm");
const trackers = query.getAll("tracker");
const ownTracker = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/tracker`;

const at = (id) => document.getElementById(id);
const video = at("video");
const log = new Log(at("log"));

markStream();
const hls = begin();
// For a look from the console, and for tests.
globalThis.demo = { hls, video };

function markStream() {
  const chosen = stream.includes("/vod/") ? "stream-vod" : "stream-live";
  if (query.has("stream") && !stream.startsWith("/vod/") && !stream.startsWith("/live/")) return;
  at(chosen).setAttribute("aria-current", "page");
  at("another").href = location.href;
}

function begin() {
  at("another").href = location.href;
  if (!Hls.isSupported()) return playNatively();
  const SwarmHls = withSwarmline(Hls);
  const options = { trackers: trackers.length > 0 ? trackers.filter(Boolean) : [ownTracker], enabled: query.get("p2p") !== "off" };
  const player = new SwarmHls({ swarmline: swarmId ? { ...options, swarmId } : options });
  watchPlayer(player);
  watchSwarm(player.swarmline);
  player.loadSource(stream);
  player.attachMedia(video);
  void play();
  void offerFaults(at("faults"), at("fault-buttons"), log);
  setInterval(show, 500, player);
  return player;
}

/** Browsers without Media Source Extensions play HLS by themselves: there is nothing to hook into. */
function playNatively() {
  video.src = stream;
  void play();
  at("p2p").disabled = true;
  at("p2p").checked = false;
  showState("off", "Off: this browser plays HLS by itself.");
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
  await video.play().catch(() => log.add("Press play to begin"));
}

function watchPlayer(player) {
  const { Events, ErrorTypes } = Hls;
  player.on(Events.LEVEL_SWITCHED, (_event, { level }) => log.add(`Quality: ${quality(player.levels[level])}`));
  player.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return log.add(`Player: ${data.details}`, "bad");
    if (data.type === ErrorTypes.MEDIA_ERROR) {
      log.add(`Player: ${data.details}; recovering`, "bad");
      player.recoverMediaError();
      return void video.play();
    }
    trouble(player, data.details);
  });
  video.addEventListener("waiting", () => video.readyState < 3 && video.currentTime > 0 && log.add("Playback waits for data", "bad"));
}

function trouble(player, details) {
  log.add(`Player stopped: ${details}`, "bad");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => {
    at("trouble").hidden = true;
    player.loadSource(stream);
    player.startLoad();
    void video.play();
  });
  at("trouble").replaceChildren(`The stream cannot be played (${details}).`, again);
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

function quality(level) {
  return level?.height ? `${level.height}p` : level?.bitrate ? `${Math.round(level.bitrate / 1000)} kbit/s` : "–";
}

function show(player) {
  const stats = player.swarmline.stats();
  showState(stats.offReason === null ? "on" : stats.offReason === "loading" ? "loading" : "off", describe(stats));
  showOffload(stats);
  const live = player.latestLevelDetails?.live ?? player.levels[player.currentLevel]?.details?.live ?? false;
  at("latency-tile").hidden = !live;
  text("latency", live ? seconds(player.latency) : "–");
  text("buffer", seconds(player.mainForwardBufferInfo?.len ?? 0));
  text("quality", quality(player.levels[player.currentLevel]));
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
