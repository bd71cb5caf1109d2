//! What a run with its CDN-only twin came to, in the terms in which targets are written.
//!
//! Ratios only; all bytes are the simulator's own counts over the measured span. How long the run took on
//! this machine is not known here: whoever ran it adds that.

use crate::core::time::Time;
use crate::sim::audience::Plan;
use crate::sim::ledger::{Second, Tally};
use crate::sim::report::{Report, ViewerReport};
use crate::sim::scenario::Roster;
use serde::Serialize;

/// Copies that the largest swarm takes for itself: fewer seeds risk that a chunk has none (e^−16).
const SEEDS: f64 = 16.0;

/// A swarm of this size agrees on one viewer who fetches; every doubling costs one copy more.
const SMALL: f64 = 8.0;

/// Share of upload that duplicates, retransmissions and control messages are allowed to take.
const OVERHEAD: f64 = 0.03;

/// Recovered means within a point of the limit.
const RECOVERED: f64 = 0.01;

/// The figures of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Scenario.
    pub scenario: String,
    /// Viewers at a time, as asked for.
    pub viewers: u32,
    /// Viewers over the whole run.
    pub visits: u32,
    /// 1 − CDN bytes ÷ bytes given to players, over all viewers.
    pub offload_gross: f64,
    /// The same over viewers whose network lets them have peers.
    pub offload_eligible: f64,
    /// The same over those of them that play fair.
    pub offload_fair: f64,
    /// What gross offload can be at best: min{c·(1 − G·s/N)·(1 − t), (1 − ω)·Σu/(N·r)}, t being the measured share
    /// of bytes that the player's own loader brought at starts, ω = 3 %, s = log₂(N ÷ 8) between 1 and 16.
    pub limit: f64,
    /// The same with c = 1.
    pub limit_eligible: f64,
    /// Mean upload limit ÷ bitrate.
    pub mean_usable_uplink_ratio: f64,
    /// Mean copies of a segment that the CDN sent, whole and in parts.
    pub cdn_copies_per_chunk: f64,
    /// Of these, those that engines asked for within a second of the segment's appearance.
    pub early_copies: f64,
    /// From a segment's appearance at the CDN until a viewer who was there already holds all of it: median.
    pub spread_p50_ms: u64,
    /// 99th percentile.
    pub spread_p99_ms: u64,
    /// The same from when the viewer's own playlist named the segment: median.
    pub spread_known_p50_ms: u64,
    /// 99th percentile.
    pub spread_known_p99_ms: u64,
    /// Bytes received twice ÷ bytes given to players.
    pub duplicate_ratio: f64,
    /// Bytes received and of no use ÷ bytes given to players.
    pub wasted_ratio: f64,
    /// Bytes received that were not the publisher's ÷ bytes given to players.
    pub polluted_ratio: f64,
    /// Time stalled ÷ time stalled or playing.
    pub rebuffer_ratio: f64,
    /// The same of the twin.
    pub twin_rebuffer_ratio: f64,
    /// Viewers that were longer in stalls than in the twin, by a picture (16 ms) or more.
    pub viewers_with_p2p_stall: u32,
    /// The first few of them, for `--watch`: viewer, ms in stalls, and the same in the twin.
    pub worse_off: Vec<(usize, u64, u64)>,
    /// Of these, those that play fair.
    pub fair_with_p2p_stall: u32,
    /// Bytes that fair viewers received and had no use for ÷ bytes given to their players.
    pub fair_wasted_ratio: f64,
    /// Bytes that fair viewers received and that were not the publisher's ÷ bytes given to their players.
    pub fair_polluted_ratio: f64,
    /// Times that a fair viewer sent somebody away for an offence; without hostile viewers, each is a false accusation.
    pub fair_bans: u64,
    /// Segments given to a player that were not the publisher's, or not verified.
    pub bad_deliveries: u64,
    /// Viewers that were longer in stalls in the twin, by as much.
    pub viewers_saved_from_stall: u32,
    /// From opening the page to the first frame, 95th percentile over all visits.
    pub startup_p95_ms: u64,
    /// The same of the twin.
    pub twin_startup_p95_ms: u64,
    /// The busiest second of the CDN ÷ that of the twin's.
    pub cdn_peak_ratio: f64,
    /// The same, counting only what went to viewers in their first ten seconds who can have peers.
    pub joiner_peak_ratio: f64,
    /// Jain's index of bytes uploaded ÷ bytes the upload limit allows, over fair viewers that may upload.
    pub upload_fairness: f64,
    /// From the scenario's event until offload (mean of 2 s) was back within a point of the limit, or of what it
    /// was before the event if that is less; `None`: no event, or not in this run.
    pub recovery_s: Option<u64>,
    /// Broken promises: any one is a bug. Bad bytes given to a player would be among them.
    pub violations: u64,
    /// Messages between peers, per viewer and second.
    pub messages_per_viewer_second: f64,
    /// Peer connections begun, by an offer or for one, per viewer and minute: each is work for a browser, and a description
    /// for a tracker to pass on.
    pub connections_per_viewer_minute: f64,
    /// Bytes between peers that are not media ÷ bytes given to players.
    pub control_ratio: f64,
    /// Calls of the engine, per viewer and second.
    pub engine_calls_per_viewer_second: f64,
    /// Events, per viewer and second.
    pub events_per_viewer_second: f64,
    /// Viewer-seconds simulated, warm-up included.
    pub viewer_seconds: f64,
    /// Hash over all traces: the same command gives the same, on any number of threads.
    pub trace_hash: String,
    /// Every second from the start of the warm-up: CDN bytes, of these to joiners, bytes given to players.
    pub seconds: Vec<Second>,
}

