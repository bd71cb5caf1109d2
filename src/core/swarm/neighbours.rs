//! Which neighbours are worth their place.
//!
//! The tracker deals out strangers. In a large audience most of them would do; some watch another rendition, are far
//! away, or behind links that are always busy. Every few seconds those with whom next to nothing was exchanged, either way, give
//! up their place to somebody new. Who is exchanged with is who is near and watches the same, so no distances
//! have to be measured; whoever remains was dealt at random, which keeps the swarm in one piece.

use crate::core::ids::ConnId;
use crate::core::list::List;
use crate::core::swarm::Swarm;
use crate::core::time::{Duration, Time};

/// A neighbour is not judged before it has been here this long, and for the whole time between two comparisons.
const TRIAL: Duration = Duration::from_secs(5);

/// With fewer neighbours than this, all are kept.
const FEW: usize = 4;

/// Given up at once.
const MOST: usize = 2;

/// Whoever exchanges less than the mean over this is next to useless.
const USELESS: u64 = 3;

impl Swarm {
    /// Neighbours that should make room for others, by what was exchanged with each since this was last asked.
    pub fn useless(&mut self, now: Time) -> Vec<ConnId> {
        let since = std::mem::replace(&mut self.compared, now);
        let tried: Vec<ConnId> = self.open_before(since.min(now.before(TRIAL))).list();
        let mut exchanged: Vec<(u64, ConnId)> = Vec::new();
        for (conn, peer) in self.peers_mut() {
            let bytes = peer.received + peer.given;
            let lately = bytes - std::mem::replace(&mut peer.weighed, bytes);
            if tried.contains(&conn) {
                exchanged.push((lately, conn));
            }
        }
        let mean =
            exchanged.iter().map(|(bytes, _)| bytes).sum::<u64>() / exchanged.len().max(1) as u64;
        let spare = exchanged.len().saturating_sub(FEW).min(MOST);
        exchanged.retain(|(bytes, _)| bytes * USELESS < mean);
        crate::core::sorted::sort(&mut exchanged);
        exchanged.truncate(spare);
        exchanged.into_iter().map(|(_, conn)| conn).list()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::action::Action;
    use crate::core::ids::PeerId;

    /// A swarm with so many open connections since second 1.
    fn swarm(peers: u32) -> Swarm {
        let mut swarm = Swarm::new(PeerId([0; 20]), 16);
        let mut actions: Vec<Action> = Vec::new();
        let mut rng = fastrand::Rng::with_seed(1);
        swarm.make_offers(Time(0), peers as usize, &mut rng, &mut actions);
        for conn in swarm.conns() {
            assert!(swarm.opened(Time(1_000_000), conn));
            swarm.peer_mut(conn).unwrap().ready = true;
        }
        swarm
    }

    #[test]
    fn those_with_whom_nothing_is_exchanged_give_up_their_place() {
        let mut swarm = swarm(8);
        for (conn, peer) in swarm.peers_mut() {
            peer.given = u64::from(conn.0 / 3) * 1_000_000;
        }
        assert!(swarm.useless(Time(9_000_000)).is_empty(), "they came since");
        for (conn, peer) in swarm.peers_mut() {
            peer.received = u64::from(conn.0 / 3) * 1_000_000;
        }
        assert_eq!(swarm.useless(Time(15_000_000)), [ConnId(0), ConnId(1)]);
        assert!(
            swarm.useless(Time(21_000_000)).is_empty(),
            "nobody exchanged anything"
        );
    }

    #[test]
    fn a_few_are_always_kept() {
        let mut swarm = swarm(5);
        assert!(swarm.useless(Time(9_000_000)).is_empty());
        if let Some(peer) = swarm.peer_mut(ConnId(4)) {
            peer.given = 1_000_000;
        }
        assert_eq!(swarm.useless(Time(15_000_000)).len(), 1);
    }
}
