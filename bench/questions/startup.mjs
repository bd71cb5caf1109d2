// How long until the first picture, and how far behind the live edge it is.
import { latency } from "../../tests/e2e/lib/figures.mjs";
import { Tab } from "../../tests/e2e/lib/tab.mjs";
import { sleep } from "../lib/audience.mjs";
import { hls, overDash, rivalDefault, rivalTuned, swarmline } from "../lib/contenders.mjs";
import { goal, quantile } from "../lib/rounds.mjs";

const EVENT = { window: 8 };
/** A visitor looks for so long: until latency has settled. */
const STAY = 2;
const overHls = [hls, rivalDefault, rivalTuned, swarmline];

function one(name, contenders, more) {
  return { name, contenders, more };
}

/** One viewer of each contender is there all the time, in a browser of their own, so that each start meets a swarm. */
class Residents {
  static async open(place, { contenders }) {
    const residents = new Residents(await place.launch());
    for (const contender of contenders) {
      const event = await place.event(EVENT, contender.name);
      await event.begin();
      const tab = await Tab.open(residents.browser, place.site, { name: `resident, ${contender.name}` });
      await tab.start(contender.config(event));
      await tab.playing();
    }
    await sleep(5);
    return residents;
  }

  constructor(browser) {
    this.browser = browser;
  }

  close() {
    return this.browser.close();
  }
}

export default {
  name: "start",
  title: "Start-up and latency",
  columns: [
    { key: "firstFrame", title: "first frame", unit: "ms", digits: 0, stat: "p50" },
    { key: "firstFrame", title: "first frame", unit: "ms", digits: 0, stat: "p95" },
    { key: "firstFrame", title: "first frame, spread", unit: "ms", digits: 0 },
    { key: "latency", title: "latency", unit: "s" },
  ],
  runs: 24,
  quickRuns: 2,
  cases(quick) {
    const all = [
      one("hls.js", overHls, {}),
      // Without this hls.js looks only every 100 ms whether it may begin, and that is a good part of its start.
      one("hls.js, startFragPrefetch", overHls, { hls: { startFragPrefetch: true } }),
      one("dash.js", overDash, {}),
    ];
    return quick ? all.slice(0, 1) : all;
  },
  opening: ({ contenders }) => 5 + 4 * contenders.length,
  seconds: () => STAY + 4,
  open: (place, aCase) => Residents.open(place, aCase),
  close: (residents) => residents?.close(),

  /** A visit: a new browser, whose caches are as cold as they can be, its page open; then the player is made. */
  async run(place, { more }, contender) {
    const event = await place.event(EVENT, contender.name);
    const browser = await place.launch();
    try {
      const tab = await Tab.open(browser, place.site, { name: "visitor" });
      await sleep(1);
      const config = contender.config(event);
      await tab.start({ ...config, ...more, hls: { ...config.hls, ...more.hls } });
      await tab.playing();
      await sleep(STAY);
      const report = await tab.report();
      return { firstFrame: report.firstFrameMs, latency: latency(report, 1) };
    } finally {
      await browser.close();
    }
  },

  goals({ contenders }, of) {
    const [plain, ours] = [contenders.find(({ plain }) => plain).name, contenders.find(({ ours }) => ours).name];
    const within = (what, key, times, how) => goal(`${what} ≤ ${times} × plain`, of(ours, key, how) <= times * of(plain, key, how));
    return [
      within("first frame, p50,", "firstFrame", 1.05),
      within("first frame, p95,", "firstFrame", 1.05, quantile(0.95)),
      within("latency", "latency", 1.02),
    ];
  },
};
