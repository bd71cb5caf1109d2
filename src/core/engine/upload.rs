//! What peers get: the leaves they ask for.

use super::Engine;
use crate::core::action::Action;
use crate::core::config::strangers::{MAX_BUFFERED, MAX_QUEUE};
use crate::core::config::{LEAF, SEND_HIGH_WATER};
use crate::core::ids::{ConnId, SegKey};
use crate::core::list::List;
use crate::core::swarm::peer::{Owed, Peer};
use crate::core::time::Duration;
use crate::core::wire::{
    CHUNK_HEADER, MAX_CHUNK_LEAVES, MAX_HASHES, MAX_MESSAGE, Message, RejectReason,
    encode_chunk_header,
};

const BASE: u64 = 4;
const MOST_WEIGHT: u32 = 16;

/// Longest backlog with which more is taken on: for whom passes nothing on, and what is added for whom does most.
const LEAST_BACKLOG: Duration = Duration::from_millis(80);
const MORE_BACKLOG: Duration = Duration::from_millis(400);

/// Who has left its channel full for so long does not count among those who wait.
const STUCK: Duration = Duration::from_secs(2);

/// Once the ceiling is reached, so many leaves' worth of it are waited for: fewer, larger messages.
const UPLOAD_STEP: u64 = 3;

impl Engine {
    /// A peer asks for leaves.
    pub(super) fn requested(
        &mut self,
        conn: ConnId,
        (alias, first, count): (u32, u32, u32),
        want_leaves: bool,
        out: &mut Vec<Action>,
    ) {
        let reject = |reason| Message::Reject {
            alias,
            first,
            count,
            reason,
        };
        if self.bucket.is_closed() || !self.on {
            return self.send(conn, &reject(RejectReason::NoUpload), out);
        }
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        let Some(seg) = peer.seg(alias) else {
            return self.send(conn, &reject(RejectReason::NotHeld), out);
        };
        let weight = self.weight_of(conn);
        if self.backlog() > LEAST_BACKLOG + MORE_BACKLOG * weight / MOST_WEIGHT {
            return self.send(conn, &reject(RejectReason::Busy), out);
        }
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        if peer.owed.len() + count as usize > MAX_QUEUE {
            return self.send(conn, &reject(RejectReason::Busy), out);
        }
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let end = first.saturating_add(count).min(entry.leaf_count());
        if (first..end).len() < count as usize || !(first..end).all(|leaf| entry.is_verified(leaf))
        {
            return self.send(conn, &reject(RejectReason::NotHeld), out);
        }
        if want_leaves && peer.may_have_tree(seg) {
            self.send_tree(conn, seg, alias, out);
        }
        if let Some(peer) = self.swarm.peer_mut(conn) {
            let new = (first..end).map(|leaf| Owed { seg, leaf });
            let new: Vec<Owed> = new.filter(|owed| !peer.owed.contains(owed)).list();
            peer.owed.extend(new);
            self.waiting.insert(conn);
            self.upload_due = true;
        }
    }

    fn send_tree(&mut self, conn: ConnId, seg: SegKey, alias: u32, out: &mut Vec<Action>) {
        let Some(tree) = self.cache.get(seg).and_then(|entry| entry.tree.clone()) else {
            return;
        };
        for (part, hashes) in tree.chunks(MAX_HASHES).enumerate() {
            let first = (part * MAX_HASHES) as u32;
            self.send(
                conn,
                &Message::Leaves {
                    alias,
                    first,
                    hashes: hashes.to_vec(),
                },
                out,
            );
        }
    }

    /// A peer no longer wants leaves.
    pub(super) fn cancelled(&mut self, conn: ConnId, alias: u32, first: u32, count: u32) {
        if let Some(peer) = self.swarm.peer_mut(conn) {
            let end = first.saturating_add(count);
            peer.owed
                .retain(|owed| owed.seg.0 != alias || !(first..end).contains(&owed.leaf));
        }
    }

    /// The channel to a peer has drained.
    pub(super) fn send_drained(&mut self, conn: ConnId, buffered: usize) {
        if let Some(peer) = self.swarm.peer_mut(conn) {
            peer.set_buffered(self.now, buffered);
            self.upload_due = true;
        }
    }

    /// Sends what is owed: one chunk to each peer in turn, while channels and the ceiling allow.
    pub(super) fn upload(&mut self, out: &mut Vec<Action>) {
        if self.upload_at.is_some_and(|at| self.now < at) {
            return;
        }
        self.upload_at = None;
        let swarm = &self.swarm;
        let owed = |conn: &ConnId| swarm.peer(*conn).is_some_and(|peer| !peer.owed.is_empty());
        self.waiting.retain(owed);
        while let Some((conn, turn)) = self.next_served() {
            if !self.bucket.take(self.now, u64::from(LEAF)) {
                self.upload_at = self.bucket.ready_at(u64::from(LEAF) * UPLOAD_STEP);
                return;
            }
            self.served = turn;
            self.send_chunk(conn, out);
        }
        self.upload_due = false;
    }

