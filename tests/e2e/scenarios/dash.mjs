// dash.js: the same promises as in HLS.
import { latency, mostOffload, offload, sum } from "../lib/figures.mjs";
import { keepAccounts } from "../lib/scripts.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 40;

export const dash = [
  {
    name: "dash.js and hls.js: one event, one swarm",
    tabs: 5,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const swarm = joined(demo, { swarmId: "one event" });
      const urls = { hls: demo.live, dash: demo.dash };
      const join = async (player, name) => {
        const tab = await t.tab({ name });
        await tab.start({ player, url: urls[player], swarm });
        await tab.playing();
        return tab;
      };
      const getsSome = (tab, what) => tab.until((record) => record.stats().peerBytes > 0, { what });
      // While there are but two, what the newcomer gets comes from the other.
      const first = await join("dash", "dash.js viewer 0");
      await t.sleep(8);
      const tabs = [await join("hls", "hls.js viewer 1")];
      await getsSome(tabs[0], "bytes for hls.js from dash.js");
      await first.act((record) => record.destroy());
      await tabs[0].until((record) => record.stats().peers === 0, { what: "alone again" });
      await t.sleep(8);
      tabs.push(await join("dash", "dash.js viewer 1"));
      await getsSome(tabs[1], "bytes for dash.js from hls.js");
      tabs.push(await join("hls", "hls.js viewer 2"), await join("dash", "dash.js viewer 2"));
      await Promise.all(tabs.map((tab) => tab.peers(3)));
      const before = await Promise.all(tabs.map((tab) => tab.stats()));
      await t.sleep(20);
      const seen = await reports(tabs);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        await asPublished(t, publisher, tabs[i].name, report);
      }
      const gained = (field) => sum(seen.map(({ stats }, i) => stats[field] - before[i][field]));
      const share = gained("peerBytes") / gained("deliveredBytes");
      t.figure("share from peers while all four were there", share);
      t.checkSpeed(share >= 0.5, `only ${share.toFixed(2)} came from peers`);
    },
  },

  {
    name: "dash.js: the oldest and the newest that is supported share",
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = [];
      for (const library of ["dashjs-5.0", "dashjs"]) {
        tabs.push(await t.tab({ name: library }));
        await tabs.at(-1).start({ player: "dash", library, url: demo.dash, swarm: joined(demo) });
        await tabs.at(-1).playing();
        await t.sleep(4);
      }
      await Promise.all(tabs.map((tab) => tab.sharing()));
      await t.sleep(10);
      for (const tab of tabs) {
        const report = await tab.report();
        t.figure(`${tab.name}, ${await tab.act(({ dash }) => dash.getVersion())}`, describe(report));
        undisturbed(t, tab.name, report);
        await asPublished(t, publisher, tab.name, report);
      }
    },
  },

  {
    name: "dash.js: a recording, three tabs 10 s apart",
    tabs: 3,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch(demo.vod);
      const config = { player: "dash", url: demo.dashVod, ahead: 8 };
      const tabs = await viewers(t, demo, 3, { ...config, apart: 10 });
      await t.sleep(20);
      const seen = await reports(tabs);
      const origin = await demo.stats();
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        await asPublished(t, publisher, tabs[i].name, report);
      }
      const share = offload(origin, seen);
      t.figure(`net offload at the origin (limit ${mostOffload(seen, Infinity).toFixed(3)})`, share);
      t.checkSpeed(share >= 0.5, `net offload ${share.toFixed(3)}`);
    },
  },

  {
    name: "dash.js: low latency, three seconds behind",
    tabs: 5,
    alone: true,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch(demo.lowLatencyList);
      const tabs = await viewers(t, demo, 4, { player: "dash", url: demo.lowLatency });
      const plain = await t.tab({ name: "plain twin" });
      await plain.start({ player: "dash", url: (await t.demo()).lowLatency });
      await t.sleep(SECONDS);
      const [twin, ...seen] = await reports([plain, ...tabs]);
      const origin = await demo.stats();
      t.figure(plain.name, describe(twin));
      const usual = latency(twin);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        await asPublished(t, publisher, tabs[i].name, report);
        t.check(report.stats.peers === 3, `${tabs[i].name} has ${report.stats.peers} of 3 peers`);
        const own = latency(report);
        t.checkSpeed(own <= usual * 1.1, `${tabs[i].name} was ${own.toFixed(2)} s behind, the plain twin ${usual.toFixed(2)} s`);
      }
      const share = offload(origin, seen);
      t.figure("net offload at the origin (limit 0.75)", share);
      t.checkSpeed(share >= 0.55, `net offload ${share.toFixed(3)}`);
    },
  },

  {
    name: "dash.js: low latency, and nobody publishes hashes",
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      await demo.faults({ hideHashes: true });
      const [viewer] = await viewers(t, demo, 1, { player: "dash", url: demo.lowLatency });
      const plain = await t.tab({ name: "plain twin" });
      await plain.start({ player: "dash", url: (await t.demo()).lowLatency });
      await plain.playing();
      await t.sleep(12);
      const [twin, report] = await reports([plain, viewer]);
      for (const [tab, seen] of [[plain, twin], [viewer, report]]) t.figure(tab.name, describe(seen));
      undisturbed(t, viewer.name, report);
      t.checkSpeed(latency(report) <= latency(twin) * 1.1, `${latency(report).toFixed(2)} s behind, the plain twin ${latency(twin).toFixed(2)} s`);
      const { stats } = report;
      t.check(stats.offReason === "no-hashes", `P2P is off because of ${stats.offReason}`);
      t.check(stats.cdnBytes > 0 && stats.deliveredBytes > 0, "nothing was counted");
    },
  },

  {
    name: "dash.js: reset and another stream",
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const [live, recording] = [demo.watch(), demo.watch(demo.vod)];
      const [other] = await viewers(t, demo, 1, { player: "dash", url: demo.dashVod, names: "other" });
      const [viewer] = await viewers(t, demo, 1, { player: "dash", url: demo.dash, tab: { init: [keepAccounts] } });
      await t.sleep(4);
      await viewer.act(({ dash }, url) => dash.attachSource(url), demo.dashVod);
      await viewer.peers(1);
      await viewer.until((record) => record.stats().peerBytes > 0, { what: "bytes of the second stream from a peer" });
      await viewer.act(({ dash }) => dash.reset());
      await t.sleep(1);
      const [left, stats] = [await viewer.page.evaluate(() => window.leftovers()), await viewer.stats()];
      t.figure("left after reset()", JSON.stringify(left));
      for (const what of ["connections", "sockets"]) t.check(left[what] === 0, `${left[what]} ${what} are left`);
      t.check(stats.peers === 0, `${stats.peers} peers after reset()`);
      await t.until("the other viewer sees it leave", async () => (await other.stats()).peers === 0);
      await viewer.act(({ dash, video }, url) => dash.initialize(video, url, true), demo.dash);
      await t.sleep(6);
      const report = await viewer.report();
      t.figure("viewer", describe(report));
      t.check(report.samples.at(-1).time > report.samples.at(-20).time, "it does not play after reset() and initialize()");
      t.check(report.stats.offReason === null, `P2P is off after reset() and initialize(): ${report.stats.offReason}`);
      const both = (payload) => live.judge([payload]).matched + recording.judge([payload]).matched > 0;
      t.check(report.payloads.every(both), "it was given what the publisher has not signed");
    },
  },
];
