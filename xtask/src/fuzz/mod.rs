//! `cargo xtask fuzz`: the drivers of `tests/fuzz` under libFuzzer, each for some time.
//!
//! Needs a nightly toolchain (`rustup toolchain install nightly`) and a C++ compiler, which libFuzzer itself is built
//! with. `cargo xtask test` runs the same drivers on stable.

mod outcome;

use crate::process;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use outcome::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Only targets whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Name the targets, and run none.
    #[arg(long)]
    list: bool,
}

/// What libFuzzer watches: edges and compared values, as cargo-fuzz sets it up. No address sanitizer: core and sealer
/// forbid unsafe code, and without it a second brings twice as many executions.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing";

/// An input that takes longer is a failure, in seconds.
const TIMEOUT: &str = "-timeout=30";

/// A target as `swarmline-fuzz list` names it.
struct Target {
    name: String,
    longest: String,
    about: String,
}

/// Builds and runs the targets, and prints a table.
///
/// # Errors
/// No nightly toolchain, no such target, or a build that fails. Crashes are counted, not returned.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    let targets = targets(project, args)?;
    if args.list {
        for target in &targets {
            println!("{:<10} {}", target.name, target.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let binaries = build(project)?;
    let mut outcomes = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        let (number, all) = (at + 1, targets.len());
        println!("{number} of {all}: {} for {} s", target.name, args.seconds);
        let outcome = search(project, &binaries, target, args.seconds)?;
        println!("  {}", outcome.line());
        outcomes.push(outcome);
    }
    print!("{}", outcome::table(&outcomes));
    let crashes = outcomes.iter().filter(|outcome| outcome.is_crash());
    Ok(match crashes.count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn targets(project: &Project, args: &Args) -> Result<Vec<Target>> {
    let mut cargo = project.cargo([
        "run",
        "--quiet",
        "--package",
        "swarmline-fuzz",
        "--",
        "list",
    ]);
    let text = process::quiet(&mut cargo)?;
    let mut targets: Vec<Target> = text.lines().filter_map(target).collect();
    if let Some(word) = &args.only {
        targets.retain(|target| target.name.contains(word));
        if targets.is_empty() {
            bail!("no target's name contains {word:?}; `cargo xtask fuzz --list` names them");
        }
    }
    Ok(targets)
}

fn target(line: &str) -> Option<Target> {
    let mut fields = line.split('\t').map(str::to_owned);
    Some(Target {
        name: fields.next()?,
        longest: fields.next()?,
        about: fields.next()?,
    })
}

/// Builds every target with nightly; the folder where the binaries are.
fn build(project: &Project) -> Result<PathBuf> {
    let host = host()?;
    let target = project.target("fuzz");
    let mut cargo = Command::new("rustup");
    cargo
        .args(["run", "nightly", "cargo", "build", "--release", "--bins"])
        .args(["--target", &host, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", FLAGS)
        // This program's cargo has said which toolchain it is.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .current_dir(project.path("tests/fuzz/libfuzzer"));
    process::run(&mut cargo).context("the targets need nightly and a C++ compiler")?;
    Ok(target.join(host).join("release"))
}

/// The nightly toolchain's own target.
fn host() -> Result<String> {
    let mut rustc = Command::new("rustup");
    rustc.args(["run", "nightly", "rustc", "-vV"]);
    let text = process::quiet(&mut rustc)
        .context("fuzzing needs nightly: `rustup toolchain install nightly --profile minimal`")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

/// Runs one target. What it learns stays in the target directory, so that the next run goes on from there.
fn search(project: &Project, binaries: &Path, target: &Target, seconds: u32) -> Result<Outcome> {
    let name = &target.name;
    let work = project.target(&format!("fuzz/work/{name}"));
    let (corpus, crashes) = (work.join("corpus"), work.join("crashes"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&crashes)?;
    let output = Command::new(binaries.join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args([TIMEOUT, "-print_final_stats=1", "-close_fd_mask=1"])
        .arg(&corpus)
        .args(known(project, name))
        .current_dir(project.root())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    let log = work.join("log");
    fs::write(&log, &output.stderr)?;
    let text = String::from_utf8_lossy(&output.stderr);
    let outcome = Outcome::read(name, &text, output.status.success());
    if outcome.is_crash() {
        println!("{}", outcome::report(project, name, &text, &log));
    }
    Ok(outcome)
}

/// What is tracked for a target: seeds, and inputs that once broke something.
fn known(project: &Project, name: &str) -> Vec<PathBuf> {
    let folders = ["seeds", "found"].map(|kind| project.path(&format!("tests/fuzz/{kind}/{name}")));
    folders
        .into_iter()
        .filter(|folder| folder.is_dir())
        .collect()
}
