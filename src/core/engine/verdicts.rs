//! Hashes come back: what is right, what is wrong and whose fault it is, and when a segment is whole.

use super::Engine;
use crate::core::action::{Action, Notice};
use crate::core::cache::entry::{Source, Step};
use crate::core::error::LoadError;
use crate::core::ids::{ConnId, SegKey, SegmentHash, TreeHash};
use crate::core::list::List;
use crate::core::scheduler::shortfall;
use crate::core::swarm::Offence;

impl Engine {
    /// Leaf hashes came from a peer.
    pub(super) fn tree_received(
        &mut self,
        conn: ConnId,
        alias: u32,
        first: u32,
        hashes: &[TreeHash],
        out: &mut Vec<Action>,
    ) {
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        let hash = peer.holding_by_alias(alias).map(|holding| holding.hash);
        let Some(seg) = hash.and_then(|hash| self.cache.find(&hash)) else {
            return;
        };
        let Some(entry) = self.cache.get_mut(seg).filter(|entry| entry.needs_tree()) else {
            return;
        };
        let Some(tree) = peer.tree_part(seg, (first, hashes), entry.leaf_count()) else {
            return;
        };
        match entry.tree_received(&tree) {
            Ok(None) => {}
            Ok(Some(wrong)) => {
                let mut is_new = false;
                for source in wrong {
                    is_new |= self.hash_failure(seg, source, out);
                }
                if is_new {
                    self.cdn_mismatch(seg, out);
                }
                self.refill_due = true;
                self.review_turns();
                self.tree_known(seg, out);
            }
            Err(_) => {
                self.hash_failure(seg, Source::Peer(conn), out);
                self.ban(conn, Offence::BadHash, out);
            }
        }
    }

    fn tree_known(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        self.fresh(seg);
        self.check_whole(seg, out);
    }

    /// The hashes of leaves are known.
    pub(super) fn leaves_hashed(
        &mut self,
        seg: SegKey,
        first: u32,
        hashes: &[TreeHash],
        out: &mut Vec<Action>,
    ) {
        if self.hold_inquest(seg, hashes, out) {
            return;
        }
        for (leaf, hash) in (first..).zip(hashes) {
            self.leaf_hashed(seg, leaf, *hash, out);
        }
    }

    fn leaf_hashed(&mut self, seg: SegKey, leaf: u32, hash: TreeHash, out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        let (_, len) = entry.range(leaf);
        match entry.leaf_hashed(leaf, hash) {
            Step::Verified => {
                self.fresh(seg);
                self.check_whole(seg, out);
            }
            Step::TreeVerified => self.tree_known(seg, out),
            Step::BadLeaf(source) => self.blame(seg, source, len, out),
            Step::BadSegment(sources) => self.bad_segment(seg, &sources, out),
            _ => {}
        }
    }

    fn check_whole(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        if self
            .cache
            .get_mut(seg)
            .is_some_and(|entry| entry.check_whole() == Step::HashSegment)
        {
            out.push(Action::HashSegment { seg });
        }
    }

    /// The hash of a whole segment is known.
    pub(super) fn segment_hashed(&mut self, seg: SegKey, hash: SegmentHash, out: &mut Vec<Action>) {
        let now = self.now;
        let senders = self.senders(seg);
        let right = self.cache.get(seg).map(|entry| entry.info.hash);
        self.vouch(&senders, right == Some(hash));
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        let (whole_tree, cdn) = (entry.tree.is_some(), entry.cdn());
        match entry.segment_hashed(hash, now) {
            Step::Verified => self.completed(seg, out),
            // Every leaf leads to the publisher's root and the whole does not match the publisher's hash:
            // the publisher contradicts itself, and no other source will do better.
            Step::BadSegment(_) if whole_tree => {
                self.hash_failure(seg, cdn, out);
                self.give_up(seg, LoadError::HashMismatch, out);
            }
            Step::BadSegment(sources) => self.bad_segment(seg, &sources, out),
            _ => {}
        }
    }

