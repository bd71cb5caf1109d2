//! The run: takes events from the queue in order and hands each to the one it happens to.

use crate::core::ids::TrackerId;
use crate::core::time::Time;
use crate::sim::chance::{Purpose, stream};
use crate::sim::event::{FromTracker, Happening, Scheduled, ToTracker};
use crate::sim::ledger::Ledger;
use crate::sim::queue::EventQueue;
use crate::sim::report::Report;
use crate::sim::scenario::{Roster, Scenario, What};
use crate::sim::stream::Stream;
use crate::sim::tracker::{Outgoing, Tracker};
use crate::sim::viewer::{Ctx, Viewer};
use std::collections::BTreeMap;

/// A simulated world, at some virtual time.
pub struct World {
    scenario: Scenario,
    roster: Roster,
    stream: Stream,
    queue: EventQueue<Scheduled>,
    ledger: Ledger,
    viewers: Vec<Viewer>,
    desks: Vec<Desk>,
    clock: Time,
}

/// A tracker and the sockets open to it: viewer and socket number.
struct Desk {
    tracker: Tracker,
    sockets: BTreeMap<u32, u32>,
}

impl World {
    /// The world before anything has happened.
    pub fn new(scenario: Scenario) -> Self {
        let roster = Roster::new(&scenario);
        let stream = Stream::new(scenario.seed, scenario.stream.clone(), scenario.span);
        let viewers = (0_u32..)
            .zip(roster.iter())
            .map(|(id, seat)| Viewer::new(id, &scenario, seat))
            .collect();
        let mut world = Self {
            ledger: Ledger::new(stream.len(), scenario.measure_from),
            desks: (0..scenario.trackers).map(|n| desk(&scenario, n)).collect(),
            queue: EventQueue::new(),
            clock: Time(0),
            roster,
            stream,
            viewers,
            scenario,
        };
        world.plan();
        world
    }

    /// Keeps a log of what passes between this viewer's host and its engine.
    #[must_use]
    pub fn watch(mut self, viewer: u32) -> Self {
        self.ledger.watch(viewer);
        self
    }

    /// Times every 64th call of the engine with this clock, in ns.
    #[must_use]
    pub fn timed(mut self, clock: fn() -> u64) -> Self {
        self.ledger.time_with(clock);
        self
    }

    /// Time spent in the engine, in ns, over all threads, as estimated from the calls that were timed.
    pub fn engine_ns(&self) -> u64 {
        self.ledger.engine_ns()
    }

    /// As [`World::advance`], on so many threads.
    pub fn advance_on(&mut self, _threads: usize, until: Time) -> u64 {
        self.advance(until)
    }

    /// The log so far.
    pub fn log(&self) -> &[String] {
        self.ledger.log()
    }

    /// Everything that is known to happen.
    fn plan(&mut self) {
        let measured = self.scenario.measure_from;
        for (id, seat) in (0_u32..).zip(self.roster.iter()) {
            let mut plan = |at, what| self.queue.push(at, Scheduled::Viewer(id, what));
            plan(seat.arrives, Happening::Arrives);
            if let Some((at, how)) = seat.leaves {
                plan(at, Happening::Meets(What::Leave(how)));
            }
            if measured > Time(0) && seat.arrives < measured {
                plan(measured, Happening::Counts);
            }
        }
        let leaves = |what: &What| matches!(what, What::Leave(_));
        for incident in self.scenario.incidents.iter().filter(|i| !leaves(&i.what)) {
            for id in incident.viewers.clone() {
                let meets = Scheduled::Viewer(id, Happening::Meets(incident.what));
                self.queue.push(incident.at, meets);
            }
        }
        for outage in &self.scenario.tracker.outages {
            for tracker in 0..self.scenario.trackers {
                let falls = Scheduled::Outage(TrackerId(tracker));
                self.queue.push(Time(outage.start), falls);
            }
        }
    }

    /// How many viewers are there at virtual time `at`.
    pub fn audience(&self, at: Time) -> usize {
        let ids = (0_u32..).zip(self.roster.iter());
        ids.filter(|(id, _)| self.roster.is_there(*id, at)).count()
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.clock
    }

