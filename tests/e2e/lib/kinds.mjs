// The players that Swarmline plugs into. A promise is tested over each of them, by the same scenario.

const hls = {
  prefix: "",
  live: (demo) => ({ player: "hls", url: demo.live }),
  vod: (demo) => ({ player: "hls", url: demo.vod }),
};

const dash = {
  prefix: "dash.js: ",
  live: (demo) => ({ player: "dash", url: demo.dash }),
  vod: (demo) => ({ player: "dash", url: demo.dashVod }),
};

/** The scenarios that `make` makes for each kind of player. */
export const overKinds = (make) => [hls, dash].flatMap(make);
