import Hls from "/vendor/hls.js/hls.mjs";
import { withSwarmline } from "/dist/hls.js";

/** hls.js as the page sees it; null where the browser plays HLS by itself and there is nothing to hook into. */
export function begin({ stream, options, video, page }) {
  if (!Hls.isSupported()) {
    video.src = stream;
    return null;
  }
  const SwarmHls = withSwarmline(Hls);
  const player = new SwarmHls({ swarmline: options });
  const { Events, ErrorTypes } = Hls;
  player.on(Events.LEVEL_SWITCHED, (_event, { level }) => page.switched(name(player.levels[level])));
  player.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return page.note(`Player: ${data.details}`);
    if (data.type !== ErrorTypes.MEDIA_ERROR) return page.trouble(data.details);
    page.note(`Player: ${data.details}; recovering`);
    player.recoverMediaError();
    void video.play();
  });
  player.loadSource(stream);
  player.attachMedia(video);
  return {
    player,
    swarmline: player.swarmline,
    again() {
      player.loadSource(stream);
      player.startLoad();
    },
    get live() {
      return player.latestLevelDetails?.live ?? player.levels[player.currentLevel]?.details?.live ?? false;
    },
    get latency() {
      return player.latency;
    },
    get buffer() {
      return player.mainForwardBufferInfo?.len ?? 0;
    },
    get quality() {
      return name(player.levels[player.currentLevel]);
    },
  };
}

function name(level) {
  return level?.height ? `${level.height}p` : level?.bitrate ? `${Math.round(level.bitrate / 1000)} kbit/s` : "–";
}
