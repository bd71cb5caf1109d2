// How much of what viewers are given does not leave the origin, at which latency.
import { offloadOf } from "../../tests/e2e/lib/figures.mjs";
import { Machine } from "../../tests/e2e/lib/machine.mjs";
import { Audience, common, hearsay, judged, noticed, sleep } from "../lib/audience.mjs";
import { overDash, overHls } from "../lib/contenders.mjs";
import { goal } from "../lib/rounds.mjs";

/** Playing after the last start; after so much of it the swarm has settled. */
const SECONDS = 60;
const SETTLING = 20;
/** Longer than what players at hls.js's latency have ahead: in so long a buffer can run dry. */
const PEAK_MS = 10_000;

const named = (tabs, window, seconds, mbit, more = "") =>
  `${tabs} tabs, window of ${window}, ${seconds} s segments, ${mbit} Mbit/s${more}`;

/**
 * What is measured here is delivery, and two processors carry no more than a few tabs. Drawing in software is half of what one costs them: above so many tabs only first pictures are drawn.
 * Above so many the event has fewer pictures to decode, too.
 */
const MOST_DRAWN = 4;
const MOST_DECODED = 8;

function one(tabs, window, seconds, mbit, contenders = overHls, more = "") {
  const thin = tabs > MOST_DECODED;
  return { name: named(tabs, window, seconds, mbit, more), tabs, event: { window, seconds, mbit, thin }, contenders };
}

function cases(quick) {
  if (quick) return [one(4, 8, 2, 1), one(4, 8, 2, 1, overDash, ", DASH")];
  const windows = [8, 5];
  const others = [[2, 4], [4, 1], [4, 4]];
  return [
    ...windows.flatMap((window) => [4, 8, 12, 16].map((tabs) => one(tabs, window, 2, 1))),
    ...windows.flatMap((window) => others.map(([seconds, mbit]) => one(8, window, seconds, mbit))),
    ...windows.map((window) => one(8, window, 2, 1, overDash, ", DASH")),
  ];
}

const lastNumber = ({ payloads }) => Math.max(-1, ...payloads.filter(({ type }) => type === "main").map(({ sn }) => sn));

export default {
  name: "offload",
  title: "Offload at the player's own latency",
  columns: [
    { key: "offload", title: "net offload", unit: "%", digits: 1 },
    { key: "settled", title: "after 20 s", unit: "%", digits: 1 },
    { key: "latency", title: "latency", unit: "s" },
    { key: "stalledSeconds", title: "stalled, all tabs", unit: "s" },
    { key: "cpu", title: "CPU per tab", unit: "%", digits: 1 },
    { key: "busy", title: "machine busy", unit: "%", digits: 0 },
    { key: "peak", title: "its busiest 10 s", unit: "%", digits: 0 },
    { key: "wrong", title: "wrong payloads", digits: 0 },
  ],
  runs: 3,
  cases,
  opening: ({ event }) => (event.mbit > 1 || event.seconds > 2 ? event.window * event.seconds + 15 : 3),
  seconds: ({ tabs }, _contender, quick) => (quick ? 20 : SECONDS) + 1.5 * tabs + 12,

  async run(place, { tabs, event: wanted }, contender, _state, _round, quick) {
    const [settling, seconds] = quick ? [5, 20] : [SETTLING, SECONDS];
    const event = await place.event(wanted);
    const audience = await Audience.open(place, event, contender, tabs);
    const machine = new Machine();
    const begun = Date.now();
    try {
      await audience.startAll({ unseen: tabs > MOST_DRAWN });
      await sleep(settling - 1);
      const settled = Math.max(...(await audience.look()).reports.map(lastNumber));
      const [before, from] = [audience.cpu(), Date.now()];
      await sleep(seconds - settling);
      const [after, to] = [audience.cpu(), Date.now()];
      const { origin, reports } = await audience.look();
      // However far each viewer is: only what all of them have got counts, on either side.
      const end = Math.min(...reports.map(lastNumber));
      const truth = await judged(event, reports);
      return {
        ...common(reports),
        ...noticed(reports),
        offload: offloadOf(origin, reports, 0, end),
        settled: offloadOf(origin, reports, settled + 1, end),
        cpu: (after - before) / ((to - from) / 1000) / tabs,
        busy: machine.busy(from, to),
        peak: machine.busiest(begun, to, PEAK_MS),
        ...truth,
        originBytes: origin.segmentBytes,
        ...hearsay(reports),
      };
    } finally {
      machine.close();
      await audience.close();
    }
  },

  goals({ tabs, contenders, event }, of) {
    const [plain, ours] = [contenders.find(({ plain }) => plain).name, contenders.find(({ ours }) => ours).name];
    const [share, settled, late] = ["offload", "settled", "latency"].map((key) => of(ours, key));
    const least = { 8: 0.83, 16: 0.89 }[tabs];
    const whole = event.seconds === 2 && event.mbit === 1 && least;
    return [
      ...contenders
        .filter((other) => !other.plain && !other.ours && of(other.name, "latency") >= 0.95 * late)
        .map(({ name }) => goal(`offload ahead of ${name}`, share > of(name, "offload"))),
      goal(`after 20 s within a point of ${(100 * (1 - 1 / tabs)).toFixed(1)} %`, settled >= 0.99 - 1 / tabs),
      ...(whole ? [goal(`offload of the whole run ≥ ${100 * least} %`, share >= least)] : []),
      goal("latency ≤ 1.02 × plain", late <= 1.02 * of(plain, "latency")),
      goal("no wrong payload, no stall", of(ours, "wrong") === 0 && of(ours, "stalls") === 0),
    ];
  },
};
