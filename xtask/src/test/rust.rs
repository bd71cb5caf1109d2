//! All of cargo's tests.

use super::libtest::Reader;
use super::{Outcome, Scope};
use crate::tools;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, pipe};

/// Runs the tests of the workspace and counts them.
///
/// # Errors
/// Cargo cannot be started; there is no ffmpeg, beside which the sealer is tested.
pub(crate) fn run(scope: &Scope) -> Result<Outcome> {
    let (output, input) = pipe().context("no pipe")?;
    let mut cargo = scope
        .project
        .cargo(["test", "--workspace", "--no-fail-fast"]);
    if let Some(filter) = scope.filter {
        cargo.args(["--", filter]);
    }
    // One pipe for both streams keeps cargo's headings and the tests' lines in order.
    cargo
        .env("CARGO_TERM_COLOR", "never")
        .env("FFMPEG", tools::ffmpeg()?)
        .stdout(input.try_clone()?)
        .stderr(input);
    let mut child = cargo.spawn().context("cannot start cargo")?;
    drop(cargo);
    let mut reader = Reader::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        if let Some(text) = reader.line(&String::from_utf8_lossy(&line)) {
            print!("{text}");
        }
    }
    let (last, outcome) = reader.end(child.wait()?.success());
    print!("{}", last.unwrap_or_default());
    Ok(outcome)
}
