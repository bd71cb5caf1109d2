//! Segments of which only the whole has a hash: one wrong leaf of anybody spoils all that the others have sent.
//!
//! So each neighbour is tried before it is relied on: a segment takes bytes from one untried neighbour at most, and as long as
//! tried ones suffice only now and then.

use super::Engine;
use super::get::Get;
use crate::core::cache::entry::{Entry, Source};
use crate::core::ids::{ConnId, SegKey};
use crate::core::swarm::Peer;

/// Tried neighbours with which it does without others.
const ENOUGH: usize = 3;

/// One segment of so many takes bytes from an untried neighbour all the same.
const NOW_AND_THEN: u32 = 12;

impl Engine {
    /// Whether a neighbour is asked for a segment: it has been tried, or is the one that is tried with it.
    pub(super) fn may_try(&self, conn: ConnId, peer: &Peer, entry: &Entry, get: &Get) -> bool {
        if !entry.is_proved_as_a_whole() || peer.is_vouched {
            return true;
        }
        if let Some(tried) = get.tries {
            return tried == conn;
        }
        let vouched = self.swarm.peers().filter(|(_, peer)| peer.is_vouched);
        vouched.count() < ENOUGH || get.rotation.is_multiple_of(NOW_AND_THEN)
    }

    /// Whose bytes a segment has, if only the whole has a hash.
    pub(super) fn senders(&self, seg: SegKey) -> Vec<Source> {
        let entry = self.cache.get(seg);
        let entry = entry.filter(|entry| entry.is_proved_as_a_whole());
        entry.map(Entry::sources).unwrap_or_default()
    }

    /// A segment that they have helped to bring was right; or it was not, and if they all had been tried, nobody vouches for
    /// any of them.
    pub(super) fn vouch(&mut self, senders: &[Source], right: bool) {
        let conns = senders.iter().filter_map(|sender| match sender {
            Source::Peer(conn) => Some(*conn),
            Source::Cdn(_) => None,
        });
        let is_vouched = |conn| self.swarm.peer(conn).is_some_and(|peer| peer.is_vouched);
        if !right && !conns.clone().all(is_vouched) {
            return;
        }
        for conn in conns {
            if let Some(peer) = self.swarm.peer_mut(conn) {
                peer.is_vouched = right;
            }
        }
    }
}
