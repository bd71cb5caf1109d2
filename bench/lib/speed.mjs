// How fast the machine's processors are at this time. They are often shared with others, and the same work then takes them up to
// twice as long, which looks like work that somebody has done.
import { median } from "../../tests/e2e/lib/figures.mjs";

/** How often a look is taken, and how much is done for it: less than a hundredth of a processor's time. */
const EVERY_MS = 250;
const STEPS = 100_000;
/** More than the nearest caches hold, as in a browser. */
const WORDS = 2 ** 19;

/** How long the known work takes where time is told at an even pace, in ms. Chosen: about what it took at best beside four tabs (1.6). */
export const EVEN_MS = 1.5;

/** A known piece of work: a walk through memory that takes a turn at every step. */
function walk(memory) {
  let [at, sum] = [1, 0];
  for (let i = 0; i < STEPS; i += 1) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    const value = memory[at % WORDS];
    sum = value & 1 ? (sum + value) | 0 : sum ^ i;
    memory[at % WORDS] = sum;
  }
  return sum;
}

/** Begins to look; the answer ends it, and is how long the known work took, in ms of processor time (median). */
export function watchSpeed() {
  const memory = new Int32Array(WORDS).map((_, i) => Math.imul(i, 2_654_435_761));
  const took = [];
  const timer = setInterval(() => {
    const before = process.cpuUsage();
    walk(memory);
    const { user, system } = process.cpuUsage(before);
    took.push((user + system) / 1000);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    return median(took);
  };
}
