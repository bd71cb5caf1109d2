// Two viewers of six are hostile. Nothing they send is played, nobody stalls, and what they cost is told.
import { delivered, sum } from "../lib/figures.mjs";
import { claimAndNeverSend, flood, malform } from "../lib/hostile.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { flipBytes } from "../lib/scripts.mjs";
import { asPublished, describe, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 40;

/** What the two do, and how often they did. */
const ATTACKS = [
  { what: "flip bytes", init: flipBytes, did: () => window.flipped },
  { what: "claim and never send", init: claimAndNeverSend, did: () => window.misdeeds },
  { what: "flood", init: flood, did: () => window.misdeeds },
  { what: "send malformed and oversized frames", init: malform, did: () => window.misdeeds },
];

/** The part of what viewers were given since earlier reports of theirs that did not leave the CDN for them. */
function offloadSince(before, now) {
  const since = (read) => sum(now.map(read)) - sum(before.map(read));
  return 1 - since(({ stats }) => stats.cdnBytes) / since(delivered);
}

/** Six tabs; the first two begin, so that the others meet them and depend on them. */
async function six(t, kind, twoOfThem) {
  const demo = await t.demo();
  const publisher = demo.watch();
  const two = await viewers(t, demo, 2, { ...kind.live(demo), ...twoOfThem });
  const four = await viewers(t, demo, 4, { ...kind.live(demo), names: "honest" });
  await Promise.all(four.map((tab) => tab.sharing({ seconds: 60 })));
  const before = await reports(four);
  // What keeps the hostile tabs' own processor busy begins once everybody plays: it would delay starts on this machine, and only here.
  await Promise.all(two.map((tab) => tab.page.evaluate(() => { window.attacking = true; })));
  await t.sleep(SECONDS);
  const seen = await reports(four);
  for (const [i, report] of seen.entries()) {
    t.figure(four[i].name, `${describe(report)}, hash failures ${report.stats.hashFailures}`);
    undisturbed(t, four[i].name, report);
    await asPublished(t, publisher, four[i].name, report);
  }
  const bad = seen.flatMap(({ payloads }) => publisher.judge(payloads).wrong);
  t.figure("payloads delivered that were not the publisher's", `${bad.length} of ${sum(seen.map(({ payloads }) => payloads.length))}`);
  t.figure("stalls added", sum(seen.map(({ stalls }) => stalls.length)));
  const offload = offloadSince(before, seen);
  t.figure("offload of the honest four", offload.toFixed(3));
  // From the start on: the hostile ones are met, and parted with, before everybody shares.
  const wasted = sum(seen.map(({ stats }) => stats.wastedBytes)) / sum(seen.map(delivered));
  t.figure("wasted, of what they were given", wasted.toFixed(4));
  const parted = seen.flatMap(({ events }) => (events.peerdisconnect ?? []).map(({ reason }) => reason));
  t.figure("parted with", parted.length > 0 ? parted.sort().join(" ") : "nobody");
  return { two, offload, wasted };
}

export const hostile = [
  ...overKinds((kind) => [
    {
      name: `${kind.prefix}two of six upload nothing`,
      tabs: 6,
      alone: true,
      large: kind.prefix !== "",
      async run(t) {
        const { offload } = await six(t, kind, { names: "taker", swarm: { maxUploadBitrate: 0 } });
        t.checkSpeed(offload > 0.6, `the honest four had ${offload.toFixed(3)} from peers`);
      },
    },
    ...ATTACKS.map(({ what, init, did }) => ({
      name: `${kind.prefix}two of six ${what}`,
      tabs: 6,
      alone: true,
      // What peers say to each other does not depend on the player: over dash.js they run when they are named.
      large: kind.prefix !== "",
      async run(t) {
        const { two, offload, wasted } = await six(t, kind, { names: "hostile", tab: { init: [init] } });
        const misdeeds = await Promise.all(two.map((tab) => tab.page.evaluate(did)));
        t.figure("misdeeds", misdeeds.join(" and "));
        t.check(misdeeds.every((count) => count > 0), "the hostile ones did nothing");
        t.checkSpeed(offload > 0.6, `the honest four had ${offload.toFixed(3)} from peers`);
        t.check(wasted < 0.05, `${(wasted * 100).toFixed(1)} % of what they were given was sent for nothing`);
      },
    })),
  ]),
];
