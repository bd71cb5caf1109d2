//! `swarmline simulate`: large audiences in virtual time, each run beside its CDN-only twin.
//!
//! The simulator runs the very engine that runs in browsers; models and their defaults are documented in
//! [`swarmline::sim::audience`], figures in [`swarmline::sim::figures`]. Here are only the arguments, the clock,
//! a progress bar and two ways to print. The same arguments give the same `trace_hash`, whatever `--threads`.

mod cost;
mod memory;
mod progress;
mod table;

use anyhow::{Context as _, bail};
use cost::Cost;
use progress::Progress;
use std::time::{Duration, Instant};
use swarmline::core::time::Time;
use swarmline::sim::audience::{Audience, Plan, SCENARIOS};
use swarmline::sim::figures::Figures;
use swarmline::sim::report::Report;
use swarmline::sim::scenario::{Mode, Scenario};
use swarmline::sim::world::World;

/// One of so many calls of the engine is timed: the clock would be most of the work.
const TIMED_OF: u64 = 64;

/// Arguments of `swarmline simulate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Viewers at a time; in a flash crowd, at its height.
    #[arg(long, default_value_t = 1_000)]
    viewers: u32,
    /// Stream time to measure, after the warm-up [default: 60, or as long as the scenario takes].
    #[arg(long)]
    seconds: Option<u32>,
    /// Stream time before, in which the audience assembles; not measured.
    #[arg(long, default_value_t = 40)]
    warm_up: u32,
    /// Bitrate of the stream, in bit/s.
    #[arg(long, default_value_t = 5_000_000)]
    bitrate: u64,
    /// How far behind the newest listed segment players stay, in seconds.
    #[arg(long, default_value_t = 8.0)]
    latency: f64,
    /// Segment duration in seconds [default: 2, or a third of the latency where that is shorter].
    #[arg(long)]
    segment: Option<f64>,
    /// Segments a playlist lists [default: 8, or as many as the latency needs].
    #[arg(long)]
    window: Option<u32>,
    /// Seed of all chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What happens to the audience; `--list` names all.
    #[arg(long, default_value = "steady")]
    scenario: String,
    /// Mean viewing time in minutes.
    #[arg(long, default_value_t = 30.0)]
    stay: f64,
    /// Share of leavers that vanish without a goodbye.
    #[arg(long, default_value_t = 0.5)]
    vanish: f64,
    /// Mean upload limit, in times the bitrate [default: as drawn, about 1.15].
    #[arg(long)]
    uplink: Option<f64>,
    /// Weights of NATs: open or address-restricted, port-restricted, symmetric, UDP blocked.
    #[arg(long, value_delimiter = ',', num_args = 4, default_values_t = [45, 35, 15, 5])]
    nat: Vec<u32>,
    /// Highest packet loss of a connection; losses are drawn between a tenth of it and it.
    #[arg(long, default_value_t = 0.01)]
    loss: f64,
    /// Longest connection set-up in seconds; times are drawn between a sixth of it and it.
    #[arg(long, default_value_t = 3.0)]
    setup: f64,
    /// Regions, 110-180 ms apart.
    #[arg(long, default_value_t = 1)]
    regions: u32,
    /// The CDN's rate towards one viewer, in bit/s.
    #[arg(long, default_value_t = 40_000_000)]
    cdn_rate: u64,
    /// Threads; the result does not depend on it [default: one per processor].
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Print, to standard error, all that passes between this viewer's host and its engine.
    #[arg(long)]
    watch: Option<u32>,
    /// Print the scenarios and end.
    #[arg(long)]
    list: bool,
}

/// Runs the command.
///
/// # Errors
/// An argument that makes no sense.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.list {
        for (name, what) in SCENARIOS {
            println!("{name:16} {what}");
        }
        return Ok(());
    }
    let plan = plan(args)?;
    memory::prefer_huge_pages(args.viewers);
    let threads = args.threads.unwrap_or_else(processors);
    let started = Instant::now();
    let (report, own) = simulate(&plan, &plan.scenario, threads, args, "with peers");
    let twin = plan.twin();
    let (twin, _) = simulate(&plan, &twin, threads, args, "CDN only");
    let figures = Figures::new(&plan, &report, &twin);
    let cost = Cost::new(&figures, &plan, &own, started.elapsed());
    if args.json {
        println!("{}", table::json(&figures, &cost)?);
    } else {
        table::print(&figures, &cost);
        table::violations(&report);
    }
    Ok(())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runs one world to its end; says how long that took.
