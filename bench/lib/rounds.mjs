// Runs the cases of a question: contenders by turns, A B C A B C, each round in the same order.
import { appendFileSync } from "node:fs";
import { median } from "../../tests/e2e/lib/figures.mjs";

/** Another try where a browser failed to begin; a figure that is missing is no figure. */
const TRIES = 2;

/**
 * A question is `{ name, title, columns, cases(quick), runs, seconds(aCase, contender), run(place, aCase, contender, state), goals?(aCase, of) }`;
 * `open` and `close` frame a case. Each run gives figures by name.
 */
export class Rounds {
  #done = 0;
  #begun = Date.now();

  constructor({ place, runs, quick, keep }) {
    Object.assign(this, { place, runs, quick, keep, left: 0 });
  }

  /** `plan`: [question, cases] pairs. */
  async all(plan) {
    this.left = secondsOf(plan, this);
    for (const [question, cases] of plan) for (const aCase of cases) await this.#case(question, aCase);
  }

  async #case(question, aCase) {
    const kept = aCase.contenders.map(({ name }) => ({ name, runs: [] }));
    const state = await question.open?.(this.place, aCase);
    try {
      for (let round = 0; round < runsOf(question, this); round += 1) {
        for (const [i, contender] of aCase.contenders.entries()) {
          if (contender.once && round > 0) continue;
          const figures = await this.#run(question, aCase, contender, state, round);
          if (figures) kept[i].runs.push(figures);
          this.keep(question, { name: aCase.name, contenders: kept, goals: goalsOf(question, aCase, kept) });
        }
      }
    } finally {
      await question.close?.(state);
      await this.place.clear();
    }
  }

  async #run(question, aCase, contender, state, round) {
    const begun = Date.now();
    const what = `${question.name} · ${aCase.name} · ${contender.name} · run ${round + 1}`;
    for (let tries = 1; ; tries += 1) {
      try {
        const planned = question.seconds(aCase, contender, this.quick);
        const figures = await this.#within(4 * planned + 120, () => question.run(this.place, aCase, contender, state, round, this.quick));
        this.#progress(what, question, figures, begun, planned);
        return figures;
      } catch (error) {
        note(`${what}: ${error.stack}`);
        if (tries === TRIES) {
          console.log(`${what}: FAILED ${error.message.split("\n")[0]}`);
          return null;
        }
      }
    }
  }

  /** A run that never ends loses its browser, and with it whatever it waits for. */
  async #within(seconds, run) {
    const { browsers } = this.place;
    const before = new Set(browsers);
    const late = setTimeout(() => {
      for (const browser of browsers) if (!before.has(browser)) void browser.close();
    }, seconds * 1000);
    try {
      return await run();
    } finally {
      clearTimeout(late);
    }
  }

  #progress(what, question, figures, begun, planned) {
    this.#done += planned;
    const spent = (Date.now() - this.#begun) / 1000;
    const left = Math.max(0, (this.left - this.#done) * (spent / this.#done));
    const { columns } = question;
    const shown = columns.filter(({ key }, i) => figures[key] !== undefined && columns.findIndex((one) => one.key === key) === i);
    const text = shown.map(({ key, title, digits = 2, unit }) => `${title} ${format(figures[key], digits, unit)}`);
    console.log(`${what}: ${text.join(", ")} (${((Date.now() - begun) / 1000).toFixed(0)} s; ${duration(left)} left)`);
  }
}

function note(text) {
  if (process.env.SWARMLINE_BENCH_LOG) appendFileSync(process.env.SWARMLINE_BENCH_LOG, `${text}\n`);
}

function format(value, digits, unit) {
  if (value === null || !Number.isFinite(value)) return "–";
  return unit === "%" ? `${(100 * value).toFixed(digits)} %` : `${value.toFixed(digits)}${unit ? ` ${unit}` : ""}`;
}

export const duration = (seconds) => {
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const runsOf = (question, { runs, quick }) => (quick ? (question.quickRuns ?? 1) : (runs ?? question.runs ?? 3));

/** How long a plan takes, as its questions say. */
export function secondsOf(plan, options) {
  let seconds = 0;
  for (const [question, cases] of plan) {
    for (const aCase of cases) {
      seconds += question.opening?.(aCase, options.quick) ?? 5;
      for (const contender of aCase.contenders) {
        const runs = contender.once ? 1 : runsOf(question, options);
        seconds += runs * question.seconds(aCase, contender, options.quick);
      }
    }
  }
  return seconds;
}

/** What was to be reached and whether it was, by the medians of this case. */
function goalsOf(question, aCase, kept) {
  if (!question.goals || kept.some(({ runs }) => runs.length === 0)) return [];
  const of = (name, key, how = median) => how(kept.find((one) => one.name === name).runs.map((figures) => figures[key]));
  return question.goals(aCase, of);
}

/** A share of the values is at most this, by the nearest rank. */
export const quantile = (share) => (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
};

/** One goal: what was wanted in words, and whether it is so. */
export const goal = (what, met) => ({ what, met });
