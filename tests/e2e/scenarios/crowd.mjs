// The main promise: viewers of one event carry each other, and nobody notices.
import { CpuTrace } from "../lib/cpu.mjs";
import { delivered, latency, median, offload, pace, sum } from "../lib/figures.mjs";
import { asPublished, describe, joined, reports, undisturbed, viewers } from "../lib/swarm.mjs";

const SECONDS = 40;

const wasmMemory = (tab) =>
  tab.page.evaluate(async () => (await (await import("/dist/wasm/swarmline.js")).default()).memory.buffer.byteLength);

/** One plain and one swarm player start in the same instant; what each of them saw first. */
async function race(t, demo, round) {
  const [plain, swarm] = await Promise.all([t.tab({ name: "plain" }), t.tab({ name: "swarm" })]);
  const starts = [
    () => plain.start({ url: demo.live }),
    () => swarm.start({ url: demo.live, swarm: joined(demo) }),
  ];
  if (round % 2) starts.reverse();
  await Promise.all(starts.map((start) => start()));
  await Promise.all([plain.playing(), swarm.playing()]);
  await t.sleep(3);
  const [a, b] = await reports([plain, swarm]);
  await Promise.all([plain.close(), swarm.close()]);
  return { firstFrame: [a.firstFrameMs, b.firstFrameMs], latency: [latency(a, 2), latency(b, 2)] };
}

export const crowd = [
  {
    name: "four tabs carry each other",
    tabs: 5,
    alone: true,
    async run(t) {
      const demo = await t.demo();
      const publisher = demo.watch();
      const trace = await CpuTrace.start(t.browser);
      const tabs = await viewers(t, demo, 4);
      // What real time is on this machine, a plain player tells, of another origin.
      const plain = await t.tab({ name: "plain twin" });
      await plain.start({ url: (await t.demo()).live });
      await t.sleep(10);
      const memory = await wasmMemory(tabs[0]);
      await t.sleep(SECONDS - 10);
      const [twin, ...seen] = await reports([plain, ...tabs]);
      const real = pace(twin);
      t.figure(plain.name, describe(twin));
      const origin = await demo.stats();
      await trace.stop();
      for (const [i, report] of seen.entries()) {
        t.figure(tabs[i].name, describe(report));
        undisturbed(t, tabs[i].name, report);
        const speed = pace(report);
        t.check(speed > real - 0.03, `${tabs[i].name} played at ${speed.toFixed(3)}, the plain twin at ${real.toFixed(3)}`);
        t.check(report.at - report.firstFrameMs >= SECONDS * 1000, `${tabs[i].name} played for less than ${SECONDS} s`);
        await asPublished(t, publisher, tabs[i].name, report);
        t.check(report.stats.peers === 3, `${tabs[i].name} has ${report.stats.peers} of 3 peers`);
        const heavy = trace.blamedOn("/dist/", report);
        t.check(heavy.length === 0, `${tabs[i].name} was kept busy: ${JSON.stringify(heavy)}`);
      }
      const share = offload(origin, seen);
      t.figure("net offload at the origin (limit 0.75)", share);
      t.check(share >= 0.6, `net offload ${share.toFixed(3)}`);
      const own = sum(seen.map(({ stats }) => stats.deliveredBytes));
      t.check(own === sum(seen.map(delivered)), `the players report ${own} delivered bytes`);
      const grown = (await wasmMemory(tabs[0])) - memory;
      t.figure("wasm memory (bytes, growth in 30 s)", `${memory}, ${grown}`);
      t.check(grown < delivered(seen[0]) / 10, `wasm memory grew by ${grown} bytes while playing`);
    },
  },
  {
    name: "first frame and latency are those of plain hls.js",
    tabs: 4,
    alone: true,
    async run(t) {
      const demo = await t.demo();
      await viewers(t, demo, 2);
      const rounds = [];
      for (let round = 0; round < 7; round += 1) rounds.push(await race(t, demo, round));
      for (const what of ["firstFrame", "latency"]) {
        const [plain, swarm] = [0, 1].map((who) => median(rounds.map((round) => round[what][who])));
        const ms = what === "latency" ? 1000 : 1;
        t.figure(`${what}, each start`, rounds.map((round) => round[what].map((v) => v.toFixed(2)).join("/")).join(" "));
        t.figure(`${what}: plain, swarm (medians of ${rounds.length})`, `${plain.toFixed(3)}, ${swarm.toFixed(3)}`);
        t.check(swarm <= plain * 1.1, `${what}: more than 10 % above plain hls.js`);
        t.check((swarm - plain) * ms <= 100, `${what}: more than 100 ms above plain hls.js`);
      }
    },
  },
];
