// What it costs the viewer's machine: processor time, a busy main thread, memory.
import { CpuTrace } from "../../tests/e2e/lib/cpu.mjs";
import { median, sum } from "../../tests/e2e/lib/figures.mjs";
import { Audience, common, hearsay, noticed, sleep } from "../lib/audience.mjs";
import { hls, overDash, rivalDefault, rivalNear, swarmline } from "../lib/contenders.mjs";
import { watchWasm } from "../lib/page-scripts.mjs";
import { movedBytes, ring } from "../lib/raw-channel.mjs";
import { goal } from "../lib/rounds.mjs";
import { EVEN_MS, watchSpeed } from "../lib/speed.mjs";

const TABS = 4;
const SETTLING = 20;
/** Processor time is read over so long, then a trace is recorded for so long: it costs time itself. */
const MEASURED = 30;
const TRACED = 15;

/** Verified segments that the loader keeps by default (`cacheBytes` in js/src/types.ts). */
const CACHE = 64 * 2 ** 20;
/** What else it may have in hand: its module's memory, segments in flight, copies on their way to the player. */
const BESIDE = 64 * 2 ** 20;

const one = (mbit, contenders, more = "") => ({ name: `${TABS} tabs, ${mbit} Mbit/s${more}`, event: { window: 8, mbit }, contenders });

/** How little it can cost: the plain player, and beside it the bytes of a perfect swarm moved by the browser alone. */
const bare = {
  name: "hls.js, and as many bytes over bare data channels",
  bare: true,
  config: hls.config,
  beside: ring,
};

const overHls = [hls, rivalDefault, rivalNear, swarmline, bare];

/** What is alive in a tab after a collection: JavaScript objects, and buffers, WebAssembly's memory among them. */
async function weigh(tab) {
  const session = await tab.context.newCDPSession(tab.page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize } = await session.send("Runtime.getHeapUsage");
  const wasm = await tab.page.evaluate(() => window.wasmBytes());
  await session.detach();
  return { objects: usedSize, buffers: backingStorageSize, wasm };
}

/** Tasks of more than 50 ms of processor time, over all tabs, while a trace runs. */
async function longTasks({ browser, tabs }, seconds) {
  const trace = await CpuTrace.start(browser);
  const clocks = await Promise.all(
    tabs.map((tab) =>
      tab.act((record) => {
        const mark = performance.mark(`traced ${crypto.randomUUID()}`);
        return { name: mark.name, at: mark.startTime - record.begun };
      }),
    ),
  );
  await sleep(seconds);
  await trace.stop();
  return sum(clocks.map((clock) => trace.longTasks({ clock }).length));
}

export default {
  name: "cost",
  title: "Cost: processor, main thread, memory",
  columns: [
    { key: "even", title: "CPU per tab, at an even pace", unit: "%", digits: 1 },
    { key: "cpu", title: "CPU per tab", unit: "%", digits: 1 },
    { key: "longTasks", title: "long tasks per tab and minute", digits: 1 },
    { key: "memory", title: "JS heap and buffers per tab", unit: "MB", digits: 1 },
    { key: "wasm", title: "of it WebAssembly", unit: "MB", digits: 1 },
    { key: "stalls", title: "stalls", digits: 0 },
    { key: "latency", title: "latency", unit: "s" },
  ],
  runs: 3,
  cases: (quick) => (quick ? [one(4, overHls)] : [...[1, 4, 20].map((mbit) => one(mbit, overHls)), one(1, overDash, ", DASH")]),
  opening: ({ event }) => (event.mbit > 1 ? 35 : 3),
  seconds: (_case, _contender, quick) => (quick ? 20 : SETTLING + MEASURED + TRACED) + TABS + 15,

  async run(place, { event: wanted }, contender, _state, _round, quick) {
    const [settling, measured, traced] = quick ? [5, 10, 5] : [SETTLING, MEASURED, TRACED];
    const event = await place.event(wanted);
    const audience = await Audience.open(place, event, contender, TABS, { init: () => [watchWasm] });
    try {
      // Hashing what they are given would cost all contenders the same, and make them look alike.
      await audience.startAll({ unhashed: true });
      await contender.beside?.(audience);
      await sleep(settling);
      const [before, from, speed] = [audience.cpu(), performance.now(), watchSpeed()];
      await sleep(measured);
      const [after, to, work] = [audience.cpu(), performance.now(), speed()];
      const cpu = (after - before) / ((to - from) / 1000) / TABS;
      const { reports } = await audience.look();
      const tasks = await longTasks(audience, traced);
      const weights = await Promise.all(audience.tabs.map(weigh));
      const mb = (read) => median(weights.map(read)) / 1e6;
      return {
        ...common(reports),
        ...noticed(reports),
        cpu,
        work,
        even: (cpu * EVEN_MS) / work,
        longTasks: tasks / TABS / (traced / 60),
        memory: mb(({ objects, buffers }) => objects + buffers),
        wasm: mb(({ wasm }) => wasm),
        ...(contender.bare && { movedBytes: await movedBytes(audience) }),
        ...hearsay(reports),
      };
    } finally {
      await audience.close();
    }
  },

  goals({ contenders }, of) {
    const [plain, ours] = [contenders.find(({ plain }) => plain).name, contenders.find(({ ours }) => ours).name];
    const rivals = contenders.filter((other) => !other.plain && !other.ours && !other.bare);
    return [
      goal("CPU per tab ≤ 1.10 × plain", of(ours, "even") <= 1.1 * of(plain, "even")),
      ...rivals.map(({ name }) => goal(`CPU per tab below that of ${name}`, of(ours, "even") < of(name, "even"))),
      goal("long tasks no more than plain", of(ours, "longTasks") <= of(plain, "longTasks")),
      goal("memory within the configured cap", of(ours, "memory") <= of(plain, "memory") + (CACHE + BESIDE) / 1e6),
      goal("no stall", of(ours, "stalls") === 0),
    ];
  },
};
