//! What peers say. Everything here is a stranger's word: it is bounded, and it changes nothing but
//! what this viewer believes about that stranger.

use super::Engine;
use crate::core::action::{Action, Notice};
use crate::core::config::LEAF;
use crate::core::ids::{ConnId, PeerId, SegmentHash};
use crate::core::swarm::Offence;
use crate::core::swarm::peer::Holding;
use crate::core::time::Duration;
use crate::core::wire::{self, ByeReason, CHUNK_HEADER, CHUNK_TAG, Message, WireError};

/// A viewer this long in the swarm does not wait for what new neighbours have to say.
const NEW: Duration = Duration::from_secs(6);

/// Time from a neighbour's hello until all it has announced is here.
const INTRODUCTION: Duration = Duration::from_millis(200);

/// Longest time a claim is believed, whatever it says.
const MAX_CLAIM: Duration = Duration::from_secs(4);

/// Time added to a claim for its way here and the leaves' way out.
const CLAIM_SLACK: Duration = Duration::from_millis(350);

impl Engine {
    /// A message arrived.
    pub(super) fn peer_message(
        &mut self,
        conn: ConnId,
        head: &[u8],
        payload: usize,
        out: &mut Vec<Action>,
    ) {
        let now = self.now;
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        peer.heard = now;
        let ready = peer.ready;
        let is_chunk = head.first() == Some(&CHUNK_TAG);
        // Media is judged by whether it was asked for, once that is known.
        if !is_chunk && !peer.allowance.message(now, head.len()) {
            return self.ban(conn, Offence::Flood, out);
        }
        let misshapen = if is_chunk {
            head.len() != CHUNK_HEADER
        } else {
            payload > 0
        };
        match wire::decode(head) {
            Ok(None) => {}
            Ok(Some(Message::Hello {
                peer: id,
                upload_kbps,
            })) if !ready => self.hello(conn, id, upload_kbps, out),
            Ok(Some(message)) if ready && !misshapen => self.said(conn, message, payload, out),
            Err(WireError::Version(_)) => self.ban(conn, Offence::Version, out),
            _ => self.ban(conn, Offence::Protocol, out),
        }
    }

    fn said(&mut self, conn: ConnId, message: Message, payload: usize, out: &mut Vec<Action>) {
        match message {
            Message::Chunk { alias, leaf } => self.chunk_received(conn, alias, leaf, payload, out),
            Message::Leaves {
                alias,
                first,
                hashes,
            } => self.tree_received(conn, alias, first, &hashes, out),
            Message::Request {
                alias,
                first,
                count,
                want_leaves,
                idle,
                ..
            } => {
                if let Some(peer) = self.swarm.peer_mut(conn) {
                    peer.idle = idle;
                }
                self.requested(conn, (alias, first, count), want_leaves, out);
            }
            Message::Cancel {
                alias,
                first,
                count,
            } => self.cancelled(conn, alias, first, count),
            Message::Reject {
                alias,
                first,
                count,
                reason,
            } => self.rejected(conn, alias, first, count, reason),
            Message::Ping { nonce } => self.send(conn, &Message::Pong { nonce }, out),
            Message::Bye { .. } => self.drop_peer(conn, "bye", out),
            Message::Hello { .. } => self.ban(conn, Offence::Protocol, out),
            other => self.news(conn, other, out),
        }
    }

    /// What a peer has, no longer has, or is about to have.
    fn news(&mut self, conn: ConnId, message: Message, out: &mut Vec<Action>) {
        let now = self.now;
        let Some(peer) = self.swarm.peer_mut(conn) else {
            return;
        };
        match message {
            Message::Have {
                alias,
                hash,
                short,
                holding,
            } => {
                peer.short = Some(short);
                let leaves = holding.leaves();
                // Nobody here will ever ask for it, so its bitmap is not kept.
                if leaves > self.config.max_segment_bytes.div_ceil(LEAF) {
                    return;
                }
                if let Some(seg) = self.cache.find(&hash)
                    && self
                        .cache
                        .get(seg)
                        .is_some_and(|entry| entry.leaf_count() != leaves)
                {
                    // One of the two has it from a publisher who changed its mind, or guesses.
                    peer.forget(alias);
                    return;
                }
                let has = match holding {
                    wire::Holding::Complete(_) => None,
                    wire::Holding::Partial(bits) => (!bits.is_full()).then_some(bits),
                };
                peer.announce(alias, Holding { hash, leaves, has });
                self.heard_of(&hash);
                self.refill_with(conn, &hash, out);
            }
            Message::HaveMore { alias, first, bits } => {
                if !peer.announce_more(alias, first, &bits) {
                    return self.ban(conn, Offence::Protocol, out);
                }
                if let Some(hash) = peer.holding_by_alias(alias).map(|holding| holding.hash) {
                    self.refill_with(conn, &hash, out);
                }
            }
            Message::Drop { alias } => {
                let hash = peer.forget(alias);
                if let Some(seg) = hash.and_then(|hash| self.cache.find(&hash)) {
                    let gone = peer.withdraw(|s, _| s == seg);
                    self.reopen(gone);
                    self.review_turns();
                }
            }
            Message::Claim { hash, eta_ms } => {
                let eta = Duration::from_millis(u64::from(eta_ms)) * 3 / 2 + CLAIM_SLACK;
                peer.claim(hash, now + eta.min(MAX_CLAIM), now + MAX_CLAIM);
                self.heard_of(&hash);
            }
            Message::Unclaim { hash } => {
                peer.unclaim(&hash);
                self.review_turns();
            }
            Message::Pong { nonce } => {
                if let Some((_, at)) = peer.pinged.take_if(|(sent, _)| *sent == nonce) {
                    peer.rtt = (peer.rtt * 3 + (now - at)) / 4;
                }
            }
            _ => {}
        }
    }

    /// A neighbour has told of a segment.
    fn heard_of(&mut self, hash: &SegmentHash) {
        let Some(seg) = self.cache.find(hash) else {
            return;
        };
        if let Some(get) = self.gets.get_mut(&seg)
            && !std::mem::replace(&mut get.seen, true)
        {
            get.wait = None;
            self.lag.measured(self.now - get.known);
        }
    }

    fn hello(&mut self, conn: ConnId, id: PeerId, upload_kbps: u32, out: &mut Vec<Action>) {
        // Who goes by another name than at the tracker wants somebody else to be blamed.
        if self.swarm.remote(conn).is_some_and(|remote| remote != id) {
            return self.ban(conn, Offence::Protocol, out);
        }
        if id == self.swarm.me || self.swarm.is_banned(self.now, id) {
            return self.close(conn, out);
        }
        if let Some(peer) = self.swarm.peer_mut(conn) {
            peer.uploads = upload_kbps > 0;
            peer.upload_kbps = upload_kbps;
        }
        let extra = self.swarm.identified(conn, id);
        if extra == Some(conn) {
            self.send(
                conn,
                &Message::Bye {
                    reason: ByeReason::Duplicate,
                },
                out,
            );
            return self.close(conn, out);
        }
        if let Some(extra) = extra {
            self.drop_peer(extra, "duplicate", out);
        }
        let newcomer = !self.settled || self.now < self.joined + NEW;
        if newcomer {
            self.quiet_until = self.now + INTRODUCTION;
        }
        self.settled = true;
        self.trackers.hopeful();
        self.review_timers();
        self.notify(Notice::PeerConnected { conn, peer: id }, out);
        self.introduce(conn, out);
    }
}
