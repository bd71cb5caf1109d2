// Nothing grows: a long stream of very large segments, played as fast as the machine carries.
import { LargeOrigin } from "../lib/large-origin.mjs";

const MB = 1 << 20;
const SPEED = 20;
/** 16 Mbit/s. At this size and pace no neighbour is quick enough, and the engines learn it: nearly all comes from the CDN. */
const FOUR_K = { bytes: 20 * MB, cap: 64 * MB, segmentSeconds: 10, shares: false };
/** 2 Mbit/s: neighbours carry a part of it. */
const ORDINARY = { bytes: MB / 2, cap: 8 * MB, segmentSeconds: 2, shares: true };
const SAMPLE_SECONDS = 0.5;
/** The module's own memory: tables, messages, no media. */
const MOST_WASM = 16 * MB;
/**
 * Segments beyond the cache's budget that can be in a page's hands at once: three that are got ahead of the player, the one it
 * waits for, its own copy, and what a request or a message is just bringing.
 */
const IN_HAND = 6;

/** What is alive in a tab: bytes of the wasm memory, of all ArrayBuffers (that memory among them), of JavaScript objects. */
async function weigh(tab) {
  const { session } = tab;
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize } = await session.send("Runtime.getHeapUsage");
  const [wasm, stats, state] = await tab.page.evaluate(() => {
    const { segments, position, over, errors } = window.state;
    return [window.state.wasm(), window.swarmline?.stats() ?? null, { segments, position, over, errors }];
  });
  return { wasm, buffers: backingStorageSize, objects: usedSize, cache: stats?.cacheBytes ?? 0, stats, state };
}

const most = (samples, key) => Math.max(0, ...samples.map((sample) => sample[key]));
const mb = (bytes) => (bytes / MB).toFixed(1);

/** Two tabs share `seconds` of the stream. */
function soak(name, seconds, { bytes, cap, segmentSeconds, shares }, more = {}) {
  return {
    name,
    tabs: 4,
    ...more,
    async run(t) {
      const demo = await t.demo();
      const origin = await LargeOrigin.start(bytes);
      t.closing(() => origin.close());
      const tabs = [];
      for (const [lag, name] of ["first", "second"].entries()) {
        const tab = await t.tab({ name, url: `${t.site.origin}/page/soak.html` });
        tab.session = await tab.context.newCDPSession(tab.page);
        tab.samples = [];
        // At this pace the usual ceiling would let nothing through.
        const options = { cacheBytes: cap, maxUploadBitrate: 400_000_000 };
        const config = { origin: origin.url, trackers: [demo.tracker], seconds, speed: SPEED, segmentSeconds, lag, options };
        await tab.page.evaluate((config) => void window.run(config), config);
        tabs.push(tab);
      }
      const over = async (tab) => {
        tab.samples.push(await weigh(tab));
        return tab.samples.at(-1).state.over;
      };
      while (!(await Promise.all(tabs.map(over))).every(Boolean)) await t.sleep(SAMPLE_SECONDS);
      for (const { name, page, samples } of tabs) {
        const tookMs = await page.evaluate(() => window.state.tookMs);
        // The first moments, in which everything is made for the first time, are in neither half.
        const settled = samples.filter(({ state }) => state.segments > 6);
        const half = settled.length >> 1;
        const [early, late] = [settled.slice(0, half), settled.slice(half)];
        const { stats, state } = samples.at(-1);
        t.figure(name, `${state.segments} segments of ${mb(bytes)} MB at ${((1000 * seconds) / tookMs).toFixed(1)} times their pace, ` +
          `cdn ${mb(stats.cdnBytes)} peer ${mb(stats.peerBytes)} twice ${mb(stats.duplicateBytes)} wasted ${mb(stats.wastedBytes)} MB, ${samples.length} samples, off: ${stats.offReason}`);
        for (const key of ["cache", "buffers", "wasm", "objects"]) {
          const [before, after] = [most(early, key), most(late, key)];
          t.figure(`${name}: most ${key} in the first and the second half (MB)`, `${mb(before)}, ${mb(after)}`);
          // A segment more or less is a matter of the moment at which a sample falls; for a moment the player has a copy, too.
          // Of small segments several are in hand at once where the processor is scarce, and the player has copies of them; one in six
          // that is never let go would be more.
          const copies = { cache: 1, buffers: bytes < MB ? 2 * IN_HAND : 2 }[key] ?? 0;
          const slack = Math.max(copies * bytes, MB);
          t.check(after <= 1.1 * before + slack, `${name}: ${key} grew from ${mb(before)} to ${mb(after)} MB`);
        }
        t.check(half >= 2, `only ${settled.length} samples`);
        t.check(most(samples, "cache") <= cap + IN_HAND * bytes, `${name}: ${mb(most(samples, "cache"))} MB of segments`);
        t.check(most(samples, "buffers") <= cap + 2 * IN_HAND * bytes + MOST_WASM, `${name}: ${mb(most(samples, "buffers"))} MB of buffers`);
        t.check(most(samples, "wasm") > 0 && most(samples, "wasm") <= MOST_WASM, `${name}: ${mb(most(samples, "wasm"))} MB of wasm memory`);
        t.check(stats.offReason === null && stats.peers === 1, `${name}: off: ${stats.offReason}, peers ${stats.peers}`);
        t.check(state.errors.length === 0, `${name}: ${state.errors.slice(0, 3)}`);
        t.check(stats.hashFailures === 0, `${name}: ${stats.hashFailures} bad payloads`);
      }
      const shared = tabs.some(({ samples }) => samples.at(-1).stats.peerBytes > 0);
      t.check(shared || !shares, "the two did not share");
    },
  };
}

export const soaks = [
  soak("soak: five minutes of a 4K stream at 20 times its pace, at the memory cap", 300, FOUR_K),
  soak("soak: five minutes of an ordinary stream at 20 times its pace, at the memory cap", 300, ORDINARY),
  soak("soak of half an hour: a 4K stream at 20 times its pace, at the memory cap", 1800, FOUR_K, { large: true, alone: true }),
  soak("soak of half an hour: an ordinary stream at 20 times its pace, at the memory cap", 1800, ORDINARY, { large: true, alone: true }),
];
