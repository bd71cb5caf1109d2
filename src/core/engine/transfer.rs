//! Leaves arrive from peers, or do not; segments are given up.

use super::Engine;
use crate::core::action::Action;
use crate::core::cache::entry::{Entry, Source, Step};
use crate::core::ids::{ConnId, SegKey};
use crate::core::list::List;
use crate::core::swarm::Offence;
use crate::core::wire::{Message, RejectReason};

impl Engine {
    /// A chunk message came, with one or more leaves: its payload is the payload of the current event.
    pub(super) fn chunk_received(
        &mut self,
        conn: ConnId,
        alias: u32,
        first: u32,
        payload: usize,
        out: &mut Vec<Action>,
    ) {
        self.stats.peer_bytes += payload as u64;
        self.meter_due = true;
        let now = self.now;
        let payload = u32::try_from(payload).unwrap_or(u32::MAX);
        let peer = self.swarm.peer(conn);
        let hash = peer
            .and_then(|peer| peer.holding_by_alias(alias))
            .map(|holding| holding.hash);
        let Some(seg) = hash.and_then(|hash| self.cache.find(&hash)) else {
            self.stats.wasted_bytes += u64::from(payload);
            self.charge_unasked(conn, payload, out);
            return;
        };
        let blind = self.cache.get(seg).is_some_and(Entry::needs_tree);
        let (mut from, mut leaf, mut asked) = (0, first, 0);
        let mut wanted = Wanted::default();
        while from < payload {
            let Some(len) = self.piece(seg, leaf).filter(|len| from + len <= payload) else {
                break;
            };
            let was_asked = self.was_asked(conn, seg, leaf);
            asked += u32::from(was_asked);
            if self.is_wanted(seg, leaf, len, was_asked) {
                // What nobody waited for says nothing about the time that it took.
                self.meter.add(if was_asked { len.into() } else { 0 });
                wanted.add(leaf, from, len);
            } else {
                self.leaves_received(conn, seg, std::mem::take(&mut wanted), out);
            }
            from += len;
            leaf += 1;
        }
        self.leaves_received(conn, seg, wanted, out);
        self.stats.wasted_bytes += u64::from(payload - from);
        if let Some(peer) = self.swarm.peer_mut(conn).filter(|_| asked > 0) {
            match blind {
                // The hashes come first, or the leaves are good for nothing.
                true => peer.let_down(now),
                false => peer.brought(now, asked),
            }
        } else if !self.charge_unasked(conn, payload, out) {
            return;
        }
        self.refill(conn, out);
    }

    /// Media that this viewer did not ask for comes now and then, when it has just withdrawn a request. False: it came too
    /// often, and the neighbour is gone.
    fn charge_unasked(&mut self, conn: ConnId, payload: u32, out: &mut Vec<Action>) -> bool {
        let now = self.now;
        let peer = self.swarm.peer_mut(conn);
        let fine = peer.is_none_or(|peer| peer.allowance.unasked(now, payload as usize));
        if !fine {
            self.ban(conn, Offence::Flood, out);
        }
        fine
    }

    fn piece(&self, seg: SegKey, leaf: u32) -> Option<u32> {
        let entry = self.cache.get(seg)?;
        (leaf < entry.leaf_count()).then(|| entry.range(leaf).1)
    }

    fn was_asked(&mut self, conn: ConnId, seg: SegKey, leaf: u32) -> bool {
        let peer = self.swarm.peer_mut(conn);
        let asked = peer.is_some_and(|peer| peer.asked.remove(&(seg, leaf)));
        if asked && let Some(get) = self.gets.get_mut(&seg) {
            get.asked.clear(leaf);
        }
        asked
    }

    /// Whether a leaf that a peer sends is of any use; what is not is counted.
    fn is_wanted(&mut self, seg: SegKey, leaf: u32, len: u32, was_asked: bool) -> bool {
        let Some(entry) = self.cache.get(seg) else {
            return false;
        };
        if !entry.is_missing(leaf) {
            self.stats.duplicate_bytes += u64::from(len);
            return false;
        }
        // What a stranger thrusts upon this viewer does not take the place of what the CDN is bringing.
        let in_the_way = !was_asked && self.is_being_fetched(seg, leaf);
        let useless = in_the_way || !entry.takes_from_peers(was_asked);
        self.stats.wasted_bytes += if useless { u64::from(len) } else { 0 };
        !useless
    }

    /// Leaves of a chunk message that follow each other.
    fn leaves_received(
        &mut self,
        conn: ConnId,
        seg: SegKey,
        wanted: Wanted,
        out: &mut Vec<Action>,
    ) {
        let Wanted {
            first,
            count,
            from,
            len,
        } = wanted;
        if count == 0 {
            return;
        }
        let at = self.cache.get(seg).map_or(0, |entry| entry.range(first).0);
        out.push(Action::Write { seg, at, from, len });
        for leaf in first..first + count {
            self.overwritten(seg, leaf);
            self.leaf_arrived(seg, leaf, Source::Peer(conn), out);
        }
    }

