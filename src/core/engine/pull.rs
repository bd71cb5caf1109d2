//! What is asked of neighbours: each has a pipeline, and it is filled up when something about it changes.

use super::Engine;
use crate::core::action::Action;
use crate::core::ids::{ConnId, SegKey, SegmentHash};
use crate::core::list::List;
use crate::core::scheduler::pull;
use crate::core::sorted::sort;
use crate::core::swarm::Peer;
use crate::core::time::{Duration, Time};
use crate::core::wire::{Bitmap, Message, NO_HURRY};

/// With less time than this left, leaves are asked front to back.
const NEAR: Duration = Duration::from_millis(1_500);

/// Pipelines are filled up together no more often than this.
const BURST: Duration = Duration::from_millis(20);

/// While the CDN is sending, peers are asked for what it will not bring within this time.
const RACE: Duration = Duration::from_millis(400);

/// What the CDN brings later than so long before it is needed may be too late.
const MARGIN: Duration = Duration::from_millis(200);

impl Engine {
    /// Segments with missing leaves in the order of need: first those that the player waits for, each by its deadline.
    pub(super) fn order_of_need(&self) -> Vec<(u8, Option<Time>, SegKey)> {
        let lacking = self.gets.iter().filter(|(seg, _)| {
            self.cache
                .get(**seg)
                .is_some_and(|entry| entry.missing() > 0)
        });
        let mut order: Vec<(u8, Option<Time>, SegKey)> = lacking
            .map(|(seg, get)| (u8::from(!get.is_wanted()), self.deadline_of(*seg), *seg))
            .list();
        sort(&mut order);
        // What peers send comes down the same line as what the CDN sends.
        let late =
            |(_, deadline, seg): &(u8, Option<Time>, SegKey)| self.is_behind(*seg, *deadline);
        if !self.fetches.is_empty()
            && let Some(at) = order.iter().position(late)
        {
            order.truncate(at + 1);
        }
        order
    }

    /// Whether the CDN, at its rate so far, will not bring what was asked of it before the player needs it.
    fn is_behind(&self, seg: SegKey, deadline: Option<Time>) -> bool {
        let (Some(deadline), Some(get)) = (deadline, self.gets.get(&seg)) else {
            return false;
        };
        let left = (deadline - self.now).saturating_sub(MARGIN);
        let mut fetches = get.fetches.iter().filter_map(|id| self.fetches.get(id));
        get.is_wanted() && fetches.any(|fetch| fetch.reach(self.now, left) < fetch.to)
    }

    /// Fills up every pipeline, if that is due; what makes it due comes in bursts.
    pub(super) fn refill_all(&mut self, out: &mut Vec<Action>) {
        if self.refill_at().is_none_or(|at| self.now < at) {
            return;
        }
        self.refill_due = false;
        self.refilled = self.now;
        let order = self.order_of_need();
        if order.is_empty() || !self.on {
            return;
        }
        let conns: Vec<ConnId> = self.swarm.peers().map(|(conn, _)| conn).list();
        for conn in conns {
            self.fill(conn, &order, out);
        }
    }

    /// When that will be due.
    pub(super) fn refill_at(&self) -> Option<Time> {
        let useful = self.refill_due && self.on && !self.gets.is_empty();
        useful.then(|| self.refilled + BURST)
    }

    /// Fills up one pipeline, if enough of it is empty.
    pub(super) fn refill(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        if self.is_hungry(conn) {
            let order = self.order_of_need();
            self.fill(conn, &order, out);
        }
    }

    /// The same with leaves of one segment only: a neighbour has more of it.
    pub(super) fn refill_with(&mut self, conn: ConnId, hash: &SegmentHash, out: &mut Vec<Action>) {
        if !self.is_hungry(conn) {
            return;
        }
        let Some(seg) = self.cache.find(hash) else {
            return;
        };
        if let Some(get) = self.gets.get(&seg) {
            let need = (u8::from(!get.is_wanted()), self.deadline_of(seg), seg);
            self.fill(conn, &[need], out);
        }
    }

    fn is_hungry(&self, conn: ConnId) -> bool {
        let room =
            |peer: &Peer| self.now >= peer.busy_until && peer.asked.len() * 3 <= peer.window() * 2;
        self.on && !self.gets.is_empty() && self.swarm.peer(conn).is_some_and(room)
    }

