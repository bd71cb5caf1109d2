//! A part of the world that one thread works through: some of the viewers, their queue, their ledger; the
//! first shard has the trackers as well.

use crate::core::time::Time;
use crate::sim::desk::Desk;
use crate::sim::event::Scheduled;
use crate::sim::ledger::Ledger;
use crate::sim::listings::Listings;
use crate::sim::post::{Post, shard_of, tracker_at};
use crate::sim::queue::{Entry, EventQueue, Key};
use crate::sim::scenario::{Roster, Scenario};
use crate::sim::stream::Stream;
use crate::sim::viewer::{Ctx, Record, Spare, Viewer};

/// What every shard may read.
pub(super) struct Setting {
    pub(super) scenario: Scenario,
    pub(super) roster: Roster,
    pub(super) stream: Stream,
}

/// One part.
pub(super) struct Shard {
    number: u32,
    count: u32,
    queue: EventQueue<Scheduled>,
    /// In the order of their numbers.
    viewers: Vec<Viewer>,
    desks: Vec<Desk>,
    listings: Listings,
    spare: Spare,
    pub(super) ledger: Ledger,
    /// For every other shard.
    pub(super) bags: Vec<Vec<Entry<Scheduled>>>,
}

impl Shard {
    /// Part `number` of `count`, before anything has happened.
    pub(super) fn new(setting: &Setting, number: u32, count: u32, window_us: u64) -> Self {
        let scenario = &setting.scenario;
        let own = |id: &u32| shard_of(*id, count) == number;
        let seats = (0_u32..).zip(setting.roster.iter());
        let viewers = seats.filter(|(id, _)| own(id));
        let trackers = if number == 0 { scenario.trackers } else { 0 };
        Self {
            number,
            count,
            queue: EventQueue::new(window_us),
            viewers: viewers
                .map(|(id, seat)| Viewer::new(id, scenario, seat))
                .collect(),
            desks: (0..trackers).map(|n| Desk::new(scenario, n)).collect(),
            listings: Listings::default(),
            spare: Spare::default(),
            ledger: Ledger::new(setting.stream.len(), scenario.measure_from),
            bags: (0..count).map(|_| Vec::new()).collect(),
        }
    }

    /// Takes an event that happens here.
    pub(super) fn accept(&mut self, entry: Entry<Scheduled>) {
        self.queue.push(entry.key, entry.event);
    }

    /// Events ever scheduled here.
    pub(super) fn scheduled(&self) -> u64 {
        self.queue.scheduled()
    }

    /// Lets everything happen up to `until`; says how many events that were.
    pub(super) fn work(&mut self, setting: &Setting, until: Time) -> u64 {
        let mut count = 0;
        while let Some(entry) = self.queue.pop_until(until) {
            count += 1;
            match entry.event {
                Scheduled::Viewer(happening) => {
                    self.with_viewer(setting, entry.key, |viewer, ctx| {
                        viewer.handle(ctx, happening);
                    });
                }
                news => self.at_desk(entry.key, news),
            }
        }
        count
    }

    fn at_desk(&mut self, key: Key, news: Scheduled) {
        let desk = tracker_at(key.place).and_then(|at| self.desks.get_mut(at));
        let Some(desk) = desk else {
            return;
        };
        let mut post = Post {
            shard: self.number,
            shards: self.count,
            queue: &mut self.queue,
            bags: &mut self.bags,
        };
        match news {
            Scheduled::Tracker(news) => {
                desk.attend(key.at, key.from, news, &mut post, &mut self.ledger);
            }
            _ => desk.fall(key.at, &mut post),
        }
    }

    fn with_viewer(
        &mut self,
        setting: &Setting,
        key: Key,
        then: impl FnOnce(&mut Viewer, &mut Ctx<'_>),
    ) {
        let at = (key.place / self.count) as usize;
        let Some(viewer) = self.viewers.get_mut(at) else {
            return;
        };
        let mut ctx = Ctx {
            now: key.at,
            id: key.place,
            seq: viewer.sent,
            scenario: &setting.scenario,
            roster: &setting.roster,
            stream: &setting.stream,
            listings: &mut self.listings,
            spare: &mut self.spare,
            post: Post {
                shard: self.number,
                shards: self.count,
                queue: &mut self.queue,
                bags: &mut self.bags,
            },
            ledger: &mut self.ledger,
        };
        then(viewer, &mut ctx);
        viewer.sent = ctx.seq;
    }

    /// Closes every viewer's books.
    pub(super) fn finish(&mut self, setting: &Setting, now: Time) {
        let places = (self.number..).step_by(self.count as usize);
        for (place, _) in places.zip(0..self.viewers.len()) {
            let key = Key {
                at: now,
                place,
                from: place,
                seq: 0,
            };
            self.with_viewer(setting, key, |viewer, ctx| viewer.finish(ctx));
        }
    }

    /// The tables of all engines in this shard.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.viewers.iter().flat_map(|viewer| viewer.tables())
    }

    /// What is kept of a viewer of this shard.
    pub(super) fn record(&self, viewer: u32) -> Option<&Record> {
        let viewer = self.viewers.get((viewer / self.count) as usize)?;
        Some(viewer.record())
    }
}
