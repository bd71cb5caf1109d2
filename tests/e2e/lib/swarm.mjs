// What most scenarios do: open viewers, let them play, judge what they saw.
import { behind, delivered, latency, leastAhead, pace, thinnest } from "./figures.mjs";
import { badLists } from "./publisher.mjs";

/** Options of a player that joins the demo's tracker. */
export const joined = (demo, options = {}) => ({ trackers: [demo.tracker], ...options });

/**
 * Opens tabs that play the demo's live event together, one after another. `swarm`: further options; null: plain players.
 * `midSegment`: each begins as far into a segment as a twin that waits for `demo.midSegment()`, so that their latencies can be compared.
 */
export async function viewers(t, demo, count, { names = "viewer", apart = 0.5, midSegment = false, swarm, tab = {}, ...config } = {}) {
  const opened = [];
  for (let i = 0; i < count; i += 1) {
    const viewer = await t.tab({ ...tab, name: `${names} ${i + 1}` });
    if (midSegment) await demo.midSegment();
    await viewer.start({ url: demo.live, swarm: swarm === null ? null : joined(demo, swarm), ...config });
    opened.push(viewer);
    await t.sleep(apart);
  }
  await Promise.all(opened.map((viewer) => viewer.playing()));
  return opened;
}

export const reports = (tabs) => Promise.all(tabs.map((tab) => tab.report()));

/** A viewer who stands still for so long is not only waiting for a processor. */
const NO_EXCUSE_MS = 10_000;

/**
 * Nothing a viewer could have noticed: no stall, no fatal error. A picture that stood still with media
 * ahead is the machine's doing and counts as a freeze; that is a figure, not a failure. So is a stall while the machine
 * had no processor left.
 */
export function undisturbed(t, name, report, { from = report.firstFrameMs } = {}) {
  const all = report.stalls.filter((stall) => stall.at + stall.ms >= from);
  const starved = all.filter(({ at, ms }) => ms < NO_EXCUSE_MS && t.machine.isFull(report.epoch + at, ms));
  if (starved.length > 0) t.notJudged(`${name} stalled while the machine had no processor left: ${JSON.stringify(starved)}`);
  const stalls = all.filter((stall) => !starved.includes(stall));
  t.check(stalls.length === 0, `${name} stalled: ${JSON.stringify(stalls)}`);
  t.check(report.time > 0 && report.firstFrameMs !== null, `${name} showed nothing`);
  const fatal = report.errors.filter((error) => error.fatal);
  t.check(fatal.length === 0, `${name} failed: ${JSON.stringify(fatal)}`);
}

/**
 * Every payload that the player was given is what the publisher signed. `mayMiss`: the publisher could
 * not be read all the time; what it was not asked about does not count.
 */
export async function asPublished(t, publisher, name, report, { mayMiss = false } = {}) {
  // The newest segments may be younger than the last look at the playlists.
  await publisher.read().catch(() => {});
  const bad = badLists();
  t.check(bad.length === 0, `not as docs/integrity-list.schema.json has it: ${bad.join("; ")}`);
  const { matched, wrong, unknown } = publisher.judge(report.payloads);
  t.check(matched > 0, `${name} was given nothing that the publisher signed`);
  t.check(wrong.length === 0, `${name} was given other bytes than the publisher's: ${wrong.join(" ")}`);
  t.check(mayMiss || unknown.length === 0, `${name} was given what no playlist lists: ${unknown.join(" ")}`);
  return matched;
}

/** One line of a viewer's figures. */
export function describe(report) {
  const { stats } = report;
  const parts = [
    `first frame ${report.firstFrameMs?.toFixed(0)} ms`,
    report.live ? `latency ${latency(report).toFixed(2)} s, by the clock ${behind(report).toFixed(2)} s` : "recording",
    `least ahead ${leastAhead(report, report.firstFrameMs).toFixed(2)} s (at ${thinnest(report).toFixed(1)} s)`,
    `pace ${pace(report).toFixed(3)}`,
    `stalls ${report.stalls.length}`,
    `freezes ${report.freezes.length}`,
    `delivered ${(delivered(report) / 1e6).toFixed(2)} MB`,
  ];
  if (stats) {
    const { cdnBytes, peerBytes, uploadedBytes, duplicateBytes, wastedBytes, peers, offReason } = stats;
    const mb = (bytes) => (bytes / 1e6).toFixed(2);
    parts.push(`peers ${peers}`, `cdn ${mb(cdnBytes)} peer ${mb(peerBytes)} up ${mb(uploadedBytes)} MB`);
    parts.push(`twice ${mb(duplicateBytes)} wasted ${mb(wastedBytes)} MB`, `off: ${offReason}`);
  }
  return parts.join(", ");
}
