// What a page downloads beside the player itself.
import { brotliCompressSync } from "node:zlib";
import { Tab } from "../../tests/e2e/lib/tab.mjs";
import { sum } from "../../tests/e2e/lib/figures.mjs";
import { sleep } from "../lib/audience.mjs";
import { dash, hls, rivalDefault, swarmline, swarmlineDash } from "../lib/contenders.mjs";
import { goal } from "../lib/rounds.mjs";

/** Long enough for whatever is loaded when it is needed. */
const SECONDS = 6;
/** The page of the bench and the players. */
const NOT_COUNTED = /^\/(page|bench|vendor)\//;
const GOAL = 80_000;

const one = (name, contenders) => ({ name, contenders: contenders.map((contender) => ({ ...contender, once: true })) });

export default {
  name: "weight",
  title: "Weight of what a page downloads",
  columns: [
    { key: "files", title: "files", digits: 0 },
    { key: "raw", title: "raw", unit: "bytes", digits: 0 },
    { key: "brotli", title: "brotli", unit: "bytes", digits: 0 },
  ],
  runs: 1,
  cases: () => [one("beside hls.js", [hls, rivalDefault, swarmline]), one("beside dash.js", [dash, swarmlineDash])],
  seconds: () => SECONDS + 4,

  /** Counted are the files that the page asks for while it plays and shares, compressed as a good server would. */
  async run(place, _case, contender) {
    const event = await place.event();
    await event.begin();
    const browser = await place.launch();
    try {
      const tab = await Tab.open(browser, place.site, { name: "visitor" });
      await tab.start(contender.config(event));
      await tab.playing();
      await sleep(SECONDS);
      const urls = [...new Set(tab.requests)].filter((url) => new URL(url).origin === place.site.origin);
      const counted = urls.filter((url) => !NOT_COUNTED.test(new URL(url).pathname) && new URL(url).pathname !== "/favicon.ico");
      const files = await Promise.all(counted.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
      return {
        files: files.length,
        raw: sum(files.map(({ length }) => length)),
        brotli: sum(files.map((file) => brotliCompressSync(file).length)),
        names: counted.map((url) => new URL(url).pathname),
      };
    } finally {
      await browser.close();
    }
  },

  goals({ contenders }, of) {
    const ours = of(contenders.find(({ ours }) => ours).name, "brotli");
    const rivals = contenders.filter((other) => !other.plain && !other.ours);
    return [
      goal(`brotli ≤ ${GOAL} bytes`, ours <= GOAL),
      ...rivals.map(({ name }) => goal(`less than ${name}`, ours < of(name, "brotli"))),
    ];
  },
};