    /// Lets everything happen up to `until`; says how many events that were.
    pub fn advance(&mut self, until: Time) -> u64 {
        let mut count = 0;
        self.clock = self.clock.max(until);
        while let Some((now, scheduled)) = self.queue.pop_until(until) {
            count += 1;
            match scheduled {
                Scheduled::Viewer(id, happening) => self.happen(now, id, happening),
                Scheduled::Tracker(tracker, id, news) => self.attend(now, tracker, id, news),
                Scheduled::Outage(tracker) => self.fall(now, tracker),
            }
        }
        count
    }

    /// Runs to the end and reports.
    pub fn run(mut self) -> Report {
        let end = Time(0) + self.scenario.span;
        self.advance(end);
        self.finish()
    }

    /// Ends the run here and reports.
    pub fn finish(mut self) -> Report {
        let now = self.clock;
        let mut ctx = Ctx {
            now,
            scenario: &self.scenario,
            roster: &self.roster,
            stream: &self.stream,
            queue: &mut self.queue,
            ledger: &mut self.ledger,
        };
        for viewer in &mut self.viewers {
            viewer.finish(&mut ctx);
        }
        let records: Vec<_> = self.viewers.iter().map(Viewer::record).collect();
        Report::new(
            &self.scenario,
            &self.roster,
            &self.stream,
            &self.ledger,
            &records,
            self.queue.scheduled(),
        )
    }

    fn happen(&mut self, now: Time, id: u32, happening: Happening) {
        let Some(viewer) = self.viewers.get_mut(id as usize) else {
            return;
        };
        let mut ctx = Ctx {
            now,
            scenario: &self.scenario,
            roster: &self.roster,
            stream: &self.stream,
            queue: &mut self.queue,
            ledger: &mut self.ledger,
        };
        viewer.handle(&mut ctx, happening);
    }

    fn attend(&mut self, now: Time, id: TrackerId, viewer: u32, news: ToTracker) {
        let Some(desk) = self.desks.get_mut(usize::from(id.0)) else {
            return;
        };
        let down = desk.tracker.spec().is_down(now.0);
        match news {
            ToTracker::Open(socket) if down => {
                self.answer(now, id, viewer, socket, FromTracker::Closed);
            }
            ToTracker::Open(socket) => {
                desk.sockets.insert(viewer, socket);
                self.answer(now, id, viewer, socket, FromTracker::Opened);
            }
            ToTracker::Text(socket, text) => {
                if desk.sockets.get(&viewer) == Some(&socket) {
                    match desk.tracker.message(viewer, &text) {
                        Ok(outgoing) => self.distribute(now, id, outgoing),
                        Err(error) => self
                            .ledger
                            .violation(now, viewer, "tracker protocol", error),
                    }
                }
            }
            ToTracker::Close(socket) => {
                if desk.sockets.get(&viewer) == Some(&socket) {
                    desk.sockets.remove(&viewer);
                    desk.tracker.leave(viewer);
                }
            }
        }
    }

    fn distribute(&mut self, now: Time, id: TrackerId, outgoing: Vec<Outgoing>) {
        for (viewer, text) in outgoing {
            let desk = self.desks.get(usize::from(id.0));
            let socket = desk.and_then(|desk| desk.sockets.get(&viewer).copied());
            if let Some(socket) = socket {
                self.answer(now, id, viewer, socket, FromTracker::Text(text));
            }
        }
    }

    fn answer(&mut self, now: Time, id: TrackerId, viewer: u32, socket: u32, news: FromTracker) {
        let at = Time(now.0 + self.scenario.tracker.one_way_us);
        let happening = Happening::Tracker(id, socket, news);
        self.queue.push(at, Scheduled::Viewer(viewer, happening));
    }

    /// A tracker goes down: every socket closes.
    fn fall(&mut self, now: Time, id: TrackerId) {
        let Some(desk) = self.desks.get_mut(usize::from(id.0)) else {
            return;
        };
        desk.tracker.clear();
        for (viewer, socket) in std::mem::take(&mut desk.sockets) {
            self.answer(now, id, viewer, socket, FromTracker::Closed);
        }
    }
}

fn desk(scenario: &Scenario, number: u16) -> Desk {
    let rng = stream(scenario.seed, Purpose::Tracker, &[u64::from(number)]);
    Desk {
        tracker: Tracker::new(scenario.tracker.clone(), rng),
        sockets: BTreeMap::new(),
    }
}
