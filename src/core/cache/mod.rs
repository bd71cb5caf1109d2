//! The index of segments this viewer holds or is getting, under a byte budget.
//!
//! Bytes are the host's; here is only what is known about them. Invariants:
//! * a leaf becomes [`entry::Leaf::Verified`] only by a hash that leads back to the publisher;
//! * a verified leaf is never written again;
//! * what is held never exceeds the budget, except for what the player itself waits for.

pub mod entry;
pub mod inquest;

use crate::core::ids::{SegKey, SegmentHash};
use crate::core::sorted::Map;
use crate::core::time::Time;
use crate::core::timeline::SegmentInfo;
use entry::Entry;
use std::sync::Arc;

/// Segments by buffer handle and by name.
#[derive(Debug)]
pub struct Cache {
    entries: Map<SegKey, Entry>,
    by_hash: Map<SegmentHash, SegKey>,
    next: u32,
    budget: u64,
    used: u64,
}

impl Cache {
    /// An empty cache of at most `budget` bytes.
    pub fn new(budget: u64) -> Self {
        Self {
            entries: Map::new(),
            by_hash: Map::new(),
            next: 0,
            budget,
            used: 0,
        }
    }

    /// Bytes of all buffers.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Whether another segment of `bytes` fits without throwing out one that is being fetched, or that a player at
    /// `position`, in seconds, has yet to ask for.
    pub fn fits(&self, bytes: u32, position: Option<f64>) -> bool {
        let pinned: u64 = self
            .entries
            .values()
            .filter(|entry| !entry.is_complete() || entry.is_ahead(position))
            .map(|entry| u64::from(entry.info.bytes))
            .sum();
        pinned + u64::from(bytes) <= self.budget
    }

    /// The handle of a segment, if it is known here.
    pub fn find(&self, hash: &SegmentHash) -> Option<SegKey> {
        self.by_hash.get(hash).copied()
    }

    /// An entry by handle.
    pub fn get(&self, seg: SegKey) -> Option<&Entry> {
        self.entries.get(&seg)
    }

    /// An entry by handle, to change.
    pub fn get_mut(&mut self, seg: SegKey) -> Option<&mut Entry> {
        self.entries.get_mut(&seg)
    }

    /// All entries, oldest handle first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (SegKey, &Entry)> {
        self.entries.iter().map(|(seg, entry)| (*seg, entry))
    }

    /// Adds a segment that is not there yet.
    pub fn insert(&mut self, info: Arc<SegmentInfo>, now: Time) -> SegKey {
        let seg = SegKey(self.next);
        self.next += 1;
        self.used += u64::from(info.bytes);
        self.by_hash.insert(info.hash, seg);
        self.entries.insert(seg, Entry::new(info, now));
        seg
    }

    /// Takes a segment out.
    pub fn remove(&mut self, seg: SegKey) -> Option<Entry> {
        let entry = self.entries.remove(&seg)?;
        self.used -= u64::from(entry.info.bytes);
        self.by_hash.remove(&entry.info.hash);
        Some(entry)
    }

    /// What is to be thrown out if the budget is exceeded: the complete segment used longest ago, but first of all those that
    /// a player at `position`, in seconds, will not ask for.
    pub fn overdue(&self, position: Option<f64>) -> Option<SegKey> {
        if self.used <= self.budget {
            return None;
        }
        let complete = self.entries.iter().filter(|(_, entry)| entry.is_complete());
        complete
            .min_by_key(|(seg, entry)| (entry.is_ahead(position), entry.last_used, **seg))
            .map(|(seg, _)| *seg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cache::entry::{Source, Step};
    use crate::core::ids::RenditionId;

    const BYTES: u32 = 1000;

    /// A complete segment that begins at this second.
    fn complete(cache: &mut Cache, start: u8, used: u64) -> SegKey {
        let hash = SegmentHash([start; 32]);
        let info = SegmentInfo {
            hash,
            root: None,
            bytes: BYTES,
            url: "https://cdn.example/".into(),
            offset: None,
            rendition: RenditionId(0),
            track: 0,
            sn: 0,
            start: f64::from(start),
            duration: 2.0,
            proof: Default::default(),
        };
        let seg = cache.insert(Arc::new(info), Time(0));
        let entry = cache.get_mut(seg).unwrap();
        assert_eq!(entry.arrived(0, Source::Cdn(0)), Step::HashSegment);
        assert_eq!(entry.segment_hashed(hash, Time(used)), Step::Verified);
        seg
    }

    #[test]
    fn what_the_player_is_about_to_ask_for_is_thrown_out_last() {
        let mut cache = Cache::new(2 * u64::from(BYTES));
        let ahead = complete(&mut cache, 10, 1);
        let further = complete(&mut cache, 12, 2);
        let position = Some(9.0);
        assert_eq!(cache.overdue(position), None);
        assert!(!cache.fits(BYTES, position), "two are yet to be played");
        let given = complete(&mut cache, 8, 3);
        cache.get_mut(given).unwrap().delivered = true;
        assert_eq!(cache.overdue(position), Some(given));
        // Played past without having been asked for.
        assert_eq!(cache.overdue(Some(12.5)), Some(ahead));
        cache.remove(given);
        assert!(cache.fits(BYTES, Some(12.5)));
        complete(&mut cache, 14, 4);
        assert_eq!(cache.overdue(position), Some(ahead));
        assert_ne!(ahead, further);
    }
}
