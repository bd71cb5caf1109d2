// hls.js, plain or with Swarmline. What it was given is told by its own event, so that no loader reports on itself.
import { HlsSide } from "/page/hls.js";

export default class MeasuredHls extends HlsSide {
  watchPayloads(payload) {
    const { player, Hls } = this;
    player.on(Hls.Events.FRAG_LOADED, (_, { frag, payload: data }) => {
      if (frag.sn === "initSegment") return;
      const { url, type, level, sn, stats } = frag;
      payload({ key: url, type, level, sn, ms: stats.loading.end - stats.loading.start }, data);
    });
  }
}
