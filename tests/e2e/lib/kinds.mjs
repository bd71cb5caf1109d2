// The players that Swarmline plugs into. A promise is tested over each of them, by the same scenario.

// `apart`: seconds between a quality switch and a seek. Where they meet in one instant, dash.js stops for good now and then,
// without Swarmline too.
// `steady`: settings by which a player decides on what it sees now. By dash.js' rule of past switches one drop on a narrow line
// is followed by others: plain players side by side made 0 and 13 switches in half a minute.
const hls = {
  prefix: "",
  live: (demo) => ({ player: "hls", url: demo.live }),
  vod: (demo) => ({ player: "hls", url: demo.vod }),
  apart: 0,
  steady: {},
};

const dash = {
  prefix: "dash.js: ",
  live: (demo) => ({ player: "dash", url: demo.dash }),
  vod: (demo) => ({ player: "dash", url: demo.dashVod }),
  apart: 0.3,
  steady: { dash: { streaming: { abr: { rules: { switchHistoryRule: { active: false } } } } } },
};

/** The scenarios that `make` makes for each kind of player. */
export const overKinds = (make) => [hls, dash].flatMap(make);
