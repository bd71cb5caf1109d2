// Firefox, by itself and with Chromium in one swarm.
import { behind, delivered, median, offload, pace, sum } from "../lib/figures.mjs";
import { asPublished, describe, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 30;

export const browsers = [
  {
    name: "Firefox: four tabs carry each other",
    tabs: 5,
    alone: true,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = await viewers(t, demo, 4, { midSegment: true, tab: { firefox: true } });
      const plain = await t.tab({ name: "plain twin", firefox: true });
      const other = await t.demo();
      await other.midSegment();
      await plain.start({ url: other.live });
      await t.sleep(SECONDS);
      const [twin, ...seen] = await reports([plain, ...tabs]);
      const origin = await demo.stats();
      t.figure(plain.name, describe(twin));
      const real = pace(twin);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        t.checkSpeed(pace(report) > real - 0.03, `${tabs[i].name} played at ${pace(report).toFixed(3)}, the plain twin at ${real.toFixed(3)}`);
        await asPublished(t, publisher, tabs[i].name, report);
        t.check(report.stats.peers === 3, `${tabs[i].name} has ${report.stats.peers} of 3 peers`);
      }
      const late = median(seen.map((report) => behind(report)));
      t.checkSpeed(late <= behind(twin) * 1.1, `${late.toFixed(2)} s behind, the plain twin ${behind(twin).toFixed(2)} s`);
      const share = offload(origin, seen);
      t.figure("net offload at the origin (limit 0.75)", share);
      t.checkSpeed(share >= 0.55, `net offload ${share.toFixed(3)}`);
      t.check(sum(seen.map(({ stats }) => stats.deliveredBytes)) === sum(seen.map(delivered)), "delivered bytes as the players count them");
    },
  },

  {
    name: "Chromium and Firefox in one swarm",
    tabs: 6,
    async run(t) {
      const [demo, another] = [await t.demo(), await t.demo()];
      const publisher = demo.watch();
      const opened = (demo, firefox, order) => viewers(t, demo, 1, { names: `${order} ${firefox ? "Firefox" : "Chromium"}`, tab: { firefox } });
      // Of two viewers the second gets most from the first: whatever it gets has gone from one browser to the other.
      const received = async (firefox) => {
        const pair = [];
        for (const [i, second] of [!firefox, firefox].entries()) pair.push(...(await opened(firefox ? demo : another, second, i ? "second" : "first")));
        await t.until(`bytes to ${pair[1].name}`, async () => (await pair[1].stats()).peerBytes > 0);
        return pair;
      };
      const [pair] = await Promise.all([received(true), received(false)]);
      const four = [...pair, ...(await opened(demo, true, "third")), ...(await opened(demo, false, "fourth"))];
      await Promise.all(four.map((tab) => tab.peers(3)));
      const before = await reports(four);
      await t.sleep(12);
      const seen = await reports(four);
      for (const [i, report] of seen.entries()) {
        t.figure(four[i].name, describe(report));
        undisturbed(t, four[i].name, report);
        await asPublished(t, publisher, four[i].name, report);
      }
      const bytes = (key) => sum(seen.map(({ stats }, i) => stats[key] - before[i].stats[key]));
      const share = bytes("peerBytes") / (bytes("peerBytes") + bytes("cdnBytes"));
      t.figure("share from peers while all four were there", share);
      t.checkSpeed(share > 0.5, `${share.toFixed(3)} from peers`);
    },
  },
];
