// hls.js with p2p-media-loader, put together as its documentation says.
import MeasuredHls from "./hls.js";

export default class RivalHls extends MeasuredHls {
  static async make({ swarm, hls }) {
    const [{ default: Hls }, { HlsJsP2PEngine }] = await Promise.all([
      import("/vendor/hls.js/hls.mjs"),
      import("/bundle/rival.js"),
    ]);
    const Player = HlsJsP2PEngine.injectMixin(Hls);
    const side = new this(new Player({ ...hls, p2p: { core: swarm } }), Hls);
    side.swarmline = new Hearsay(side.player.p2pEngine);
    return side;
  }

  /** Where Swarmline's facade is with it, so that who waits for peers or looks into a run can ask the same of both. */
  swarmline = null;
}

/** What its own events say: for who waits until it shares, and for looking into a run. No figure comes from here. */
class Hearsay extends EventTarget {
  #said = { peers: 0, cdnBytes: 0, peerBytes: 0, uploadedBytes: 0 };

  constructor(engine) {
    super();
    const said = this.#said;
    engine.addEventListener("onPeerConnect", () => (said.peers += 1));
    engine.addEventListener("onPeerClose", () => (said.peers -= 1));
    engine.addEventListener("onSegmentLoaded", ({ bytesLength, downloadSource }) => {
      said[downloadSource === "p2p" ? "peerBytes" : "cdnBytes"] += bytesLength;
    });
    engine.addEventListener("onChunkUploaded", (bytes) => (said.uploadedBytes += bytes));
  }

  stats() {
    return { ...this.#said };
  }
}
