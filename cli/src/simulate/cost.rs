//! What a run cost on this machine: the only figures that differ from run to run.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use swarmline::sim::audience::Plan;
use swarmline::sim::figures::Figures;
use swarmline::sim::timing::{Clock, Timing};

/// Time spent on a run with peers.
pub(crate) struct Spent {
    pub(crate) wall: Duration,
    /// Of all threads.
    pub(crate) processor: Duration,
    /// In the engine, over all threads, of one call of 64.
    pub(crate) timing: Timing,
    pub(crate) threads: usize,
}

/// The cost of a run.
#[derive(Serialize)]
pub(crate) struct Cost {
    /// Seconds for the run and its twin.
    pub(crate) wall_s: f64,
    /// Of these, for the run with peers.
    pub(crate) wall_with_peers_s: f64,
    /// Share of processor time that the engine took, estimated from one call of 64.
    pub(crate) engine_share: f64,
    /// Largest resident set of the process, in MiB; 0 where the system does not tell.
    pub(crate) peak_rss_mb: f64,
    /// Processor time of the run with peers, in µs per viewer and second.
    pub(crate) us_per_viewer_second: f64,
    /// Of these, outside the engine.
    pub(crate) us_outside_engine_per_viewer_second: f64,
    /// In µs per viewer and chunk of 16 KiB of the stream.
    pub(crate) us_per_viewer_chunk: f64,
    /// The engine's own, in µs per call.
    pub(crate) us_per_engine_call: f64,
    /// The same by what had happened, of those calls that were timed.
    pub(crate) us_per_engine_call_by_event: BTreeMap<&'static str, f64>,
    /// Threads used.
    pub(crate) threads: usize,
}

impl Cost {
    pub(crate) fn new(figures: &Figures, plan: &Plan, spent: &Spent, wall: Duration) -> Self {
        let processor = spent.processor.as_secs_f64();
        let engine = Duration::from_nanos(spent.timing.total_ns()).as_secs_f64();
        let each = 1e6 / figures.viewer_seconds;
        let chunks = plan.scenario.stream.bitrate as f64 / 8.0 / 16_384.0;
        let calls = figures.engine_calls_per_viewer_second * figures.viewer_seconds;
        Self {
            wall_s: wall.as_secs_f64(),
            wall_with_peers_s: spent.wall.as_secs_f64(),
            engine_share: engine / processor.max(1e-9),
            peak_rss_mb: peak_rss_mb().unwrap_or(0.0),
            us_per_viewer_second: processor * each,
            us_outside_engine_per_viewer_second: (processor - engine) * each,
            us_per_viewer_chunk: processor * each / chunks,
            us_per_engine_call: engine * 1e6 / calls.max(1.0),
            us_per_engine_call_by_event: spent.timing.means_us(),
            threads: spent.threads,
        }
    }
}

/// Nanoseconds since the first call, for the simulator to time the engine with.
pub(crate) fn clock() -> Clock {
    static START: OnceLock<Instant> = OnceLock::new();
    || {
        let start = START.get_or_init(Instant::now);
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Processor time of this process so far, to 10 ms; `None` where the system does not tell.
pub(crate) fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the command's name, which may hold anything, in parentheses: user and system time are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kb: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1024.0)
}
