// Bad options are refused at construction, by name, with the value and what is allowed.

/** [options, field, value as the error gives it] */
const BAD = [
  [{ maxPeers: -1 }, "maxPeers", -1],
  [{ maxPeers: 0 }, "maxPeers", 0],
  [{ maxPeers: 65 }, "maxPeers", 65],
  [{ maxPeers: 2.5 }, "maxPeers", 2.5],
  [{ maxPeers: "4" }, "maxPeers", "4"],
  [{ maxUploadBitrate: -1 }, "maxUploadBitrate", -1],
  [{ cacheBytes: -5 }, "cacheBytes", -5],
  [{ cacheBytes: 1024 }, "cacheBytes", 1024],
  [{ maxSegmentBytes: -1 }, "maxSegmentBytes", -1],
  [{ maxSegmentBytes: 2 ** 40 }, "maxSegmentBytes", 2 ** 40],
  [{ cdnTimeoutMs: 5 }, "cdnTimeoutMs", 5],
  [{ cdnTimeoutMs: 1e9 }, "cdnTimeoutMs", 1e9],
  [{ trackers: "wss://tracker.example" }, "trackers", "wss://tracker.example"],
  [{ trackers: ["https://tracker.example"] }, "trackers", "https://tracker.example"],
  [{ trackers: ["tracker.example"] }, "trackers", "tracker.example"],
  [{ trackers: [7] }, "trackers", 7],
  [{ swarmId: "" }, "swarmId", ""],
  [{ enabled: "yes" }, "enabled", "yes"],
  [{ trakcers: [] }, "trakcers", []],
  [{ maxpeers: 3 }, "maxpeers", 3],
];

const GOOD = [
  {},
  { trackers: ["wss://tracker.example/announce", "ws://[::1]:8000"], maxPeers: 1, maxUploadBitrate: 0 },
  { maxPeers: 64, cacheBytes: 1 << 20, maxSegmentBytes: 1, cdnTimeoutMs: 1000, enabled: false, swarmId: "final" },
];

/** In the page: what construction does with each of the options. */
async function construct(all) {
  const Hls = (await import("/vendor/hls.js/hls.mjs")).default;
  const { withSwarmline } = await import("/dist/hls.js");
  const { SwarmlineError } = await import("/dist/index.js");
  const Player = withSwarmline(Hls);
  return all.map((swarmline) => {
    try {
      new Player({ swarmline }).destroy();
      return null;
    } catch (error) {
      const { name, code, field, value, allowed, message } = error;
      return { typed: error instanceof SwarmlineError, name, code, field, value, allowed, message };
    }
  });
}

export const options = [
  {
    name: "bad options are refused at construction",
    tabs: 1,
    async run(t) {
      const tab = await t.tab();
      const answers = await tab.page.evaluate(construct, BAD.map(([options]) => options));
      for (const [i, [given, field, value]] of BAD.entries()) {
        const error = answers[i];
        const what = JSON.stringify(given);
        t.check(error !== null, `${what} was accepted`);
        if (!error) continue;
        t.check(error.typed && error.name === "SwarmlineError" && error.code === "bad-option", `${what}: ${error.message}`);
        t.check(error.field === field, `${what} blames ${error.field}`);
        t.check(JSON.stringify(error.value) === JSON.stringify(value), `${what} shows ${JSON.stringify(error.value)}`);
        t.check(error.allowed.length > 5 && error.message.includes(error.allowed), `${what} does not say what is allowed`);
        t.check(error.message.includes(field), `${what}: the message names no field`);
      }
      t.figure("refused", answers.filter(Boolean).length);
      const accepted = await tab.page.evaluate(construct, GOOD);
      accepted.forEach((error, i) => t.check(error === null, `${JSON.stringify(GOOD[i])}: ${error?.message}`));
    },
  },
];
