//! The core's traces, natively and in wasm: Node.js runs the wasm side, `tests/trace.rs` compares.

use super::{Outcome, Scope};
use crate::build;
use crate::process;
use crate::tools;
use anyhow::Result;

/// Seed, viewers, seconds: the list of `tests/trace.rs`.
const RUNS: [&str; 3] = ["1 3 20", "2 6 20", "4000000007 4 30"];

const SCRIPT: &str = "
const { selftestTrace } = require(process.argv[1]);
for (const run of process.argv.slice(2)) {
  console.log(`${run} ${selftestTrace(...run.split(' ').map(Number))}`);
}
";

/// Compares the traces of all runs.
///
/// # Errors
/// They differ; or one of the sides does not build or run.
pub(crate) fn run(scope: &Scope) -> Result<Outcome> {
    let bindings = scope.project.scratch("selftest");
    build::selftest(scope.project, &bindings)?;
    let mut node = tools::node()?;
    node.args(["--eval", SCRIPT, "--"])
        .arg(bindings.join("swarmline.js"))
        .args(RUNS);
    let traces = process::quiet(&mut node)?;
    print!("{traces}");
    let mut cargo = scope
        .project
        .cargo(["test", "--quiet", "--test", "trace", "--", "--ignored"]);
    process::quiet(cargo.env("SWARMLINE_WASM_TRACES", &traces))?;
    Ok(Outcome::one())
}
