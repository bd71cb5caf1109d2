//! The plan: for every segment that is being got, in the order of need, who is asked for which part.
//!
//! 1. Past the point of no return, or when the player has nothing left, the CDN is asked for what is missing.
//! 2. Leaves that nobody around has or has promised are fetched by whoever's turn it is.
//! 3. Everything else is pulled from peers.

use super::Engine;
use crate::core::action::Action;
use crate::core::config::LEAF;
use crate::core::ids::{ConnId, SegKey, SegmentHash};
use crate::core::scheduler::election;
use crate::core::scheduler::pull::{self, Holder};
use crate::core::sorted::{Map, sort};
use crate::core::time::{Duration, Time};
use crate::core::wire::{Message, NO_HURRY};

/// How long a newcomer waits for a first peer before it takes its turn at the CDN.
const SETTLING: Duration = Duration::from_millis(2_500);

/// With less time than this left, leaves are asked front to back.
const NEAR: Duration = Duration::from_millis(1_500);

/// Ranges asked of the CDN at once for one segment; nearer ones are joined.
const MAX_RANGES: usize = 3;

/// While the CDN is sending, peers are asked for what it will not bring within this time.
const RACE: Duration = Duration::from_millis(400);

/// Segments of the same rendition, before this one, by which a neighbour shows that it watches it.
const KIN: usize = 3;

impl Engine {
    /// Brings the plan up to date.
    pub(super) fn plan(&mut self, out: &mut Vec<Action>) {
        let mut order: Vec<(u8, Option<Time>, SegKey)> = self
            .gets
            .iter()
            .filter(|(seg, _)| {
                self.cache
                    .get(**seg)
                    .is_some_and(|entry| entry.missing() > 0)
            })
            .map(|(seg, get)| (u8::from(!get.is_wanted()), self.deadline_of(*seg), *seg))
            .collect();
        sort(&mut order);
        for (_, deadline, seg) in order {
            self.ask_cdn(seg, deadline, out);
            self.ask_peers(seg, deadline, out);
        }
    }

