//! Looks at the small scenarios of [`swarmline::sim::catalogue`], which `tests/sim.rs` holds to its thresholds.
//!
//! ```text
//! cargo run --release -p swarmline-cli --example catalogue -- table live
//! ```
//!
//! `swarmline simulate` is for large audiences; here everything of a few viewers is told.

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use swarmline::core::time::Time;
use swarmline::sim::catalogue;
use swarmline::sim::report::Report;
use swarmline::sim::scenario::{Mode, Scenario};
use swarmline::sim::world::World;

/// Runs small scenarios in virtual time, each beside the same audience with the player's own loader.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Seed of all chance; `sweep` begins with it.
    #[arg(long, default_value_t = 1, global = true)]
    seed: u64,
    /// Stream time, in seconds.
    #[arg(long, default_value_t = 60, global = true)]
    seconds: u32,
}

#[derive(Subcommand)]
enum Command {
    /// One scenario with 2, 4, 8, 12 and 16 viewers, or all scenarios.
    Table {
        /// The scenario; without it, every one.
        name: Option<String>,
        /// How many viewers where every scenario is run.
        #[arg(long, default_value_t = 8)]
        viewers: u32,
    },
    /// The worst of several seeds, for every scenario: before a threshold is changed.
    Sweep {
        /// How many seeds.
        #[arg(long, default_value_t = 5)]
        seeds: u64,
        /// How many viewers.
        #[arg(long, default_value_t = 4)]
        viewers: u32,
    },
    /// All that passes between one viewer's host and its engine.
    Log {
        /// The scenario.
        #[arg(default_value = "live")]
        name: String,
        /// How many viewers.
        #[arg(long, default_value_t = 4)]
        viewers: u32,
        /// Which of them.
        #[arg(long, default_value_t = 0)]
        watch: u32,
    },
}

fn main() -> Result<()> {
    let Cli {
        command,
        seed,
        seconds,
    } = Cli::parse();
    match command {
        Command::Table {
            name: Some(name), ..
        } => {
            for viewers in [2, 4, 8, 12, 16] {
                println!("## {name}, {viewers} viewers");
                compare(&named(&name, seed, viewers, seconds)?);
            }
        }
        Command::Table {
            name: None,
            viewers,
        } => {
            for (name, what) in catalogue::NAMES {
                println!("## {name}: {what}");
                compare(&named(name, seed, viewers, seconds)?);
            }
        }
        Command::Sweep { seeds, viewers } => {
            println!("{SWEPT}");
            for (name, _) in catalogue::NAMES {
                let scenarios =
                    (seed..seed + seeds).map(|seed| named(name, seed, viewers, seconds));
                sweep(name, &scenarios.collect::<Result<Vec<_>>>()?);
            }
        }
        Command::Log {
            name,
            viewers,
            watch,
        } => log(named(&name, seed, viewers, seconds)?, watch),
    }
    Ok(())
}

fn named(name: &str, seed: u64, viewers: u32, seconds: u32) -> Result<Scenario> {
    let known = || {
        let names: Vec<_> = catalogue::NAMES.iter().map(|(name, _)| *name).collect();
        format!("no scenario {name:?}; there are {}", names.join(", "))
    };
    catalogue::named(name, seed, viewers, seconds).with_context(known)
}

/// A run and the same audience with the player's own loader.
fn with_twin(scenario: &Scenario) -> (Report, Report) {
    let run = |scenario| World::new(scenario).run();
    (run(scenario.clone()), run(scenario.twin(Mode::Stock)))
}

fn compare(scenario: &Scenario) {
    let (report, twin) = with_twin(scenario);
    print!("{report}");
    println!("copies {:.1?}", report.copies);
    let peers: Vec<_> = report
        .viewers
        .iter()
        .map(|v| (v.most_peers, v.stats.peers, v.first_peer_ms))
        .collect();
    println!("most peers, peers at the end, first peer (ms) {peers:?}");
    println!(
        "stalled more than the twin: {}; failures {:?}",
        report.stalled_more_than(&twin),
        failures(&report)
    );
    println!(
        "twin: stalls {}, start-up {}/{} ms, latency {}/{} ms\n",
        twin.stalls,
        twin.startup_p50_ms,
        twin.startup_p95_ms,
        twin.latency_mean_ms,
        twin.latency_max_ms
    );
}

fn failures(report: &Report) -> Vec<&'static str> {
    let all = report.viewers.iter().flat_map(|viewer| &viewer.failures);
    all.copied().collect()
}

/// The columns of a line of [`sweep`].
const SWEPT: &str = "scenario        offload  duplicates  wasted  stalls  worse  least ms  start-up  violations  failures";

/// The worst of some runs in every column, and the first run that broke a promise.
fn sweep(name: &str, scenarios: &[Scenario]) {
    let runs: Vec<_> = scenarios.iter().map(with_twin).collect();
    let values = |value: fn(&Report) -> f64| runs.iter().map(move |(report, _)| value(report));
    let most = |value| values(value).fold(0.0, f64::max);
    let least = |value| values(value).fold(f64::MAX, f64::min);
    let worse = runs
        .iter()
        .map(|(report, twin)| report.stalled_more_than(twin));
    let late = runs
        .iter()
        .map(|(report, twin)| report.startup_p95_ms as i64 - twin.startup_p95_ms as i64);
    println!(
        "{name:14} {:8.3} {:11.3} {:7.3} {:7} {:6} {:9} {:9} {:11} {:9}",
        least(|r| r.offload),
        most(|r| r.duplicate_ratio),
        most(|r| r.wasted_ratio),
        most(|r| f64::from(r.stalls)),
        worse.max().unwrap_or(0),
        least(|r| r.least_buffer_ms as f64),
        late.max().unwrap_or(0),
        most(|r| r.violation_count as f64),
        most(|r| failures(r).len() as f64),
    );
    let broken = runs.iter().find(|(report, _)| report.violation_count > 0);
    if let Some((report, _)) = broken {
        print!("{report}");
    }
}

fn log(scenario: Scenario, watch: u32) {
    let end = Time(0) + scenario.span;
    let mut world = World::new(scenario).watch(watch);
    world.advance(end);
    for line in world.log() {
        println!("{line}");
    }
    println!("{}", world.finish());
}
