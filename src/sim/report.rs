//! What a run came to.
//!
//! All byte counts are the simulator's own. Offload is net: 1 − what the CDN sent, duplicates and
//! aborted requests included ÷ what players were given.

use crate::core::time::{Duration, Time};
use crate::sim::chance::step;
use crate::sim::hostile::Behaviour;
use crate::sim::ledger::{Ledger, Second, Tally, Violation};
use crate::sim::network::Nat;
use crate::sim::scenario::{Mode, Roster, Scenario, Seat};
use crate::sim::stream::{SegmentId, Stream};
use crate::sim::viewer::Record;
use serde::Serialize;
use std::fmt;

/// One viewer's run.
#[derive(Clone, Debug, Serialize)]
pub struct ViewerReport {
    /// Bytes.
    pub tally: Tally,
    /// From opening the page to the first frame; `None`: never saw one.
    pub startup_ms: Option<u64>,
    /// Interruptions.
    pub stalls: u32,
    /// Time spent in them.
    pub stalled_ms: u64,
    /// Time spent playing.
    pub played_ms: u64,
    /// Jumps forward to catch up with the playlist.
    pub skips: u32,
    /// How far behind the live edge at the end.
    pub latency_ms: Option<u64>,
    /// Longest time from request to append.
    pub longest_load_ms: u64,
    /// Smallest buffer when a segment came.
    pub least_buffer_ms: Option<u64>,
    /// Stable codes of the failures that the engine showed to the player.
    pub failures: Vec<&'static str>,
    /// Most bytes in the engine's buffers at once.
    pub most_buffered: u64,
    /// Most connections at once.
    pub most_peers: u32,
    /// Whether the network lets it have peers at all.
    pub eligible: bool,
    /// Whether it plays fair.
    pub honest: bool,
    /// Upload limit in bit/s.
    pub upload_bps: u64,
    /// How long it was there while it counted.
    pub present_ms: u64,
    /// Interruptions while it counted.
    pub counted_stalls: u32,
    /// Time spent in them.
    pub counted_stalled_us: u64,
    /// Time spent playing while it counted.
    pub counted_played_us: u64,
    /// From the start of the run to the first peer.
    pub first_peer_ms: Option<u64>,
    /// The engine's own counters at the end.
    pub stats: crate::core::engine::Stats,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// 1 − CDN bytes ÷ delivered bytes.
    pub offload: f64,
    /// Sums over all viewers.
    pub total: Tally,
    /// Bytes received for positions already written ÷ delivered bytes.
    pub duplicate_ratio: f64,
    /// Bytes received and of no use (duplicates, bad, given up) ÷ delivered bytes.
    pub wasted_ratio: f64,
    /// Interruptions over all viewers.
    pub stalls: u32,
    /// Viewers with any.
    pub viewers_with_stall: u32,
    /// Time stalled ÷ time stalled or playing.
    pub rebuffer_ratio: f64,
    /// Start-up time that half of the viewers do not exceed.
    pub startup_p50_ms: u64,
    /// Start-up time that 95 % do not exceed.
    pub startup_p95_ms: u64,
    /// The smallest buffer any player had when a segment came.
    pub least_buffer_ms: u64,
    /// The longest time any load took.
    pub longest_load_ms: u64,
    /// Viewers that never saw a frame though they stayed for five seconds.
    pub never_started: u32,
    /// Mean distance to the live edge at the end.
    pub latency_mean_ms: u64,
    /// The largest.
    pub latency_max_ms: u64,
    /// Mean CDN copies of the segments that anyone got.
    pub cdn_copies: f64,
    /// Most copies of one segment.
    pub cdn_copies_max: f64,
    /// Copies of every segment, rendition by rendition.
    pub copies: Vec<f64>,
    /// From a segment's appearance to a holder who was there already: median.
    pub spread_p50_ms: u64,
    /// 99th percentile.
    pub spread_p99_ms: u64,
    /// The same, where the viewer learned of the segment later than it appeared, from then on: median.
    pub spread_known_p50_ms: u64,
    /// 99th percentile.
    pub spread_known_p99_ms: u64,
    /// Copies, of every segment that appeared while it counted and long enough before the end.
    pub counted_copies: Vec<f64>,
    /// Of these, what engines fetched within a second of the segment's appearance.
    pub early_copies: Vec<f64>,
    /// Every second of the run.
    pub seconds: Vec<Second>,
    /// Most and least uploaded by an honest viewer ÷ mean.
    pub upload_fairness: (f64, f64),
    /// Broken promises, the first hundred.
    pub violations: Vec<Violation>,
    /// How many there were.
    pub violation_count: u64,
    /// Calls of `Engine::handle`.
    pub engine_calls: u64,
    /// Events scheduled.
    pub events: u64,
    /// Hash over all traces, in hex.
    pub trace_hash: String,
    /// Every viewer.
    pub viewers: Vec<ViewerReport>,
}

