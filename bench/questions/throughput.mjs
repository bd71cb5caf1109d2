// How fast the loader moves and checks bytes when nothing else holds it up.
import { sum } from "../../tests/e2e/lib/figures.mjs";
import { LargeOrigin } from "../../tests/e2e/lib/large-origin.mjs";
import { Tab } from "../../tests/e2e/lib/tab.mjs";
import { join } from "../lib/raw-channel.mjs";
import { goal } from "../lib/rounds.mjs";

const SEGMENT = 4 * 2 ** 20;
const SEGMENTS = 24;

const raw = (size) => ({
  name: `data channel, messages of ${size / 1024} KiB`,
  bare: true,
  async measure({ tab }) {
    const [sender, receiver] = [await tab("sender"), await tab("receiver")];
    await join(sender.page, receiver.page);
    const bytes = SEGMENT * SEGMENTS;
    const received = receiver.page.evaluate((bytes) => window.raw.receive(bytes), bytes);
    await sender.page.evaluate(([bytes, size]) => window.raw.send(bytes, size), [bytes, size]);
    return { rate: bytes / 1e3 / (await received) };
  },
});

const throughLoader = (name, file, ours) => ({
  name,
  ours,
  file,
  async measure({ tab, origin, demo }) {
    const config = { origin: origin.url, trackers: [demo.tracker], swarmId: `throughput ${crypto.randomUUID()}` };
    const seed = await tab("who has it all");
    await seed.page.evaluate((config) => window.join(config), config);
    await seed.page.evaluate((last) => window.take(0, last), SEGMENTS);
    const leech = await tab("who wants it");
    await leech.page.evaluate((config) => window.join(config), config);
    // The first one comes from the CDN, as whenever a player starts.
    await leech.page.evaluate(() => window.take(0, 0));
    await leech.page.waitForFunction(() => window.stats().peers === 1, null, { timeout: 20_000 });
    origin.refuses = true;
    try {
      const { bytes, ms } = await leech.page.evaluate((last) => window.take(1, last), SEGMENTS);
      const { peerBytes, wastedBytes, hashFailures } = await leech.page.evaluate(() => window.stats());
      if (peerBytes < bytes || hashFailures > 0) throw new Error(`${peerBytes} of ${bytes} bytes came from the peer`);
      return { rate: bytes / 1e3 / ms, wastedBytes };
    } finally {
      origin.refuses = false;
    }
  },
});

/** What it takes to have everything hashed that the CDN sends, against the same digests by themselves in the same page. */
const hashed = (name, rate, ours) => ({
  name,
  ours,
  bare: !ours,
  async measure({ tab, origin, demo }) {
    const viewer = await tab("viewer");
    await viewer.page.evaluate(() => window.watchDigests());
    await viewer.page.evaluate((config) => window.join(config), { origin: origin.url, trackers: [demo.tracker] });
    await viewer.page.evaluate((last) => window.take(0, last), SEGMENTS);
    const calls = await viewer.page.evaluate(() => window.digests());
    const bare = await viewer.page.evaluate(() => window.bareDigests());
    return { rate: rate(calls, bare), digests: calls.length };
  },
});

const bytesOf = (calls) => sum(calls.map(({ bytes }) => bytes));

/** How long at least one digest was awaited, in ms. */
function busy(calls) {
  let [time, until] = [0, -Infinity];
  for (const { at, end } of calls) {
    time += Math.max(0, end - Math.max(at, until));
    until = Math.max(until, end);
  }
  return time;
}

const one = (name, contenders, share) => ({ name, contenders, share });

export default {
  name: "throughput",
  title: "Throughput",
  columns: [{ key: "rate", title: "rate", unit: "MB/s", digits: 1 }],
  runs: 5,
  cases: () => [
    one("from one peer to one peer", [
      raw(16 * 1024),
      raw(64 * 1024),
      throughLoader("p2p-media-loader", "throughput-rival.html", false),
      throughLoader("Swarmline", "throughput.html", true),
    ], 0.85),
    one("verification", [
      hashed("crypto.subtle by itself", (calls, bare) => bytesOf(calls) / 1e3 / bare, false),
      hashed("Swarmline", (calls) => bytesOf(calls) / 1e3 / busy(calls), true),
    ], 0.9),
  ],
  seconds: () => 18,

  async run(place, _case, contender) {
    const { demo } = await place.event();
    const origin = await LargeOrigin.start(SEGMENT);
    const browser = await place.launch();
    try {
      const url = `${place.site.origin}/bench/${contender.file ?? "throughput.html"}`;
      const tab = (name) => Tab.open(browser, place.site, { name, url });
      return await contender.measure({ tab, origin, demo });
    } finally {
      await browser.close();
      await origin.close();
    }
  },

  goals({ contenders, share }, of) {
    const ours = of(contenders.find(({ ours }) => ours).name, "rate");
    const best = (bare) => Math.max(...contenders.filter((one) => bare === !!one.bare && !one.ours).map(({ name }) => of(name, "rate")));
    const rival = contenders.find(({ ours, bare }) => !ours && !bare);
    return [
      goal(`≥ ${100 * share} % of the bare rate`, ours >= share * best(true)),
      ...(rival ? [goal(`faster than ${rival.name}`, ours > best(false))] : []),
    ];
  },
};
