// A viewer's page, machine or network goes away for a while and comes back. Whatever a plain player in the same plight gets
// over, a viewer who shares gets over too, and finds back to the swarm; the others notice nothing.
import { renderersOf } from "../lib/cpu.mjs";
import { delivered, sum } from "../lib/figures.mjs";
import { overKinds } from "../lib/kinds.mjs";
import { keepConnections } from "../lib/scripts.mjs";
import { asPublished, describe, reports, undisturbed, viewers } from "../lib/swarm.mjs";

/** One segment: as much as a moment's difference between two players can make. */
const SEGMENT_MS = 2000;
const stalled = (report) => sum(report.stalls.map((stall) => stall.ms));
const fatal = ({ errors }) => errors.filter((error) => error.fatal).length;
const shared = ({ peerBytes, uploadedBytes }) => peerBytes + uploadedBytes;

/**
 * A viewer who is interrupted, one who is not, and a plain player that is interrupted likewise.
 * `interrupt(t, tabs)`: the interruption, from its begin to its end.
 */
const interruption = (name, interrupt) => (kind) => ({
  name: kind.prefix + name,
  tabs: 3,
  async run(t) {
    const demo = await t.demo();
    const publisher = demo.watch();
    const options = { ...kind.live(demo), tab: { init: [keepConnections] } };
    const [other, victim] = await viewers(t, demo, 2, { ...options, names: "viewer" });
    const [twin] = await viewers(t, demo, 1, { ...options, names: "plain twin", swarm: null });
    await victim.peers(1);
    await victim.sharing();
    await interrupt(t, [victim, twin]);
    const [before, asleep] = await Promise.all([victim.stats(), twin.report()]);
    // Each side may take the other for gone; then they find each other again.
    await victim.peers(1);
    await t.sleep(8);
    // dash.js does not always get over it, with or without peers; who loads nothing has nothing to share.
    const isLoading = async () => delivered(await twin.report()) > delivered(asleep);
    const isSharing = async () => shared(await victim.stats()) > shared(before);
    await t.until("it shares again, or its plain twin loads nothing", async () => (await isSharing()) || !(await isLoading()));
    const [report, plain, rest] = await reports([victim, twin, other]);
    t.figure("interrupted", describe(report));
    t.figure("plain twin", describe(plain));
    t.figure("other", describe(rest));
    const [own, twins] = [stalled(report), stalled(plain)];
    t.check(own <= twins + SEGMENT_MS, `it stood still for ${own} ms, a plain player for ${twins}`);
    t.check(fatal(report) <= fatal(plain), `it failed, the plain player did not: ${JSON.stringify(report.errors)}`);
    t.check(report.stats.offReason === null, `it is off because of ${report.stats.offReason}`);
    undisturbed(t, "the other", rest);
    await asPublished(t, publisher, "interrupted", report);
  },
});

const frozen = interruption("the main thread is frozen for 10 s", async (t, tabs) => {
  const busy = () => {
    const end = performance.now() + 10_000;
    while (performance.now() < end);
  };
  await Promise.all(tabs.map((tab) => tab.page.evaluate(busy)));
});

const hidden = interruption("a hidden tab is frozen by the browser for 20 s and comes back", async (t, tabs) => {
  const sessions = await Promise.all(tabs.map((tab) => tab.context.newCDPSession(tab.page)));
  const all = (state) => Promise.all(sessions.map((session) => session.send("Page.setWebLifecycleState", { state })));
  await all("frozen");
  await t.sleep(20);
  await all("active");
});

const asleep = interruption("a laptop sleeps for 20 s", async (t, tabs) => {
  const renderers = await renderersOf(t.browser, tabs);
  const signal = (name) => renderers.forEach((pid) => process.kill(pid, name));
  signal("SIGSTOP");
  try {
    await t.sleep(20);
  } finally {
    signal("SIGCONT");
  }
});

const moved = interruption("a network is left for another", async (t, tabs) => {
  await Promise.all(tabs.map((tab) => tab.context.setOffline(true)));
  const cut = await Promise.all(tabs.map((tab) => tab.page.evaluate(() => window.cutConnections())));
  t.check(sum(cut) >= 1, `only ${sum(cut)} connections were cut`);
  // For longer dash.js does not look for the MPD.
  await t.sleep(1);
  await Promise.all(tabs.map((tab) => tab.context.setOffline(false)));
});

const [hls] = overKinds((kind) => [kind]);

export const interruptions = [...overKinds((kind) => [frozen(kind), moved(kind)]), hidden(hls), asleep(hls)];
