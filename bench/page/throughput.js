// One viewer without a decoder, for measuring how fast the loader is: the package's hls.js plug-in, its engine and its peers are
// the real ones. And a bare data channel, for comparison.
import { withSwarmline } from "/dist/hls.js";
import { Media, Player, load, read } from "/page/soak.js";

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

/** One end of a bare data channel. The one that offers sends. */
window.raw = {
  async offer() {
    this.connection = new RTCPeerConnection();
    this.channel = this.connection.createDataChannel("raw");
    await this.connection.setLocalDescription();
    return gathered(this.connection);
  },
  async answer(offer) {
    this.connection = new RTCPeerConnection();
    this.arrived = new Promise((resolve) => {
      this.connection.ondatachannel = ({ channel }) => resolve(channel);
    });
    await this.connection.setRemoteDescription(offer);
    await this.connection.setLocalDescription();
    return gathered(this.connection);
  },
  async connect(answer) {
    await this.connection.setRemoteDescription(answer);
    if (this.channel.readyState !== "open") await new Promise((resolve) => (this.channel.onopen = resolve));
  },
  async send(bytes, size) {
    const { channel } = this;
    const message = new Uint8Array(size);
    channel.bufferedAmountLowThreshold = 2 ** 18;
    for (let left = bytes; left > 0; left -= size) {
      if (channel.bufferedAmount > 2 ** 20) await new Promise((resolve) => (channel.onbufferedamountlow = resolve));
      channel.send(message);
    }
  },
  /** How long `bytes` take from now on, in ms: into one buffer, as a loader has to put them. */
  async receive(bytes) {
    const channel = await this.arrived;
    channel.binaryType = "arraybuffer";
    const whole = new Uint8Array(bytes);
    let got = 0;
    let begun = 0;
    await new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        begun ||= performance.now();
        whole.set(new Uint8Array(data), got);
        got += data.byteLength;
        if (got >= bytes) resolve();
      };
    });
    return performance.now() - begun;
  },
};

async function gathered(connection) {
  while (connection.iceGatheringState !== "complete") await new Promise((resolve) => setTimeout(resolve, 20));
  return connection.localDescription.toJSON();
}