impl Report {
    pub(super) fn new(
        scenario: &Scenario,
        roster: &Roster,
        stream: &Stream,
        ledger: &Ledger,
        records: &[&Record],
        events: u64,
    ) -> Self {
        let mut total = Tally::default();
        records.iter().for_each(|record| total.add(&record.tally));
        let (violations, violation_count) = ledger.violations();
        let copies = copies(stream, ledger);
        let gotten = copies.iter().filter(|copies| **copies > 0.0);
        let wasted = wasted(scenario, &total);
        let latencies = sorted(records.iter().filter_map(|record| record.latency_us));
        let startups = sorted(records.iter().filter_map(|record| startup_us(record)));
        let stalled: u64 = records.iter().map(|record| record.seen.stalled_us).sum();
        let played: u64 = records.iter().map(|record| record.seen.played_us).sum();
        Self {
            offload: 1.0 - ratio(total.cdn_bytes, total.delivered_bytes),
            duplicate_ratio: ratio(total.duplicate_bytes, total.delivered_bytes),
            wasted_ratio: ratio(wasted, total.delivered_bytes),
            stalls: records.iter().map(|record| record.seen.stalls).sum(),
            viewers_with_stall: count(records, |record| record.seen.stalls > 0),
            rebuffer_ratio: ratio(stalled, stalled + played),
            startup_p50_ms: percentile(&startups, 50) / 1_000,
            startup_p95_ms: percentile(&startups, 95) / 1_000,
            least_buffer_ms: least_buffer_ms(records),
            longest_load_ms: longest_load_ms(records),
            never_started: never_started(scenario, roster, records),
            latency_mean_ms: ratio(latencies.iter().sum(), latencies.len() as u64 * 1_000) as u64,
            latency_max_ms: latencies.last().copied().unwrap_or(0) / 1_000,
            cdn_copies: copies.iter().sum::<f64>() / gotten.count().max(1) as f64,
            cdn_copies_max: copies.iter().copied().fold(0.0, f64::max),
            copies,
            spread_p50_ms: ledger.spread_times().percentile_ms(50),
            spread_p99_ms: ledger.spread_times().percentile_ms(99),
            spread_known_p50_ms: ledger.spread_known_times().percentile_ms(50),
            spread_known_p99_ms: ledger.spread_known_times().percentile_ms(99),
            counted_copies: counted(scenario, stream, ledger.origin_bytes()),
            early_copies: counted(scenario, stream, ledger.early_bytes()),
            seconds: ledger.seconds().to_vec(),
            upload_fairness: fairness(records),
            violations: violations.to_vec(),
            violation_count,
            engine_calls: ledger.engine_calls,
            events,
            trace_hash: trace(records, events, violation_count),
            viewers: rows(scenario, roster, records),
            total,
        }
    }

    /// Viewers that spent more time in stalls than in the same run without peers.
    pub fn stalled_more_than(&self, twin: &Self) -> u32 {
        let pairs = self.viewers.iter().zip(&twin.viewers);
        let worse = pairs.filter(|(own, twin)| own.stalled_ms > twin.stalled_ms);
        u32::try_from(worse.count()).unwrap_or(u32::MAX)
    }

