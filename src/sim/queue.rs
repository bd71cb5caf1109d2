//! The event queue: virtual time in windows, strictly ordered at every place.
//!
//! Invariants: at one place, what comes out next has the smallest [`Key`] of all that waits there; windows come
//! one after the other, and inside a window one place after the other. Keys say where an event goes and who
//! sent it, so that the order at a place does not depend on what else is in the queue, or
//! on how places are divided among queues. As nothing gets from one place to another within a window, that is
//! as good as the order of time, and what belongs to one viewer stays in the processor's cache meanwhile.
//!
//! A calendar: near events lie unsorted in one bucket for each window, a bucket is sorted when its time comes, far
//! events wait in a map until their bucket comes near. Pushing is a push to the end of a vector.

use crate::core::time::Time;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// Where an event happens and when, who sent it, and its number among all that this sender sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// Where.
    pub place: u32,
    /// When.
    pub at: Time,
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

/// Windows that are near: 5 s of 5 ms.
const NEAR: u64 = 1 << 10;

/// Pending events of type `T`.
pub struct EventQueue<T> {
    /// Length of a window in µs.
    width: u64,
    /// Number of the present window.
    cursor: u64,
    /// Of the present window, what is up to here has come out or is in `present` or `late`.
    horizon: Time,
    /// What is left of the present window, first last.
    present: Vec<Entry<T>>,
    /// What was scheduled for the present window, or before it, after it was opened.
    late: BinaryHeap<Entry<T>>,
    /// What of the present window is beyond the horizon.
    beyond: Vec<Entry<T>>,
    near: Vec<Vec<Entry<T>>>,
    near_count: usize,
    far: BTreeMap<u64, Vec<Entry<T>>>,
    len: usize,
    scheduled: u64,
}

impl<T> EventQueue<T> {
    /// An empty queue at time zero, with windows of so many microseconds: no more than anything takes from one
    /// place to another.
    pub fn new(width_us: u64) -> Self {
        Self {
            width: width_us.max(1),
            cursor: 0,
            horizon: Time(0),
            present: Vec::new(),
            late: BinaryHeap::new(),
            beyond: Vec::new(),
            near: (0..NEAR).map(|_| Vec::new()).collect(),
            near_count: 0,
            far: BTreeMap::new(),
            len: 0,
            scheduled: 0,
        }
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

    /// Schedules an event.
    pub fn push(&mut self, key: Key, event: T) {
        let entry = Entry { key, event };
        self.len += 1;
        self.scheduled += 1;
        let bucket = key.at.0 / self.width;
        if bucket <= self.cursor {
            if key.at <= self.horizon {
                self.late.push(entry);
            } else {
                self.beyond.push(entry);
            }
        } else if bucket - self.cursor < NEAR
            && let Some(slot) = self.near.get_mut(slot(bucket))
        {
            self.near_count += 1;
            slot.push(entry);
        } else {
            self.far.entry(bucket).or_default().push(entry);
        }
    }

    /// The next event not later than `until`.
    pub fn pop_until(&mut self, until: Time) -> Option<Entry<T>> {
        loop {
            if let Some(entry) = self.pop_present() {
                self.len -= 1;
                return Some(entry);
            }
            let last = Time((self.cursor + 1) * self.width - 1);
            if self.horizon < last.min(until) {
                self.horizon = last.min(until);
                self.look_further();
            } else if last >= until {
                return None;
            } else {
                self.open_next(until);
            }
        }
    }

    fn pop_present(&mut self) -> Option<Entry<T>> {
        // Greater comes first.
        match (self.present.last(), self.late.peek()) {
            (Some(a), Some(b)) if b > a => self.late.pop(),
            (None, Some(_)) => self.late.pop(),
            _ => self.present.pop(),
        }
    }

    /// The horizon has moved.
    fn look_further(&mut self) {
        let horizon = self.horizon;
        let seen = self.beyond.extract_if(.., |entry| entry.key.at <= horizon);
        self.present.extend(seen);
        self.present.sort_unstable();
    }

    /// Goes on to the next window with anything in it, but not past that of `until`.
    fn open_next(&mut self, until: Time) {
        let last = until.0 / self.width;
        let mut next = self.cursor + 1;
        if self.near_count == 0 {
            let first = self.far.first_key_value().map_or(last, |(at, _)| *at);
            next = first.min(last).max(next);
        }
        self.cursor = next;
        // Before all of the window: nothing is seen of it yet.
        self.horizon = Time(next * self.width - 1);
        if let Some(bucket) = self.near.get_mut(slot(next)) {
            self.near_count -= bucket.len();
            self.beyond = std::mem::take(bucket);
        }
        self.bring_near();
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
                self.beyond.append(&mut entries);
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
            place,
            at: Time(at),
            from,
            seq,
        }
    }

    #[test]
    fn in_a_window_one_place_comes_after_the_other() {
        let mut queue = EventQueue::new(10);
        let sorted = [
            key(5, 0, 2, 7),
            key(5, 0, 3, 0),
            key(5, 0, 3, 1),
            key(5, 1, 0, 0),
            key(1, 2, 9, 8),
            key(1, 2, 9, 9),
            key(11, 0, 0, 0),
        ];
        for at in [3, 1, 6, 0, 5, 2, 4] {
            queue.push(sorted[at], ());
        }
        let out: Vec<Key> = std::iter::from_fn(|| queue.pop_until(Time(20)))
            .map(|entry| entry.key)
            .collect();
        assert_eq!(out, sorted);
    }

    /// Places get their events in the order of time, sender and number, whatever the window and however time is cut.
    #[test]
    fn agrees_with_a_sorted_list_near_and_far() {
        for width in [1, 7, 128, 5_000] {
            let mut rng = fastrand::Rng::with_seed(width);
            let mut queue = EventQueue::new(width);
            let mut truth: Vec<Key> = Vec::new();
            let mut until = 0;
            for seq in 0..20_000 {
                let ahead = 1_u64 << rng.u32(0..25);
                let key = key(until + rng.u64(1..=ahead), rng.u32(0..9), 0, seq);
                queue.push(key, seq);
                truth.push(key);
                if rng.u32(0..50) == 0 {
                    until += 1 << rng.u32(0..23);
                    let (mut due, rest): (Vec<_>, Vec<_>) =
                        truth.into_iter().partition(|key| key.at.0 <= until);
                    truth = rest;
                    let mut out: Vec<Key> = std::iter::from_fn(|| queue.pop_until(Time(until)))
                        .map(|entry| entry.key)
                        .collect();
                    let window = |key: &Key| key.at.0 / width;
                    assert!(out.is_sorted_by_key(window), "width {width}");
                    out.sort_by_key(|key| key.place);
                    due.sort_unstable();
                    assert_eq!(out, due, "width {width}");
                }
            }
            assert_eq!(queue.len(), truth.len());
        }
    }

    #[test]
    fn what_a_place_sends_itself_comes_before_the_next_place() {
        let mut queue = EventQueue::new(100);
        queue.push(key(5, 1, 0, 0), ());
        queue.push(key(2, 2, 0, 0), ());
        assert_eq!(queue.pop_until(Time(99)).map(|e| e.key.place), Some(1));
        queue.push(key(50, 1, 1, 0), ());
        queue.push(key(120, 1, 1, 1), ());
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop_until(Time(99)))
            .map(|entry| (entry.key.place, entry.key.at.0))
            .collect();
        assert_eq!(rest, [(1, 50), (2, 2)]);
        assert_eq!(queue.len(), 1);
    }
}
