//! One segment: which of its leaves are there, where they came from, and what their hashes say.
//!
//! With a pieces root every leaf is verified by itself once the leaf hashes are known: either a peer
//! sent them and they lead to the root, or all bytes are here and the tree can be built. Without a
//! root nothing counts as verified before the whole segment matches its SHA-256.

use super::inquest::Inquest;
use crate::core::config::LEAF;
use crate::core::ids::{ConnId, SegmentHash, TreeHash};
use crate::core::integrity::merkle;
use crate::core::list::List;
use crate::core::sorted::sort;
use crate::core::time::Time;
use crate::core::timeline::SegmentInfo;
use crate::core::wire::Bitmap;
use std::sync::Arc;

/// Where bytes came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The CDN, after so many answers of its that were not the publisher's.
    Cdn(u8),
    /// A peer.
    Peer(ConnId),
}

/// State of one leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leaf {
    /// No bytes that count.
    Missing,
    /// Bytes are there, their hash is being computed.
    Hashing(Source),
    /// Bytes are there; what they must hash to is not known yet.
    Held(Source),
    /// Bytes are there and match the publisher's hash.
    Verified(Source),
}

/// How far a segment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Leaves are missing or being verified.
    Getting,
    /// All bytes are there; the whole is being hashed.
    Checking,
    /// The whole matches its SHA-256.
    Complete,
}

/// What the arrival of a leaf, or of a hash, leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing yet, or it came too late to matter.
    Wait,
    /// Hash this leaf.
    HashLeaf,
    /// One more leaf is verified.
    Verified,
    /// The tree is complete and matches the root: all leaves that are there are verified.
    TreeVerified,
    /// All leaves are there: hash the whole.
    HashSegment,
    /// A leaf did not match; it is missing again.
    BadLeaf(Source),
    /// The whole did not match; everything is missing again. Everyone whose bytes were in the buffer, each once.
    BadSegment(Vec<Source>),
}

/// One segment held or being fetched.
#[derive(Debug)]
pub struct Entry {
    /// What it is.
    pub info: Arc<SegmentInfo>,
    /// How far it is.
    pub phase: Phase,
    /// When it was last delivered, uploaded or completed.
    pub last_used: Time,
    /// Verified leaf hashes, once known.
    pub tree: Option<Arc<[TreeHash]>>,
    /// Bytes taken from peers.
    pub peer_bytes: u32,
    /// Bytes taken from the CDN.
    pub cdn_bytes: u32,
    /// How often the CDN's bytes did not match.
    pub cdn_mismatches: u8,
    /// Whether the player has got it.
    pub delivered: bool,
    /// Whether nothing more of it is taken from peers: one of them sent wrong bytes, nothing tells which, and each further
    /// attempt with their help could come to the same.
    pub shuns_peers: bool,
    /// Whose bytes were wrong, if that is being found out.
    pub inquest: Option<Inquest>,
    count: u32,
    /// State of each leaf; empty once the segment is complete, when all of them are verified.
    leaves: Vec<Leaf>,
    /// Hashes of leaves that are held; empty from when the tree is known.
    hashes: Vec<Option<TreeHash>>,
    /// How many of them are known: large segments have thousands of leaves, and each asks.
    hashed: u32,
    missing: Bitmap,
    verified: Bitmap,
}

impl Entry {
    /// A segment of which nothing is there.
    pub fn new(info: Arc<SegmentInfo>, now: Time) -> Self {
        let count = merkle::leaf_count(info.bytes);
        Self {
            info,
            phase: Phase::Getting,
            last_used: now,
            tree: None,
            peer_bytes: 0,
            cdn_bytes: 0,
            cdn_mismatches: 0,
            delivered: false,
            shuns_peers: false,
            inquest: None,
            count,
            leaves: vec![Leaf::Missing; count as usize],
            hashes: Vec::new(),
            hashed: 0,
            missing: Bitmap::full(count),
            verified: Bitmap::new(count),
        }
    }

    /// Number of leaves.
    pub fn leaf_count(&self) -> u32 {
        self.count
    }

    /// Position and length of a leaf in the buffer.
    pub fn range(&self, leaf: u32) -> (u32, u32) {
        merkle::leaf_range(self.info.bytes, leaf)
    }

    /// The leaf that a byte position lies in; one past the last for the end.
    pub fn leaf_at(&self, at: u32) -> u32 {
        if at >= self.info.bytes {
            self.count
        } else {
            at / LEAF
        }
    }

    /// Whether all of it is verified, as a whole too.
    pub fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// Whether a player at this position, in seconds, is likely to ask for it.
    pub fn is_ahead(&self, position: Option<f64>) -> bool {
        let end = self.info.start + self.info.duration;
        !self.delivered && position.is_none_or(|position| end > position)
    }

    /// Whether a leaf has no bytes that count.
    pub fn is_missing(&self, leaf: u32) -> bool {
        self.missing.get(leaf)
    }

    /// Whether a leaf is verified.
    pub fn is_verified(&self, leaf: u32) -> bool {
        self.verified.get(leaf)
    }

