//! `cargo xtask bench`: Swarmline side by side with what a user would pick instead, in real tabs.
//!
//! What is measured, and how, is in `bench/` (JavaScript); here it is built and run, its figures are kept in
//! `docs/benchmarks.json`, and each question's table is made from all that is kept: a part of it can be run again by itself.

mod kept;
mod tables;

use crate::process;
use crate::project::Project;
use crate::{build, suite, tools};
use anyhow::{Context as _, Result};
use kept::{Asked, Kept};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the question, or the cases, whose name contains this; other figures stay as they are. Some questions run only by
    /// name; `--list` tells of all that run otherwise.
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Runs of each contender in each case [default: the question's own, see `--list`].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: Option<u32>,
    /// Few cases, short, once: to see that everything works. Nothing in docs changes.
    #[arg(long)]
    quick: bool,
    /// Say what would run and how long it takes, and run nothing.
    #[arg(long)]
    list: bool,
    /// Make the tables anew from the figures that are kept, and run nothing. Takes over what a run that was broken off had
    /// measured of complete cases.
    #[arg(long, conflicts_with_all = ["quick", "list"])]
    render: bool,
}

/// Measures what is asked for and makes the tables.
///
/// # Errors
/// Something is missing or does not build; docs cannot be written.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    build::install(project, "js")?;
    build::install(project, "bench")?;
    if args.list {
        process::run(node(project, args)?.arg("--list"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let place = Place::new(project, args.quick)?;
    let mut whole = true;
    if !args.render {
        whole = measure(project, args, &place)?;
    }
    let asked = describe(project, args)?;
    let mut kept = Kept::load(&place.json)?;
    kept.take(Kept::load(&place.fresh)?);
    kept.save(&place.json)?;
    place.render(&asked, &kept)?;
    Ok(ExitCode::from(u8::from(!whole)))
}

/// Runs the bench; whether every contender of every case has figures.
fn measure(project: &Project, args: &Args, place: &Place) -> Result<bool> {
    build::package(project)?;
    let core = project.scratch("bench/core");
    build::selftest_as_shipped(project, &core)?;
    let _ = fs::remove_file(&place.fresh);
    let log = project.scratch("bench/trouble.log");
    let status = node(project, args)?
        .env("SWARMLINE_DEMO", suite::binary(project)?)
        .env("SWARMLINE_BENCH_CORE", core.join("swarmline.js"))
        .env("SWARMLINE_BENCH_OUT", &place.fresh)
        .env("SWARMLINE_BENCH_LOG", &log)
        .env("SWARMLINE_BENCH_BUNDLES", project.scratch("bench/bundles"))
        .env("CHROMIUM", tools::chromium()?)
        .env("FFMPEG", tools::ffmpeg()?)
        .status()
        .context("cannot start node")?;
    if !status.success() {
        println!("not complete; what went wrong is in {}", log.display());
    }
    Ok(status.success())
}

fn node(project: &Project, args: &Args) -> Result<Command> {
    let mut node = tools::node()?;
    node.arg(project.path("bench/run.mjs"))
        .current_dir(project.root());
    if let Some(word) = &args.only {
        node.args(["--only", word]);
    }
    if let Some(runs) = args.runs {
        node.args(["--runs", &runs.to_string()]);
    }
    if args.quick {
        node.arg("--quick");
    }
    Ok(node)
}

/// All questions, their cases and what their tables show.
fn describe(project: &Project, args: &Args) -> Result<Vec<Asked>> {
    let text = process::quiet(node(project, args)?.arg("--describe"))?;
    serde_json::from_str(&text).context("the bench describes itself unreadably")
}

/// Where figures are kept and shown.
struct Place {
    /// What the run at hand has measured.
    fresh: PathBuf,
    json: PathBuf,
    page: PathBuf,
    quick: bool,
}

impl Place {
    fn new(project: &Project, quick: bool) -> Result<Self> {
        let scratch = |name: &str| project.scratch(&format!("bench/{name}"));
        fs::create_dir_all(scratch(""))?;
        Ok(if quick {
            Self {
                fresh: scratch("quick-fresh.json"),
                json: scratch("quick.json"),
                page: scratch("quick.md"),
                quick,
            }
        } else {
            Self {
                fresh: scratch("fresh.json"),
                json: project.path("docs/benchmarks.json"),
                page: project.path("docs/benchmarks.md"),
                quick,
            }
        })
    }

    fn render(&self, asked: &[Asked], kept: &Kept) -> Result<()> {
        if self.quick {
            let all = asked
                .iter()
                .map(|one| format!("## {}\n\n{}\n", one.title, tables::markdown(one, kept)));
            let page: String = all.collect();
            print!("\n{page}");
            println!("{}", self.page.display());
            return fs::write(&self.page, page).context("cannot write the page");
        }
        let mut page = fs::read_to_string(&self.page).context("cannot read docs/benchmarks.md")?;
        for one in asked {
            let command = format!("bench --only \"{}\"", one.question);
            page = suite::table::place(&page, &command, &tables::markdown(one, kept))
                .with_context(|| format!("docs/benchmarks.md, {}", one.question))?;
        }
        fs::write(&self.page, page).context("cannot write docs/benchmarks.md")
    }
}
