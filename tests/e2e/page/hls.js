// hls.js as the recorder sees it.

export class HlsSide {
  static async make(config) {
    const [Hls, swarmline] = await Promise.all([library(config), config.swarm ? import("/dist/hls.js") : null]);
    const Player = swarmline ? swarmline.withSwarmline(Hls) : Hls;
    const options = { ...config.hls };
    if (config.ahead) options.maxBufferLength = config.ahead;
    if (config.swarm) options.swarmline = config.swarm;
    return new this(new Player(options), Hls);
  }

  name = "hls";

  constructor(player, Hls) {
    Object.assign(this, { player, Hls });
  }

  get swarmline() {
    return this.player.swarmline;
  }

  get latency() {
    return this.player.latency;
  }

  /** By the publisher's clock instead, in seconds; NaN where the playlist names no dates. */
  get behind() {
    const { playingDate } = this.player;
    return playingDate ? (Date.now() - playingDate.getTime()) / 1000 : Number.NaN;
  }

  /** What the player takes its line for, in bit/s. */
  get estimate() {
    return this.player.bandwidthEstimate;
  }

  play(video, url) {
    this.player.loadSource(url);
    this.player.attachMedia(video);
    video.play().catch((error) => {
      if (error.name !== "AbortError") this.tell?.error({ type: "play", details: String(error) });
    });
  }

  destroy() {
    this.player.destroy();
  }

  /** Another quality, for what has not been asked for yet. */
  select(level) {
    this.player.nextLevel = level;
  }

  /** Another quality at once. */
  selectNow(level) {
    this.player.currentLevel = level;
  }

  watch(tell) {
    const { player, Hls } = this;
    this.tell = tell;
    this.watchPayloads(tell.payload);
    player.on(Hls.Events.ERROR, (_, { type, details, fatal, response }) => {
      tell.error({ type, details, fatal, status: response?.code });
    });
    player.on(Hls.Events.LEVEL_LOADED, (_, { details }) => tell.live(details.live));
    player.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => tell.level(level));
  }

  /**
   * Sees every media payload where hls.js takes it over, before a worker can detach it. The loader is
   * wrapped, not subclassed: a loader's constructor may answer with another object.
   */
  watchPayloads(payload) {
    const { config } = this.player;
    const Inner = config.fLoader ?? config.loader;
    config.fLoader = function (config) {
      const loader = new Inner(config);
      const load = loader.load;
      loader.load = (context, settings, callbacks) => {
        const onSuccess = (response, stats, ...rest) => {
          if (context.frag?.sn !== "initSegment") payload(about(context, stats), response.data);
          callbacks.onSuccess(response, stats, ...rest);
        };
        return load.call(loader, context, settings, { ...callbacks, onSuccess });
      };
      return loader;
    };
  }
}

function about({ url, rangeStart, rangeEnd, frag }, { loading }) {
  const key = rangeEnd ? `${url}|${rangeStart}-${rangeEnd}` : url;
  return { key, type: frag?.type, level: frag?.level, sn: frag?.sn, ms: loading.end - loading.start };
}

async function library({ build = "esm", library: name = "hls.js" }) {
  if (build === "esm") return (await import(`/vendor/${name}/hls.mjs`)).default;
  const script = document.createElement("script");
  script.src = `/vendor/${name}/hls.js`;
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`cannot load ${script.src}`));
  });
  document.head.append(script);
  await loaded;
  return window.Hls;
}