    fn ask_cdn(&mut self, seg: SegKey, deadline: Option<Time>, out: &mut Vec<Action>) {
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return;
        };
        if !get.fetches.is_empty() {
            return;
        }
        let missing = u64::from(entry.missing()) * u64::from(LEAF);
        let last_call = deadline.map(|deadline| {
            self.cdn
                .point_of_no_return(deadline, missing)
                .before(get.jitter)
        });
        let due = get.is_wanted() && (!self.on || last_call.is_none_or(|at| self.now >= at));
        let retry_at = get.retry_at;
        if due {
            if self.now < retry_at {
                return self.wake(retry_at, "cdn-retry");
            }
            let all: Vec<u32> = entry.missing_leaves().collect();
            let rescued = deadline.is_some() && self.swarm.peers().next().is_some();
            if let Some(get) = self.gets.get_mut(&seg) {
                get.rescued |= rescued;
            }
            return self.fetch_leaves(seg, &all, out);
        }
        if let Some(at) = last_call.filter(|_| get.is_wanted()) {
            self.wake(at, "point-of-no-return");
        }
        self.take_turn(seg, retry_at, out);
    }

    /// Fetches what nobody has or has promised, when it is this viewer's turn.
    fn take_turn(&mut self, seg: SegKey, retry_at: Time, out: &mut Vec<Action>) {
        if !self.on {
            return;
        }
        if self.is_settling() {
            return self.wake(self.joined + SETTLING, "settling");
        }
        // A new neighbour's news follows its hello.
        if self.now < self.quiet_until {
            return self.wake(self.quiet_until, "introduction");
        }
        let uncovered = self.uncovered(seg);
        let now = self.now;
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let turn = election::turn(
            self.swarm.me,
            &entry.info.hash,
            self.rivals(seg).into_iter(),
        );
        let Some(get) = self.gets.get_mut(&seg) else {
            return;
        };
        if uncovered.is_empty() {
            get.uncovered = None;
            return;
        }
        let at = (*get.uncovered.get_or_insert(now) + turn).max(retry_at);
        if now < at {
            return self.wake(at, "turn");
        }
        self.fetch_leaves(seg, &uncovered, out);
    }

    fn fetch_leaves(&mut self, seg: SegKey, leaves: &[u32], out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let ranges: Vec<(u32, u32)> = join(leaves)
            .into_iter()
            .map(|(first, last)| {
                (
                    entry.range(first).0,
                    entry.range(last).0 + entry.range(last).1,
                )
            })
            .collect();
        self.claim(seg, out);
        for (from, to) in ranges {
            self.fetch(seg, from, to, out);
        }
    }

    /// Whether a first peer is likely to come soon.
    pub(super) fn is_settling(&self) -> bool {
        !self.settled && self.now < self.joined + SETTLING
    }

    /// Missing leaves that no neighbour has, is asked for, or has promised.
    fn uncovered(&mut self, seg: SegKey) -> Vec<u32> {
        let Some(entry) = self.cache.get(seg) else {
            return Vec::new();
        };
        let hash = entry.info.hash;
        let claims = self
            .swarm
            .peers()
            .filter(|(_, peer)| peer.is_trusted(self.now));
        if let Some(until) = claims
            .filter_map(|(_, peer)| peer.claim_on(&hash))
            .filter(|until| *until > self.now)
            .max()
        {
            self.wake(until, "claim-expiry");
            return Vec::new();
        }
        let Some(entry) = self.cache.get(seg) else {
            return Vec::new();
        };
        let holders = self.holders(&hash);
        entry
            .missing_leaves()
            .filter(|leaf| !pull::covered(*leaf, &holders))
            .collect()
    }

    /// Neighbours that watch the same rendition: they have a recent segment of it, or this one.
    fn rivals(&self, seg: SegKey) -> Vec<crate::core::ids::PeerId> {
        let Some(entry) = self.cache.get(seg) else {
            return Vec::new();
        };
        let start = entry.info.start;
        let playlist = self.playlists.get(&entry.info.rendition);
        let before = playlist
            .into_iter()
            .flat_map(|playlist| playlist.segments.iter().rev());
        let kin: Vec<SegmentHash> = before
            .filter(|info| info.start < start - 0.05)
            .take(KIN)
            .map(|info| info.hash)
            .collect();
        let watches = |peer: &crate::core::swarm::Peer| {
            peer.is_trusted(self.now) && kin.iter().any(|hash| peer.holding(hash).is_some())
        };
        self.swarm
            .peers()
            .filter(|(_, peer)| watches(peer))
            .map(|(_, peer)| peer.id)
            .collect()
    }

    fn holders(&self, hash: &SegmentHash) -> Vec<Holder<'_>> {
        let here = self
            .swarm
            .peers()
            .filter(|(_, peer)| peer.is_trusted(self.now));
        here.filter_map(|(conn, peer)| {
            let (_, holding) = peer.holding(hash)?;
            Some(Holder {
                conn,
                has: holding.has.as_ref(),
                room: peer.window().saturating_sub(peer.asked.len()),
                outstanding: peer.asked.len(),
                pace: peer.pace,
            })
        })
        .collect()
    }

    fn ask_peers(&mut self, seg: SegKey, deadline: Option<Time>, out: &mut Vec<Action>) {
        if !self.on {
            return;
        }
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let hash = entry.info.hash;
        let mut holders = self.holders(&hash);
        if holders.is_empty() {
            return;
        }
        let leaves = self.open_leaves(seg, deadline);
        let want_leaves = entry.needs_tree();
        let asks = pull::assign(leaves.into_iter(), &mut holders);
        self.send_requests(seg, asks, want_leaves, deadline, out);
    }

    /// Missing leaves to ask of peers now, best first.
    fn open_leaves(&self, seg: SegKey, deadline: Option<Time>) -> Vec<u32> {
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return Vec::new();
        };
        let asked: Vec<u32> = self
            .swarm
            .peers()
            .flat_map(|(_, peer)| {
                peer.asked
                    .iter_from(&(seg, 0))
                    .take_while(|((of, _), _)| *of == seg)
                    .map(|((_, leaf), _)| *leaf)
            })
            .collect();
        let free =
            |leaf: &u32| !asked.contains(leaf) && !self.comes_from_cdn(seg, entry.range(*leaf).0);
        let mut leaves: Vec<u32> = entry.missing_leaves().filter(free).collect();
        if !get.fetches.is_empty() {
            leaves.reverse();
        } else if deadline.is_some_and(|deadline| deadline > self.now + NEAR) || !get.is_wanted() {
            let start = get.rotation % entry.leaf_count().max(1);
            let middle = leaves.partition_point(|leaf| *leaf < start);
            leaves.rotate_left(middle);
        }
        leaves
    }

    /// Whether the CDN is about to bring this byte of the segment.
    fn comes_from_cdn(&self, seg: SegKey, at: u32) -> bool {
        let Some(get) = self.gets.get(&seg) else {
            return false;
        };
        let fetches = get.fetches.iter().filter_map(|id| self.fetches.get(id));
        let slow = self.cdn.slow_first_byte();
        fetches.into_iter().any(|fetch| {
            fetch.covers(at) && fetch.is_hopeful(self.now, slow) && at < fetch.reach(self.now, RACE)
        })
    }

    fn send_requests(
        &mut self,
        seg: SegKey,
        asks: Vec<(ConnId, u32)>,
        want_leaves: bool,
        deadline: Option<Time>,
        out: &mut Vec<Action>,
    ) {
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let hash = entry.info.hash;
        let urgency_ms = deadline.map_or(NO_HURRY, |deadline| {
            u16::try_from((deadline - self.now).as_millis())
                .unwrap_or(NO_HURRY)
                .min(NO_HURRY - 1)
        });
        let mut by_peer: Map<ConnId, Vec<u32>> = Map::new();
        for (conn, leaf) in asks {
            by_peer.or_default(conn).push(leaf);
        }
        for (conn, mut leaves) in by_peer {
            sort(&mut leaves);
            let now = self.now;
            let Some(peer) = self.swarm.peer_mut(conn) else {
                continue;
            };
            let Some((alias, _)) = peer.holding(&hash) else {
                continue;
            };
            if peer.asked.is_empty() {
                peer.progress = now;
            }
            // Once per neighbour: the hashes come before the first chunk.
            let known = peer.asked.iter_from(&(seg, 0)).next();
            let mut want_tree = want_leaves && known.is_none_or(|((of, _), _)| *of != seg);
            for leaf in &leaves {
                peer.asked.insert((seg, *leaf), now);
            }
            for (first, last) in runs(&leaves) {
                let request = Message::Request {
                    alias,
                    first,
                    count: last - first + 1,
                    want_leaves: std::mem::take(&mut want_tree),
                    urgency_ms,
                };
                self.send(conn, &request, out);
            }
        }
    }
}

/// Sorted numbers as runs (first, last).
pub(super) fn runs(sorted: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for n in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *n => *last = *n,
            _ => runs.push((*n, *n)),
        }
    }
    runs
}

/// Runs, joined over their smallest gaps until there are few enough.
fn join(leaves: &[u32]) -> Vec<(u32, u32)> {
    let mut sorted = leaves.to_vec();
    sort(&mut sorted);
    let mut runs = runs(&sorted);
    while runs.len() > MAX_RANGES {
        let gap = |i: &usize| match (runs.get(*i), runs.get(*i + 1)) {
            (Some((_, end)), Some((start, _))) => start - end,
            _ => u32::MAX,
        };
        let Some(at) = (0..runs.len() - 1).min_by_key(gap) else {
            break;
        };
        let (_, last) = runs.remove(at + 1);
        if let Some(run) = runs.get_mut(at) {
            run.1 = last;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_over_the_smallest_gaps() {
        assert_eq!(
            join(&[0, 1, 3, 10, 11, 20, 30]),
            vec![(0, 11), (20, 20), (30, 30)]
        );
        assert_eq!(join(&[5, 4]), vec![(4, 5)]);
        assert!(join(&[]).is_empty());
    }
}
