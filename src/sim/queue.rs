//! The event queue: virtual time, strictly ordered.
//!
//! Invariants: what comes out next has the smallest [`Key`] of all that waits; keys say where an event goes and
//! who sent it, so that the order at one place does not depend on what else is in the queue, or
//! on how places are divided among queues; nothing comes out before the time of what came out last.
//!
//! A calendar: near events lie unsorted in buckets of 128 µs, a bucket is sorted when its time comes, far events
//! wait in a map until their bucket comes near. Pushing is a push to the end of a vector.

use crate::core::time::Time;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// When an event happens and where, who sent it, and its number among all that this sender sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// When.
    pub at: Time,
    /// Where.
    pub place: u32,
    /// From whom.
    pub from: u32,
    /// The sender's number.
    pub seq: u32,
}

/// An event and its key.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// Its place in the order.
    pub key: Key,
    /// What happens.
    pub event: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// Earliest last: heaps and sorted vectors give up their greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// Microseconds in a bucket, as a power of two.
const WIDTH: u32 = 7;

/// Buckets that are near: 2.1 s.
const NEAR: u64 = 1 << 14;

/// Pending events of type `T`.
pub struct EventQueue<T> {
    /// The present bucket, earliest last.
    present: Vec<Entry<T>>,
    /// What was scheduled for the present bucket, or before it, after it was opened.
    late: BinaryHeap<Entry<T>>,
    /// Number of the present bucket.
    cursor: u64,
    near: Vec<Vec<Entry<T>>>,
    near_count: usize,
    far: BTreeMap<u64, Vec<Entry<T>>>,
    now: Time,
    len: usize,
    scheduled: u64,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> EventQueue<T> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        Self {
            present: Vec::new(),
            late: BinaryHeap::new(),
            cursor: 0,
            near: (0..NEAR).map(|_| Vec::new()).collect(),
            near_count: 0,
            far: BTreeMap::new(),
            now: Time(0),
            len: 0,
            scheduled: 0,
        }
    }

    /// Virtual time: that of the event that came out last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Events waiting.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Events ever scheduled.
    pub fn scheduled(&self) -> u64 {
        self.scheduled
    }

    /// Schedules an event; a time that has passed means now.
    pub fn push(&mut self, key: Key, event: T) {
        let at = key.at.max(self.now);
        let entry = Entry {
            key: Key { at, ..key },
            event,
        };
        self.len += 1;
        self.scheduled += 1;
        let bucket = at.0 >> WIDTH;
        if bucket <= self.cursor {
            self.late.push(entry);
        } else if bucket - self.cursor < NEAR
            && let Some(slot) = self.near.get_mut(slot(bucket))
        {
            self.near_count += 1;
            slot.push(entry);
        } else {
            self.far.entry(bucket).or_default().push(entry);
        }
    }

    /// The next event not later than `until`; time moves to it.
    pub fn pop_until(&mut self, until: Time) -> Option<Entry<T>> {
        while self.present.is_empty() && self.late.is_empty() {
            if self.cursor >= until.0 >> WIDTH {
                return None;
            }
            self.open_next(until.0 >> WIDTH);
        }
        // Greater is earlier.
        let late = match (self.present.last(), self.late.peek()) {
            (Some(a), Some(b)) => b > a,
            (None, Some(_)) => true,
            _ => false,
        };
        let next = if late {
            self.late.peek()
        } else {
            self.present.last()
        };
        if next.is_none_or(|entry| entry.key.at > until) {
            return None;
        }
        let entry = if late {
            self.late.pop()
        } else {
            self.present.pop()
        }?;
        self.now = entry.key.at;
        self.len -= 1;
        Some(entry)
    }

    /// Goes on to the next bucket with anything in it, but not past bucket `last`.
    fn open_next(&mut self, last: u64) {
        let mut next = self.cursor + 1;
        if self.near_count == 0 {
            let first = self.far.first_key_value().map_or(last, |(at, _)| *at);
            next = first.min(last).max(next);
        }
        self.cursor = next;
        if let Some(bucket) = self.near.get_mut(slot(next)) {
            self.near_count -= bucket.len();
            self.present = std::mem::take(bucket);
        }
        self.bring_near();
        self.present.sort_unstable();
    }

    /// Far buckets that the cursor has come near to.
    fn bring_near(&mut self) {
        while let Some(first) = self.far.first_entry() {
            let bucket = *first.key();
            if bucket >= self.cursor + NEAR {
                return;
            }
            let mut entries = first.remove();
            if bucket <= self.cursor {
                self.present.append(&mut entries);
            } else if let Some(slot) = self.near.get_mut(slot(bucket)) {
                self.near_count += entries.len();
                slot.append(&mut entries);
            }
        }
    }
}

fn slot(bucket: u64) -> usize {
    usize::try_from(bucket % NEAR).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(at: u64, place: u32, from: u32, seq: u32) -> Key {
        Key {
            at: Time(at),
            place,
            from,
            seq,
        }
    }

    #[test]
    fn comes_out_by_time_place_sender_and_number() {
        let mut queue = EventQueue::new();
        let keys = [
            key(5, 1, 0, 0),
            key(1, 2, 9, 9),
            key(5, 0, 3, 1),
            key(5, 0, 3, 0),
            key(1, 2, 9, 8),
            key(5, 0, 2, 7),
        ];
        for key in keys {
            queue.push(key, ());
        }
        let mut out = Vec::new();
        while let Some(entry) = queue.pop_until(Time(9)) {
            out.push(entry.key);
        }
        let mut sorted = keys;
        sorted.sort_unstable();
        assert_eq!(out, sorted);
    }

    #[test]
    fn agrees_with_a_sorted_list_near_and_far() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut queue = EventQueue::new();
        let mut truth: Vec<Key> = Vec::new();
        let mut until = 0;
        for seq in 0..20_000 {
            let ahead = 1_u64 << rng.u32(0..25);
            let key = key(until + rng.u64(0..=ahead), rng.u32(0..9), 0, seq);
            queue.push(key, seq);
            truth.push(Key {
                at: key.at.max(queue.now()),
                ..key
            });
            if rng.u32(0..50) == 0 {
                until += 1 << rng.u32(0..23);
                truth.sort_unstable();
                let due = truth.partition_point(|key| key.at.0 <= until);
                let rest = truth.split_off(due);
                for key in std::mem::replace(&mut truth, rest) {
                    let entry = queue.pop_until(Time(until)).unwrap();
                    assert_eq!((entry.key, entry.event), (key, key.seq));
                }
                assert!(queue.pop_until(Time(until)).is_none());
            }
        }
        assert_eq!(queue.len(), truth.len());
    }

    #[test]
    fn holds_back_what_is_later_than_asked_and_never_goes_back() {
        let mut queue = EventQueue::new();
        queue.push(key(9, 0, 0, 0), 'a');
        assert!(queue.pop_until(Time(8)).is_none());
        assert_eq!(queue.pop_until(Time(9)).map(|entry| entry.event), Some('a'));
        queue.push(key(3, 0, 0, 1), 'b');
        let entry = queue.pop_until(Time(9)).unwrap();
        assert_eq!((entry.key.at, entry.event), (Time(9), 'b'));
        assert!(queue.is_empty());
    }
}
