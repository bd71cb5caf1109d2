//! What is simulated, and what each run is to show.

/// One run of `swarmline simulate`.
pub(crate) struct Run {
    pub(crate) args: Vec<String>,
    pub(crate) targets: Vec<Target>,
    /// Mean uplink in times the bitrate, for the runs that are plotted.
    pub(crate) uplink: Option<f64>,
}

/// A figure and its limit.
#[derive(Clone)]
pub(crate) enum Target {
    /// At least so much.
    Least(&'static str, f64),
    /// At most so much.
    Most(&'static str, f64),
    /// At most so much more than another figure.
    MostOver(&'static str, &'static str, f64),
    /// At most such a share of another figure.
    MostOf(&'static str, &'static str, f64),
}

use Target::{Least, Most, MostOf, MostOver};

impl Run {
    fn new(line: &str, targets: &[Target]) -> Self {
        Self {
            args: line.split_whitespace().map(str::to_owned).collect(),
            targets: targets.to_vec(),
            uplink: None,
        }
    }

    /// As one would type it.
    pub(crate) fn command(&self) -> String {
        format!("swarmline simulate {}", self.args.join(" "))
    }

    pub(crate) fn is_wanted(&self, only: Option<&str>) -> bool {
        only.is_none_or(|word| self.command().contains(word))
    }
}

/// The whole suite.
pub(crate) fn all(quick: bool) -> Vec<Run> {
    let (sizes, small, seconds): (&[u32], u32, &str) = if quick {
        (&[300, 1_000], 300, " --seconds 20")
    } else {
        (&[1_000, 10_000, 100_000], 1_000, "")
    };
    let middle = sizes.get(1).copied().unwrap_or(small);
    let mut runs = middling(sizes, seconds);
    runs.extend(steady(sizes, seconds));
    // A segment two thirds of which have passed by the time it can be used.
    let short = format!("--viewers {small} --latency 4 --segment 2{seconds}");
    runs.push(Run::new(&short, &NEVER_WORSE));
    runs.extend(incidents(if quick { small } else { middle }, seconds));
    runs.extend(settings(small, seconds));
    runs.extend(tabs());
    let uplinks = [0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0];
    runs.extend(uplinks.map(|times| uplink(small, times, seconds)));
    runs
}

/// What holds for every viewer of every run.
const NEVER_WORSE: [Target; 5] = [
    MostOver("rebuffer_ratio", "twin_rebuffer_ratio", 0.0001),
    MostOf("viewers_with_p2p_stall", "visits", 0.001),
    MostOver("startup_p95_ms", "twin_startup_p95_ms", 20.0),
    Most("duplicate_ratio", 0.03),
    Most("violations", 0.0),
];

fn with(more: &[Target]) -> Vec<Target> {
    NEVER_WORSE.iter().chain(more).cloned().collect()
}

/// Audiences too large for everybody to know everybody, and so small that chance shows.
fn middling(others: &[u32], seconds: &str) -> Vec<Run> {
    let run = |viewers| {
        let line = format!("--viewers {viewers} --latency 6{seconds}");
        Run::new(&line, &with(&[near_limit()]))
    };
    let sizes = [60, 100, 300].into_iter();
    sizes
        .filter(|size| !others.contains(size))
        .map(run)
        .collect()
}

fn steady(sizes: &[u32], seconds: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for viewers in sizes {
        for (latency, least) in [(8, 0.97), (6, 0.95), (4, 0.90)] {
            let targets = with(&[
                Least("offload_eligible", least),
                Most("early_copies", 64.0),
                Most("spread_p99_ms", 2_000.0),
            ]);
            // A minute of the largest audience takes three quarters of an hour.
            let seconds = if *viewers >= 100_000 {
                " --seconds 20"
            } else {
                seconds
            };
            let line = format!("--viewers {viewers} --latency {latency}{seconds}");
            runs.push(Run::new(&line, &targets));
        }
    }
    runs
}

fn incidents(viewers: u32, seconds: &str) -> Vec<Run> {
    let run = |name: &str, seconds: &str, more: &[Target]| {
        let line = format!("--viewers {viewers} --scenario {name}{seconds}");
        Run::new(&line, &with(more))
    };
    let back = Most("recovery_s", 5.0);
    let peak = Most("joiner_peak_ratio", 0.08);
    let fair = [Most("polluted_ratio", 0.005), near_limit()];
    let saved = MostOf("rebuffer_ratio", "twin_rebuffer_ratio", 0.999_999);
    let later = if seconds.is_empty() {
        ""
    } else {
        " --seconds 40"
    };
    vec![
        run("flash-crowd", "", std::slice::from_ref(&peak)),
        run("kickoff-exit", "", &[peak]),
        run("vanish-half", later, &[back]),
        run("cdn-outage", later, &[saved]),
        run("hostile", seconds, &fair),
    ]
}

/// What takes long, or shows in a small audience as well as in a large one.
fn settings(viewers: u32, seconds: &str) -> Vec<Run> {
    let run = |name: &str| {
        let line = format!("--viewers {viewers} --scenario {name}{seconds}");
        Run::new(&line, &with(&[]))
    };
    ["tracker-outage", "renditions", "regions"].map(run).into()
}

/// Within five points of what uplinks allow.
fn near_limit() -> Target {
    MostOver("limit_eligible", "offload_eligible", 0.05)
}

/// The setting of the browser scenarios.
fn tabs() -> Vec<Run> {
    let run = |viewers: u32, window: u32, least: f64| {
        let line = format!(
            "--viewers {viewers} --scenario tabs --bitrate 1000000 --latency 6 --window {window}"
        );
        Run::new(&line, &with(&[Least("offload_gross", least)]))
    };
    vec![run(8, 5, 0.83), run(8, 8, 0.83), run(12, 8, 0.87)]
}

fn uplink(viewers: u32, times: f64, seconds: &str) -> Run {
    let line = format!("--viewers {viewers} --scenario uplink={times}{seconds}");
    Run {
        uplink: Some(times),
        ..Run::new(&line, &with(&[near_limit()]))
    }
}
