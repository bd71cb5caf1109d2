//! The index of segments this viewer holds or is getting, under a byte budget.
//!
//! Bytes are the host's; here is only what is known about them. Invariants:
//! * a leaf becomes [`entry::Leaf::Verified`] only by a hash that leads back to the publisher;
//! * a verified leaf is never written again;
//! * what is held never exceeds the budget, except for what the player itself waits for.

pub mod entry;

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

    /// Whether another segment of `bytes` fits without throwing out one that is being fetched.
    pub fn fits(&self, bytes: u32) -> bool {
        let pinned: u64 = self
            .entries
            .values()
            .filter(|e| !e.is_complete())
            .map(|e| u64::from(e.info.bytes))
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

    /// The complete segment used longest ago, if the budget is exceeded.
    pub fn overdue(&self) -> Option<SegKey> {
        if self.used <= self.budget {
            return None;
        }
        let complete = self.entries.iter().filter(|(_, entry)| entry.is_complete());
        complete
            .min_by_key(|(seg, entry)| (entry.last_used, **seg))
            .map(|(seg, _)| *seg)
    }
}