    /// How many leaves are missing.
    pub fn missing(&self) -> u32 {
        self.missing.count()
    }

    /// How many leaves are verified.
    pub fn verified(&self) -> u32 {
        self.verified.count()
    }

    /// Leaves that have no bytes that count.
    pub fn missing_leaves(&self) -> &Bitmap {
        &self.missing
    }

    /// Leaves that are verified.
    pub fn verified_leaves(&self) -> &Bitmap {
        &self.verified
    }

    /// Whether leaves can be taken from peers one by one and verified at once.
    pub fn needs_tree(&self) -> bool {
        self.info.root.is_some() && self.tree.is_none()
    }

    /// The CDN, as the source of what its present answer brings.
    pub fn cdn(&self) -> Source {
        Source::Cdn(self.cdn_mismatches)
    }

    /// Bytes of the CDN did not match, those of an answer after so many mismatches. Whether this is the first that is
    /// known to be wrong of it: all that is wrong in one answer is one mismatch.
    pub fn mismatched(&mut self, answer: u8) -> bool {
        let first = answer == self.cdn_mismatches;
        self.cdn_mismatches = self.cdn_mismatches.saturating_add(u8::from(first));
        first
    }

    /// Whether a leaf from a peer is of use. Where leaves have no hashes, what was not asked for is not: anybody could
    /// spoil the whole by it.
    pub fn takes_from_peers(&self, was_asked: bool) -> bool {
        match self.info.root {
            Some(_) => self.tree.is_some(),
            None => was_asked && !self.shuns_peers,
        }
    }

    /// Whether nothing but the hash of the whole tells right bytes from wrong ones.
    pub fn is_proved_as_a_whole(&self) -> bool {
        self.info.root.is_none()
    }

    /// Bytes beyond those that are missing for which there must be time left: where only the whole has a hash and peers have sent
    /// a part, all of it may turn out to be wrong when the last leaf is there.
    pub fn at_stake_again(&self) -> u64 {
        match self.info.root {
            None if self.peer_bytes > 0 => self.info.bytes.into(),
            _ => 0,
        }
    }

    fn set(&mut self, leaf: u32, state: Leaf) {
        let Some(slot) = self.leaves.get_mut(leaf as usize) else {
            return;
        };
        *slot = state;
        match state {
            Leaf::Missing => self.missing.set(leaf),
            _ => self.missing.clear(leaf),
        };
        match state {
            Leaf::Verified(_) => self.verified.set(leaf),
            _ => self.verified.clear(leaf),
        };
    }

    /// All bytes of a missing leaf have been written.
    pub fn arrived(&mut self, leaf: u32, source: Source) -> Step {
        if !self.is_missing(leaf) {
            return Step::Wait;
        }
        let (_, len) = self.range(leaf);
        match source {
            Source::Cdn(_) => self.cdn_bytes += len,
            Source::Peer(_) => self.peer_bytes += len,
        }
        if self.info.root.is_some() {
            self.set(leaf, Leaf::Hashing(source));
            return Step::HashLeaf;
        }
        self.set(leaf, Leaf::Held(source));
        self.check_whole()
    }

    /// The hash of a leaf is known.
    pub fn leaf_hashed(&mut self, leaf: u32, hash: TreeHash) -> Step {
        let Some(Leaf::Hashing(source)) = self.leaves.get(leaf as usize).copied() else {
            return Step::Wait;
        };
        if let Some(tree) = &self.tree {
            return if tree.get(leaf as usize) == Some(&hash) {
                self.set(leaf, Leaf::Verified(source));
                Step::Verified
            } else {
                self.discard(leaf, source)
            };
        }
        self.set(leaf, Leaf::Held(source));
        if self.hashes.is_empty() {
            self.hashes = vec![None; self.leaves.len()];
        }
        if let Some(slot) = self.hashes.get_mut(leaf as usize) {
            self.hashed += u32::from(slot.replace(hash).is_none());
        }
        self.build_tree()
    }

    /// With all leaf hashes computed here, the tree either leads to the root or all bytes are wrong.
    fn build_tree(&mut self) -> Step {
        if self.hashed < self.count {
            return Step::Wait;
        }
        let hashes: Vec<TreeHash> = self.hashes.iter().flatten().copied().list();
        let root = self.info.root;
        if let Some(tree) = root.and_then(|root| self.info.proof.check(root, &hashes)) {
            self.adopt(tree);
            return Step::TreeVerified;
        }
        self.refuse()
    }

    fn adopt(&mut self, tree: Arc<[TreeHash]>) {
        for leaf in 0..self.leaf_count() {
            if let Some(Leaf::Held(source)) = self.leaves.get(leaf as usize).copied() {
                self.set(leaf, Leaf::Verified(source));
            }
        }
        self.tree = Some(tree);
        self.forget_hashes();
    }

