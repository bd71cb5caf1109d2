// The origin fails, peers die, peers lie.
import { leastAhead, sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";
import { flipBytes } from "../lib/scripts.mjs";

const SEGMENT_SECONDS = 2;

const stalled = (report) => sum(report.stalls.map((stall) => stall.ms));

/** Peers that were dropped for what they sent. */
const liars = ({ events }) => (events.peerdisconnect ?? []).filter(({ reason }) => reason === "bad-hash");

/** Connections to a peer that had been caught before. */
const letInAgain = (report) =>
  (report.events.peerconnect ?? []).filter(({ peer, at }) => liars(report).some((liar) => liar.peer === peer && liar.at < at));

export const failures = [
  ...overKinds((kind) => [
    {
      name: `${kind.prefix}origin refuses half of all segments for 15 s, then all for 4 s`,
      tabs: 5,
      alone: true,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch();
        const tabs = await viewers(t, demo, 4, kind.live(demo));
        await Promise.all(tabs.map((tab) => tab.peers(2)));
        await t.sleep(4);
        await demo.faults({ errorShare: 0.5 });
        await t.sleep(15);
        await demo.faults();
        const half = await reports(tabs);
        const { segmentErrors } = await demo.stats();
        t.figure("requests refused", segmentErrors);
        t.check(segmentErrors > 0, "the origin refused nothing");
        half.forEach((report, i) => undisturbed(t, tabs[i].name, report));
        t.figure("segments that peers saved", sum(half.map(({ stats }) => stats.stallsAvoided)));

        const plain = await t.tab({ name: "plain twin" });
        await plain.start(kind.live(demo));
        await plain.playing();
        await t.sleep(5);
        await demo.faults({ errorShare: 1 });
        await t.sleep(4);
        await demo.faults();
        await t.sleep(8);
        const [twin, ...seen] = await reports([plain, ...tabs]);
        t.figure("plain twin", describe(twin));
        for (const [i, report] of seen.entries()) {
          t.figure(tabs[i].name, describe(report));
          t.check(stalled(report) <= stalled(twin), `${tabs[i].name} stalled ${stalled(report)} ms, plain ${stalled(twin)}`);
          t.check(report.errors.every((error) => !error.fatal), `${tabs[i].name} failed`);
          await asPublished(t, publisher, tabs[i].name, report);
        }
      },
    },

    {
      name: `${kind.prefix}half of eight tabs are killed without a goodbye`,
      tabs: 8,
      alone: true,
      async run(t) {
        const demo = await t.demo();
        // A small degree, so that the dead leave holes which must be filled from among the living.
        const tabs = await viewers(t, demo, 8, { ...kind.live(demo), swarm: { maxPeers: 4 } });
        await Promise.all(tabs.map((tab) => tab.peers(1)));
        await t.sleep(8);
        const [living, dying] = [tabs.filter((_, i) => i % 2), tabs.filter((_, i) => i % 2 === 0)];
        const killed = (await reports(living)).map((report) => report.at);
        await Promise.all(dying.map((tab) => tab.kill()));
        await t.sleep(20);
        const seen = await reports(living);
        for (const [i, report] of seen.entries()) {
          const least = leastAhead(report, killed[i]);
          t.figure(living[i].name, describe(report));
          t.checkSpeed(least > SEGMENT_SECONDS, `${living[i].name} had only ${least.toFixed(2)} s ahead`);
          undisturbed(t, living[i].name, report, { from: killed[i] });
          const { peers } = report.stats;
          t.check(peers === 2 || peers === 3, `${living[i].name} counts ${peers} peers, 3 others live`);
        }
        const found = seen.map(({ events }, i) => (events.peerconnect ?? []).filter(({ at }) => at > killed[i]).length);
        t.figure("new neighbours found after the kill", `${found}`);
        t.check(sum(found) > 0, "nobody found a new neighbour");
      },
    },

    {
      name: `${kind.prefix}a tab that sends flipped bytes is dropped`,
      tabs: 4,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch();
        const [liar] = await viewers(t, demo, 1, { ...kind.live(demo), names: "liar", tab: { init: [flipBytes] } });
        await t.sleep(3);
        const honest = await viewers(t, demo, 3, { ...kind.live(demo), names: "honest" });
        // Two who have caught it have dropped it; then all play on without it.
        const caught = async () => (await reports(honest)).filter((report) => liars(report).length > 0).length;
        await t.until("two viewers drop a peer for a bad hash", async () => (await caught()) >= 2, { seconds: 60 });
        await t.sleep(12);
        const seen = await reports(honest);
        t.figure("messages flipped", await liar.page.evaluate(() => window.flipped));
        for (const [i, report] of seen.entries()) {
          t.figure(honest[i].name, `${describe(report)}, hash failures ${report.stats.hashFailures}`);
          undisturbed(t, honest[i].name, report);
          await asPublished(t, publisher, honest[i].name, report);
          const again = letInAgain(report);
          t.check(again.length === 0, `${honest[i].name} let the liar in again: ${JSON.stringify(again)}`);
        }
        const dropped = seen.flatMap(liars);
        t.check(new Set(dropped.map(({ peer }) => peer)).size === 1, `an honest peer was blamed: ${JSON.stringify(dropped)}`);
        t.check(sum(seen.map(({ stats }) => stats.peerBytes)) > 0, "the honest ones did not share");
      },
    },

    {
      name: `${kind.prefix}origin corrupts bytes, none is delivered`,
      tabs: 3,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch();
        const tabs = await viewers(t, demo, 2, kind.live(demo));
        await demo.faults({ corruptShare: 0.3 });
        const late = await t.tab({ name: "late" });
        await late.start({ ...kind.live(demo), swarm: joined(demo) });
        const all = [...tabs, late];
        const noticed = async () => sum((await reports(all)).map(({ stats }) => stats?.hashFailures ?? 0));
        await t.until("a bad hash is noticed", async () => (await noticed()) > 0);
        await t.sleep(10);
        await demo.faults();
        const seen = await reports(all);
        for (const [i, report] of seen.entries()) {
          t.figure(all[i].name, `${describe(report)}, hash failures ${report.stats.hashFailures}`);
          await asPublished(t, publisher, all[i].name, report);
        }
      },
    },
  ]),
];
