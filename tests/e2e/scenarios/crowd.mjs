// The main promise: viewers of one event carry each other, and nobody notices.
import { CpuTrace } from "../lib/cpu.mjs";
import { behind, copiedOften, delivered, latency, median, mostOffload, offload, offloadOf, pace, sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { idle } from "../lib/machine.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 40;
/** Of a tab's process without the pictures' share; cargo xtask bench has the whole. A loader that spins takes more than this. */
const MOST_TIMES = 2;

const wasmMemory = (tab) =>
  tab.page.evaluate(async () => (await (await import("/dist/wasm/swarmline.js")).default()).memory.buffer.byteLength);

/** Scripts that a page has before anybody presses play; `cargo xtask bench` counts from before it has them. */
const SCRIPTS = {
  hls: ["/vendor/hls.js/hls.mjs", "/dist/hls.js"],
  dash: ["/vendor/dashjs/modern/esm/dash.mediaplayer.min.js", "/dist/dash.js"],
};

/** A page that is open already gets its player; the viewer sees the first picture, and leaves. */
async function visit(t, tab, config) {
  await tab.page.evaluate((scripts) => Promise.all(scripts.map((script) => import(script))), SCRIPTS[config.player]);
  await tab.start(config);
  await tab.playing();
  await t.sleep(0.3);
  const report = await tab.report();
  await tab.close();
  await t.sleep(0.2);
  return { firstFrame: report.firstFrameMs, latency: report.samples.at(-1).latency };
}

/**
 * Visits with and without Swarmline by turns, the first of each pair changing: each in a process and with a cache of
 * its own. Many, for chance is larger than what is looked for; fewer where the machine is slow.
 */
async function pairsOfVisits(t, demo, kind, { least = 9, most = 13, seconds = 45 } = {}) {
  // Without this hls.js looks every 100 ms whether it may begin, and chance decides how long it waits.
  const hls = { startFragPrefetch: true };
  const config = { ...kind.live(demo), hls };
  const configs = [config, { ...config, swarm: joined(demo) }];
  const end = Date.now() + seconds * 1000;
  const pairs = [];
  while (pairs.length < least || (pairs.length < most && Date.now() < end)) {
    const pair = [];
    const tabs = [await t.tab({ name: "visitor" }), await t.tab({ name: "visitor" })];
    // New processes have things to do before they rest.
    await idle(0.5, { seconds: 5 });
    for (const side of pairs.length % 2 ? [1, 0] : [0, 1]) pair[side] = await visit(t, tabs.pop(), configs[side]);
    pairs.push(pair);
  }
  return pairs;
}

/** The median of the differences between the two sides of each pair, also as a share of the plain side's median. */
function excess(pairs, what) {
  const usual = median(pairs.map(([plain]) => plain[what]));
  const more = median(pairs.map(([plain, swarm]) => swarm[what] - plain[what]));
  return { usual, more, share: more / usual };
}

/**
 * Viewers who come one a second, and play for a minute more. One whole segment from the CDN for each start and one
 * copy of everything is the least that has to come from there; a plain twin starts amid them, at another origin.
 */
function crowdOf(count, window, { least }) {
  return {
    name: `${count} tabs, a playlist window of ${window} segments`,
    tabs: count + 1,
    alone: true,
    async run(t) {
      const [demo, other] = await Promise.all([t.demo(["--window", window]), t.demo(["--window", window])]);
      const tabs = [];
      for (let i = 0; i < count; i += 1) tabs.push(await t.tab({ name: `viewer ${i + 1}` }));
      const plain = await t.tab({ name: "plain twin" });
      await t.sleep(2);
      const swarm = joined(demo);
      let twinStarts;
      for (const [i, tab] of tabs.entries()) {
        if (i === count >> 1) {
          twinStarts = other.midSegment().then(() => plain.start({ url: other.live }));
          twinStarts.catch(() => {}); // awaited below
        }
        await tab.start({ url: demo.live, swarm });
        await t.sleep(1);
      }
      await twinStarts;
      await t.sleep(19);
      const settled = Math.max(...(await reports(tabs)).map(lastNumber));
      await t.sleep(40);
      const [twin, ...seen] = await reports([plain, ...tabs]);
      const origin = await demo.stats();
      const end = Math.min(...seen.map(lastNumber));
      t.figure(plain.name, describe(twin));
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
      }
      const share = offloadOf(origin, seen, 0, end);
      t.figure(`net offload at the origin (limit ${mostOffload(seen, end).toFixed(3)})`, share);
      t.checkSpeed(share >= least, `net offload ${share.toFixed(3)}`);
      const steady = offloadOf(origin, seen, settled + 1, end);
      t.figure(`after the first 20 s (limit ${(1 - 1 / count).toFixed(3)})`, steady);
      const often = copiedOften(tabs.map(({ name }) => name), seen, settled + 1, end);
      t.figure("segments that left the CDN more than once since", often.join("; ") || "none");
      const before = copiedOften(tabs.map(({ name }) => name), seen, 0, settled);
      t.figure("and before", before.join("; ") || "none");
      const own = seen.map(({ events }) => events.segment.filter(({ loader, kind }) => loader === "player" && kind === "main").length);
      t.figure("segments of each start by the player's loader", own.join(" "));
      // Who comes while the machine is busy may have its picture, and so its engine, too late to wait for.
      t.checkSpeed(median(own) === 1, `${own.join(" ")} segments by the players' loaders: most should take one`);
      const late = median(seen.map((report) => latency(report)));
      t.figure("latency: plain, swarm (median)", `${latency(twin).toFixed(2)}, ${late.toFixed(2)}`);
      t.checkSpeed(late <= latency(twin) * 1.05, `latency ${late.toFixed(2)} s, a plain player's is ${latency(twin).toFixed(2)} s`);
    },
  };
}

