// What viewers notice when something goes wrong.
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { offloadOf } from "../../tests/e2e/lib/figures.mjs";
import { flipBytes } from "../../tests/e2e/lib/scripts.mjs";
import { Audience, common, hearsay, judged, noticed, sleep } from "../lib/audience.mjs";
import { overDash, overHls } from "../lib/contenders.mjs";
import { goal } from "../lib/rounds.mjs";

const EVENT = { window: 8 };
/** Playing together before it happens, and after it is over. */
const BEFORE = 15;
const AFTER = 15;

/** Each: what happens to an audience that plays; `init`, what pages run beforehand; `spared`, tabs that are not judged. */
const FAULTS = [
  {
    name: "tracker killed, then two join",
    tabs: 6,
    lasts: 20,
    async happens({ audience }) {
      await audience.event.demo.faults({ trackerDown: true });
      for (const number of [1, 2]) await audience.start(await audience.tab(`late ${number}`));
      await sleep(20);
    },
  },
  {
    name: "half of the tabs die",
    tabs: 8,
    lasts: 20,
    async happens({ audience }) {
      await audience.die(audience.tabs.filter((_, i) => i % 2));
      await sleep(20);
    },
  },
  {
    name: "four join at once",
    tabs: 4,
    lasts: 20,
    async happens({ audience }) {
      const joiners = [];
      for (const number of [1, 2, 3, 4]) joiners.push(await audience.tab(`joiner ${number}`));
      await Promise.all(joiners.map((tab) => audience.start(tab)));
      await sleep(18);
    },
  },
  {
    name: "origin answers half of the requests with 503 for 15 s",
    tabs: 6,
    lasts: 15,
    happens: (run) => during(run, { errorShare: 0.5 }, 15),
  },
  {
    name: "each answer of the CDN slowed to 1.2 × the bitrate",
    tabs: 6,
    lasts: 20,
    happens: (run) => during(run, { rateBps: 1_200_000 }, 20),
  },
  {
    name: "no segment from the origin for 10 s",
    tabs: 6,
    lasts: 10,
    outage: true,
    happens: (run) => during(run, { errorShare: 1 }, 10),
  },
  {
    name: "the first of six tabs flips a byte in all that it sends",
    tabs: 6,
    lasts: 20,
    init: (number) => (number === 0 ? [flipBytes] : []),
    spared: 1,
    happens: () => sleep(20),
  },
  {
    name: "other work takes the processors for 20 s",
    tabs: 8,
    lasts: 20,
    // Players are without time too.
    asPlain: true,
    happens: () => otherWork(20),
  },
];

/** So many processes that never rest for each processor. Chosen, not measured. */
const HOGS = 4;

/** They end by themselves, also when nobody is left to end them. */
async function otherWork(seconds) {
  const work = `for (const end = Date.now() + ${seconds * 1000}; Date.now() < end; );`;
  for (let i = 0; i < HOGS * cpus().length; i += 1) spawn(process.execPath, ["-e", work], { stdio: "ignore" });
  await sleep(seconds);
}

async function during({ audience }, faults, seconds) {
  await audience.event.demo.faults(faults);
  await sleep(seconds);
  await audience.event.demo.faults();
}

const one = (fault, contenders, more = "") => ({ name: fault.name + more, fault, contenders });

const lastNumber = ({ payloads }) => Math.max(-1, ...payloads.filter(({ type }) => type === "main").map(({ sn }) => sn));

export default {
  name: "faults",
  title: "When something goes wrong",
  columns: [
    { key: "stalls", title: "stalls", digits: 0 },
    { key: "stalledSeconds", title: "stalled, all tabs", unit: "s", digits: 1 },
    { key: "dark", title: "tabs without a picture", digits: 0 },
    { key: "fatal", title: "fatal errors", digits: 0 },
    { key: "wrong", title: "wrong payloads delivered", digits: 0 },
    { key: "offload", title: "net offload", unit: "%", digits: 1 },
    { key: "latency", title: "latency at the end", unit: "s" },
  ],
  runs: 3,
  cases(quick) {
    if (quick) return [one(FAULTS[5], overHls)];
    return [...FAULTS.map((fault) => one(fault, overHls)), one(FAULTS[5], overDash, ", DASH")];
  },
  seconds: ({ fault }) => fault.tabs * 1.5 + BEFORE + fault.lasts + AFTER + 12,

  async run(place, { fault }, contender) {
    const event = await place.event(EVENT);
    const { init } = fault;
    const audience = await Audience.open(place, event, contender, fault.tabs, { init });
    try {
      await audience.startAll();
      await sleep(BEFORE);
      await fault.happens({ audience });
      await sleep(AFTER);
      const { origin, reports } = await audience.look();
      const all = reports.slice(fault.spared ?? 0);
      const truth = await judged(event, all);
      return {
        ...common(all),
        ...noticed(all),
        ...truth,
        offload: offloadOf(origin, [...reports, ...audience.gone], 0, Math.min(...reports.map(lastNumber))),
        ...hearsay(all),
      };
    } finally {
      await audience.close();
    }
  },

  goals({ fault, contenders }, of) {
    const [plain, ours] = [contenders.find(({ plain }) => plain).name, contenders.find(({ ours }) => ours).name];
    const stalled = of(ours, "stalledSeconds");
    const asPlain = goal(`no more stalling than ${plain}`, stalled <= of(plain, "stalledSeconds"));
    const right = goal("no wrong payload, no fatal error", of(ours, "wrong") === 0 && of(ours, "fatal") === 0);
    if (fault.asPlain) return [asPlain, right];
    if (!fault.outage) return [goal("no stall", of(ours, "stalls", (values) => Math.max(...values)) === 0), right];
    const others = contenders.filter((other) => !other.ours && other.name !== plain);
    return [
      asPlain,
      ...others.map(({ name }) => goal(`less stalling than ${name}`, stalled < of(name, "stalledSeconds"))),
      right,
    ];
  },
};