    /// Over some of the viewers: 1 − CDN bytes ÷ delivered bytes.
    pub fn offload_of(&self, viewers: std::ops::Range<usize>) -> f64 {
        let mut total = Tally::default();
        let some = self.viewers.get(viewers).unwrap_or_default();
        some.iter().for_each(|viewer| total.add(&viewer.tally));
        1.0 - ratio(total.cdn_bytes, total.delivered_bytes)
    }
}

/// What came and was of no use to an engine. The stock loader's bytes go to the player, and through
/// the engine to others; without engines nothing is wasted.
fn wasted(scenario: &Scenario, total: &Tally) -> u64 {
    if scenario.mode == Mode::Stock {
        return 0;
    }
    (total.cdn_bytes + total.peer_bytes).saturating_sub(total.useful_bytes)
}

fn rows(scenario: &Scenario, roster: &Roster, records: &[&Record]) -> Vec<ViewerReport> {
    let pairs = roster.iter().zip(records);
    pairs
        .map(|(seat, record)| row(scenario, seat, record))
        .collect()
}

fn row(scenario: &Scenario, seat: &Seat, record: &Record) -> ViewerReport {
    let (seen, before) = (&record.seen, &record.before);
    let end = Time(0) + scenario.span;
    let left = seat.leaves.map_or(end, |(at, _)| at);
    let came = seat.arrives.max(scenario.measure_from);
    ViewerReport {
        eligible: seat.access.nat != Nat::Blocked,
        honest: seat.behaviour == Behaviour::Honest,
        upload_bps: seat.upload_bps,
        present_ms: left.0.saturating_sub(came.0) / 1_000,
        counted_stalls: seen.stalls - before.stalls,
        counted_stalled_us: seen.stalled_us.saturating_sub(before.stalled_us),
        counted_played_us: seen.played_us.saturating_sub(before.played_us),
        tally: record.tally,
        startup_ms: startup_us(record).map(|us| us / 1_000),
        stalls: seen.stalls,
        stalled_ms: seen.stalled_us / 1_000,
        played_ms: seen.played_us / 1_000,
        skips: seen.skips,
        latency_ms: record.latency_us.map(|us| us / 1_000),
        longest_load_ms: seen.longest_load_us / 1_000,
        least_buffer_ms: seen.least_buffer_us.map(|us| us / 1_000),
        failures: record.failures.iter().map(|error| error.code()).collect(),
        most_buffered: record.most_buffered,
        most_peers: u32::try_from(record.most_peers).unwrap_or(u32::MAX),
        first_peer_ms: record.first_peer.map(|at| at.0 / 1_000),
        stats: record.stats.clone(),
    }
}

fn startup_us(record: &Record) -> Option<u64> {
    let opened = record.seen.opened?;
    Some(record.seen.first_frame?.0.saturating_sub(opened.0))
}

fn least_buffer_ms(records: &[&Record]) -> u64 {
    let buffers = records.iter().filter_map(|r| r.seen.least_buffer_us);
    buffers.min().unwrap_or(0) / 1_000
}

fn longest_load_ms(records: &[&Record]) -> u64 {
    let loads = records.iter().map(|record| record.seen.longest_load_us);
    loads.max().unwrap_or(0) / 1_000
}

fn never_started(scenario: &Scenario, roster: &Roster, records: &[&Record]) -> u32 {
    let end = Time(0) + scenario.span;
    let stayed = roster.iter().map(|seat| {
        let left = seat.leaves.map_or(end, |(at, _)| at);
        left.0.saturating_sub(seat.arrives.0) > 5_000_000
    });
    let pairs = records.iter().zip(stayed);
    let missing = pairs.filter(|(record, stayed)| *stayed && record.seen.first_frame.is_none());
    u32::try_from(missing.count()).unwrap_or(u32::MAX)
}

