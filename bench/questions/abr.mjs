// What the player takes its line for, and how often it changes the quality, on lines of a known width.
import { sum } from "../../tests/e2e/lib/figures.mjs";
import { Audience, common, hearsay, noticed, sleep } from "../lib/audience.mjs";
import { hls, overDash, rivalDefault, rivalNear, swarmline } from "../lib/contenders.mjs";
import { goal } from "../lib/rounds.mjs";

const SECONDS = 45;
const EVENT = { window: 8 };
const overHls = [hls, rivalDefault, rivalNear, swarmline];

function one(tabs, mbit, contenders = overHls, more = "") {
  const name = `${tabs === 1 ? "one tab alone" : `${tabs} tabs, each`} on a line of ${mbit} Mbit/s${more}`;
  return { name, tabs, bits: mbit * 1e6, contenders };
}

const switches = ({ levels }) => levels.filter(({ level }, i) => i > 0 && level !== levels[i - 1].level).length;

export default {
  name: "abr",
  title: "Honesty towards the player's ABR",
  columns: [
    { key: "estimate", title: "estimate", unit: "Mbit/s" },
    { key: "switches", title: "switches per tab", digits: 1 },
    { key: "top", title: "time in the better quality", unit: "%", digits: 0 },
    { key: "stalledSeconds", title: "stalled, all tabs", unit: "s" },
  ],
  runs: 3,
  cases(quick) {
    if (quick) return [one(2, 4)];
    const dashCases = [one(1, 4, overDash, ", DASH"), one(2, 1.3, overDash, ", DASH")];
    return [one(1, 4), one(2, 4), one(1, 1.3), one(2, 1.3), ...dashCases];
  },
  seconds: ({ tabs }, _contender, quick) => (quick ? 15 : SECONDS) + tabs + 12,

  async run(place, { tabs, bits }, contender, _state, _round, quick) {
    const event = await place.event(EVENT);
    const audience = await Audience.open(place, event, contender, tabs);
    try {
      for (const tab of audience.tabs) await tab.line(bits);
      // Peers send beside the line that is narrowed: who can limit that to its width, does.
      const { swarm } = contender.config(event);
      const limited = contender.ours ? { swarm: { ...swarm, maxUploadBitrate: bits } } : {};
      await audience.startAll(limited);
      await sleep(quick ? 15 : SECONDS);
      const { reports } = await audience.look();
      const estimates = await Promise.all(audience.tabs.map((tab) => tab.act(({ side }) => side.estimate)));
      return {
        ...common(reports),
        ...noticed(reports),
        estimate: sum(estimates) / estimates.length / 1e6,
        switches: sum(reports.map(switches)) / reports.length,
        top: sum(reports.map(inTheBetter)) / reports.length,
        ...hearsay(reports),
      };
    } finally {
      await audience.close();
    }
  },

  goals({ contenders, tabs, bits }, of) {
    const [plain, ours] = [contenders.find(({ plain }) => plain).name, contenders.find(({ ours }) => ours).name];
    const [estimate, usual] = [ours, plain].map((name) => of(name, "estimate"));
    // What peers send comes beside the narrowed line: together they can be wider.
    const most = tabs === 1 ? 1.05 : 1.25;
    return [
      goal("estimate no lower than 0.9 × plain", estimate >= 0.9 * usual),
      goal(`estimate no more than ${most} × the line or plain`, estimate <= most * Math.max(bits / 1e6, usual)),
      goal("no more switches than plain, but one", of(ours, "switches") <= of(plain, "switches") + 1),
      goal("no more stalling than plain", of(ours, "stalledSeconds") <= of(plain, "stalledSeconds")),
    ];
  },
};

/** The part of the time after the first picture in which the better of the two qualities was shown; players count from the least. */
function inTheBetter({ levels, firstFrameMs, at }) {
  if (firstFrameMs === null) return Number.NaN;
  const spans = levels.map(({ level, at: from }, i) => ({ level, ms: (levels[i + 1]?.at ?? at) - Math.max(from, firstFrameMs) }));
  return sum(spans.filter(({ level }) => level === 1).map(({ ms }) => Math.max(0, ms))) / (at - firstFrameMs);
}
