//! Two ways to print: a table for people, JSON for programs.

use super::cost::Cost;
use serde::Serialize;
use swarmline::sim::figures::Figures;
use swarmline::sim::report::Report;

#[derive(Serialize)]
struct Everything<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    #[serde(flatten)]
    cost: &'a Cost,
}

/// All figures as one JSON object.
///
/// # Errors
/// None that is known of.
pub(crate) fn json(figures: &Figures, cost: &Cost) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Everything { figures, cost })
}

/// All figures as a table.
pub(crate) fn print(figures: &Figures, cost: &Cost) {
    println!(
        "{}, {} viewers at a time, {} visits\n",
        figures.scenario, figures.viewers, figures.visits
    );
    let rows = swarm_rows(figures)
        .into_iter()
        .chain(viewer_rows(figures))
        .chain(cost_rows(figures, cost));
    for (name, value, remark) in rows {
        println!("  {name:24} {value:>16}   {remark}");
    }
}

/// The first few broken promises, word for word.
pub(crate) fn violations(report: &Report) {
    for violation in report.violations.iter().take(5) {
        let at = violation.at_us as f64 / 1e6;
        let (viewer, kind, detail) = (violation.viewer, violation.kind, &violation.detail);
        println!("  broken at {at:.3} s by viewer {viewer}: {kind} ({detail})");
    }
}

type Row = (&'static str, String, String);

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn swarm_rows(f: &Figures) -> Vec<Row> {
    let pair = |a: u64, b: u64| format!("{a} / {b} ms");
    vec![
        (
            "offload",
            percent(f.offload_gross),
            format!("all viewers; limit {}", percent(f.limit)),
        ),
        (
            "offload, eligible",
            percent(f.offload_eligible),
            format!(
                "viewers with a working link; limit {}",
                percent(f.limit_eligible)
            ),
        ),
        (
            "mean usable uplink",
            format!("{:.2} × bitrate", f.mean_usable_uplink_ratio),
            String::new(),
        ),
        (
            "CDN copies per chunk",
            format!("{:.1}", f.cdn_copies_per_chunk),
            format!("{:.1} of them early", f.early_copies),
        ),
        (
            "spread p50 / p99",
            pair(f.spread_p50_ms, f.spread_p99_ms),
            format!(
                "since the viewer knew: {}",
                pair(f.spread_known_p50_ms, f.spread_known_p99_ms)
            ),
        ),
        (
            "duplicates",
            percent(f.duplicate_ratio),
            format!(
                "wasted {}, polluted {}",
                percent(f.wasted_ratio),
                percent(f.polluted_ratio)
            ),
        ),
        (
            "CDN peak",
            format!("{:.3} × twin", f.cdn_peak_ratio),
            format!("joiners alone {:.3}", f.joiner_peak_ratio),
        ),
        (
            "upload fairness (Jain)",
            format!("{:.3}", f.upload_fairness),
            String::new(),
        ),
        (
            "connections begun",
            format!("{:.1}", f.connections_per_viewer_minute),
            "per viewer and minute, arrivals included".to_owned(),
        ),
    ]
}

/// Who is worse off than without peers, with the times.
fn named(worse_off: &[(usize, u64, u64)]) -> String {
    let one = |(viewer, own, twin): &(usize, u64, u64)| {
        format!("; viewer {viewer}: {own} ms, twin {twin}")
    };
    worse_off.iter().map(one).collect()
}

fn viewer_rows(f: &Figures) -> Vec<Row> {
    let mut rows = vec![
        (
            "rebuffering",
            format!("{:.4} %", f.rebuffer_ratio * 100.0),
            format!("twin {:.4} %", f.twin_rebuffer_ratio * 100.0),
        ),
        (
            "stalls the twin lacks",
            format!("{} viewers", f.viewers_with_p2p_stall),
            format!(
                "{} saved from one{}",
                f.viewers_saved_from_stall,
                named(&f.worse_off)
            ),
        ),
        (
            "start-up p95",
            format!("{} ms", f.startup_p95_ms),
            format!("twin {} ms", f.twin_startup_p95_ms),
        ),
        ("broken promises", f.violations.to_string(), String::new()),
    ];
    if let Some(seconds) = f.recovery_s {
        rows.push(("recovery", format!("{seconds} s"), String::new()));
    }
    rows
}

fn cost_rows(f: &Figures, c: &Cost) -> Vec<Row> {
    vec![
        (
            "wall time",
            format!("{:.1} s", c.wall_s),
            format!(
                "{:.1} s with peers, {} threads",
                c.wall_with_peers_s, c.threads
            ),
        ),
        (
            "peak memory",
            format!("{:.0} MiB", c.peak_rss_mb),
            String::new(),
        ),
        (
            "engine calls",
            format!("{:.0} /viewer/s", f.engine_calls_per_viewer_second),
            format!(
                "{:.1} µs each, {:.0} % of the time",
                c.us_per_engine_call,
                c.engine_share * 100.0
            ),
        ),
        (
            "processor time",
            format!("{:.0} µs/viewer/s", c.us_per_viewer_second),
            format!(
                "{:.1} outside the engine; {:.2} per viewer and chunk; {:.0} events/viewer/s",
                c.us_outside_engine_per_viewer_second,
                c.us_per_viewer_chunk,
                f.events_per_viewer_second
            ),
        ),
        ("trace", f.trace_hash.clone(), String::new()),
    ]
}