/// So many of those who are worse off than without peers are named.
const WORSE_OFF: usize = 8;

/// Less than this nobody sees: it is less than one picture of sixty a second.
const INVISIBLE_US: u64 = 16_000;

impl Figures {
    /// The figures of a run and its twin.
    pub fn new(plan: &Plan, report: &Report, twin: &Report) -> Self {
        let limits = Limits::new(plan, report);
        let eligible = tally(report, |viewer| viewer.eligible);
        let fair = tally(report, |viewer| viewer.honest);
        let linked = tally(report, |viewer| viewer.honest && viewer.eligible);
        let total = &report.total;
        let viewer_seconds = viewer_seconds(plan);
        let (own_peak, joiner_peak) = peaks(plan, report);
        let (twin_peak, _) = peaks(plan, twin);
        let pairs = || report.viewers.iter().zip(&twin.viewers);
        let longer = |a: &ViewerReport, b: &ViewerReport| {
            a.counted_stalled_us > b.counted_stalled_us + INVISIBLE_US
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let worse_off = pairs()
            .enumerate()
            .filter(|(_, (own, twin))| longer(own, twin))
            .map(|(id, (own, twin))| {
                (
                    id,
                    own.counted_stalled_us / 1_000,
                    twin.counted_stalled_us / 1_000,
                )
            })
            .take(WORSE_OFF);
        Self {
            scenario: plan.name.clone(),
            viewers: plan.scenario.viewers,
            visits: count(report.viewers.len()),
            offload_gross: report.offload,
            offload_eligible: 1.0 - ratio(eligible.cdn_bytes, eligible.delivered_bytes),
            offload_fair: 1.0 - ratio(linked.cdn_bytes, linked.delivered_bytes),
            limit: limits.gross,
            limit_eligible: limits.eligible,
            mean_usable_uplink_ratio: limits.uplink,
            cdn_copies_per_chunk: mean(&report.counted_copies),
            early_copies: mean(&report.early_copies),
            spread_p50_ms: report.spread_p50_ms,
            spread_p99_ms: report.spread_p99_ms,
            spread_known_p50_ms: report.spread_known_p50_ms,
            spread_known_p99_ms: report.spread_known_p99_ms,
            duplicate_ratio: report.duplicate_ratio,
            wasted_ratio: report.wasted_ratio,
            polluted_ratio: ratio(total.bad_bytes, total.delivered_bytes),
            rebuffer_ratio: rebuffer(report),
            twin_rebuffer_ratio: rebuffer(twin),
            viewers_with_p2p_stall: count(pairs().filter(|(own, twin)| longer(own, twin)).count()),
            worse_off: worse_off.collect(),
            fair_with_p2p_stall: count(
                pairs()
                    .filter(|(own, twin)| own.honest && longer(own, twin))
                    .count(),
            ),
            fair_wasted_ratio: ratio(
                (fair.cdn_bytes + fair.peer_bytes).saturating_sub(fair.useful_bytes),
                fair.delivered_bytes,
            ),
            fair_polluted_ratio: ratio(fair.bad_bytes, fair.delivered_bytes),
            fair_bans: report
                .viewers
                .iter()
                .filter(|viewer| viewer.honest)
                .map(|viewer| u64::from(viewer.stats.bans))
                .sum(),
            bad_deliveries: total.bad_deliveries,
            viewers_saved_from_stall: count(
                pairs().filter(|(own, twin)| longer(twin, own)).count(),
            ),
            startup_p95_ms: report.startup_p95_ms,
            twin_startup_p95_ms: twin.startup_p95_ms,
            cdn_peak_ratio: ratio(own_peak, twin_peak),
            joiner_peak_ratio: ratio(joiner_peak, twin_peak),
            upload_fairness: fairness(report),
            recovery_s: recovery(plan, report, limits.gross),
            violations: report.violation_count,
            messages_per_viewer_second: total.messages as f64 / measured_viewer_seconds(report),
            connections_per_viewer_minute: 60.0 * total.connections as f64
                / measured_viewer_seconds(report),
            control_ratio: ratio(total.control_bytes, total.delivered_bytes),
            engine_calls_per_viewer_second: report.engine_calls as f64 / viewer_seconds,
            events_per_viewer_second: report.events as f64 / viewer_seconds,
            viewer_seconds,
            trace_hash: report.trace_hash.clone(),
            seconds: report.seconds.clone(),
        }
    }
}

impl Figures {
    /// The most important ones, on one line.
    pub fn line(&self) -> String {
        format!(
            "{:14} offload {:.4} eligible {:.4} fair {:.4} limit {:.4} copies {:.1} early {:.1} spread {} ms duplicates {:.4} \
             rebuffer {:.5}/{:.5} worse {} start-up {}/{} ms peak {:.3} joiners {:.3} fair {:.2} recovery {:?}",
            self.scenario,
            self.offload_gross,
            self.offload_eligible,
            self.offload_fair,
            self.limit_eligible,
            self.cdn_copies_per_chunk,
            self.early_copies,
            self.spread_p99_ms,
            self.duplicate_ratio,
            self.rebuffer_ratio,
            self.twin_rebuffer_ratio,
            self.viewers_with_p2p_stall,
            self.startup_p95_ms,
            self.twin_startup_p95_ms,
            self.cdn_peak_ratio,
            self.joiner_peak_ratio,
            self.upload_fairness,
            self.recovery_s,
        )
    }
}

struct Limits {
    gross: f64,
    eligible: f64,
    uplink: f64,
}

impl Limits {
    fn new(plan: &Plan, report: &Report) -> Self {
        let present: f64 = report.viewers.iter().map(weight).sum();
        let can = |viewer: &&ViewerReport| viewer.eligible;
        let linked: f64 = report.viewers.iter().filter(can).map(weight).sum();
        let upload = |viewer: &ViewerReport| viewer.upload_bps as f64 * weight(viewer);
        let all_uploads: f64 = report.viewers.iter().map(upload).sum();
        let fair = report
            .viewers
            .iter()
            .filter(can)
            .filter(|viewer| viewer.honest);
        let uploads: f64 = fair.map(upload).sum();
        let bitrate = mean_bitrate(plan);
        let viewers = plan.scenario.viewers.max(1);
        let seeds = (f64::from(viewers) / SMALL).log2().clamp(1.0, SEEDS);
        let copies = (f64::from(plan.clusters) * seeds / f64::from(viewers)).min(1.0);
        let total = &report.total;
        let start = ratio(total.stock_bytes, total.delivered_bytes);
        // What peers may save at most is what the start and the seeds leave over.
        let link = (1.0 - copies) * (1.0 - start);
        let supply = |viewers: f64| (1.0 - OVERHEAD) * uploads / (viewers.max(1.0) * bitrate);
        Self {
            gross: (linked / present.max(1.0) * link).min(supply(present)),
            eligible: link.min(supply(linked)),
            uplink: all_uploads / (present.max(1.0) * plan.scenario.stream.bitrate as f64),
        }
    }
}

/// Time there, in seconds.
fn weight(viewer: &ViewerReport) -> f64 {
    viewer.present_ms as f64 / 1e3
}

fn mean_bitrate(plan: &Plan) -> f64 {
    let stream = &plan.scenario.stream;
    if !plan.scenario.mixed_renditions {
        return stream.bitrate as f64;
    }
    let all = (0..stream.renditions).map(|rendition| (stream.bitrate >> rendition) as f64);
    all.sum::<f64>() / f64::from(stream.renditions.max(1))
}

fn tally(report: &Report, test: impl Fn(&ViewerReport) -> bool) -> Tally {
    let mut sum = Tally::default();
    let some = report.viewers.iter().filter(|viewer| test(viewer));
    some.for_each(|viewer| sum.add(&viewer.tally));
    sum
}

fn viewer_seconds(plan: &Plan) -> f64 {
    let end = Time(0) + plan.scenario.span;
    let roster = Roster::new(&plan.scenario);
    let us: u64 = roster
        .iter()
        .map(|seat| {
            let left = seat.leaves.map_or(end, |(at, _)| at);
            left.0.saturating_sub(seat.arrives.0)
        })
        .sum();
    (us as f64 / 1e6).max(1.0)
}

fn measured_viewer_seconds(report: &Report) -> f64 {
    report.viewers.iter().map(weight).sum::<f64>().max(1.0)
}

fn measured<'a>(plan: &Plan, report: &'a Report) -> &'a [Second] {
    let from = usize::try_from(plan.scenario.measure_from.0 / 1_000_000).unwrap_or(usize::MAX);
    report.seconds.get(from..).unwrap_or_default()
}

