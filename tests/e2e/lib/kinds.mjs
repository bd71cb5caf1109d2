// The players that Swarmline plugs into. A promise is tested over each of them, by the same scenario.

// `apart`: seconds between a quality switch and a seek. Where they meet in one instant, dash.js stops for good now and then,
// without Swarmline too.
const hls = {
  prefix: "",
  live: (demo) => ({ player: "hls", url: demo.live }),
  vod: (demo) => ({ player: "hls", url: demo.vod }),
  apart: 0,
};

const dash = {
  prefix: "dash.js: ",
  live: (demo) => ({ player: "dash", url: demo.dash }),
  vod: (demo) => ({ player: "dash", url: demo.dashVod }),
  apart: 0.3,
};

/** The scenarios that `make` makes for each kind of player. */
export const overKinds = (make) => [hls, dash].flatMap(make);
