//! Where an event goes: into the own queue, or into the bag for another shard.

use crate::core::ids::TrackerId;
use crate::sim::event::Scheduled;
use crate::sim::queue::{Entry, EventQueue, Key};

/// Trackers are places from here on; viewers are below.
const TRACKERS: u32 = 1 << 31;

/// What is planned before the run comes from here.
pub(super) const PLAN: u32 = u32::MAX;

/// The place of a tracker.
pub(super) fn tracker_place(tracker: TrackerId) -> u32 {
    TRACKERS + u32::from(tracker.0)
}

/// The tracker at a place; `None`: a viewer's.
pub(super) fn tracker_at(place: u32) -> Option<usize> {
    Some(place.checked_sub(TRACKERS)? as usize)
}

/// Which of `count` shards a place belongs to: viewers in turn, all trackers to the first.
pub(super) fn shard_of(place: u32, count: u32) -> u32 {
    if place >= TRACKERS {
        0
    } else {
        place % count.max(1)
    }
}

/// One shard's way out.
pub(super) struct Post<'a> {
    pub(super) shard: u32,
    pub(super) shards: u32,
    pub(super) queue: &'a mut EventQueue<Scheduled>,
    pub(super) bags: &'a mut [Vec<Entry<Scheduled>>],
}

impl Post<'_> {
    /// Sends an event.
    pub(super) fn push(&mut self, key: Key, event: Scheduled) {
        let shard = shard_of(key.place, self.shards);
        if shard == self.shard {
            self.queue.push(key, event);
        } else if let Some(bag) = self.bags.get_mut(shard as usize) {
            bag.push(Entry { key, event });
        }
    }
}