fn copies(stream: &Stream, ledger: &Ledger) -> Vec<f64> {
    let bytes = (0..).zip(ledger.origin_bytes());
    bytes
        .map(|(id, bytes)| {
            let size = stream.segment(SegmentId(id)).map_or(0, |s| s.info.bytes);
            ratio(*bytes, u64::from(size))
        })
        .collect()
}

/// A segment that appears so shortly before the end is not counted.
const SPREADING: Duration = Duration::from_secs(4);

/// Copies of the segments that appeared while it counted.
fn counted(scenario: &Scenario, stream: &Stream, bytes: &[u64]) -> Vec<f64> {
    let end = Time(0) + scenario.span.saturating_sub(SPREADING);
    let segments = (0..).map_while(|id| stream.segment(SegmentId(id)));
    segments
        .zip(bytes)
        .filter(|(segment, _)| segment.available >= scenario.measure_from)
        .filter(|(segment, _)| segment.available < end)
        .map(|(segment, bytes)| ratio(*bytes, u64::from(segment.info.bytes)))
        .collect()
}

fn fairness(records: &[&Record]) -> (f64, f64) {
    let sent = sorted(records.iter().map(|record| record.tally.uploaded_bytes));
    let mean = ratio(sent.iter().sum(), sent.len() as u64);
    let over = |bytes: Option<&u64>| match bytes {
        Some(bytes) if mean > 0.0 => *bytes as f64 / mean,
        _ => 0.0,
    };
    (over(sent.last()), over(sent.first()))
}

fn trace(records: &[&Record], events: u64, violations: u64) -> String {
    let start = step(events) ^ step(violations);
    let all = records.iter().fold(start, |state, record| {
        let seen = &record.seen;
        let parts = [
            record.trace,
            record.tally.cdn_bytes,
            record.tally.peer_bytes,
            record.tally.delivered_bytes,
            seen.played_us,
            seen.stalled_us,
        ];
        parts.iter().fold(state, |state, part| step(state ^ part))
    });
    format!("{all:016x}")
}

fn count(records: &[&Record], test: impl Fn(&Record) -> bool) -> u32 {
    let found = records.iter().filter(|record| test(record));
    u32::try_from(found.count()).unwrap_or(u32::MAX)
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

impl fmt::Display for Report {
    /// A few lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let total = &self.total;
        writeln!(
            f,
            "offload {:.3}  duplicates {:.3}  wasted {:.3}  copies {:.2} (max {:.2})",
            self.offload,
            self.duplicate_ratio,
            self.wasted_ratio,
            self.cdn_copies,
            self.cdn_copies_max
        )?;
        writeln!(
            f,
            "cdn {:.2} MB (stock {:.2})  peers {:.2}  delivered {:.2}  duplicate {:.2} (cdn {:.2})  bad {:.2}  control {:.3}",
            mb(total.cdn_bytes),
            mb(total.stock_bytes),
            mb(total.peer_bytes),
            mb(total.delivered_bytes),
            mb(total.duplicate_bytes),
            mb(total.duplicate_cdn_bytes),
            mb(total.bad_bytes),
            mb(total.control_bytes),
        )?;
        writeln!(
            f,
            "stalls {} in {} viewers, rebuffer {:.4}, least buffer {} ms, longest load {} ms  start-up {}/{} ms  latency {}/{} ms  spread {}/{} ms",
            self.stalls,
            self.viewers_with_stall,
            self.rebuffer_ratio,
            self.least_buffer_ms,
            self.longest_load_ms,
            self.startup_p50_ms,
            self.startup_p95_ms,
            self.latency_mean_ms,
            self.latency_max_ms,
            self.spread_p50_ms,
            self.spread_p99_ms,
        )?;
        writeln!(
            f,
            "requests {}  events {}  engine calls {}  violations {}  trace {}",
            total.requests, self.events, self.engine_calls, self.violation_count, self.trace_hash
        )?;
        for violation in self.violations.iter().take(5) {
            writeln!(
                f,
                "  broken at {:.3} s by {}: {} ({})",
                violation.at_us as f64 / 1e6,
                violation.viewer,
                violation.kind,
                violation.detail
            )?;
        }
        Ok(())
    }
}
