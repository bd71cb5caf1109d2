import { MediaPlayer } from "/vendor/dash.js/dash.mediaplayer.min.js";
import { attachSwarmline } from "/dist/dash.js";

/** dash.js as the page sees it; null where the browser has no Media Source Extensions. */
export function begin({ stream, options, video, page }) {
  if (!("MediaSource" in globalThis || "ManagedMediaSource" in globalThis)) return null;
  const player = MediaPlayer().create();
  player.updateSettings({ debug: { logLevel: 0 } });
  const swarmline = attachSwarmline(player, options);
  let ready = false;
  player.on("playbackMetaDataLoaded", () => (ready = true));
  player.on("qualityChangeRendered", ({ mediaType, newRepresentation }) => {
    if (mediaType === "video") page.switched(name(newRepresentation));
  });
  player.on("error", ({ error }) => page.trouble(error?.message ?? String(error)));
  player.initialize(video, stream, true);
  return {
    player,
    swarmline,
    again() {
      ready = false;
      player.attachSource(stream);
    },
    get live() {
      return ready && player.isDynamic();
    },
    get latency() {
      return ready ? player.getCurrentLiveLatency() : Number.NaN;
    },
    get buffer() {
      return ready ? player.getBufferLength("video") : 0;
    },
    get quality() {
      return ready ? name(player.getCurrentRepresentationForType("video")) : "–";
    },
  };
}

function name(representation) {
  return representation?.height ? `${representation.height}p` : representation ? `${Math.round(representation.bitrateInKbit)} kbit/s` : "–";
}
