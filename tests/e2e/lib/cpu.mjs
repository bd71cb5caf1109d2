// Long tasks by processor time. What a page measures itself is time on the wall, which on a busy machine
// says more about the neighbours than about the script.

const CATEGORIES = ["-*", "disabled-by-default-devtools.timeline", "blink.user_timing"];
const LONG_MS = 50;

export class CpuTrace {
  static async start(browser) {
    await browser.startTracing(undefined, { categories: CATEGORIES });
    return new CpuTrace(browser);
  }

  #browser;
  #events = [];

  constructor(browser) {
    this.#browser = browser;
  }

  async stop() {
    const bytes = await this.#browser.stopTracing();
    this.#events = JSON.parse(bytes).traceEvents;
  }

  /** Tasks of the recorded page that took the processor for more than 50 ms, in the time of the record. */
  longTasks({ clock }) {
    const mark = this.#events.find(({ name, cat }) => name === clock.name && cat.includes("blink.user_timing"));
    if (!mark) throw new Error("the trace does not contain the page's mark");
    const at = (ts) => clock.at + (ts - mark.ts) / 1000;
    return this.#events
      .filter((event) => event.name === "RunTask" && event.pid === mark.pid && event.tid === mark.tid)
      .filter(({ tdur }) => tdur > LONG_MS * 1000)
      .map(({ ts, dur, tdur }) => ({ from: at(ts), to: at(ts + dur), ms: tdur / 1000 }));
  }

  /** Those among them in which the page itself blames a script whose URL contains `part`. */
  blamedOn(part, report) {
    const tasks = this.longTasks(report);
    return report.longTasks.flatMap(({ at, ms, scripts }) => {
      const blamed = scripts.filter(({ source, ms }) => source.includes(part) && ms > LONG_MS);
      const busy = tasks.some((task) => task.from < at + ms && at < task.to);
      return busy ? blamed.map((script) => ({ at, ...script })) : [];
    });
  }
}

/** The process of each tab's renderer; while nobody else records a trace. */
export async function renderersOf(browser, tabs) {
  await browser.startTracing(undefined, { categories: ["-*", "blink.user_timing"] });
  const names = await Promise.all(
    tabs.map((tab) => tab.page.evaluate(() => performance.mark(`renderer ${crypto.randomUUID()}`).name)),
  );
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  return names.map((name) => traceEvents.find((event) => event.name === name).pid);
}
