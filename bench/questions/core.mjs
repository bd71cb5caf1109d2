// What a call of the core costs, by what has happened, natively and in wasm: a simulated audience makes the calls.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";

const VIEWERS = 50;
const SECONDS = 20;

/** In the order of a segment's life. */
const EVENTS = [
  "playlist", "playhead", "load", "peer: have", "peer: request", "peer: chunk", "peer: leaf hashes", "leaves hashed",
  "segment hashed", "CDN: begin or end", "CDN: bytes", "channel drained", "timer", "connection", "tracker", "peer: other",
];

/** Natively: one call of 64 is timed. */
async function natively() {
  const args = ["simulate", "--viewers", VIEWERS, "--seconds", SECONDS, "--warm-up", 30, "--threads", 1, "--json"];
  const { stdout } = await promisify(execFile)(process.env.SWARMLINE_DEMO, args.map(String), { maxBuffer: 1 << 26 });
  return JSON.parse(stdout).us_per_engine_call_by_event;
}

/** As it ships, in this process. */
async function inWasm() {
  const { selftestTiming } = createRequire(import.meta.url)(process.env.SWARMLINE_BENCH_CORE);
  return JSON.parse(selftestTiming(VIEWERS, SECONDS));
}

const contenders = [
  { name: "native", times: natively },
  { name: "wasm", times: inWasm },
];

/** A run gives all events' times, so one serves all cases. */
const known = new Map();
function timesOf({ name, times }, round) {
  const key = `${name} ${round}`;
  if (!known.has(key)) known.set(key, times());
  return known.get(key);
}

export default {
  name: "core",
  title: "The core, call by call",
  columns: [{ key: "us", title: "µs per call" }],
  runs: 5,
  cases: () => EVENTS.map((name) => ({ name, contenders })),
  seconds: (aCase) => (aCase.name === EVENTS[0] ? 6 : 0),

  async run(_place, { name }, contender, _state, round) {
    const us = (await timesOf(contender, round))[name];
    if (us === undefined) throw new Error(`nothing of the kind happened: ${name}`);
    return { us };
  },
};
