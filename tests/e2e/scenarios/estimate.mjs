// The player's idea of its line is the truth, wherever the bytes come from.
import { overKinds } from "../lib/kinds.mjs";
import { describe, joined, undisturbed } from "../lib/swarm.mjs";

const LINE = 4_000_000;
const SECONDS = 24;
const NARROW = 1_300_000;

/** Viewers one by one, each on a line of its own; peers send at the speed of such a line too. */
async function onLines(t, kind, bitsPerSecond, cases) {
  const tabs = [];
  for (const [name, demo, swarm] of cases) {
    const tab = await t.tab({ name });
    await tab.line(bitsPerSecond);
    await tab.start({ ...kind.live(demo), swarm: swarm && joined(demo, { maxUploadBitrate: bitsPerSecond, ...swarm }) });
    tabs.push(tab);
  }
  await Promise.all(tabs.map((tab) => tab.playing()));
  return tabs;
}

const switches = ({ levels }) => levels.filter(({ level }, i) => i > 0 && level !== levels[i - 1].level).length;

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
      for (const tab of tabs) {
        const report = await tab.report();
        const seen = await tab.act(({ side }) => side.estimate);
        t.figure(`${tab.name}: estimate`, `${(seen / 1e6).toFixed(2)} Mbit/s`);
        t.figure(tab.name, describe(report));
        undisturbed(t, tab.name, report);
        t.check(seen >= 3.6e6 && seen <= 4.1e6, `${tab.name}: the estimate is ${(seen / 1e6).toFixed(2)} Mbit/s`);
      }
    },
  },

  {
    name: `${kind.prefix}no flapping on a line of 1.3 Mbit/s`,
    tabs: 3,
    alone: true,
    async run(t) {
      const [demo, other] = await Promise.all([t.demo(), t.demo()]);
      const tabs = await onLines(t, kind, NARROW, [
        ["without Swarmline", other, null],
        ["one of two", demo, {}],
        ["the other of two", demo, {}],
      ]);
      await t.sleep(30);
      const seen = await Promise.all(tabs.map((tab) => tab.report()));
      for (const [i, report] of seen.entries()) {
        t.figure(`${tabs[i].name}: switches`, `${switches(report)}, levels ${report.levels.map(({ level }) => level).join(" ")}`);
        t.figure(tabs[i].name, describe(report));
      }
      const usual = switches(seen[0]);
      for (const [i, report] of seen.entries()) {
        t.check(switches(report) <= usual + 1, `${tabs[i].name} switched ${switches(report)} times, the plain player ${usual} times`);
      }
    },
  },
]);
