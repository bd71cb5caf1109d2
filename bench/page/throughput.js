// One viewer without a decoder, for measuring how fast the loader is: the package's hls.js plug-in, its engine and its peers are
// the real ones. Beside it, for comparison, is what a page needs for a bare data channel.
import { withSwarmline } from "/dist/hls.js";
import { Media, Player, load, read } from "/page/soak.js";
import "./raw.js";

/** No deadline is near: what is asked of the loader is to be fast, not to be in time. */
const SEGMENT_SECONDS = 60;

let viewer = null;

/** A viewer of the event, who has heard of nothing yet. */
window.join = ({ origin, trackers, swarmId }) => {
  const options = { trackers, swarmId, maxUploadBitrate: 10_000_000_000, cacheBytes: 2 ** 30 };
  const player = new (withSwarmline(Player))({ swarmline: options });
  const media = new Media();
  const url = `${origin}/media.m3u8`;
  player.emit("hlsManifestLoading", { url });
  player.emit("hlsMediaAttached", { media });
  window.stats = () => player.swarmline.stats();
  viewer = { player, media, url };
};

/** Hears of segments up to `last` and loads those from `first` on, one after the other; bytes, and how long it took in ms. */
window.take = async (first, last) => {
  const { player, media, url } = viewer;
  const m3u8 = await (await fetch(`${url}?first=0&last=${last}`)).text();
  const details = read(m3u8, url, SEGMENT_SECONDS);
  const begun = performance.now();
  player.emit("hlsLevelUpdated", { details });
  let bytes = 0;
  for (const frag of details.fragments.slice(first)) {
    bytes += await load(player, frag);
    media.end = (frag.sn + 1) * SEGMENT_SECONDS;
    media.readyState = 4;
    media.dispatchEvent(new Event("loadeddata"));
    media.dispatchEvent(new Event("timeupdate"));
  }
  return { bytes, ms: performance.now() - begun };
};

const { performance, crypto } = window;

/** Digests that were asked for since `watchDigests()`: when, of how many bytes, and when they were there. */
window.watchDigests = () => {
  const calls = [];
  const { subtle } = crypto;
  const digest = subtle.digest.bind(subtle);
  subtle.digest = (name, data) => {
    const call = { at: performance.now(), bytes: data.byteLength, end: Infinity };
    calls.push(call);
    const promise = digest(name, data);
    void promise.then(() => (call.end = performance.now()));
    return promise;
  };
  window.digests = () => calls;
  /** The same sizes again and nothing else, as many at a time as were asked for at once. */
  window.bareDigests = async () => {
    const data = new Uint8Array(Math.max(...calls.map(({ bytes }) => bytes)));
    const begun = performance.now();
    for (let i = 0; i < calls.length; ) {
      const batch = [];
      const until = calls[i].end;
      // The clock is coarse: a digest may end when it began.
      for (; i < calls.length && (batch.length === 0 || calls[i].at < until); i += 1) batch.push(digest("SHA-256", data.subarray(0, calls[i].bytes)));
      await Promise.all(batch);
    }
    return performance.now() - begun;
  };
};
