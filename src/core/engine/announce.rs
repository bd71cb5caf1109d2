//! What neighbours hear of what is verified here.
//!
//! Every announcement is a message to somebody, and most bring nothing: of a dozen neighbours that hear of a
//! leaf, one hands it over. So news is gathered for a while, and a neighbour that was told of more than it
//! can take soon hears of the rest later, together. (What it got from here does not come back as its news, so after the first
//! few groups this is a limit on how often it hears.)

use super::Engine;
use crate::core::action::Action;
use crate::core::cache::entry::Entry;
use crate::core::ids::{ConnId, SegKey, SegmentHash};
use crate::core::list::List;
use crate::core::scheduler::pull;
use crate::core::scheduler::shortfall::Shortfall;
use crate::core::swarm::peer::Told;
use crate::core::time::{Duration, Time};
use crate::core::wire::{Bitmap, Holding, Message};

/// Leaves verified within this time are announced together: at least, and at most.
const GATHER: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(120)];

/// While a viewer holds no more than one leaf in so many of a segment, it is among the first around it, and whatever waits in its hands is
/// waited for by all who come after: it tells what it has almost at once. These are few messages.
const FIRST_PART: u32 = 4;
const GATHER_FIRST: Duration = Duration::from_millis(5);

/// A leaf goes from hand to hand less often than this, so that gathering takes a small part of the time there is.
const HOPS: u32 = 40;

/// A neighbour that lacks so many groups that it was told of has enough to ask for.
const ENOUGH: u32 = 4;

/// So many times longer than others it waits for the rest.
const HOLD: u32 = 4;

/// Segments told to a new peer: the newest ones.
const INTRODUCE: usize = 64;

impl Engine {
    /// Leaves of a segment have been verified; neighbours will hear of it soon.
    pub(super) fn fresh(&mut self, seg: SegKey) {
        if self.on && !self.bucket.is_closed() {
            self.fresh.insert(seg);
            let at = self.now + self.gather(seg);
            self.announce_at = Some(self.announce_at.map_or(at, |other| other.min(at)));
        }
    }

    /// The more time is left, the longer news is gathered, but for the first of a segment.
    fn gather(&self, seg: SegKey) -> Duration {
        let is_first = |entry: &Entry| entry.verified() * FIRST_PART <= entry.leaf_count();
        if self.cache.get(seg).is_some_and(is_first) {
            return GATHER_FIRST;
        }
        let [least, most] = GATHER;
        let slack = self.deadline_of(seg).map(|at| at - self.now);
        slack.map_or(least, |slack| (slack / HOPS).clamp(least, most))
    }

    /// Announces what has been verified, when its time has come.
    pub(super) fn announce(&mut self, out: &mut Vec<Action>) {
        if self.announce_at.is_none_or(|at| self.now < at) {
            return;
        }
        let conns: Vec<ConnId> = self.swarm.peers().map(|(conn, _)| conn).list();
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut next: Option<Time> = None;
        fresh.retain(|seg| {
            let held = self.announce_all(*seg, &conns, out);
            next = held.into_iter().chain(next).min();
            held.is_some()
        });
        self.fresh = fresh;
        self.announce_at = next;
    }

    /// Tells neighbours what is new of a segment; when to tell those that can wait.
    fn announce_all(
        &mut self,
        seg: SegKey,
        conns: &[ConnId],
        out: &mut Vec<Action>,
    ) -> Option<Time> {
        let entry = self.cache.get(seg).filter(|entry| can_share(entry))?;
        let news = News {
            seg,
            hash: entry.info.hash,
            ready: pull::whole_groups(entry.verified_leaves()),
            hold: self.gather(seg) * HOLD,
        };
        let held = conns
            .iter()
            .filter_map(|conn| self.announce_to(*conn, &news, out));
        held.min()
    }

    /// Tells a new peer what there is.
    pub(super) fn introduce(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        if self.bucket.is_closed() {
            return;
        }
        let newest = self
            .cache
            .iter()
            .rev()
            .filter(|(_, entry)| can_share(entry))
            .take(INTRODUCE);
        let segs: Vec<SegKey> = newest.map(|(seg, _)| seg).list();
        for seg in segs.into_iter().rev() {
            self.announce_first(conn, seg, out);
        }
        let claimed: Vec<SegKey> = self
            .gets
            .iter()
            .filter(|(_, get)| get.claimed)
            .map(|(seg, _)| *seg)
            .list();
        for seg in claimed {
            if let Some(entry) = self.cache.get(seg) {
                let claim = Message::Claim {
                    hash: entry.info.hash,
                    eta_ms: 500,
                };
                self.send(conn, &claim, out);
            }
        }
    }

    /// Tells a neighbour of a segment that it has not heard of from here.
    fn announce_first(&mut self, conn: ConnId, seg: SegKey, out: &mut Vec<Action>) {
        let (Some(entry), Some(peer)) = (self.cache.get(seg), self.swarm.peer_mut(conn)) else {
            return;
        };
        let shortfall = self.shortfalls.get(&entry.info.rendition);
        let leaves = pull::whole_groups(entry.verified_leaves());
        let told = (!leaves.is_full()).then_some(leaves);
        let have = Message::Have {
            alias: seg.0,
            hash: entry.info.hash,
            short: shortfall.map_or(0, Shortfall::told),
            holding: told
                .clone()
                .map_or(Holding::Complete(entry.leaf_count()), Holding::Partial),
        };
        let at = self.now;
        peer.tell(seg, told.map(|leaves| Told { leaves, at }));
        self.send(conn, &have, out);
    }

    /// Tells a neighbour what it has neither heard nor got of a segment; if that can wait, until when.
    fn announce_to(&mut self, conn: ConnId, news: &News, out: &mut Vec<Action>) -> Option<Time> {
        let (now, seg, ready) = (self.now, news.seg, &news.ready);
        let peer = self.swarm.peer_mut(conn)?;
        let Some(told) = peer.told(seg) else {
            if !peer.has_heard_of(seg) {
                self.announce_first(conn, seg, out);
            }
            return None;
        };
        let (mut new, mut lacks) = (ready.clone(), told.leaves.clone());
        let until = told.at + news.hold;
        new.subtract(&told.leaves);
        // What it has itself, it need not hear of.
        match peer.holding(&news.hash).map(|(_, theirs)| &theirs.has) {
            None => {}
            Some(None) => new = Bitmap::default(),
            Some(Some(has)) => {
                new.subtract(has);
                lacks.subtract(has);
            }
        }
        let window = new.trimmed();
        let enough = ENOUGH * pull::group(ready.size());
        if window.is_some() && lacks.count() >= enough && now < until {
            return Some(until);
        }
        let told = (!ready.is_full()).then(|| Told {
            leaves: ready.clone(),
            at: now,
        });
        peer.tell(seg, told);
        if let Some((first, bits)) = window {
            let alias = seg.0;
            self.send(conn, &Message::HaveMore { alias, first, bits }, out);
        }
        None
    }
}

/// What there is to tell of a segment.
struct News {
    seg: SegKey,
    hash: SegmentHash,
    /// Leaves that others can ask for.
    ready: Bitmap,
    /// How long those wait who have enough.
    hold: Duration,
}

/// Whether others can check what they get of it.
fn can_share(entry: &Entry) -> bool {
    entry.verified() > 0 && (entry.is_complete() || entry.tree.is_some())
}
