//! Which leaves are asked of a peer that has room for more.
//!
//! Each viewer walks the missing leaves from a different place, so that viewers waiting for the same
//! source get different leaves and trade them; near the deadline everyone walks from the front. Who
//! delivers faster has room more often and so gets more to do: nothing else balances the load.

use crate::core::wire::Bitmap;

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
    fn walks_from_the_end() {
        assert_eq!(choose_last(&open(), 3), [(13, 3)]);
        assert_eq!(choose_last(&open(), 99), [(2, 3), (8, 8)]);
        assert!(choose_last(&open(), 0).is_empty());
    }
}
