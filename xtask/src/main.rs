//! `cargo xtask`: builds, tests and runs the project.
//!
//! Needs Rust and Node.js 20 or newer. Everything else is either fetched by cargo and npm at the
//! versions their lock files name, or looked for on the machine with a clear word when it is missing.
//!
//! Two invariants: a step whose inputs have not changed is not repeated ([`stamp`]), and `test`
//! goes on after a failure, so that one run shows everything that is wrong.
#![forbid(unsafe_code)]

mod bench;
mod build;
mod demo;
mod fuzz;
mod lint;
mod process;
mod project;
mod security;
mod stamp;
mod suite;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use project::Project;
use std::process::ExitCode;

/// Builds, tests and runs Swarmline.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the npm package into js/dist and print its size against the budget.
    Build,
    /// Run every check and test; the last line is the count over all of them.
    Test(test::Args),
    /// Build what changed, then serve a live event, a tracker and the demo page.
    Demo(demo::Args),
    /// Formatting, clippy for both targets and the documentation's links.
    Lint,
    /// Simulate large audiences; the figures go into docs/scheduler.md.
    SimulateSuite(suite::Args),
    /// Simulate hostile audiences; the figures go into docs/security.md.
    Security(security::Args),
    /// Try everything that reads what others write with any bytes, under libFuzzer (needs nightly).
    Fuzz(fuzz::Args),
    /// Play side by side with what else there is, in real tabs; the figures go into docs/benchmarks.md.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let project = Project::locate()?;
    match command {
        Command::Build => {
            build::package(&project)?;
            build::check_size(&project)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Test(args) => test::run(&project, &args),
        Command::Demo(args) => demo::run(&project, &args),
        Command::Lint => lint::run(&project),
        Command::Security(args) => security::run(&project, &args),
        Command::SimulateSuite(args) => suite::run(&project, &args),
        Command::Fuzz(args) => fuzz::run(&project, &args),
        Command::Bench(args) => bench::run(&project, &args),
    }
}
