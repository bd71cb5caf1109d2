// Runs scenarios: as many at once as the machine carries, each with its own origin, tracker and tabs.
import { Demo } from "./demo.mjs";
import { describe } from "./swarm.mjs";
import { Tab } from "./tab.mjs";

/** Playing tabs of different scenarios at once; more would measure the machine. */
const MOST_TABS = 8;
/** Nothing starts beside others while the machine is busier than this: some are slow. */
const BUSY = 0.7;
const LOOK_BACK_MS = 2500;
const LOOK_AGAIN_MS = 500;
/** Busier than this over a whole scenario, eight tabs no longer reached what they do elsewhere (docs/testing.md). */
const TOO_BUSY = 0.9;
/** Between one scenario's start and the next: starting is what costs most, and takes that long. */
const APART_MS = 3000;
const LIMIT_MS = 240_000;

/**
 * A scenario is `{ name, tabs, alone?, large?, run(t) }`. `tabs`: how many play at once. `alone`: it measures
 * time, so nothing else may run beside it. `large`: it needs
 * most of two cores, and runs only by name. What `t` offers is in the class below.
 */
export async function runAll(scenarios, shared) {
  const results = [];
  const running = new Set();
  const waiting = [...scenarios];
  let weight = 0;
  while (waiting.length > 0 || running.size > 0) {
    const busy = shared.machine.busy(Date.now() - LOOK_BACK_MS);
    const next = waiting.findIndex((scenario) => fits(scenario, running, weight, busy));
    if (next >= 0) {
      const [scenario] = waiting.splice(next, 1);
      weight += scenario.tabs;
      const job = runOne(scenario, shared).then((result) => {
        weight -= scenario.tabs;
        running.delete(job);
        results.push(result);
      });
      job.alone = scenario.alone;
      running.add(job);
      await sleep(APART_MS);
    } else {
      await Promise.race([...running, sleep(LOOK_AGAIN_MS)]);
    }
  }
  return results;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function fits(scenario, running, weight, busy) {
  if (running.size === 0) return true;
  const apart = scenario.alone || [...running].some((job) => job.alone);
  return !apart && weight + scenario.tabs <= MOST_TABS && busy < BUSY;
}

async function runOne(scenario, shared) {
  const begun = Date.now();
  const test = new Test(shared);
  try {
    await within(LIMIT_MS, scenario.run(test));
    await test.end();
  } catch (error) {
    test.failures.push(error.stack ?? String(error));
    await test.lastWords();
  }
  await test.close();
  const seconds = (Date.now() - begun) / 1000;
  show(scenario, test, `${seconds.toFixed(1)} s, machine busy ${(100 * shared.machine.busy(begun)).toFixed(0)} %`);
  return { name: scenario.name, failures: test.failures, unjudged: test.unjudged };
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function show({ name }, { failures, figures, unjudged }, about) {
  console.log(`${failures.length ? "not ok" : "ok"} - ${name} (${about})`);
  for (const [what, value] of figures) console.log(`    ${what}: ${value}`);
  for (const what of unjudged) console.log(`    not judged: ${what}`);
  for (const failure of failures) console.log(`    FAILED ${failure.replaceAll("\n", "\n      ")}`);
}

/** What a scenario works with. Everything it opens is closed for it. */
class Test {
  constructor({ browser, firefox, site, machine, clip }) {
    this.begun = Date.now();
    Object.assign(this, { browser, firefox, site, machine, clip, tabs: [], demos: [], failures: [], figures: [], unjudged: [], closers: [] });
  }

  /** A demo server of its own; with the clip of clip.mjs, unless it plays something else or `smooth` is set. */
  async demo(args = [], { smooth = false } = {}) {
    const clip = smooth || args.includes("--input") ? [] : ["--clip", this.clip];
    const demo = await Demo.start([...clip, ...args]);
    this.demos.push(demo);
    return demo;
  }

  /**
   * A tab with the test page, no player yet; of Chromium's, if nothing else is said. Its pictures are not drawn after the
   * first: to draw them is a fifth of what a tab costs the processor, and nothing looks at them.
   */
  async tab({ firefox = false, ...options } = {}) {
    const tab = await Tab.open(firefox ? await this.firefox() : this.browser, this.site, { unseen: true, ...options });
    this.tabs.push(tab);
    return tab;
  }

  /** Something to do when the scenario is over, whatever became of it. */
  closing(close) {
    this.closers.push(close);
  }

  /** Notes a failure and goes on. */
  check(holds, what) {
    if (!holds) this.failures.push(what);
  }

  /** What would have been a failure, if it did not tell of the machine instead. */
  notJudged(what) {
    this.unjudged.push(what);
  }

  /** A check of what takes time to reach: on a machine that has had hardly any processor left, it is not judged. */
  checkSpeed(holds, what) {
    const busy = this.machine.busy(this.begun);
    if (holds || busy <= TOO_BUSY) this.check(holds, what);
    else this.notJudged(`${what}, on a machine ${(100 * busy).toFixed(0)} % busy`);
  }

  /** A number for the reader. */
  figure(what, value) {
    this.figures.push([what, typeof value === "number" ? Number(value.toFixed(3)) : value]);
  }

  /** Waits for what must happen but not at which moment; that it never does is a failure with its name. */
  async until(what, holds, { seconds = 40 } = {}) {
    const end = Date.now() + seconds * 1000;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
      await this.sleep(0.1);
    }
  }

  sleep(seconds) {
    return sleep(seconds * 1000);
  }

  /** No page may have thrown, unless the scenario says that this one should. */
  async end() {
    for (const tab of this.tabs) {
      const surprising = tab.exceptions.filter((text) => !tab.expects?.test(text));
      for (const text of surprising) this.failures.push(`${tab.name}: uncaught ${text}`);
    }
  }

  /** What every tab that still answers has to say, for whoever looks into a failure. */
  async lastWords() {
    const ask = async (tab) => {
      const silent = new Promise((resolve) => setTimeout(resolve, 3000, "no answer"));
      const words = tab.report().then((report) => `${describe(report)}, errors ${JSON.stringify(report.errors.slice(-3))}`);
      this.figure(tab.name, await Promise.race([words, silent]).catch((error) => `no report: ${error.message.split("\n")[0]}`));
    };
    await Promise.all(this.tabs.filter((tab) => !tab.dead).map(ask));
  }

  async close() {
    await Promise.all(this.tabs.map((tab) => tab.close()));
    const codes = await Promise.all(this.demos.map((demo) => demo.stop()));
    await Promise.all(this.closers.map((close) => close()));
    for (const code of codes) this.check(code === 0, `swarmline demo ended with ${code} on Ctrl-C`);
  }
}
