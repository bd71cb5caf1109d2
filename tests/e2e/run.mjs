// End-to-end scenarios: real players in a real browser against the real server.
//
//   node run.mjs [--list] [--only WORD]      large scenarios run only when they are named
//
// `cargo xtask test` sets CHROMIUM, FIREFOX, FFMPEG, SWARMLINE_DEMO (the swarmline binary) and SWARMLINE_REPORT
// (where the names of passed and failed scenarios go).
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { launch } from "./lib/browser.mjs";
import { thinClip } from "./lib/clip.mjs";
import { launchFirefox } from "./lib/firefox.mjs";
import { Machine } from "./lib/machine.mjs";
import { runAll } from "./lib/runner.mjs";
import { startSite } from "./lib/site.mjs";
import { scenarios } from "./scenarios/index.mjs";

const { values } = parseArgs({ options: { list: { type: "boolean" }, only: { type: "string" } } });
const chosen = scenarios.filter(({ name, large }) => (values.only ? name.includes(values.only) : !large));

if (values.list) {
  for (const { name } of chosen) console.log(name);
} else {
  process.exitCode = await main();
}

async function main() {
  const results = chosen.length ? await play() : [];
  const names = (wanted) => results.filter(({ failures }) => (failures.length === 0) === wanted).map(({ name }) => name);
  const [passed, failed] = [names(true), names(false)];
  if (process.env.SWARMLINE_REPORT) writeFileSync(process.env.SWARMLINE_REPORT, JSON.stringify({ passed, failed }));
  // Once more where the eye falls, and where a shortened log still has it.
  for (const { name, failures } of results) {
    for (const failure of failures) console.log(`FAILED ${name}: ${failure.split("\n", 1)[0]}`);
  }
  for (const { name, unjudged } of results) {
    for (const what of unjudged) console.log(`not judged, ${name}: ${what}`);
  }
  const partly = results.filter(({ failures, unjudged }) => failures.length === 0 && unjudged.length > 0).length;
  console.log(`${passed.length} scenarios passed${partly ? ` (${partly} of them not judged in every point)` : ""}, ${failed.length} failed`);
  return failed.length ? 1 : 0;
}

async function play() {
  const closers = [];
  const closing = (thing) => {
    closers.unshift(thing);
    return thing;
  };
  let other = null;
  const firefox = () => (other ??= launchFirefox().then(closing));
  try {
    const machine = closing(new Machine());
    const clip = closing(await thinClip());
    const site = closing(await startSite());
    const browser = closing(await launch());
    return await runAll(chosen, { browser, firefox, site, machine, clip: clip.folder });
  } finally {
    for (const closer of closers) await closer.close();
  }
}
