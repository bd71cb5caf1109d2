// One run: an audience of tabs, all with the same player, that come one after the other and play one event.
import { delivered, latency, median, sum } from "../../tests/e2e/lib/figures.mjs";
import { idle } from "../../tests/e2e/lib/machine.mjs";
import { badLists } from "../../tests/e2e/lib/publisher.mjs";
import { Tab } from "../../tests/e2e/lib/tab.mjs";
import { meter } from "./processes.mjs";

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A new browser with one tab for each viewer, and nothing playing yet. */
export class Audience {
  /** `init`: for each viewer by number, functions that run in the page before any script. */
  static async open(place, event, contender, count, { init = () => [] } = {}) {
    await event.begin();
    const browser = await place.launch();
    const audience = new Audience(place, event, contender, browser);
    try {
      audience.cpu = await meter(browser);
      for (let i = 0; i < count; i += 1) await audience.tab(`viewer ${i + 1}`, init(i));
      // So many new processes have a lot to do before they rest.
      await idle(0.6, { seconds: 10 });
    } catch (error) {
      await audience.close();
      throw error;
    }
    return audience;
  }

  constructor(place, event, contender, browser) {
    Object.assign(this, { place, event, contender, browser, tabs: [], gone: [] });
  }

  async tab(name, init = []) {
    const tab = await Tab.open(this.browser, this.place.site, { name, init });
    this.tabs.push(tab);
    return tab;
  }

  /** Begins to play in one tab. */
  start(tab, more = {}) {
    return tab.start({ ...this.contender.config(this.event), ...more });
  }

  /** All begin, `apart` seconds after each other. */
  async startAll({ apart = 1, ...more } = {}) {
    for (const tab of this.tabs) {
      await this.start(tab, more);
      await sleep(apart);
    }
  }

  /** What all tabs that are alive have recorded, and the origin at the same time. */
  async look() {
    const alive = this.tabs.filter((tab) => !tab.dead);
    const [origin, ...reports] = await Promise.all([this.event.demo.stats(), ...alive.map((tab) => tab.report())]);
    return { origin, reports };
  }

  /** These end without a goodbye. What they had been given is kept in `gone`: the origin has counted it. */
  async die(tabs) {
    this.gone.push(...(await Promise.all(tabs.map((tab) => tab.report()))));
    await Promise.all(tabs.map((tab) => tab.kill()));
  }

  async close() {
    await Promise.all(this.tabs.map((tab) => tab.close()));
    await this.browser.close();
  }
}

/** Payloads that are not what the publisher has published, over all reports; and how many were compared. */
export async function judged(event, reports) {
  const { publisher } = event;
  // The newest segments may be younger than the last look at the playlists.
  await publisher.read().catch(() => {});
  const verdicts = reports.map(({ payloads }) => publisher.judge(payloads));
  const bad = badLists();
  if (bad.length > 0) throw new Error(`not as docs/integrity-list.schema.json has it: ${bad.join("; ")}`);
  if (reports.some(({ payloads }) => payloads.length > 0) && verdicts.every(({ matched, wrong }) => matched + wrong.length === 0)) {
    throw new Error("nothing that the players were given is among what the publisher published");
  }
  return {
    matched: sum(verdicts.map(({ matched }) => matched)),
    wrong: sum(verdicts.map(({ wrong }) => wrong.length)),
    unknown: sum(verdicts.map(({ unknown }) => unknown.length)),
  };
}

/** A picture that stands still for so long is noticed. */
const NOTICED_MS = 300;
/** With this much media ahead it stands still because the machine is busy, unless it goes on for too long. */
const DRY_SECONDS = 0.5;
const STUCK_MS = 5000;

/**
 * When the picture stood still after it had begun, whatever the player has to say about it: one that has given up, or that loads all
 * anew, is paused or seeks, and to a viewer that is the same.
 */
function standstills({ samples, firstFrameMs }) {
  const spans = [];
  let [since, least] = [null, Infinity];
  const over = (until) => {
    if (since && until - since.at >= NOTICED_MS) spans.push({ at: since.at, ms: until - since.at, ahead: least });
  };
  for (const sample of samples.filter(({ at }) => firstFrameMs !== null && at >= firstFrameMs)) {
    least = Math.min(least, sample.ahead);
    if (since && sample.time === since.time) continue;
    over(sample.at);
    [since, least] = [sample, sample.ahead];
  }
  if (samples.length > 0) over(samples.at(-1).at);
  return spans;
}

/** What viewers noticed, over all of them. */
export function noticed(reports) {
  const all = reports.flatMap(standstills);
  const dry = ({ ahead, ms }) => ahead < DRY_SECONDS || ms > STUCK_MS;
  const [stalls, freezes] = [all.filter(dry), all.filter((span) => !dry(span))];
  return {
    stalls: stalls.length,
    stalledSeconds: sum(stalls.map(({ ms }) => ms)) / 1000,
    freezes: freezes.length,
    frozenSeconds: sum(freezes.map(({ ms }) => ms)) / 1000,
    fatal: sum(reports.map(({ errors }) => errors.filter(({ fatal }) => fatal).length)),
    dark: reports.filter(({ firstFrameMs }) => firstFrameMs === null).length,
  };
}

/** What is told of every audience. */
export const common = (reports) => ({
  latency: median(reports.map((report) => latency(report))),
  firstFrame: median(reports.map(({ firstFrameMs }) => firstFrameMs ?? Infinity)),
  deliveredBytes: sum(reports.map(delivered)),
});

/** What loaders say of themselves, for looking into a run; no figure is made of it. */
export function hearsay(reports) {
  const said = reports.map(({ stats }) => stats).filter(Boolean);
  if (said.length === 0) return {};
  const total = (key) => sum(said.map((stats) => stats[key] ?? 0));
  return { said: { peers: total("peers") / said.length, cdnBytes: total("cdnBytes"), peerBytes: total("peerBytes") } };
}