    fn fill(&mut self, conn: ConnId, order: &[(u8, Option<Time>, SegKey)], out: &mut Vec<Action>) {
        for (_, deadline, seg) in order {
            let Some(peer) = self.swarm.peer(conn) else {
                return;
            };
            let room = peer.window().saturating_sub(peer.asked.len());
            if room == 0 || self.now < peer.busy_until || !peer.is_trusted(self.now) {
                return;
            }
            let runs = self.pick(conn, *seg, *deadline, room as u32);
            if !runs.is_empty() {
                self.request(conn, *seg, &runs, *deadline, out);
            }
        }
    }

    /// Which leaves of a segment to ask of a neighbour now.
    fn pick(
        &self,
        conn: ConnId,
        seg: SegKey,
        deadline: Option<Time>,
        room: u32,
    ) -> Vec<(u32, u32)> {
        let (Some(get), Some(entry), Some(peer)) = (
            self.gets.get(&seg),
            self.cache.get(seg),
            self.swarm.peer(conn),
        ) else {
            return Vec::new();
        };
        let Some((_, holding)) = peer.holding(&entry.info.hash) else {
            return Vec::new();
        };
        if entry.shuns_peers || !self.may_try(conn, peer, entry, get) {
            return Vec::new();
        }
        let mut open = entry.missing_leaves().clone();
        open.subtract(&get.asked);
        if let Some(has) = &holding.has {
            open.intersect_with(has);
        }
        if let Some(early) = &get.early {
            open.subtract(early);
        } else if !get.fetches.is_empty() {
            self.leave_to_cdn(seg, &mut open);
            return pull::choose_last(&open, room);
        }
        let group = pull::group(open.size());
        // Of a stranger, one leaf.
        let room = match peer.received {
            0 => room,
            _ => room.next_multiple_of(group),
        };
        let near = get.is_wanted() && deadline.is_none_or(|at| at <= self.now + NEAR);
        pull::choose(
            &open,
            if near {
                0
            } else {
                get.rotation - get.rotation % group
            },
            room,
        )
    }

    /// Takes out what the CDN is about to bring.
    fn leave_to_cdn(&self, seg: SegKey, open: &mut Bitmap) {
        let slow = self.cdn.slow_first_byte();
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return;
        };
        let fetches = get.fetches.iter().filter_map(|id| self.fetches.get(id));
        for fetch in fetches.filter(|fetch| fetch.is_hopeful(self.now, slow)) {
            let reach = fetch.reach(self.now, RACE);
            let (from, to) = (entry.leaf_at(fetch.pos), entry.leaf_at(reach));
            open.clear_range(from..to);
        }
    }

    fn request(
        &mut self,
        conn: ConnId,
        seg: SegKey,
        runs: &[(u32, u32)],
        deadline: Option<Time>,
        out: &mut Vec<Action>,
    ) {
        let now = self.now;
        let (Some(get), Some(entry), Some(peer)) = (
            self.gets.get_mut(&seg),
            self.cache.get(seg),
            self.swarm.peer_mut(conn),
        ) else {
            return;
        };
        let Some((alias, _)) = peer.holding(&entry.info.hash) else {
            return;
        };
        if entry.is_proved_as_a_whole() && !peer.is_vouched {
            get.tries = Some(conn);
        }
        if peer.asked.is_empty() {
            peer.progress = now;
            self.timers_at = self.timers_at.min(now + peer.patience());
        }
        // Once per neighbour: the hashes come before the first chunk.
        let asked_before = peer.asked.first_from(&(seg, 0));
        let mut want_leaves = entry.needs_tree() && asked_before.is_none_or(|(of, _)| *of != seg);
        let urgency_ms = deadline.map_or(NO_HURRY, |at| {
            u16::try_from((at - now).as_millis()).map_or(NO_HURRY - 1, |ms| ms.min(NO_HURRY - 1))
        });
        for (first, count) in runs.iter().copied() {
            get.asked.set_range(first..first + count);
            (first..first + count).for_each(|leaf| {
                peer.asked.insert((seg, leaf));
            });
        }
        self.meter_due = true;
        let idle = self.bucket.idle(now);
        for (first, count) in runs.iter().copied() {
            let request = Message::Request {
                alias,
                first,
                count,
                want_leaves: std::mem::take(&mut want_leaves),
                urgency_ms,
                idle,
            };
            self.send(conn, &request, out);
        }
    }

    /// Leaves that were asked of a neighbour are open to others again.
    pub(super) fn reopen(&mut self, asked: impl IntoIterator<Item = (SegKey, u32)>) {
        self.meter_due = true;
        for (seg, leaf) in asked {
            if let Some(get) = self.gets.get_mut(&seg) {
                get.asked.clear(leaf);
                self.refill_due = true;
            }
        }
    }
}