fn peaks(plan: &Plan, report: &Report) -> (u64, u64) {
    let seconds = || measured(plan, report).iter();
    let all = seconds().map(|second| second.cdn_bytes).max();
    let joiners = seconds().map(|second| second.joiner_bytes).max();
    (all.unwrap_or(0), joiners.unwrap_or(0))
}

fn rebuffer(report: &Report) -> f64 {
    let sum = |value: fn(&ViewerReport) -> u64| report.viewers.iter().map(value).sum::<u64>();
    let stalled = sum(|viewer| viewer.counted_stalled_us);
    ratio(stalled, stalled + sum(|viewer| viewer.counted_played_us))
}

/// Jain's index: (Σx)² ÷ (n·Σx²); 1 when all are equal.
fn fairness(report: &Report) -> f64 {
    let able = report.viewers.iter().filter(|viewer| {
        viewer.eligible && viewer.honest && viewer.upload_bps > 0 && viewer.present_ms >= 5_000
    });
    let shares: Vec<f64> = able
        .map(|viewer| {
            let allowed = viewer.upload_bps as f64 * weight(viewer) / 8.0;
            viewer.tally.uploaded_bytes as f64 / allowed
        })
        .collect();
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    if squares > 0.0 {
        sum * sum / (shares.len() as f64 * squares)
    } else {
        0.0
    }
}

fn recovery(plan: &Plan, report: &Report, limit: f64) -> Option<u64> {
    let from = usize::try_from(plan.event?.0.div_ceil(1_000_000)).ok()?;
    let first = usize::try_from(plan.scenario.measure_from.0 / 1_000_000).ok()?;
    let goal = before(report.seconds.get(first..from)?).map_or(limit, |before| limit.min(before));
    let after = report.seconds.get(from..)?;
    let back = after.windows(2).position(|pair| {
        let cdn: u64 = pair.iter().map(|second| second.cdn_bytes).sum();
        let given: u64 = pair.iter().map(|second| second.delivered_bytes).sum();
        given > 0 && 1.0 - ratio(cdn, given) >= goal - RECOVERED
    });
    back.map(|seconds| seconds as u64)
}

/// Offload over these seconds; `None` if there are none.
fn before(seconds: &[Second]) -> Option<f64> {
    let cdn: u64 = seconds.iter().map(|second| second.cdn_bytes).sum();
    let given: u64 = seconds.iter().map(|second| second.delivered_bytes).sum();
    (given > 0).then(|| 1.0 - ratio(cdn, given))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}