const lastNumber = ({ payloads }) => Math.max(...payloads.filter(({ type }) => type === "main").map(({ sn }) => sn));

export const crowd = [
  ...overKinds((kind) => [
    {
      name: `${kind.prefix}four tabs carry each other`,
      tabs: 5,
      alone: true,
      async run(t) {
        const demo = await t.demo();
        const publisher = demo.watch();
        const trace = await CpuTrace.start(t.browser);
        const tabs = await viewers(t, demo, 4, { ...kind.live(demo), midSegment: true });
        // What real time is on this machine, a plain player tells, of another origin.
        const plain = await t.tab({ name: "plain twin" });
        const other = await t.demo();
        await other.midSegment();
        await plain.start(kind.live(other));
        await t.sleep(10);
        const memory = await wasmMemory(tabs[0]);
        const spent = () => Promise.all([plain, ...tabs].map((tab) => tab.processorTime()));
        const before = await spent();
        await t.sleep(SECONDS - 10);
        const [usually, ...took] = (await spent()).map((seconds, i) => seconds - before[i]);
        const [twin, ...seen] = await reports([plain, ...tabs]);
        const real = pace(twin);
        t.figure(plain.name, describe(twin));
        const times = median(took) / usually;
        t.figure("processor time of a tab's process, as a multiple of the plain twin's (median)", times);
        t.check(times <= MOST_TIMES, `a tab takes ${times.toFixed(2)} times the plain twin's processor time`);
        const origin = await demo.stats();
        await trace.stop();
        for (const [i, report] of seen.entries()) {
          t.figure(tabs[i].name, describe(report));
          undisturbed(t, tabs[i].name, report);
          const speed = pace(report);
          t.checkSpeed(speed > real - 0.03, `${tabs[i].name} played at ${speed.toFixed(3)}, the plain twin at ${real.toFixed(3)}`);
          const [own, usual] = [behind(report), behind(twin)];
          t.checkSpeed(own <= usual * 1.1, `${tabs[i].name} was ${own.toFixed(2)} s behind, the plain twin ${usual.toFixed(2)} s`);
          t.check(report.at - report.firstFrameMs >= SECONDS * 1000, `${tabs[i].name} played for less than ${SECONDS} s`);
          await asPublished(t, publisher, tabs[i].name, report);
          t.check(report.stats.peers === 3, `${tabs[i].name} has ${report.stats.peers} of 3 peers`);
          const heavy = trace.blamedOn("/dist/", report);
          t.check(heavy.length === 0, `${tabs[i].name} was kept busy: ${JSON.stringify(heavy)}`);
        }
        const share = offload(origin, seen);
        t.figure("net offload at the origin (limit 0.75)", share);
        t.checkSpeed(share >= 0.6, `net offload ${share.toFixed(3)}`);
        const told = sum(seen.map(({ stats }) => stats.deliveredBytes));
        t.check(told === sum(seen.map(delivered)), `the players report ${told} delivered bytes`);
        const grown = (await wasmMemory(tabs[0])) - memory;
        t.figure("wasm memory (bytes, growth in 30 s)", `${memory}, ${grown}`);
        t.check(grown < delivered(seen[0]) / 10, `wasm memory grew by ${grown} bytes while playing`);
      },
    },
    {
      name: `${kind.prefix}first frame and latency are those of the plain player`,
      tabs: 4,
      alone: true,
      async run(t) {
        const demo = await t.demo();
        // The line of a viewer, so that there is something to compare with.
        await demo.faults({ latencyMs: 30, rateBps: 10_000_000 });
        await viewers(t, demo, 2, kind.live(demo));
        const pairs = await pairsOfVisits(t, demo, kind);
        const figures = ["firstFrame", "latency"];
        // Chance can do that much; not twice.
        if (figures.some((what) => excess(pairs, what).share > 0.1)) pairs.push(...(await pairsOfVisits(t, demo, kind)));
        for (const what of figures) {
          const digits = what === "latency" ? 2 : 0;
          const { usual, more, share } = excess(pairs, what);
          t.figure(`${what}, each pair (plain/swarm)`, pairs.map((pair) => pair.map((side) => side[what].toFixed(digits)).join("/")).join(" "));
          t.figure(`${what}: plain, and how much more with Swarmline (medians of ${pairs.length})`, `${usual.toFixed(digits)}, ${more.toFixed(digits)}`);
          t.check(share <= 0.1, `${what}: ${(100 * share).toFixed(1)} % above the plain player`);
        }
      },
    },
  ]),
  crowdOf(8, 5, { least: 0.81 }),
  crowdOf(8, 8, { least: 0.81 }),
  { ...crowdOf(12, 8, { least: 0.87 }), large: true },
];