    /// All leaf hashes came from a peer. Leaves already here that contradict them are missing again; their sources are
    /// returned. `None`: they were known, or there is no root to check them by.
    ///
    /// # Errors
    /// The pieces root does not match: whoever sent them is wrong.
    pub fn tree_received(&mut self, tree: &[TreeHash]) -> Result<Option<Vec<Source>>, BadTree> {
        let Some(root) = self.info.root.filter(|_| self.tree.is_none()) else {
            return Ok(None);
        };
        if tree.len() != self.leaves.len() {
            return Err(BadTree);
        }
        let tree = self.info.proof.check(root, tree).ok_or(BadTree)?;
        let bad = self.contradicted(&tree);
        let sources = bad
            .iter()
            .map(|(leaf, source)| {
                self.discard(*leaf, *source);
                *source
            })
            .list();
        self.adopt(tree);
        Ok(Some(sources))
    }

    fn contradicted(&self, tree: &[TreeHash]) -> Vec<(u32, Source)> {
        let own = self.leaves.iter().zip(&self.hashes).zip(tree).enumerate();
        own.filter_map(|(i, ((leaf, hash), right))| match (leaf, hash) {
            (Leaf::Held(source), Some(hash)) if hash != right => Some((i as u32, *source)),
            _ => None,
        })
        .list()
    }

    fn discard(&mut self, leaf: u32, source: Source) -> Step {
        self.set(leaf, Leaf::Missing);
        if let Some(slot) = self.hashes.get_mut(leaf as usize) {
            self.hashed -= u32::from(slot.take().is_some());
        }
        let (_, len) = self.range(leaf);
        match source {
            Source::Cdn(_) => self.cdn_bytes = self.cdn_bytes.saturating_sub(len),
            Source::Peer(_) => self.peer_bytes = self.peer_bytes.saturating_sub(len),
        }
        Step::BadLeaf(source)
    }

    /// Whether the whole can be hashed now; if so, the phase moves on.
    pub fn check_whole(&mut self) -> Step {
        // Without a root, leaves are held until the whole is verified.
        let there = match self.info.root {
            Some(_) => self.verified.is_full(),
            None => self.missing.is_clear(),
        };
        if self.phase == Phase::Getting && there {
            self.phase = Phase::Checking;
            return Step::HashSegment;
        }
        Step::Wait
    }

    /// The hash of the whole is known.
    pub fn segment_hashed(&mut self, hash: SegmentHash, now: Time) -> Step {
        if self.phase != Phase::Checking {
            return Step::Wait;
        }
        if hash != self.info.hash {
            self.inquest = self.accuse().or(self.inquest.take());
            self.shuns_peers = self.inquest.is_some();
            return if self.shuns_peers {
                self.refuse_peers()
            } else {
                self.refuse()
            };
        }
        self.phase = Phase::Complete;
        self.last_used = now;
        self.verified = Bitmap::full(self.count);
        self.leaves = Vec::new();
        self.forget_hashes();
        Step::Verified
    }

    /// What is to be found out when the whole does not match and several have sent it.
    fn accuse(&self) -> Option<Inquest> {
        let all = self.sources();
        // Two answers of the CDN's are nobody to choose between.
        let is_peer = |source: &Source| matches!(source, Source::Peer(_));
        let several = self.info.root.is_none() && all.len() > 1 && all.iter().any(is_peer);
        let source = |leaf: &Leaf| match leaf {
            Leaf::Held(source) => Some(*source),
            _ => None,
        };
        let sources = self.leaves.iter().map(source).collect::<Option<_>>();
        sources.filter(|_| several).map(Inquest::new)
    }

    /// Everyone whose bytes are in the buffer, each once.
    pub fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = self
            .leaves
            .iter()
            .filter_map(|leaf| match leaf {
                Leaf::Missing => None,
                Leaf::Hashing(source) | Leaf::Held(source) | Leaf::Verified(source) => {
                    Some(*source)
                }
            })
            .list();
        sort(&mut sources);
        sources.dedup();
        sources
    }

    fn forget_hashes(&mut self) {
        self.hashes = Vec::new();
        self.hashed = 0;
    }

    /// Forgets what peers have sent: it is likelier to be wrong than what the CDN has. If it was the CDN alone, that is all wrong.
    fn refuse_peers(&mut self) -> Step {
        let sources = self.sources();
        if self.peer_bytes == 0 {
            return self.refuse();
        }
        for leaf in 0..self.count {
            if let Some(Leaf::Held(source @ Source::Peer(_))) =
                self.leaves.get(leaf as usize).copied()
            {
                self.discard(leaf, source);
            }
        }
        self.phase = Phase::Getting;
        Step::BadSegment(sources)
    }

    /// Forgets all bytes, for they are not the publisher's; the buffer stays.
    fn refuse(&mut self) -> Step {
        let sources = self.sources();
        self.leaves = vec![Leaf::Missing; self.count as usize];
        self.forget_hashes();
        self.tree = None;
        self.missing = Bitmap::full(self.count);
        self.verified = Bitmap::new(self.count);
        self.peer_bytes = 0;
        self.cdn_bytes = 0;
        self.phase = Phase::Getting;
        Step::BadSegment(sources)
    }
}

/// Leaf hashes that do not lead to the publisher's root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadTree;

#[cfg(test)]
mod tests;
