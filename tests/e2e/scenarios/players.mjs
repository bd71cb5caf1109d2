// The ways in which a page uses a player.
import { sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";
import { keepAccounts } from "../lib/scripts.mjs";

const BUILDS = [
  { build: "esm", library: "hls.js" },
  { build: "umd", library: "hls.js" },
  { build: "esm", library: "hls.js-1.5" },
  { build: "umd", library: "hls.js-1.5" },
];

export const players = [
  {
    name: "every build of hls.js shares with every other",
    tabs: 4,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = [];
      for (const build of BUILDS) {
        const tab = await t.tab({ name: `${build.library} ${build.build}` });
        await tab.start({ url: demo.live, swarm: joined(demo), ...build });
        tabs.push(tab);
      }
      await Promise.all(tabs.map((tab) => tab.playing()));
      await Promise.all(tabs.map((tab) => tab.peers(1)));
      await Promise.all(tabs.map((tab) => tab.sharing()));
      // The worker of this build takes the payload away; what peers get must be another copy.
      const umd = tabs.filter((_, i) => BUILDS[i].build === "umd");
      const given = async () => sum((await Promise.all(umd.map((tab) => tab.stats()))).map((stats) => stats.uploadedBytes));
      await t.until("a tab with a worker gives something to peers", async () => (await given()) > 0);
      await t.sleep(12);
      const seen = await reports(tabs);
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        await asPublished(t, publisher, tabs[i].name, report);
        t.check(report.stats.hashFailures === 0, `${tabs[i].name} saw ${report.stats.hashFailures} bad payloads`);
      }
    },
  },

  ...overKinds((kind) => [
    {
      name: `${kind.prefix}quality switches and seeks with downloads in flight`,
      tabs: 2,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch(demo.vod);
        const options = { ...kind.vod(demo), ahead: 12 };
        const [restless, calm] = await viewers(t, demo, 2, options);
        await restless.peers(1);
        await demo.faults({ latencyMs: 150, rateBps: 4_000_000 });
        for (const [at, level] of [[20, 0], [40, 1], [8, 0], [30, 1], [50, 0]]) {
          await restless.act(({ side }, level) => side.select(level), level);
          await t.sleep(kind.apart);
          await restless.act(({ video }, at) => void (video.currentTime = at), at);
          await t.sleep(0.3);
          await restless.act(({ side }, level) => side.selectNow(1 - level), level);
          await restless.until(({ video }, at) => video.currentTime > at + 0.5, { argument: at, what: `playing at ${at} s` });
          await t.sleep(3 * kind.apart);
        }
        // What came so fast was not on the screen for long enough to count; one of these two is another quality than before.
        await restless.act(({ side }) => side.selectNow(0));
        await t.sleep(1.5);
        await restless.act(({ side }) => side.selectNow(1));
        await restless.until(({ levels }) => levels.length >= 2, { what: "another quality on the screen" });
        const [report, other] = await reports([restless, calm]);
        t.figure("restless", describe(report));
        const played = new Set(report.payloads.filter(({ type }) => type === "main").map(({ level }) => level));
        t.figure("level switches", report.levels.length);
        t.check(played.size === 2, `only levels ${[...played]} were played`);
        t.check(report.errors.every((error) => !error.fatal), `failed: ${JSON.stringify(report.errors)}`);
        const left = report.events.peerdisconnect ?? [];
        t.check(left.length === 0, `connections were lost: ${JSON.stringify(left)}`);
        await asPublished(t, publisher, "restless", report);
        await asPublished(t, publisher, "calm", other);
        undisturbed(t, "calm", other);
      },
    },

    {
      name: `${kind.prefix}destroy leaves nothing behind`,
      tabs: 3,
      async run(t) {
        const demo = await t.demo();
        await viewers(t, demo, 1, { ...kind.live(demo), names: "other" });
        const accounts = { init: [keepAccounts] };
        const [leaver] = await viewers(t, demo, 1, { ...kind.live(demo), names: "leaver", tab: accounts });
        const plain = await t.tab({ name: "plain", ...accounts });
        await plain.start(kind.live(demo));
        await plain.playing();
        await leaver.peers(1);
        await t.sleep(2);
        await demo.faults({ latencyMs: 3000 });
        const flying = () => [...leaver.inFlight].filter((request) => request.url().endsWith(".m4s")).length;
        await t.until("the leaver downloads a segment", () => flying() > 0);
        const aborted = flying();
        await Promise.all([leaver, plain].map((tab) => tab.act((record) => record.destroy())));
        await t.sleep(1);
        const made = await leaver.page.evaluate(() => window.everMade());
        const [left, usual] = await Promise.all([leaver, plain].map((tab) => tab.page.evaluate(() => window.leftovers())));
        t.figure("made", `${JSON.stringify(made)}, segments in flight at the end ${aborted}`);
        t.figure("left, plain", `${JSON.stringify(left)}, ${JSON.stringify(usual)}`);
        t.check(made.connections > 0 && made.sockets > 0, "it never had a connection");
        t.check(leaver.inFlight.size === 0, `${leaver.inFlight.size} requests go on`);
        for (const what of ["connections", "sockets"]) t.check(left[what] === 0, `${left[what]} ${what} are left`);
        for (const what of ["timers", "listeners"]) {
          t.check(left[what] <= usual[what], `${left[what]} ${what} are left; a plain player leaves ${usual[what]}`);
        }
        const stats = await leaver.stats();
        t.check(stats.offReason === "destroyed" && stats.peers === 0, `after the end: ${JSON.stringify(stats)}`);
        await leaver.act((record) => record.side.swarmline.destroy());
      },
    },

    {
      name: `${kind.prefix}two players on one page`,
      tabs: 3,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch();
        const tab = await t.tab({ name: "page" });
        const config = { ...kind.live(demo), swarm: joined(demo) };
        await tab.start(config);
        await tab.start(config);
        const other = await t.tab({ name: "other" });
        await other.start(config);
        for (const player of [0, 1]) await tab.playing({ player });
        for (const player of [0, 1]) await tab.peers(2, { player });
        for (const player of [0, 1]) await tab.sharing({ player });
        await t.sleep(8);
        const pair = [await tab.report(0), await tab.report(1)];
        for (const [i, report] of pair.entries()) {
          t.figure(`player ${i + 1}`, describe(report));
          undisturbed(t, `player ${i + 1}`, report);
          await asPublished(t, publisher, `player ${i + 1}`, report);
        }
        await tab.act((record) => record.destroy(), null, 0);
        const at = (await tab.report(1)).at;
        await t.sleep(6);
        undisturbed(t, "player 2 after player 1 has left", await tab.report(1), { from: at });
      },
    },
  ]),
];
