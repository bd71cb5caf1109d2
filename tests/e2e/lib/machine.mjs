// How busy the machine is, by the processor time of all that runs on it. A viewer that gets no processor stands still,
// whoever delivers to it: what tests see then is the machine.
import { cpus } from "node:os";

const SAMPLE_MS = 500;
/** What is busier than this over some seconds has moments in which nothing is idle, and tasks wait for a processor. */
const FULL = 0.93;
/** A buffer runs dry by what happened some seconds before. */
const BEFORE_MS = 4000;

/** A record of the load from now on, until it is closed. */
export class Machine {
  #samples = [sample()];
  #timer = setInterval(() => this.#samples.push(sample()), SAMPLE_MS).unref();

  close() {
    clearInterval(this.#timer);
  }

  /** The share of all processors' time that was spent on something between two moments, in ms since 1970. */
  busy(from, to = Date.now()) {
    const before = this.#samples.findLast(({ at }) => at <= from) ?? this.#samples[0];
    const after = this.#samples.find(({ at }) => at >= to) ?? sample();
    return 1 - idleShare(before, after);
  }

  /** Whether it had no processor left in the seconds before a moment (in ms since 1970) and for `ms` after it. */
  isFull(at, ms) {
    return this.busy(at - BEFORE_MS, at + ms) >= FULL;
  }
}

/** Waits until the machine has been idle by a share of `wanted` for a second, or until it seems that it never is. */
export async function idle(wanted, { seconds }) {
  const end = Date.now() + seconds * 1000;
  for (let before = sample(), share = 0; share < wanted && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = sample();
    share = idleShare(before, now);
    before = now;
  }
}

/** Of two equal samples, nothing. */
const idleShare = (before, after) => (after.idle - before.idle) / Math.max(1, after.all - before.all);

function sample() {
  const spent = cpus().flatMap(({ times }) => Object.entries(times));
  const sum = (entries) => entries.reduce((total, [, ms]) => total + ms, 0);
  return { at: Date.now(), idle: sum(spent.filter(([name]) => name === "idle")), all: sum(spent) };
}
