//! `cargo xtask simulate-suite`: the large simulations, their figures and their plot in `docs/`.
//!
//! Every figure comes from one `swarmline simulate --json`, and the command that gives it stands beside it. Results
//! are kept by command in `docs/scheduler.json`, so that a part of the suite can be run again by itself; the table and
//! the plot are always made from all that is kept.

mod plot;
mod runs;
pub(crate) mod table;

use crate::process;
use crate::project::Project;
use anyhow::{Context as _, Result};
use runs::Run;
use serde_json::{Map, Value};
use std::process::{Command, ExitCode};
use std::{fs, path::PathBuf};

/// Arguments of `cargo xtask simulate-suite`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Small audiences and short runs: minutes instead of hours; nothing in docs changes.
    #[arg(long)]
    quick: bool,
    /// Only the runs whose command contains this; the other figures stay as they are.
    #[arg(long, allow_hyphen_values = true)]
    only: Option<String>,
    /// Make the table and the plot anew from the figures that are kept, and run nothing.
    #[arg(long, conflicts_with = "quick")]
    render: bool,
}

/// Runs the suite.
///
/// # Errors
/// A run that failed, or docs that cannot be written.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    let place = Place::new(project, args.quick)?;
    let runs = runs::all(args.quick);
    let mut kept = place.load();
    if !args.render {
        let binary = binary(project)?;
        for run in runs
            .iter()
            .filter(|run| run.is_wanted(args.only.as_deref()))
        {
            println!("{}", run.command());
            let figures = simulate(&binary, run)?;
            for word in table::unmet(run, &figures) {
                println!("    not met: {word}");
            }
            kept.insert(run.command(), figures);
            place.save(&kept)?;
        }
    }
    place.render(&runs, &kept)?;
    let missed = runs.iter().any(|run| {
        let figures = kept.get(&run.command());
        figures.is_some_and(|figures| !table::unmet(run, figures).is_empty())
    });
    Ok(ExitCode::from(u8::from(missed && !args.quick)))
}

/// Builds the simulator; where it is.
///
/// # Errors
/// It does not build.
pub(crate) fn binary(project: &Project) -> Result<PathBuf> {
    let mut cargo = project.cargo([
        "build",
        "--quiet",
        "--release",
        "--package",
        "swarmline-cli",
    ]);
    process::run(&mut cargo)?;
    Ok(project.target(&format!(
        "release/swarmline{}",
        std::env::consts::EXE_SUFFIX
    )))
}

/// What is left out of what is kept: what happened in each second, to single viewers, and in single calls.
const DETAILS: [&str; 3] = ["seconds", "worse_off", "us_per_engine_call_by_event"];

/// Runs one simulation.
fn simulate(binary: &PathBuf, run: &Run) -> Result<Value> {
    let mut command = Command::new(binary);
    command.arg("simulate").args(&run.args).arg("--json");
    let text = process::quiet(&mut command)?;
    let mut figures: Value = serde_json::from_str(&text).context("unreadable figures")?;
    if let Some(fields) = figures.as_object_mut() {
        for detail in DETAILS {
            fields.remove(detail);
        }
    }
    Ok(figures)
}

/// Where results are kept and shown.
struct Place {
    page: Option<PathBuf>,
    json: PathBuf,
    plot: PathBuf,
    table: PathBuf,
}

impl Place {
    fn new(project: &Project, quick: bool) -> Result<Self> {
        let scratch = |name: &str| project.scratch(&format!("simulate-suite/{name}"));
        fs::create_dir_all(scratch(""))?;
        Ok(if quick {
            Self {
                page: None,
                json: scratch("quick.json"),
                plot: scratch("quick.svg"),
                table: scratch("quick.md"),
            }
        } else {
            Self {
                page: Some(project.path("docs/scheduler.md")),
                json: project.path("docs/scheduler.json"),
                plot: project.path("docs/scheduler-uplink.svg"),
                table: scratch("table.md"),
            }
        })
    }

    fn load(&self) -> Map<String, Value> {
        let text = fs::read_to_string(&self.json).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn save(&self, kept: &Map<String, Value>) -> Result<()> {
        let text = serde_json::to_string_pretty(kept)? + "\n";
        fs::write(&self.json, text).context("cannot keep the figures")
    }

    fn render(&self, runs: &[Run], kept: &Map<String, Value>) -> Result<()> {
        let table = table::markdown(runs, kept);
        println!("\n{table}");
        fs::write(&self.table, &table)?;
        let points = plot::points(runs, kept);
        if points.len() > 1 {
            fs::write(&self.plot, plot::svg(&points)?)?;
        }
        let Some(page) = &self.page else {
            println!("{}\n{}", self.table.display(), self.plot.display());
            return Ok(());
        };
        let text = fs::read_to_string(page).context("cannot read the page")?;
        fs::write(page, table::place(&text, "simulate-suite", &table)?)
            .context("cannot write the page")
    }
}
