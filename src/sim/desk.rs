//! A tracker in the world: its sockets, and what travels on them.

use crate::core::ids::TrackerId;
use crate::core::time::Time;
use crate::sim::chance::{Purpose, stream};
use crate::sim::event::{FromTracker, Happening, Scheduled, ToTracker};
use crate::sim::ledger::Ledger;
use crate::sim::post::{Post, tracker_place};
use crate::sim::queue::Key;
use crate::sim::scenario::Scenario;
use crate::sim::tracker::{Outgoing, Tracker};
use std::collections::BTreeMap;

/// A tracker and the sockets open to it: viewer and socket number.
pub(super) struct Desk {
    id: TrackerId,
    tracker: Tracker,
    sockets: BTreeMap<u32, u32>,
    one_way_us: u64,
    seq: u32,
}

impl Desk {
    pub(super) fn new(scenario: &Scenario, number: u16) -> Self {
        let rng = stream(scenario.seed, Purpose::Tracker, &[u64::from(number)]);
        Self {
            id: TrackerId(number),
            tracker: Tracker::new(scenario.tracker.clone(), rng),
            sockets: BTreeMap::new(),
            one_way_us: scenario.tracker.one_way_us,
            seq: 0,
        }
    }

    /// Something came from a viewer.
    pub(super) fn attend(
        &mut self,
        now: Time,
        viewer: u32,
        news: ToTracker,
        post: &mut Post<'_>,
        ledger: &mut Ledger,
    ) {
        let down = self.tracker.spec().is_down(now.0);
        match news {
            ToTracker::Open(socket) if down => {
                self.answer(now, viewer, socket, FromTracker::Closed, post);
            }
            ToTracker::Open(socket) => {
                self.sockets.insert(viewer, socket);
                self.answer(now, viewer, socket, FromTracker::Opened, post);
            }
            ToTracker::Text(socket, text) => {
                if self.sockets.get(&viewer) == Some(&socket) {
                    match self.tracker.message(viewer, &text) {
                        Ok(outgoing) => self.distribute(now, outgoing, post),
                        Err(error) => ledger.violation(now, viewer, "tracker protocol", error),
                    }
                }
            }
            ToTracker::Close(socket) => {
                if self.sockets.get(&viewer) == Some(&socket) {
                    self.sockets.remove(&viewer);
                    self.tracker.leave(viewer);
                }
            }
        }
    }

    fn distribute(&mut self, now: Time, outgoing: Vec<Outgoing>, post: &mut Post<'_>) {
        for (viewer, text) in outgoing {
            if let Some(socket) = self.sockets.get(&viewer).copied() {
                self.answer(now, viewer, socket, FromTracker::Text(text), post);
            }
        }
    }

    fn answer(
        &mut self,
        now: Time,
        viewer: u32,
        socket: u32,
        news: FromTracker,
        post: &mut Post<'_>,
    ) {
        let key = Key {
            at: Time(now.0 + self.one_way_us),
            place: viewer,
            from: tracker_place(self.id),
            seq: self.seq,
        };
        self.seq += 1;
        let happening = Happening::Tracker(self.id, socket, news);
        post.push(key, Scheduled::Viewer(happening));
    }

    /// The tracker goes down: every socket closes.
    pub(super) fn fall(&mut self, now: Time, post: &mut Post<'_>) {
        self.tracker.clear();
        for (viewer, socket) in std::mem::take(&mut self.sockets) {
            self.answer(now, viewer, socket, FromTracker::Closed, post);
        }
    }
}
