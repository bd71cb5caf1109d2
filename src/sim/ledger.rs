//! What is written down during a run: broken promises, bytes, and how fast segments spread.

use crate::core::event::Event;
use crate::core::time::Time;
use crate::sim::stream::SegmentId;
use crate::sim::timing::Timing;
use serde::Serialize;

/// A promise that an engine broke. Any one is a bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Virtual time in µs.
    pub at_us: u64,
    /// Who broke it.
    pub viewer: u32,
    /// Which promise, in stable words.
    pub kind: &'static str,
    /// Particulars.
    pub detail: String,
}

/// Violations kept word for word; the rest are only counted.
const KEPT: usize = 100;

/// Bytes of one viewer. Everything is media payload, counted where the simulator sees it and not as the engine says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Sent by the CDN for this viewer, duplicates and aborted requests included.
    pub cdn_bytes: u64,
    /// Of these, for the player's own loader.
    pub stock_bytes: u64,
    /// Received from peers.
    pub peer_bytes: u64,
    /// Received from peers or for the engine from the CDN, and new when written.
    pub useful_bytes: u64,
    /// Received for positions that were written already.
    pub duplicate_bytes: u64,
    /// Of these, received from the CDN.
    pub duplicate_cdn_bytes: u64,
    /// Received with something else in them than the publisher's bytes.
    pub bad_bytes: u64,
    /// Segments handed to the player that were not the publisher's, or not verified.
    pub bad_deliveries: u64,
    /// Sent to peers.
    pub uploaded_bytes: u64,
    /// Handed to the player.
    pub delivered_bytes: u64,
    /// CDN requests, the stock loader's included.
    pub requests: u32,
    /// Messages of any kind sent to peers.
    pub messages: u64,
    /// Bytes of messages other than chunks.
    pub control_bytes: u64,
    /// Peer connections begun, by an offer or for one.
    pub connections: u64,
}

impl Tally {
    /// Adds another's counters.
    pub fn add(&mut self, other: &Self) {
        self.cdn_bytes += other.cdn_bytes;
        self.stock_bytes += other.stock_bytes;
        self.peer_bytes += other.peer_bytes;
        self.useful_bytes += other.useful_bytes;
        self.duplicate_bytes += other.duplicate_bytes;
        self.duplicate_cdn_bytes += other.duplicate_cdn_bytes;
        self.bad_bytes += other.bad_bytes;
        self.bad_deliveries += other.bad_deliveries;
        self.uploaded_bytes += other.uploaded_bytes;
        self.delivered_bytes += other.delivered_bytes;
        self.requests += other.requests;
        self.messages += other.messages;
        self.control_bytes += other.control_bytes;
        self.connections += other.connections;
    }
}

/// One second of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Sent by the CDN.
    pub cdn_bytes: u64,
    /// Of these, to viewers who came within the last ten seconds and are not kept from peers by their network.
    pub joiner_bytes: u64,
    /// Handed to players.
    pub delivered_bytes: u64,
}

/// A piece that the CDN sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When.
    pub now: Time,
    /// Of which segment.
    pub segment: SegmentId,
    /// How much.
    pub bytes: u32,
    /// Whether the engine of a viewer that can have peers asked for it within a second of the segment's appearance.
    pub early: bool,
    /// Whether the viewer came within the last ten seconds and can have peers.
    pub joining: bool,
}

/// No run is longer, in seconds.
const LONGEST_S: usize = 100_000;

/// A histogram of times in steps of 10 ms up to a minute.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

const STEP_US: u64 = 10_000;
const STEPS: usize = 6_000;

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; STEPS],
            total: 0,
        }
    }
}

impl Histogram {
    /// Counts one time.
    pub fn add(&mut self, us: u64) {
        let step = usize::try_from(us / STEP_US)
            .unwrap_or(STEPS)
            .min(STEPS - 1);
        if let Some(count) = self.counts.get_mut(step) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The time, in ms, that `percent` of all do not exceed; 0 when there are none.
    pub fn percentile_ms(&self, percent: u64) -> u64 {
        let rank = (self.total * percent).div_ceil(100);
        let mut passed = 0;
        let reached = self.counts.iter().position(|count| {
            passed += count;
            passed >= rank.max(1)
        });
        reached.map_or(0, |step| (step as u64 + 1) * STEP_US / 1_000)
    }
}

/// Everything written down over all viewers.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    measure_from: Time,
    violations: Vec<Violation>,
    violation_count: u64,
    origin: Vec<u64>,
    early: Vec<u64>,
    spread: Histogram,
    spread_known: Histogram,
    seconds: Vec<Second>,
    /// Calls of `Engine::handle`.
    pub engine_calls: u64,
    /// How long they took.
    pub timing: Timing,
    watched: Option<u32>,
    log: Vec<String>,
}

impl Ledger {
    /// An empty ledger for a stream of so many segments.
    pub fn new(segments: usize, measure_from: Time) -> Self {
        Self {
            measure_from,
            violations: Vec::new(),
            violation_count: 0,
            origin: vec![0; segments],
            early: vec![0; segments],
            spread: Histogram::default(),
            spread_known: Histogram::default(),
            seconds: Vec::new(),
            engine_calls: 0,
            timing: Timing::default(),
            watched: None,
            log: Vec::new(),
        }
    }

