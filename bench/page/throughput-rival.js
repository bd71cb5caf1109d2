// The same as throughput.js for p2p-media-loader: its core as its hls.js plug-in uses it, without a player.
import { Core } from "/rival/p2p-media-loader-core.es.min.js";

const SEGMENT_SECONDS = 60;
const STREAM = "media";

let viewer = null;

window.join = ({ origin, trackers, swarmId }) => {
  // All that is asked for is wanted now, however far from the playhead it is.
  const fast = { highDemandTimeWindow: 1_000_000, simultaneousP2PDownloads: 10 };
  const core = new Core({ announceTrackers: trackers, swarmId, rtcConfig: { iceServers: [] }, ...fast });
  const said = { peers: 0, peerBytes: 0, wastedBytes: 0, hashFailures: 0 };
  core.addEventListener("onPeerConnect", () => (said.peers += 1));
  core.addEventListener("onSegmentLoaded", ({ bytesLength, downloadSource }) => {
    if (downloadSource === "p2p") said.peerBytes += bytesLength;
  });
  core.setManifestResponseUrl(`${origin}/media.m3u8`);
  core.addStreamIfNoneExists({ runtimeId: STREAM, type: "main", index: "0" });
  window.stats = () => said;
  viewer = { core, origin, known: 0 };
};

window.take = async (first, last) => {
  const { core, origin } = viewer;
  // From the second time on nothing is there but peers; it is not to spend its time on finding that out.
  if (first > 0) core.applyDynamicConfig({ httpErrorRetries: 0 });
  const begun = performance.now();
  const heard = [];
  for (; viewer.known <= last; viewer.known += 1) {
    const url = `${origin}/${viewer.known}.m4s`;
    const startTime = viewer.known * SEGMENT_SECONDS;
    heard.push({ runtimeId: url, externalId: viewer.known, url, startTime, endTime: startTime + SEGMENT_SECONDS });
  }
  core.updateStream(STREAM, heard);
  let bytes = 0;
  for (let number = first; number <= last; number += 1) {
    bytes += await new Promise((resolve, reject) => {
      const callbacks = { onSuccess: ({ data }) => resolve(data.byteLength), onError: reject };
      void core.loadSegment(`${origin}/${number}.m4s`, callbacks).catch(reject);
    });
  }
  return { bytes, ms: performance.now() - begun };
};