    /// How long all that is owed takes at the ceiling.
    fn backlog(&self) -> Duration {
        // Who does not take what waits in its channel keeps nobody else waiting.
        let now = self.now;
        let taking = self.owing().filter(|(_, peer)| !peer.is_stuck(now, STUCK));
        let owed: usize = taking.map(|(_, peer)| peer.owed.len()).sum();
        let bits = owed as u64 * u64::from(LEAF) * 8_000_000;
        let span = bits.checked_div(self.config.max_upload_bitrate);
        Duration::from_micros(span.unwrap_or(u64::MAX))
    }

    /// A neighbour's share among those who wait: the more of its ceiling it has no use for, the more it can pass on.
    fn weight_of(&self, conn: ConnId) -> u32 {
        let own = (self.config.max_upload_bitrate / 1_000).max(1);
        let spare = self.swarm.peer(conn).map_or(0, |peer| {
            u64::from(peer.upload_kbps) * (u64::from(peer.idle) + BASE) / 255
        });
        1 + (u64::from(MOST_WEIGHT - 1) * spare.min(own) / own) as u32
    }

    /// Neighbours that may be owed something, lowest number first.
    fn owing(&self) -> impl Iterator<Item = (ConnId, &Peer)> {
        let conns = self.waiting.iter().copied();
        conns.filter_map(|conn| Some((conn, self.swarm.peer(conn).filter(|peer| peer.ready)?)))
    }

    /// Who waits for leaves and is next.
    fn next_served(&self) -> Option<(ConnId, u64)> {
        let ready = self.owing().filter(|(_, peer)| {
            !peer.owed.is_empty() && peer.buffered + MAX_MESSAGE <= SEND_HIGH_WATER
        });
        ready
            .map(|(conn, peer)| (conn, peer.turn.max(self.served)))
            .min_by_key(|(conn, turn)| (*turn, *conn))
    }

    /// Sends the leaf that is due next, with those that follow it directly and are due too.
    fn send_chunk(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        let now = self.now;
        let weight = self.weight_of(conn);
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        if peer.owed.is_empty() {
            return;
        }
        let owed = peer.owed.remove(0);
        let Some(entry) = self
            .cache
            .get_mut(owed.seg)
            .filter(|entry| entry.is_verified(owed.leaf))
        else {
            return;
        };
        entry.last_used = now;
        let (at, mut len) = entry.range(owed.leaf);
        for more in 1..MAX_CHUNK_LEAVES as u32 {
            let next = Owed {
                leaf: owed.leaf + more,
                ..owed
            };
            let follows = peer.owed.first() == Some(&next) && entry.is_verified(next.leaf);
            if !follows || !self.bucket.take(now, u64::from(LEAF)) {
                break;
            }
            peer.owed.remove(0);
            len += entry.range(next.leaf).1;
        }
        peer.set_buffered(now, peer.buffered + CHUNK_HEADER + len as usize);
        peer.allowance.earn(len.div_ceil(LEAF));
        peer.said = now;
        peer.given += u64::from(len);
        peer.turn = peer.turn.max(self.served) + u64::from(len) / u64::from(weight);
        self.stats.uploaded_bytes += u64::from(len);
        let head = encode_chunk_header(owed.seg.0, owed.leaf);
        out.push(Action::SendChunk {
            conn,
            head,
            seg: owed.seg,
            at,
            len,
        });
    }

    /// Sends a control message. Who lets too many of them pile up is dropped when timers next run.
    pub(super) fn send(&mut self, conn: ConnId, message: &Message, out: &mut Vec<Action>) {
        let now = self.now;
        if let Some(peer) = self.swarm.peer_mut(conn) {
            let bytes = message.encode();
            if peer.buffered + bytes.len() > MAX_BUFFERED {
                peer.overfull = true;
                return self.review_timers();
            }
            peer.said = now;
            peer.set_buffered(now, peer.buffered + bytes.len());
            out.push(Action::Send { conn, bytes });
        }
    }

    /// Sends a control message to every peer.
    pub(super) fn broadcast(&mut self, message: &Message, out: &mut Vec<Action>) {
        let conns: Vec<ConnId> = self.swarm.peers().map(|(conn, _)| conn).list();
        for conn in conns {
            self.send(conn, message, out);
        }
    }
}
