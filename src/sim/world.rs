//! The run: lets everything happen in order, on as many threads as are given.
//!
//! The world is divided into shards. What passes from one viewer to another, or to a tracker, takes
//! at least the shortest one-way delay; so every shard can work through a window of that length by itself,
//! one viewer after the other, and what was sent to others is handed over at the window's end. The order in
//! which things happen to one viewer depends on keys alone ([`crate::sim::queue`]), so that a run is the same on any number of threads.

use crate::core::ids::TrackerId;
use crate::core::time::Time;
use crate::sim::event::{Happening, Scheduled};
use crate::sim::gate::Gate;
use crate::sim::ledger::Ledger;
use crate::sim::post::{PLAN, shard_of, tracker_place};
use crate::sim::queue::{Entry, Key};
use crate::sim::report::Report;
use crate::sim::scenario::{Roster, Scenario, What};
use crate::sim::shard::{Setting, Shard};
use crate::sim::stream::Stream;
use crate::sim::timing::{Clock, Timing};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Windows shorter than this are not worth a second thread.
const SHORTEST_WINDOW_US: u64 = 1_000;

/// A simulated world, at some virtual time.
pub struct World {
    setting: Setting,
    shards: Vec<Shard>,
    window_us: u64,
    clock: Time,
}

impl World {
    /// The world before anything has happened, for one thread.
    pub fn new(scenario: Scenario) -> Self {
        Self::on_threads(scenario, 1)
    }

    /// The same for so many threads, where delays between viewers are long enough for more than one.
    pub fn on_threads(scenario: Scenario, threads: usize) -> Self {
        let setting = Setting {
            roster: Roster::new(&scenario),
            stream: Stream::new(scenario.seed, scenario.stream.clone(), scenario.span),
            scenario,
        };
        let window_us = shortest_delay_us(&setting.scenario);
        let count = if window_us < SHORTEST_WINDOW_US {
            1
        } else {
            u32::try_from(threads.clamp(1, 256)).unwrap_or(1)
        };
        let mut world = Self {
            shards: (0..count)
                .map(|number| Shard::new(&setting, number, count, window_us))
                .collect(),
            setting,
            window_us,
            clock: Time(0),
        };
        world.plan();
        world
    }

    /// Keeps a log of what passes between this viewer's host and its engine.
    #[must_use]
    pub fn watch(mut self, viewer: u32) -> Self {
        self.ledgers().for_each(|ledger| ledger.watch(viewer));
        self
    }

    /// Times one of `every` calls of the engine with this clock, in ns.
    #[must_use]
    pub fn timed(mut self, clock: Clock, every: u64) -> Self {
        self.ledgers()
            .for_each(|ledger| ledger.timing.time_with(clock, every));
        self
    }

    fn ledgers(&mut self) -> impl Iterator<Item = &mut Ledger> {
        self.shards.iter_mut().map(|shard| &mut shard.ledger)
    }

    /// Time spent in the engine over all threads, of the calls that were timed.
    pub fn timing(&self) -> Timing {
        let mut all = Timing::default();
        let shards = self.shards.iter();
        shards.for_each(|shard| all.absorb(&shard.ledger.timing));
        all
    }

    /// Threads that the run takes.
    pub fn threads(&self) -> usize {
        self.shards.len()
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        let logs = self.shards.iter().map(|shard| shard.ledger.log());
        logs.flatten().cloned().collect()
    }

    /// Everything that is known to happen.
    fn plan(&mut self) {
        let mut planned: Vec<(Time, u32, Scheduled)> = Vec::new();
        let mut viewer = |at, id, what| planned.push((at, id, Scheduled::Viewer(what)));
        let scenario = &self.setting.scenario;
        let measured = scenario.measure_from;
        for (id, seat) in (0_u32..).zip(self.setting.roster.iter()) {
            viewer(seat.arrives, id, Happening::Arrives);
            if let Some((at, how)) = seat.leaves {
                viewer(at, id, Happening::Meets(What::Leave(how)));
            }
            if measured > Time(0) && seat.arrives < measured {
                viewer(measured, id, Happening::Counts);
            }
        }
        let leaves = |what: &What| matches!(what, What::Leave(_));
        for incident in scenario.incidents.iter().filter(|i| !leaves(&i.what)) {
            for id in incident.viewers.clone() {
                viewer(incident.at, id, Happening::Meets(incident.what));
            }
        }
        for outage in &scenario.tracker.outages {
            let trackers = (0..scenario.trackers).map(|n| tracker_place(TrackerId(n)));
            planned.extend(trackers.map(|place| (Time(outage.start), place, Scheduled::Outage)));
        }
        for (seq, (at, place, event)) in (0..).zip(planned) {
            let key = Key {
                place,
                at,
                from: PLAN,
                seq,
            };
            self.accept(Entry { key, event });
        }
    }