    /// Runs a call of the engine with this event, counts it, and times it if it is its turn.
    pub fn engine_call(&mut self, event: Event<'_>, call: impl FnOnce(Event<'_>)) {
        self.engine_calls += 1;
        match self.timing.begin(&event) {
            None => call(event),
            Some((clock, kind)) => {
                let begun = clock();
                call(event);
                self.timing.end(kind, clock().saturating_sub(begun));
            }
        }
    }

    /// Writes down, word for word, what passes between this viewer's host and its engine.
    pub fn watch(&mut self, viewer: u32) {
        self.watched = Some(viewer);
    }

    /// Adds what another ledger of the same run holds.
    pub fn absorb(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.violations.sort_by_key(|v| (v.at_us, v.viewer));
        self.violations.truncate(KEPT);
        self.violation_count += other.violation_count;
        let add = |sums: &mut [u64], more: &[u64]| {
            sums.iter_mut().zip(more).for_each(|(sum, n)| *sum += n);
        };
        add(&mut self.origin, &other.origin);
        add(&mut self.early, &other.early);
        add(&mut self.spread.counts, &other.spread.counts);
        add(&mut self.spread_known.counts, &other.spread_known.counts);
        self.spread.total += other.spread.total;
        self.spread_known.total += other.spread_known.total;
        let seconds = self.seconds.len().max(other.seconds.len());
        self.seconds.resize(seconds, Second::default());
        for (sum, second) in self.seconds.iter_mut().zip(&other.seconds) {
            sum.cdn_bytes += second.cdn_bytes;
            sum.joiner_bytes += second.joiner_bytes;
            sum.delivered_bytes += second.delivered_bytes;
        }
        self.engine_calls += other.engine_calls;
        self.timing.absorb(&other.timing);
        self.log.extend(other.log);
    }

    /// A line for the log, if this viewer is watched.
    pub fn note(&mut self, now: Time, viewer: u32, line: impl FnOnce() -> String) {
        if self.watched == Some(viewer) {
            let (seconds, micros) = (now.0 / 1_000_000, now.0 % 1_000_000);
            self.log.push(format!("{seconds:4}.{micros:06} {}", line()));
        }
    }

    /// The log of the watched viewer.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Whether what happens at `now` counts.
    pub fn counts(&self, now: Time) -> bool {
        now >= self.measure_from
    }

    /// A promise was broken.
    pub fn violation(&mut self, now: Time, viewer: u32, kind: &'static str, detail: String) {
        self.violation_count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(Violation {
                at_us: now.0,
                viewer,
                kind,
                detail,
            });
        }
    }

    /// The CDN sent bytes of a segment.
    pub fn origin(&mut self, sent: Sent) {
        let bytes = u64::from(sent.bytes);
        let at = sent.segment.0 as usize;
        if let Some(sum) = self.origin.get_mut(at) {
            *sum += bytes;
        }
        if let Some(sum) = self.early.get_mut(at).filter(|_| sent.early) {
            *sum += bytes;
        }
        if let Some(second) = self.second(sent.now) {
            second.cdn_bytes += bytes;
            second.joiner_bytes += if sent.joining { bytes } else { 0 };
        }
    }

    /// A viewer who came before the segment did holds all of it: so long after the CDN had it, and after
    /// the viewer knew of it. Who came later is not counted.
    pub fn spread(&mut self, now: Time, available: Time, known: Time, arrived: Time) {
        if self.counts(now) && arrived <= available {
            self.spread.add(now.0.saturating_sub(available.0));
            let since = available.max(known);
            self.spread_known.add(now.0.saturating_sub(since.0));
        }
    }

    /// A player was given this many bytes.
    pub fn delivered(&mut self, now: Time, bytes: u32) {
        if let Some(second) = self.second(now) {
            second.delivered_bytes += u64::from(bytes);
        }
    }

    fn second(&mut self, now: Time) -> Option<&mut Second> {
        let index = usize::try_from(now.0 / 1_000_000).ok()?;
        if index >= self.seconds.len() && index < LONGEST_S {
            self.seconds.resize(index + 1, Second::default());
        }
        self.seconds.get_mut(index)
    }

    /// What happened in each second of virtual time.
    pub fn seconds(&self) -> &[Second] {
        &self.seconds
    }

    /// Bytes of each segment that engines fetched from the CDN within a second of its appearance.
    pub fn early_bytes(&self) -> &[u64] {
        &self.early
    }

    /// From a segment's appearance, or the viewer's knowledge of it if that was later, to each holder.
    pub fn spread_known_times(&self) -> &Histogram {
        &self.spread_known
    }

    /// Violations, the first hundred, and how many there were.
    pub fn violations(&self) -> (&[Violation], u64) {
        (&self.violations, self.violation_count)
    }

    /// Bytes of each segment that the CDN sent, over the whole run.
    pub fn origin_bytes(&self) -> &[u64] {
        &self.origin
    }

    /// From a segment's appearance to each holder.
    pub fn spread_times(&self) -> &Histogram {
        &self.spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_round_up_to_their_step() {
        let mut times = Histogram::default();
        assert_eq!(times.percentile_ms(50), 0);
        for ms in 1..=100 {
            times.add(ms * 10_000 - 1);
        }
        assert_eq!(
            (times.percentile_ms(50), times.percentile_ms(99)),
            (500, 990)
        );
        times.add(u64::MAX);
        assert_eq!(times.percentile_ms(100), 60_000);
    }
}
