// The player's idea of its line is the truth, wherever the bytes come from.
import { leastAhead, sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { describe, joined, undisturbed } from "../lib/swarm.mjs";

const LINE = 4_000_000;
/** While it starts, a player shares its line with the page and the WebAssembly module, and remembers that for a while. */
const SECONDS = 45;
/**
 * Half as much again as the stream. The line narrows when two share: dash.js that starts on such a line switches between 0 and
 * 13 times in half a minute without Swarmline, which leaves nothing to compare.
 */
const NARROW = 1_300_000;
const WIDE = 8_000_000;

/** At least nine tenths of what a plain player takes it for, which is less than the line on a busy machine; at most a fortieth more than it is. */
const LEAST = 0.9;
const MOST = 1.025 * LINE;
/** What peers send does not come by the narrowed line but beside it: together they can be faster. */
const MOST_WITH_PEERS = 1.25 * LINE;

/** Viewers one by one, each on a line of its own; peers send at the speed of such a line too. */
async function onLines(t, kind, bitsPerSecond, cases, upload = bitsPerSecond) {
  const tabs = [];
  for (const [name, demo, swarm] of cases) {
    const tab = await t.tab({ name });
    await tab.line(bitsPerSecond);
    await tab.start({ ...kind.live(demo), swarm: swarm && joined(demo, { maxUploadBitrate: upload, ...swarm }) });
    tabs.push(tab);
  }
  await Promise.all(tabs.map((tab) => tab.playing()));
  return tabs;
}

/** How often the picture changed its level between two reports. */
const switches = (before, { levels }) =>
  levels.filter(({ level }, i) => i >= Math.max(1, before.levels.length) && level !== levels[i - 1].level).length;

export const estimate = overKinds((kind) => [
  {
    name: `${kind.prefix}the player's estimate on a line of 4 Mbit/s`,
    tabs: 5,
    alone: true,
    async run(t) {
      const [plain, off, alone, shared] = await Promise.all([t.demo(), t.demo(), t.demo(), t.demo()]);
      const tabs = await onLines(t, kind, LINE, [
        ["without Swarmline", plain, null],
        ["P2P switched off", off, { enabled: false }],
        ["nobody to share with", alone, {}],
        ["one of two", shared, {}],
        ["the other of two", shared, {}],
      ]);
      await tabs[3].peers(1);
      await t.sleep(SECONDS);
      const estimates = await Promise.all(tabs.map((tab) => tab.act(({ side }) => side.estimate)));
      const least = LEAST * Math.min(LINE, estimates[0]);
      t.check(estimates[0] >= LINE / 2, "even the plain player takes the line for less than half of what it is");
      for (const [i, tab] of tabs.entries()) {
        const report = await tab.report();
        const seen = estimates[i];
        t.figure(`${tab.name}: estimate`, `${(seen / 1e6).toFixed(2)} Mbit/s`);
        t.figure(tab.name, describe(report));
        undisturbed(t, tab.name, report);
        const most = report.stats?.peers > 0 ? MOST_WITH_PEERS : MOST;
        t.check(seen >= least && seen <= most, `${tab.name}: the estimate is ${(seen / 1e6).toFixed(2)} Mbit/s`);
      }
    },
  },

  {
    name: `${kind.prefix}no flapping on a line of 1.3 Mbit/s`,
    tabs: 5,
    alone: true,
    async run(t) {
      const [demo, alone, ...others] = await Promise.all([t.demo(), t.demo(), t.demo(), t.demo()]);
      const tabs = await onLines(t, kind, WIDE, [
        ...others.map((other, i) => [`without Swarmline ${i + 1}`, other, null]),
        ["nobody to share with", alone, {}],
        ["one of two", demo, {}],
        ["the other of two", demo, {}],
      ], NARROW);
      await tabs[3].peers(1);
      await Promise.all(tabs.map((tab) => tab.line(NARROW)));
      const begun = await Promise.all(tabs.map((tab) => tab.report()));
      await t.sleep(45);
      const seen = await Promise.all(tabs.map((tab) => tab.report()));
      const counts = seen.map((report, i) => switches(begun[i], report));
      for (const [i, report] of seen.entries()) {
        const levels = report.levels.map(({ at, level }) => `${level} (${(at / 1000).toFixed(0)} s)`);
        const least = leastAhead(report, begun[i].at).toFixed(2);
        t.figure(`${tabs[i].name}: on the narrow line`, `${counts[i]} switches, least ahead ${least} s; levels ${levels.join(", ")}`);
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
      }
      const [one, another, own, ...sharing] = counts;
      const usual = Math.max(one, another);
      t.check(own <= usual + 1, `${own} switches, a plain player makes ${usual}`);
      // What peers send comes beside the narrowed line, so that it is now one and now two lines wide.
      const shared = sum(sharing) / sharing.length;
      t.check(shared <= usual + 1, `${shared} switches of each who shares, a plain player makes ${usual}`);
    },
  },
]);
