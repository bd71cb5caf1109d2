// Side by side with what a user would pick instead; `cargo xtask bench` runs this.
//
//   node run.mjs [--only WORD] [--runs N] [--quick] [--list | --describe]
//
// CHROMIUM, FFMPEG and SWARMLINE_DEMO name programs; SWARMLINE_BENCH_OUT is where figures go, as JSON, after each run;
// SWARMLINE_BENCH_CORE is the core in wasm, for Node.js, with what times it; SWARMLINE_BENCH_BUNDLES is a folder for bundles, SWARMLINE_BENCH_LOG a file for what went wrong.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { Place } from "./lib/place.mjs";
import { Rounds, duration, runsOf, secondsOf } from "./lib/rounds.mjs";
import { questions } from "./questions/index.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string" },
    quick: { type: "boolean", default: false },
    list: { type: "boolean" },
    describe: { type: "boolean" },
  },
});
const options = { quick: values.quick, runs: values.runs && Number(values.runs) };

/** A word that a question is named by selects all of it, unless it is one of those that run by name only; another word selects cases. */
function planned() {
  const { only } = values;
  const plan = questions.map((question) => {
    const all = question.cases(options.quick);
    if (!only) return [question, question.byName ? [] : all];
    return [question, question.name.includes(only) ? all : all.filter(({ name }) => name.includes(only))];
  });
  return plan.filter(([, cases]) => cases.length > 0);
}

/** What a table needs, whether or not there are figures. */
const about = (question) => ({
  question: question.name,
  title: question.title,
  columns: question.columns,
  order: question.cases(options.quick).map(({ name }) => name),
});

function list(plan) {
  for (const [question, cases] of plan) {
    const seconds = secondsOf([[question, cases]], options);
    console.log(`${question.name}: ${question.title} (${runsOf(question, options)} runs, ${duration(seconds)})`);
    for (const { name, contenders } of cases) console.log(`    ${name}: ${contenders.map(({ name }) => name).join(" | ")}`);
  }
  console.log(`in all about ${duration(secondsOf(plan, options))}`);
}

async function main() {
  const plan = planned();
  if (plan.length === 0) throw new Error(`no question or case has "${values.only}" in its name`);
  console.log(`about ${duration(secondsOf(plan, options))}`);
  const results = plan.map(([question]) => ({ ...about(question), cases: [] }));
  const machine = `${cpus().length} × ${cpus()[0].model.trim()}`;
  const keep = (question, aCase) => {
    const { cases } = results.find((result) => result.question === question.name);
    const at = cases.findIndex(({ name }) => name === aCase.name);
    cases.splice(at < 0 ? cases.length : at, 1, { ...aCase, machine });
    if (process.env.SWARMLINE_BENCH_OUT) writeFileSync(process.env.SWARMLINE_BENCH_OUT, JSON.stringify(results, replaceInfinity, 1));
  };
  const place = await Place.open();
  try {
    await new Rounds({ place, ...options, keep }).all(plan);
  } finally {
    await place.close();
  }
  // A contender without a single run is no comparison.
  return results.some(({ cases }) => cases.some(({ contenders }) => contenders.some(({ runs }) => runs.length === 0))) ? 1 : 0;
}

/** JSON has no infinity, and what it has instead is no figure. */
const replaceInfinity = (_key, value) => (typeof value === "number" && !Number.isFinite(value) ? null : value);

// Whatever was started ends with this process; Playwright sees to that for Ctrl-C.
process.once("SIGTERM", () => process.exit(143));

if (values.describe) console.log(JSON.stringify(questions.map(about)));
else if (values.list) list(planned());
else process.exitCode = await main();