fn simulate(
    plan: &Plan,
    scenario: &Scenario,
    threads: usize,
    args: &Args,
    what: &str,
) -> (Report, cost::Spent) {
    let (begun, used) = (Instant::now(), cost::processor_time());
    let mut world = World::on_threads(scenario.clone(), threads).timed(cost::clock(), TIMED_OF);
    let end = Time(0) + scenario.span;
    if let Some(viewer) = args.watch.filter(|_| scenario.mode == Mode::Swarm) {
        world = world.watch(viewer);
    }
    let progress = Progress::new(&plan.name, what, end, args.json);
    let mut now = Time(0);
    while now < end {
        now = (now + Duration::from_millis(500)).min(end);
        world.advance(now);
        progress.show(&world, now);
    }
    progress.done();
    let (timing, threads) = (world.timing(), world.threads());
    world.log().iter().for_each(|line| eprintln!("{line}"));
    let report = world.finish();
    let wall = begun.elapsed();
    let now_used = cost::processor_time();
    let processor = now_used.zip(used).map(|(now, then)| now - then);
    let spent = cost::Spent {
        wall,
        processor: processor.unwrap_or(wall * u32::try_from(threads).unwrap_or(1)),
        timing,
        threads,
    };
    (report, spent)
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    check(args)?;
    let mut audience = Audience {
        seed: args.seed,
        viewers: args.viewers,
        measured: args.seconds.map(|s| Duration::from_secs(u64::from(s))),
        warm_up: Duration::from_secs(u64::from(args.warm_up)),
        bitrate: args.bitrate,
        latency: Duration::from_secs_f64(args.latency),
        segment: args.segment.map(Duration::from_secs_f64),
        window: args.window,
        stay: Duration::from_secs_f64(args.stay * 60.0),
        vanish_per_million: per_million(args.vanish),
        mean_upload: args
            .uplink
            .map(|times| (args.bitrate as f64 * times) as u64),
        cdn_rate_bps: args.cdn_rate,
        ..Audience::default()
    };
    let network = &mut audience.network;
    for (weight, given) in network.nats.iter_mut().zip(&args.nat) {
        *weight = *given;
    }
    let loss = u64::from(per_million(args.loss));
    network.loss_per_million = loss / 10..=loss;
    let setup = (args.setup * 1e6) as u64;
    network.setup_us = setup / 6..=setup;
    network.regions = args.regions;
    let known = || format!("no scenario {:?}; `--list` names all", args.scenario);
    audience.plan(&args.scenario).with_context(known)
}

fn check(args: &Args) -> anyhow::Result<()> {
    let sensible = [
        ("--viewers", f64::from(args.viewers), 1.0, 10_000_000.0),
        (
            "--seconds",
            args.seconds.map_or(60.0, f64::from),
            1.0,
            86_400.0,
        ),
        ("--warm-up", f64::from(args.warm_up), 0.0, 3_600.0),
        ("--bitrate", args.bitrate as f64, 10_000.0, 200_000_000.0),
        ("--latency", args.latency, 0.0, 120.0),
        ("--segment", args.segment.unwrap_or(2.0), 0.2, 30.0),
        ("--window", args.window.map_or(8.0, f64::from), 3.0, 1_000.0),
        ("--stay", args.stay, 0.1, 1e6),
        ("--vanish", args.vanish, 0.0, 1.0),
        ("--uplink", args.uplink.unwrap_or(1.0), 0.0, 100.0),
        ("--loss", args.loss, 0.0, 0.2),
        ("--setup", args.setup, 0.0, 60.0),
        ("--regions", f64::from(args.regions), 1.0, 100.0),
        ("--cdn-rate", args.cdn_rate as f64, 100_000.0, 1e11),
        (
            "--threads",
            args.threads.map_or(1.0, |n| n as f64),
            1.0,
            256.0,
        ),
    ];
    for (name, value, least, most) in sensible {
        if !(least..=most).contains(&value) {
            bail!("{name} {value}: must be between {least} and {most}");
        }
    }
    Ok(())
}

fn per_million(share: f64) -> u32 {
    (share * 1e6).round() as u32
}