    fn accept(&mut self, entry: Entry<Scheduled>) {
        let count = u32::try_from(self.shards.len()).unwrap_or(1);
        let shard = shard_of(entry.key.place, count) as usize;
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.accept(entry);
        }
    }

    /// How many viewers are there at virtual time `at`.
    pub fn audience(&self, at: Time) -> usize {
        let seats = self.setting.roster.iter();
        seats.filter(|seat| seat.is_there(at)).count()
    }

    /// The most entries that any engine has now in each of its tables, by name.
    pub fn tables(&self) -> BTreeMap<&'static str, usize> {
        let mut most = BTreeMap::new();
        for (name, entries) in self.shards.iter().flat_map(|shard| shard.tables()) {
            let largest = most.entry(name).or_insert(0);
            *largest = entries.max(*largest);
        }
        most
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.clock
    }

    /// Lets everything happen up to `until`; says how many events that were.
    pub fn advance(&mut self, until: Time) -> u64 {
        let from = self.clock;
        self.clock = self.clock.max(until);
        let (setting, window_us) = (&self.setting, self.window_us);
        let Some((first, others)) = self.shards.split_first_mut() else {
            return 0;
        };
        if others.is_empty() {
            return first.work(setting, until);
        }
        let exchange = Exchange::new(others.len() + 1);
        let span = Span {
            from,
            until,
            window_us,
        };
        std::thread::scope(|scope| {
            let spawn = |(shard, number)| {
                let exchange = &exchange;
                scope.spawn(move || span.work(setting, shard, number, exchange))
            };
            let threads: Vec<_> = others.iter_mut().zip(1..).map(spawn).collect();
            let own = span.work(setting, first, 0, &exchange);
            let counts = threads.into_iter().map(|thread| match thread.join() {
                Ok(count) => count,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            own + counts.sum::<u64>()
        })
    }

    /// Runs to the end and reports.
    pub fn run(mut self) -> Report {
        let end = Time(0) + self.setting.scenario.span;
        self.advance(end);
        self.finish()
    }

    /// Ends the run here and reports.
    pub fn finish(mut self) -> Report {
        let now = self.clock;
        for shard in &mut self.shards {
            shard.finish(&self.setting, now);
        }
        let mut ledger = Ledger::new(
            self.setting.stream.len(),
            self.setting.scenario.measure_from,
        );
        for shard in &mut self.shards {
            ledger.absorb(std::mem::take(&mut shard.ledger));
        }
        let count = u32::try_from(self.shards.len()).unwrap_or(1);
        let ids = (0_u32..).zip(self.setting.roster.iter());
        let records: Vec<_> = ids
            .filter_map(|(id, _)| self.shards.get(shard_of(id, count) as usize)?.record(id))
            .collect();
        Report::new(
            &self.setting.scenario,
            &self.setting.roster,
            &self.setting.stream,
            &ledger,
            &records,
            self.shards.iter().map(Shard::scheduled).sum(),
        )
    }
}

/// Nothing gets from one viewer to another, or to a tracker and back, in less time.
fn shortest_delay_us(scenario: &Scenario) -> u64 {
    let network = &scenario.network;
    let core = network.core_rtt_us.start().min(network.far_rtt_us.start());
    let viewers = network.access_rtt_us.start() + core / 2;
    let set_up = *network.setup_us.start();
    let notice = *network.late_notice_us.start();
    let others = scenario.tracker.one_way_us.min(set_up).min(notice);
    viewers.min(others)
}

/// What shards hand over to each other: by round (even or odd), receiver and sender.
struct Exchange {
    shards: usize,
    bags: [Vec<Mutex<Vec<Entry<Scheduled>>>>; 2],
    gate: Gate,
}

impl Exchange {
    fn new(shards: usize) -> Self {
        let bags = || (0..shards * shards).map(|_| Mutex::default()).collect();
        Self {
            shards,
            bags: [bags(), bags()],
            gate: Gate::new(shards),
        }
    }

    /// Changes the content of a bag.
    fn swap(&self, round: usize, to: usize, from: usize, content: &mut Vec<Entry<Scheduled>>) {
        let bags = self.bags.get(round % 2);
        if let Some(bag) = bags.and_then(|bags| bags.get(to * self.shards + from)) {
            let mut bag = bag.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *bag, content);
        }
    }
}

/// Virtual time to work through in windows.
#[derive(Clone, Copy)]
struct Span {
    from: Time,
    until: Time,
    window_us: u64,
}

impl Span {
    fn work(self, setting: &Setting, shard: &mut Shard, own: usize, exchange: &Exchange) -> u64 {
        let _member = exchange.gate.member();
        let (mut start, mut round, mut count) = (self.from.0, 0, 0);
        loop {
            let window = start / self.window_us.max(1);
            let last = ((window + 1) * self.window_us.max(1) - 1).min(self.until.0);
            count += shard.work(setting, Time(last));
            for (to, bag) in shard.bags.iter_mut().enumerate() {
                exchange.swap(round, to, own, bag);
            }
            if !exchange.gate.pass() {
                return count;
            }
            for from in 0..exchange.shards {
                let mut bag = Vec::new();
                exchange.swap(round, own, from, &mut bag);
                bag.into_iter().for_each(|entry| shard.accept(entry));
            }
            if last == self.until.0 {
                return count;
            }
            start = last + 1;
            round += 1;
        }
    }
}
