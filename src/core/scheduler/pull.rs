//! Which leaves are asked of a peer that has room for more.
//!
//! Each viewer walks the missing leaves from a different place, so that viewers waiting for the same
//! source get different leaves and trade them; near the deadline everyone walks from the front. Who
//! delivers faster has room more often and so gets more to do: nothing else balances the load.

use crate::core::wire::{Bitmap, MAX_CHUNK_LEAVES};

/// Segments of more than twice so many leaves travel in groups.
const FINE: u32 = 12;

/// Leaves that are asked for, sent and announced together. Fewer, larger messages cost less on both sides, but
/// a viewer passes a group on only once all of it is there: a segment is cut into a few dozen groups at least.
pub fn group(leaves: u32) -> u32 {
    (leaves / FINE / 2).clamp(1, MAX_CHUNK_LEAVES as u32)
}

/// Those of the `held` leaves that make whole groups.
pub fn whole_groups(held: &Bitmap) -> Bitmap {
    let (size, group) = (held.size(), group(held.size()));
    if group == 1 || held.is_full() {
        return held.clone();
    }
    let mut whole = Bitmap::new(size);
    for run in held.runs(0..size) {
        let from = run.start.next_multiple_of(group);
        let to = if run.end == size {
            size
        } else {
            run.end - run.end % group
        };
        if from < to {
            whole.set_range(from..to);
        }
    }
    whole
}

/// Up to `room` of the `open` leaves, in as few runs (first, count) as the walk from `start` meets.
pub fn choose(open: &Bitmap, start: u32, room: u32) -> Vec<(u32, u32)> {
    let mut left = room;
    let after = open.runs(start..open.size());
    let before = open.runs(0..start.min(open.size()));
    let mut runs = Vec::new();
    for run in after.chain(before) {
        if left == 0 {
            break;
        }
        let count = (run.end - run.start).min(left);
        left -= count;
        runs.push((run.start, count));
    }
    runs
}

/// Up to `room` of the `open` leaves, from the last one backwards, as one run or more (first, count).
pub fn choose_last(open: &Bitmap, room: u32) -> Vec<(u32, u32)> {
    let spare = open.count().saturating_sub(room);
    let start = open.ones().nth(spare as usize).unwrap_or(open.size());
    choose(open, start, open.count() - spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Bitmap {
        let mut open = Bitmap::new(20);
        open.set_range(2..5);
        open.set_range(8..16);
        open
    }

    #[test]
    fn walks_from_the_start_and_round() {
        assert_eq!(choose(&open(), 10, 8), [(10, 6), (2, 2)]);
        assert_eq!(choose(&open(), 0, 4), [(2, 3), (8, 1)]);
        assert_eq!(choose(&open(), 30, 2), [(2, 2)]);
        assert!(choose(&open(), 0, 0).is_empty());
    }

    #[test]
    fn groups_are_whole_or_nothing() {
        assert_eq!([16, 48, 76, 2_000].map(group), [1, 2, 3, 3]);
        let mut held = Bitmap::new(76);
        held.set_range(2..8);
        held.set_range(70..76);
        let runs: Vec<_> = whole_groups(&held).runs(0..76).collect();
        assert_eq!(runs, [3..6, 72..76]);
        held.set_range(0..76);
        assert!(whole_groups(&held).is_full());
    }

    #[test]
    fn walks_from_the_end() {
        assert_eq!(choose_last(&open(), 3), [(13, 3)]);
        assert_eq!(choose_last(&open(), 99), [(2, 3), (8, 8)]);
        assert!(choose_last(&open(), 0).is_empty());
    }
}
