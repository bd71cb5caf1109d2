//! How long calls of the engine take, by what has happened. The simulator has no clock of its own: who wants to know
//! brings one.

use crate::core::event::Event;
use crate::core::wire::{self, CHUNK_TAG, Message};
use std::collections::BTreeMap;

/// A call that seems to take longer than this, in ns, has been interrupted by the system.
const LONGEST_NS: u64 = 1_000_000;

/// A clock in ns, from any beginning.
pub type Clock = fn() -> u64;

/// Some of the calls of engines, timed.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    clock: Option<Clock>,
    every: u64,
    calls: u64,
    spent: BTreeMap<&'static str, Spent>,
}

/// Calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    /// How many were timed.
    calls: u64,
    /// How long they took together, in ns.
    ns: u64,
}

impl Timing {
    /// From now on one of `every` calls is timed with this clock, in ns.
    pub fn time_with(&mut self, clock: Clock, every: u64) {
        self.clock = Some(clock);
        self.every = every.max(1);
    }

    /// A clock, if the call that comes is to be timed, and what to book it under.
    pub fn begin(&mut self, event: &Event<'_>) -> Option<(Clock, &'static str)> {
        let clock = self.clock?;
        self.calls += 1;
        let due = self.calls.is_multiple_of(self.every);
        due.then(|| (clock, kind_of(event)))
    }

    /// A call took so long, in ns.
    pub fn end(&mut self, kind: &'static str, ns: u64) {
        if ns < LONGEST_NS {
            let spent = self.spent.entry(kind).or_default();
            spent.calls += 1;
            spent.ns += ns;
        }
    }

    /// Adds what another one holds.
    pub fn absorb(&mut self, other: &Self) {
        self.every = self.every.max(other.every);
        for (kind, more) in &other.spent {
            let spent = self.spent.entry(kind).or_default();
            spent.calls += more.calls;
            spent.ns += more.ns;
        }
    }

    /// Mean time of a call, by kind, in µs.
    pub fn means_us(&self) -> BTreeMap<&'static str, f64> {
        let mean = |spent: &Spent| spent.ns as f64 / 1e3 / spent.calls as f64;
        let means = self.spent.iter().map(|(kind, spent)| (*kind, mean(spent)));
        means.collect()
    }

    /// Time of all calls, in ns, as estimated from those that were timed.
    pub fn total_ns(&self) -> u64 {
        let timed: u64 = self.spent.values().map(|spent| spent.ns).sum();
        timed.saturating_mul(self.every)
    }
}

/// What has happened, in words.
fn kind_of(event: &Event<'_>) -> &'static str {
    match event {
        Event::Woke => "timer",
        Event::Switched { .. } => "switch",
        Event::PlaylistChanged(_) => "playlist",
        Event::PlayheadMoved(_) => "playhead",
        Event::LoadRequested { .. } | Event::LoadAborted { .. } => "load",
        Event::SegmentInserted { .. } => "segment inserted",
        Event::TrackerOpened { .. }
        | Event::TrackerClosed { .. }
        | Event::TrackerMessage { .. } => "tracker",
        Event::OfferCreated { .. }
        | Event::AnswerCreated { .. }
        | Event::ConnOpened { .. }
        | Event::ConnClosed { .. } => "connection",
        Event::PeerMessage { head, .. } => kind_of_message(head),
        Event::SendDrained { .. } => "channel drained",
        Event::FetchStarted { .. } | Event::FetchEnded { .. } | Event::FetchFailed { .. } => {
            "CDN: begin or end"
        }
        Event::FetchBytes { .. } => "CDN: bytes",
        Event::LeavesHashed { .. } => "leaves hashed",
        Event::SegmentHashed { .. } => "segment hashed",
    }
}

fn kind_of_message(head: &[u8]) -> &'static str {
    if head.first() == Some(&CHUNK_TAG) {
        return "peer: chunk";
    }
    match wire::decode(head) {
        Ok(Some(Message::Have { .. } | Message::HaveMore { .. })) => "peer: have",
        Ok(Some(Message::Request { .. } | Message::Cancel { .. })) => "peer: request",
        Ok(Some(Message::Leaves { .. })) => "peer: leaf hashes",
        _ => "peer: other",
    }
}
