// Which settings serve p2p-media-loader best here: `TUNED` in lib/contenders.mjs is taken from this.
import { rival, TUNED } from "../lib/contenders.mjs";
import offload from "./offload.mjs";

const TABS = 8;
const EVENT = { window: 8, seconds: 2, mbit: 1 };

const VARIANTS = [
  ["as tuned", {}],
  ["highDemandTimeWindow 2 and else defaults", { highDemandTimeWindow: 2, simultaneousP2PDownloads: 3, simultaneousHttpDownloads: 2 }],
  ["highDemandTimeWindow 3 and else defaults", { highDemandTimeWindow: 3, simultaneousP2PDownloads: 3, simultaneousHttpDownloads: 2 }],
  ...[1, 2, 4, 6, 8].map((seconds) => [`highDemandTimeWindow ${seconds}`, { highDemandTimeWindow: seconds }]),
  ["simultaneousP2PDownloads 3", { simultaneousP2PDownloads: 3 }],
  ["simultaneousHttpDownloads 2", { simultaneousHttpDownloads: 2 }],
  ["httpDownloadTimeWindow 6", { httpDownloadTimeWindow: 6 }],
  ["httpDownloadInitialTimeoutMs 1000", { httpDownloadInitialTimeoutMs: 1000 }],
  ["p2pNotReceivingBytesTimeoutMs 1000", { p2pNotReceivingBytesTimeoutMs: 1000 }],
];

const one = (name, hls) => ({
  name,
  tabs: TABS,
  event: EVENT,
  contenders: VARIANTS.map(([name, more]) => rival(name, { ...TUNED, ...more }, hls)),
});

export default {
  ...offload,
  name: "rival settings",
  title: "Settings of p2p-media-loader",
  byName: true,
  columns: offload.columns.filter(({ key }) => ["offload", "settled", "latency", "stalledSeconds"].includes(key)),
  runs: 2,
  cases: () => [one("settings, at its own latency", {}), one("settings, at hls.js's latency", { liveSyncDurationCount: 3 })],
  goals: undefined,
};