    /// All bytes of a leaf are in the buffer.
    pub(super) fn leaf_arrived(
        &mut self,
        seg: SegKey,
        leaf: u32,
        source: Source,
        out: &mut Vec<Action>,
    ) {
        self.cancel_elsewhere(seg, leaf, out);
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        let (at, len) = entry.range(leaf);
        match entry.arrived(leaf, source) {
            Step::HashLeaf => hash_leaf(seg, leaf, (at, len), out),
            Step::HashSegment => out.push(Action::HashSegment { seg }),
            _ => {}
        }
    }

    /// Nobody else needs to send a leaf that is here.
    fn cancel_elsewhere(&mut self, seg: SegKey, leaf: u32, out: &mut Vec<Action>) {
        let (Some(entry), Some(get)) = (self.cache.get(seg), self.gets.get_mut(&seg)) else {
            return;
        };
        if !get.asked.clear(leaf) {
            return;
        }
        let hash = entry.info.hash;
        let mut cancels = Vec::new();
        for (conn, peer) in self.swarm.peers_mut() {
            if peer.asked.remove(&(seg, leaf))
                && let Some((alias, _)) = peer.holding(&hash)
            {
                cancels.push((
                    conn,
                    Message::Cancel {
                        alias,
                        first: leaf,
                        count: 1,
                    },
                ));
            }
        }
        for (conn, message) in cancels {
            self.send(conn, &message, out);
        }
    }

    /// Throws out what the budget does not hold.
    pub(super) fn trim(&mut self, out: &mut Vec<Action>) {
        while let Some(seg) = self.cache.overdue(self.playhead.position) {
            self.release(seg, out);
        }
    }

    /// Gives up a segment and its buffer, and tells everyone who heard of it.
    pub(super) fn release(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        self.unclaim(seg, out);
        self.abort_fetches(seg, out);
        self.gets.remove(&seg);
        self.fresh.remove(&seg);
        let Some(entry) = self.cache.remove(seg) else {
            return;
        };
        out.push(Action::Free { seg });
        let hash = entry.info.hash;
        if !entry.is_complete() {
            self.stats.wasted_bytes += u64::from(entry.peer_bytes + entry.cdn_bytes);
        }
        let mut messages = Vec::new();
        for (conn, peer) in self.swarm.peers_mut() {
            let theirs = peer.holding(&hash).map(|(alias, _)| alias);
            let asked: Vec<u32> = peer
                .asked
                .iter()
                .filter(|(s, _)| *s == seg)
                .map(|(_, leaf)| *leaf)
                .list();
            peer.asked.retain(|(s, _)| *s != seg);
            if let Some(alias) = theirs {
                let cancel = |leaf: &u32| {
                    (
                        conn,
                        Message::Cancel {
                            alias,
                            first: *leaf,
                            count: 1,
                        },
                    )
                };
                messages.extend(asked.iter().map(cancel));
            }
            if let Some(alias) = peer.retract(seg) {
                messages.push((conn, Message::Drop { alias }));
            }
        }
        for (conn, message) in messages {
            self.send(conn, &message, out);
        }
    }

    /// A peer will not send what was asked of it.
    pub(super) fn rejected(
        &mut self,
        conn: ConnId,
        alias: u32,
        first: u32,
        count: u32,
        reason: RejectReason,
    ) {
        let now = self.now;
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        let Some(holding) = peer.holding_by_alias(alias) else {
            return;
        };
        let Some(seg) = self.cache.find(&holding.hash) else {
            return;
        };
        let end = first.saturating_add(count);
        let gone = peer.withdraw(|s, leaf| s == seg && (first..end).contains(&leaf));
        match reason {
            RejectReason::Busy => peer.refused(now),
            _ => {
                peer.denied();
                peer.forget(alias);
                self.review_turns();
            }
        }
        self.reopen(gone);
    }
}

/// Leaves of a chunk message that follow each other and are of use.
#[derive(Clone, Copy, Default)]
struct Wanted {
    first: u32,
    count: u32,
    /// Where in the payload.
    from: u32,
    /// How many bytes.
    len: u32,
}

impl Wanted {
    fn add(&mut self, leaf: u32, from: u32, len: u32) {
        if self.count == 0 {
            (self.first, self.from) = (leaf, from);
        }
        self.count += 1;
        self.len += len;
    }
}

/// Leaves that follow each other are hashed together.
fn hash_leaf(seg: SegKey, leaf: u32, (at, len): (u32, u32), out: &mut Vec<Action>) {
    if let Some(Action::HashLeaves {
        seg: before,
        at: from,
        len: sum,
        ..
    }) = out.last_mut()
        && *before == seg
        && *from + *sum == at
    {
        *sum += len;
        return;
    }
    out.push(Action::HashLeaves {
        seg,
        first: leaf,
        at,
        len,
    });
}
