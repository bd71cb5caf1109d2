// Arithmetic over records.

export const sum = (values) => values.reduce((total, value) => total + value, 0);

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Bytes of media that a player was given, and by how many payloads. */
export const delivered = (report) => sum(report.payloads.map((payload) => payload.bytes));

/** The median live latency over the last `seconds`, in seconds, as the player tells it. */
export function latency(report, seconds = 10) {
  return lately(report, seconds, "latency");
}

/**
 * The same by the publisher's clock. What hls.js tells is less by the time for which the newest segment had been listed when
 * hls.js saw it; that changes as its reloads drift, by up to a segment.
 */
export function behind(report, seconds = 10) {
  return lately(report, seconds, "behind");
}

function lately(report, seconds, key) {
  const from = report.at - seconds * 1000;
  return median(report.samples.filter((sample) => sample.at >= from).map((sample) => sample[key]));
}

/** How fast time went by for the viewer between two moments (ms of the record): 1 is real time. */
export function pace(report, from = report.firstFrameMs, to = report.at) {
  const inside = report.samples.filter((sample) => sample.at >= from && sample.at <= to);
  const [first, last] = [inside[0], inside.at(-1)];
  if (from === null || first === last) return Number.NaN;
  return (last.time - first.time) / ((last.at - first.at) / 1000);
}

/** The least media ahead of the viewer between two moments, in seconds. */
export function leastAhead(report, from, to = report.at) {
  const inside = report.samples.filter((sample) => sample.at >= from && sample.at <= to);
  return Math.min(...inside.map((sample) => sample.ahead));
}

/** When that was, in seconds of the record. */
export function thinnest(report, from = report.firstFrameMs) {
  const least = leastAhead(report, from);
  const sample = report.samples.find(({ at, ahead }) => at >= from && ahead === least);
  return (sample?.at ?? Number.NaN) / 1000;
}

/** 1 − bytes that left the origin / bytes that players were given. */
export function offload(origin, reports) {
  return 1 - origin.segmentBytes / sum(reports.map(delivered));
}

/**
 * The same for the segments numbered `from` to `to` alone: however far each player is with the others, nothing
 * is counted on one side only.
 */
export function offloadOf(origin, reports, from, to) {
  const inside = (number) => number >= from && number <= to;
  const left = Object.entries(origin.byPath).filter(([path]) => inside(numberOf(path)));
  const given = reports.flatMap(({ payloads }) => payloads).filter(({ sn }) => inside(sn));
  return 1 - sum(left.map(([, { bytes }]) => bytes)) / sum(given.map(({ bytes }) => bytes));
}

/**
 * Segments from number `from` to `to` of which more than one copy left the CDN, as the players' events tell, and who
 * took what part of them: `14 main 1.3 (viewer 2 1.0, viewer 5 0.3)`. What players' own loaders took at the start is
 * marked `own`, and may be more than once.
 */
export function copiedOften(names, reports, from, to) {
  const parts = new Map();
  for (const [i, { events }] of reports.entries()) {
    for (const { sn, kind, bytes, cdnBytes, loader } of events.segment) {
      const key = `${sn} ${kind}`;
      const who = loader === "player" ? `${names[i]} own` : names[i];
      if (sn >= from && sn <= to && cdnBytes > 0) parts.set(key, [...(parts.get(key) ?? []), [who, cdnBytes / bytes]]);
    }
  }
  const often = [...parts].filter(([, takers]) => sum(takers.map(([, part]) => part)) > 1.02);
  return often.map(([key, takers]) => {
    const who = takers.map(([name, part]) => `${name} ${part.toFixed(1)}`);
    return `${key} ${sum(takers.map(([, part]) => part)).toFixed(1)} (${who.join(", ")})`;
  });
}

/**
 * The most that is possible up to a segment's number: one copy of everything from the origin, and one more of the first
 * segment of each kind for each player but the one that came first.
 */
export function mostOffload(reports, to) {
  const given = reports.map(({ payloads }) => payloads.filter(({ sn }) => sn <= to));
  const once = new Map(given.flat().map(({ key, bytes }) => [key, bytes]));
  const firsts = given.slice(1).flatMap((payloads) => KINDS.map((kind) => payloads.find(({ type }) => type === kind)));
  return 1 - (sum([...once.values()]) + sum(firsts.map(({ bytes }) => bytes))) / sum(given.flat().map(({ bytes }) => bytes));
}

const KINDS = ["main", "audio"];

/** A segment's number, by the names that the demo gives; NaN for an init segment. */
const numberOf = (path) => Number(/(\d+)\.m4s$/.exec(path)?.[1] ?? Number.NaN);
