//! The event queue: virtual time, strictly ordered.
//!
//! Invariants: what was scheduled for an earlier time comes out first; at equal times, what was
//! scheduled first comes out first; nothing comes out before the time of what came out last.
//! Payloads sit in a slab and the heap moves only 24-byte keys, so that a calendar queue can take
//! the heap's place without any other file noticing.

use crate::core::time::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: Time,
    seq: u64,
    slot: u32,
}

/// Pending events of type `T`.
#[derive(Default)]
pub struct EventQueue<T> {
    heap: BinaryHeap<Reverse<Key>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    now: Time,
    seq: u64,
}

impl<T> EventQueue<T> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            now: Time(0),
            seq: 0,
        }
    }

    /// Virtual time: that of the event that came out last.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Events waiting.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Events ever scheduled.
    pub fn scheduled(&self) -> u64 {
        self.seq
    }

    /// Schedules `event`; a time that has passed means now.
    pub fn push(&mut self, at: Time, event: T) {
        let slot = self.store(event);
        let at = at.max(self.now);
        self.heap.push(Reverse(Key {
            at,
            seq: self.seq,
            slot,
        }));
        self.seq += 1;
    }

    /// The next event not later than `until`; time moves to it.
    pub fn pop_until(&mut self, until: Time) -> Option<(Time, T)> {
        let Reverse(key) = self.heap.peek()?;
        if key.at > until {
            return None;
        }
        let Reverse(key) = self.heap.pop()?;
        self.now = key.at;
        let event = self.slots.get_mut(key.slot as usize)?.take()?;
        self.free.push(key.slot);
        Some((key.at, event))
    }

    fn store(&mut self, event: T) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slots.get_mut(slot as usize)
        {
            *place = Some(event);
            return slot;
        }
        self.slots.push(Some(event));
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_by_time_then_by_order_of_scheduling() {
        let mut queue = EventQueue::new();
        for (at, name) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.push(Time(at), name);
        }
        let mut out = Vec::new();
        while let Some((at, name)) = queue.pop_until(Time(9)) {
            out.push((at.0, name));
        }
        assert_eq!(out, [(1, 'a'), (1, 'b'), (5, 'c'), (5, 'd')]);
    }

    #[test]
    fn holds_back_what_is_later_than_asked_and_never_goes_back() {
        let mut queue = EventQueue::new();
        queue.push(Time(7), 1);
        assert_eq!(queue.pop_until(Time(6)), None);
        assert_eq!(queue.pop_until(Time(7)), Some((Time(7), 1)));
        queue.push(Time(3), 2);
        assert_eq!(queue.pop_until(Time(9)), Some((Time(7), 2)));
    }

    #[test]
    fn slots_are_used_again() {
        let mut queue = EventQueue::new();
        for round in 0..100 {
            queue.push(Time(round), round);
            assert!(queue.pop_until(Time(round)).is_some());
        }
        assert_eq!(queue.slots.len(), 1);
    }
}
