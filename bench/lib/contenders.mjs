// Who is compared: for an event and its tracker, what the page makes its player of.

/** What every p2p-media-loader here gets, whatever else is set: our tracker, and no STUN server, of which loopback has none. */
const rivalOn = (event, settings) => ({
  announceTrackers: [event.demo.tracker],
  rtcConfig: { iceServers: [] },
  swarmId: `bench-${event.round}`,
  ...settings,
});

/**
 * `cargo xtask bench --only "rival settings"` changes one after the other. By default everything within 15 s of the playhead comes by HTTP, which with a live
 * window is everything there is.
 */
export const TUNED = {
  highDemandTimeWindow: 3,
  simultaneousP2PDownloads: 10,
  simultaneousHttpDownloads: 3,
};

/** A p2p-media-loader with further settings; `hls`: of the player. */
export const rival = (name, settings = {}, hls = {}) => ({
  name,
  config: (event) => ({ side: "/bench/rival.js", url: event.hls, swarm: rivalOn(event, settings), hls }),
});

export const hls = {
  name: "hls.js",
  plain: true,
  config: (event) => ({ side: "/bench/hls.js", url: event.hls, swarm: null }),
};

export const rivalDefault = rival("p2p-media-loader");

/** Its own choice of latency: it moves viewers to the far end of the window. */
export const rivalTuned = rival("p2p-media-loader, tuned", TUNED);

/** At hls.js's own latency, by hls.js's own default said aloud, which p2p-media-loader respects. */
export const rivalNear = rival("p2p-media-loader, tuned, at hls.js's latency", TUNED, { liveSyncDurationCount: 3 });

export const swarmline = {
  name: "Swarmline",
  ours: true,
  config: (event) => ({
    side: "/bench/hls.js",
    url: event.hls,
    swarm: { trackers: [event.demo.tracker], swarmId: `bench-${event.round}` },
  }),
};

export const dash = {
  name: "dash.js",
  plain: true,
  config: (event) => ({ side: "/bench/dash.js", player: "dash", url: event.dash, swarm: null }),
};

export const swarmlineDash = {
  name: "Swarmline on dash.js",
  ours: true,
  config: (event) => ({
    side: "/bench/dash.js",
    player: "dash",
    url: event.dash,
    swarm: { trackers: [event.demo.tracker], swarmId: `bench-${event.round}` },
  }),
};

/** All over hls.js. */
export const overHls = [hls, rivalDefault, rivalTuned, rivalNear, swarmline];

export const overDash = [dash, swarmlineDash];