    fn blame(&mut self, seg: SegKey, source: Source, len: u32, out: &mut Vec<Action>) {
        self.stats.wasted_bytes += u64::from(len);
        self.refill_due = true;
        self.review_turns();
        let is_new = self.hash_failure(seg, source, out);
        match source {
            Source::Peer(conn) => self.ban(conn, Offence::BadHash, out),
            Source::Cdn(_) if is_new => self.cdn_mismatch(seg, out),
            Source::Cdn(_) => {}
        }
    }

    /// A whole segment did not match.
    fn bad_segment(&mut self, seg: SegKey, sources: &[Source], out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let cdn = entry.cdn();
        self.stats.wasted_bytes += u64::from(entry.info.bytes);
        self.refill_due = true;
        self.review_turns();
        let peers = sources.iter().filter_map(|source| match source {
            Source::Peer(conn) => Some(*conn),
            Source::Cdn(_) => None,
        });
        let suspects: Vec<ConnId> = peers.list();
        // Where peers are among the sources it is not the CDN's; if there are none, its newest answer is meant.
        let source = suspects.first().map_or(cdn, |conn| Source::Peer(*conn));
        self.hash_failure(seg, source, out);
        match sources {
            [Source::Peer(culprit)] => self.ban(*culprit, Offence::BadHash, out),
            _ if suspects.is_empty() => self.cdn_mismatch(seg, out),
            // Several may be honest: the CDN brings this segment, and then it is known who is not.
            _ => {
                self.begin_inquest(seg, &suspects, out);
            }
        }
    }

    /// The CDN's bytes are wrong: once more past the cache, then the player must know.
    pub(super) fn cdn_mismatch(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        self.abort_fetches(seg, out);
        // A range that holds other bytes than it says is wrong in every leaf; the whole may be right.
        if let (Some(get), Some(entry)) = (self.gets.get_mut(&seg), self.cache.get(seg)) {
            get.asks_whole |= entry.missing() * 4 >= entry.leaf_count();
        }
        if self
            .cache
            .get(seg)
            .is_some_and(|entry| entry.cdn_mismatches > 1)
        {
            self.give_up(seg, LoadError::HashMismatch, out);
        }
    }

    /// A segment is whole and right.
    fn completed(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        self.abort_fetches(seg, out);
        self.meter.sample(self.now);
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let (leaves, rendition) = (entry.leaf_count(), entry.info.rendition);
        self.resume_inquest(seg, out);
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        // With a root its leaves were announced one by one.
        if entry.info.root.is_none() {
            self.fresh(seg);
        }
        if let Some(get) = self.gets.remove(&seg) {
            let in_time = self
                .deadline_of(seg)
                .is_none_or(|deadline| deadline > self.now);
            if self.on {
                let told = self.swarm.peers().filter_map(|(_, peer)| peer.short);
                let common = shortfall::is_common(told);
                let shortfall = self.shortfalls.or_default(rendition);
                shortfall.measured(get.short, leaves, common);
            }
            self.stats.stalls_avoided += u32::from(get.rescued && in_time && get.is_wanted());
            for load in get.loads {
                self.deliver(load, seg, out);
            }
        }
        self.trim(out);
    }

    /// Bytes did not match their hash. Whether they are the first of an answer of the CDN's that are known to be wrong.
    pub(super) fn hash_failure(&mut self, seg: SegKey, of: Source, out: &mut Vec<Action>) -> bool {
        self.stats.hash_failures += 1;
        let Some(entry) = self.cache.get_mut(seg) else {
            return false;
        };
        let (hash, from_cdn) = (entry.info.hash, matches!(of, Source::Cdn(_)));
        let is_new = match of {
            Source::Cdn(answer) => entry.mismatched(answer),
            Source::Peer(_) => false,
        };
        self.notify(Notice::HashFailure { hash, from_cdn }, out);
        is_new
    }
}
