// dash.js as the recorder sees it.

export class DashSide {
  static async make(config) {
    const { library: name = "dashjs", ahead, dash = {}, protection, swarm } = config;
    // Only the larger build knows encryption.
    const build = protection ? "all" : "mediaplayer";
    const [dashjs, swarmline] = await Promise.all([
      import(`/vendor/${name}/modern/esm/dash.${build}.min.js`),
      swarm ? import("/dist/dash.js") : null,
    ]);
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ debug: { logLevel: 0 }, ...dash });
    if (ahead) player.updateSettings({ streaming: { buffer: { bufferTimeDefault: ahead, bufferTimeAtTopQuality: ahead } } });
    if (protection) player.setProtectionData(protection);
    return new this(player, swarmline?.attachSwarmline(player, swarm));
  }

  name = "dash";

  constructor(player, swarmline) {
    Object.assign(this, { player, swarmline });
  }

  get latency() {
    return this.ready ? this.player.getCurrentLiveLatency() : Number.NaN;
  }

  /** dash.js goes by the publisher's clock anyway. */
  get behind() {
    return this.latency;
  }

  /** What the player takes its line for, in bit/s. */
  get estimate() {
    return 1000 * this.player.getAverageThroughput("video");
  }

  play(video, url) {
    // dash.js must see the element begin to play: it reads the MPD again from then on.
    this.player.initialize(video, url, true);
  }

  destroy() {
    this.ready = false;
    this.player.destroy();
  }

  /** Another quality, for what has not been asked for yet. */
  select(level) {
    this.#select(level, false);
  }

  /** Another quality at once. */
  selectNow(level) {
    this.#select(level, true);
  }

  /** Levels count from the best, as in the demo's master playlist; dash.js counts from the least. */
  #select(level, now) {
    const { player } = this;
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
    const all = player.getRepresentationsByType("video").sort((a, b) => b.bandwidth - a.bandwidth);
    if (all[level]) player.setRepresentationForTypeById("video", all[level].id, now);
  }

  watch(tell) {
    const { player } = this;
    this.watchPayloads(tell.payload);
    player.on("error", ({ error }) => tell.error({ type: "dash", details: error?.message ?? String(error), fatal: true }));
    player.on("playbackMetaDataLoaded", () => {
      this.ready = true;
      tell.live(player.isDynamic());
    });
    player.on("qualityChangeRendered", ({ mediaType, newRepresentation }) => {
      if (mediaType === "video") tell.level(newRepresentation.absoluteIndex);
    });
  }

  watchPayloads(payload) {
    const { player } = this;
    // What a low-latency request gives the player in pieces while it runs, and every response on its way to the player.
    const pieces = new WeakMap();
    player.addRequestInterceptor(async (request) => {
      pieces.set(request.customData, []);
      overhear(request.customData, (data) => pieces.get(request.customData).push(data.slice(0)));
      return request;
    });
    player.addResponseInterceptor(async (response) => {
      const { customData } = response.request;
      const whole = response.data instanceof ArrayBuffer && response.status >= 200 && response.status < 300;
      // An index is asked for as a media segment without a time.
      const { type, startTime } = customData.request;
      if (type === "MediaSegment" && Number.isFinite(startTime) && whole) {
        const data = await new Blob([...pieces.get(customData), response.data]).arrayBuffer();
        payload(about(customData.request), data);
      }
      return response;
    });
  }
}

/** dash.js hangs its callback for progress here after this, may take it away, and others may wrap it. */
function overhear(customData, piece) {
  const heard = new WeakSet();
  let callback;
  Object.defineProperty(customData, "onprogress", {
    configurable: true,
    enumerable: true,
    get() {
      const current = callback;
      return (
        current &&
        ((event) => {
          if (event.data instanceof ArrayBuffer && !heard.has(event)) piece(event.data);
          heard.add(event);
          current(event);
        })
      );
    },
    set: (given) => {
      callback = given;
    },
  });
}

export function about({ url, range, mediaType, representation, requestStartDate, startDate, endDate }) {
  const begun = requestStartDate ?? startDate;
  // Past the last byte, as in HLS.
  const [first, last] = range ? range.split("-").map(Number) : [];
  return {
    key: range ? `${url}|${first}-${last + 1}` : url,
    type: mediaType === "audio" ? "audio" : "main",
    level: representation?.absoluteIndex,
    sn: Number(/(\d+)\.\w+$/.exec(new URL(url).pathname)?.[1]),
    ms: endDate && begun ? endDate - begun : Number.NaN,
  };
}
