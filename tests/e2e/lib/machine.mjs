// How busy the machine is, by the processor time of all that runs on it. A viewer that gets no processor stands still,
// whoever delivers to it: what tests see then is the machine.
import { cpus } from "node:os";

const SAMPLE_MS = 500;
/** Chosen: tabs stood still in windows busier than this, where a quarter of both processors had been taken away. */
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

  /** The same of the busiest `ms` between two moments. */
  busiest(from, to, ms) {
    let most = 0;
    for (let at = from; at + ms <= to; at += SAMPLE_MS) most = Math.max(most, this.busy(at, at + ms));
    return most;
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

/** A machine that tells nothing counts as idle: what fails there fails. */
function idleShare(before, after) {
  const all = after.all - before.all;
  return all > 0 ? (after.idle - before.idle) / all : 1;
}

function sample() {
  const spent = cpus().flatMap(({ times }) => Object.entries(times));
  const sum = (entries) => entries.reduce((total, [, ms]) => total + ms, 0);
  return { at: Date.now(), idle: sum(spent.filter(([name]) => name === "idle")), all: sum(spent) };
}
