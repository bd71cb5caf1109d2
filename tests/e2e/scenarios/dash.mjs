// dash.js: the same promises as in HLS.
import { latency, offload, pace } from "../lib/figures.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 40;

export const dash = [
  {
    name: "dash.js: four tabs carry each other",
    tabs: 5,
    alone: true,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = await viewers(t, demo, 4, { player: "dash", url: demo.dash });
      const plain = await t.tab({ name: "plain twin" });
      await plain.start({ player: "dash", url: (await t.demo()).dash });
      await t.sleep(SECONDS);
      const [twin, ...seen] = await reports([plain, ...tabs]);
      const origin = await demo.stats();
      const real = pace(twin);
      t.figure(plain.name, describe(twin));
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        t.check(pace(report) > real - 0.03, `${tabs[i].name} played at ${pace(report).toFixed(3)}, the plain twin at ${real.toFixed(3)}`);
        await asPublished(t, publisher, tabs[i].name, report);
        t.check(report.stats.peers === 3, `${tabs[i].name} has ${report.stats.peers} of 3 peers`);
        const [own, usual] = [latency(report), latency(twin)];
        t.check(own <= usual * 1.1, `${tabs[i].name} was ${own.toFixed(2)} s behind, the plain twin ${usual.toFixed(2)} s`);
      }
      const share = offload(origin, seen);
      t.figure("net offload at the origin (limit 0.75)", share);
      t.check(share >= 0.6, `net offload ${share.toFixed(3)}`);
    },
  },
  {
    name: "dash.js and hls.js: one event, one swarm",
    tabs: 4,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const swarm = joined(demo, { swarmId: "one event" });
      const kinds = [{ url: demo.live }, { player: "dash", url: demo.dash }, { url: demo.live }, { player: "dash", url: demo.dash }];
      const tabs = [];
      for (const [i, kind] of kinds.entries()) {
        tabs.push(await t.tab({ name: `${kind.player ?? "hls"}.js viewer ${(i >> 1) + 1}` }));
        await tabs[i].start({ ...kind, swarm });
        await t.sleep(0.5);
      }
      await Promise.all(tabs.map((tab) => tab.peers(3)));
      await t.sleep(25);
      const seen = await reports(tabs);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        await asPublished(t, publisher, tabs[i].name, report);
      }
      const both = (kind) => seen.filter((_, i) => (kinds[i].player ?? "hls") === kind);
      const total = (list, field) => list.reduce((all, { stats }) => all + stats[field], 0);
      for (const kind of ["hls", "dash"]) {
        const other = both(kind === "hls" ? "dash" : "hls");
        // More than its own kind has given: some of it came from the other.
        t.check(total(both(kind), "peerBytes") > 0, `${kind}.js viewers got nothing from peers`);
        t.check(total(other, "uploadedBytes") > 0, `the others gave ${kind}.js viewers nothing`);
      }
    },
  },
];
