// A CDN whose answers are odd: bodies that break off or have another length, byte ranges that are others, redirects,
// compression. Nothing of that is a viewer's business.
import { overKinds } from "../lib/kinds.mjs";
import { asPublished, describe, joined, undisturbed, viewers } from "../lib/swarm.mjs";

/** What is odd, one after the other, each for this long. */
const SECONDS = 3;
// Broken bodies are what byte ranges are asked for after. A viewer who has learned that ranges fail asks for none.
const RANGES = ["unsaidRange", "ignoreRange", "falseRange", "wrongRange", "multipart", "refuseRange"];
const ODDITIES = [
  ...["cut", "cutChunked"].map((oddity) => ({ oddity, oddityShare: 0.5 })),
  ...RANGES.map((oddity) => ({ oddity, breakShare: 0.4 })),
  { oddity: "short", oddityShare: 0.3 },
  { oddity: "long" },
  { oddity: "redirect" },
  { oddity: "gzip" },
];

const other = (hash) => (hash[0] === "1" ? "2" : "1") + hash.slice(1);
const otherTags = (text) => text.replace(/SHA256=([^,]+),ROOT=[^,]+/g, (_, hash) => `SHA256=${other(hash)}`);
const otherList = (text) =>
  JSON.stringify(JSON.parse(text), (key, value) => (key === "root" ? undefined : key === "sha256" ? other(value) : value));

/** Playlists and lists that name other hashes than those of the bytes, and no tree. */
const otherHashes = async (route) => {
  const answer = async () => {
    const response = await route.fetch();
    return [response, await response.text()];
  };
  // The page may be closed before the answer is there.
  const [response, text] = await answer().catch(() => []);
  if (!response) return;
  const body = route.request().url().endsWith(".json") ? otherList(text) : otherTags(text);
  await route.fulfill({ response, body }).catch(() => {});
};

const offBecause = (record, reason) => record.stats().offReason === reason;
const told = ({ events }) => (events.hashfailure ?? []).filter(({ fromCdn }) => fromCdn).length;

export const answers = overKinds((kind) => [
  {
    name: `${kind.prefix}every answer of the CDN is damaged: P2P goes off, nothing wrong is played`,
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = await viewers(t, demo, 2, kind.live(demo));
      await Promise.all(tabs.map((tab) => tab.peers(1)));
      await demo.faults({ corruptShare: 1 });
      await Promise.all(tabs.map((tab) => tab.until(offBecause, { argument: "hash-mismatch" })));
      await t.sleep(2);
      await demo.faults();
      // The CDN has recovered before the player has given up.
      const times = await Promise.all(tabs.map((tab) => tab.act(({ video }) => video.currentTime)));
      for (const [i, tab] of tabs.entries()) {
        await tab.until(({ video }, time) => video.currentTime > time + 3, { argument: times[i], what: "playback goes on" });
        const report = await tab.report();
        const { offReason, hashFailures } = report.stats;
        t.figure(tab.name, `${describe(report)}, hash failures ${hashFailures}`);
        await asPublished(t, publisher, tab.name, report);
        t.check(offReason === "hash-mismatch", `${tab.name} is off because of ${offReason}`);
        t.check(hashFailures >= 6 && told(report) >= 6, `${tab.name} tells of ${hashFailures} failures, ${told(report)} events`);
        const codes = (report.events.warning ?? []).map(({ code }) => code);
        t.check(codes.includes("hash-mismatch"), `${tab.name} warned of ${codes}`);
        const refused = kind.prefix ? [502] : report.errors.map(({ status }) => status).filter(Boolean);
        t.check(refused.includes(502), `${tab.name} saw ${refused}, not 502`);
      }
    },
  },

  {
    name: `${kind.prefix}hashes that are of other bytes than the CDN's: nothing is played, and the reason told`,
    tabs: 2,
    async run(t) {
      const demo = await t.demo();
      const routes = [[/\.m3u8$|integrity\.json$/, otherHashes]];
      const tabs = [];
      for (const name of ["viewer 1", "viewer 2"]) {
        const tab = await t.tab({ name, routes });
        await tab.start({ ...kind.live(demo), swarm: joined(demo) });
        tabs.push(tab);
      }
      await Promise.all(tabs.map((tab) => tab.until(offBecause, { argument: "hash-mismatch" })));
      for (const tab of tabs) {
        const report = await tab.report();
        const { hashFailures, peerBytes, uploadedBytes } = report.stats;
        // A start does not wait for a list: what was asked for before it was there had no hash.
        const early = (report.events.segment ?? []).filter(({ hash }) => hash === null).length;
        t.figure(tab.name, `${report.payloads.length} segments given, ${early} of them before any hash was known, hash failures ${hashFailures}`);
        t.check(report.payloads.length === early, `${tab.name} was given ${report.payloads.length - early} segments with a wrong hash`);
        t.check(early <= 2, `${tab.name} knew no hash of ${early} segments`);
        t.check(peerBytes + uploadedBytes === 0, `${tab.name} shared ${peerBytes + uploadedBytes} bytes`);
        t.check(hashFailures >= 6 && told(report) >= 6, `${tab.name} tells of ${hashFailures} failures, ${told(report)} events`);
      }
    },
  },

  {
    name: `${kind.prefix}origin's answers are odd: cut, short, long, wrong byte ranges, redirected, compressed`,
    tabs: 3,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const tabs = await viewers(t, demo, 2, kind.live(demo));
      await Promise.all(tabs.map((tab) => tab.peers(1)));
      let ranges = 0;
      for (const tab of tabs) tab.page.on("request", (request) => (ranges += request.headers().range ? 1 : 0));
      for (const faults of ODDITIES) {
        await demo.faults(faults);
        await t.sleep(SECONDS);
      }
      // Whose requests break is drawn by lot; those that do are what byte ranges are for.
      await demo.faults({ oddity: "unsaidRange", breakShare: 0.6 });
      await t.until("a byte range asked for", () => ranges > 0);
      await demo.faults(ODDITIES.at(-1));
      // One who begins now meets it with the player's own loader.
      const late = await t.tab({ name: "late" });
      await late.start({ ...kind.live(demo), swarm: joined(demo) });
      await late.playing();
      await t.sleep(4);
      await demo.faults();
      t.figure("byte ranges asked for", ranges);
      for (const tab of [...tabs, late]) {
        const report = await tab.report();
        t.figure(tab.name, `${describe(report)}, hash failures ${report.stats.hashFailures}`);
        undisturbed(t, tab.name, report);
        await asPublished(t, publisher, tab.name, report);
        t.check(report.stats.offReason === null, `${tab.name} is off because of ${report.stats.offReason}`);
      }
    },
  },
]);
