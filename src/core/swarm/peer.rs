//! What is known of a peer whose channel is open: what it has, what it owes, what it is owed.
//!
//! Everything a peer says is bounded here: how many segments it may announce, how many claims it may
//! hold, how much it may ask for, how much it may say at all. The bounds are in [`crate::core::config::strangers`].

use crate::core::config::strangers::{
    MAX_BLOCKED, MAX_BROKEN, MAX_BROKEN_KNOWN, MAX_CLAIMS, MAX_HOLDINGS, MAX_REFUSALS, MAX_TREES,
    MAX_WINDOW,
};
use crate::core::config::{LEAF, SEND_HIGH_WATER};
use crate::core::ids::{PeerId, SegKey, SegmentHash, TreeHash};
use crate::core::sorted::{Map, Set};
use crate::core::swarm::allowance::Allowance;
use crate::core::time::{Duration, Time};
use crate::core::wire::{Bitmap, MAX_MESSAGE};

/// How long a peer is left alone that let requests run out twice in a row.
const SHUN: Duration = Duration::from_secs(4);

/// How long a peer is left alone that had too much to do, at first.
const BUSY: Duration = Duration::from_millis(200);

/// Claims taken back without a leaf in between, after which further ones are not believed.
const MAX_RETRACTED: u32 = 3;

/// Leaves asked of a peer that has brought none yet: a stranger who sends rubbish gets to send little.
const FIRST_WINDOW: usize = 1;

/// A segment that the peer has, wholly or in part.
#[derive(Clone, PartialEq, Debug)]
pub struct Holding {
    /// Its name.
    pub hash: SegmentHash,
    /// Its leaves, as the peer says.
    pub leaves: u32,
    /// Which of them it has; `None`: all.
    pub has: Option<Bitmap>,
}

/// A segment that the peer says it is fetching.
#[derive(Clone, Copy, Debug)]
struct Claim {
    until: Time,
    most: Time,
}

/// A leaf that the peer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owed {
    /// The buffer.
    pub seg: SegKey,
    /// The leaf.
    pub leaf: u32,
}

/// What the peer was told of a segment.
#[derive(Clone, Debug)]
pub struct Told {
    /// Leaves that it was told of, or has.
    pub leaves: Bitmap,
    /// When it was told last.
    pub at: Time,
}

/// A connected viewer.
#[derive(Debug)]
pub struct Peer {
    /// Who, after its hello.
    pub id: PeerId,
    /// Whether its hello has come.
    pub ready: bool,
    /// Whether it answers requests at all.
    pub uploads: bool,
    /// What it is willing to upload, in kbit/s, as it says.
    pub upload_kbps: u32,
    /// Which part of that it had no use for lately, in 255ths, as it says.
    pub idle: u8,
    /// Which part of its last segments its neighbours did not bring, in 255ths, as it says; `None`: it has said nothing.
    pub short: Option<u8>,
    /// Where it stands among those who are served: the lowest is next.
    pub turn: u64,
    /// Last time anything came from it.
    pub heard: Time,
    /// Last time anything was sent to it.
    pub said: Time,
    /// Bytes that wait in the channel to it.
    pub buffered: usize,
    /// Leaves asked of it.
    pub asked: Set<(SegKey, u32)>,
    /// Leaves it asked for, first in first out.
    pub owed: Vec<Owed>,
    /// Pings sent and not answered.
    pub pinged: Option<(u32, Time)>,
    /// Round trip, smoothed.
    pub rtt: Duration,
    /// Time per leaf, smoothed, in microseconds.
    pub pace: u64,
    /// Last time it brought a leaf, or was first asked.
    pub progress: Time,
    /// Whether it let requests run out since it last brought a leaf.
    pub late: bool,
    /// Until when it has too much to do to be asked for more.
    pub busy_until: Time,
    /// How often in a row it had.
    refusals: u32,
    /// How often in a row it let requests, or a claim, run out.
    broken: u32,
    /// Of these, requests. A claim may be empty because the CDN failed, or because its owner hands nothing on.
    unkept: u32,
    /// Nothing is asked of it before this.
    shunned_until: Time,
    /// What it may still say.
    pub allowance: Allowance,
    /// Since when its channel has been full.
    full_since: Option<Time>,
    /// Whether there was no room for a message to it.
    pub overfull: bool,
    /// Leaf hashes that it is sending, until all of a segment's are there.
    tree: Option<(SegKey, Vec<TreeHash>)>,
    /// How often it got the leaf hashes of a segment.
    trees: Map<SegKey, u8>,
    /// Whether the latest segment that only has a hash as a whole, and that it helped to bring, was right.
    pub is_vouched: bool,
    /// Bytes that it brought of what it had been asked for.
    pub received: u64,
    /// Bytes sent to it.
    pub given: u64,
    /// What had been exchanged when that was last looked at.
    pub weighed: u64,
    /// By the peer's alias; a live event's newest segments come last, and are asked for most.
    holdings: Map<u32, Holding>,
    claims: Map<SegmentHash, Claim>,
    /// How many it has taken back since it last brought a leaf.
    retracted: u32,
    /// Segments it was told of. A handle is never used twice, so its number serves as this side's alias.
    announced: Set<SegKey>,
    /// Of these, those that it was not told all leaves of.
    telling: Map<SegKey, Told>,
}

impl Peer {
    /// A peer that has not said hello yet.
    pub fn new(now: Time) -> Self {
        Self {
            id: PeerId([0; 20]),
            ready: false,
            uploads: true,
            upload_kbps: 0,
            idle: 0,
            short: None,
            turn: 0,
            heard: now,
            said: now,
            buffered: 0,
            asked: Set::new(),
            owed: Vec::new(),
            pinged: None,
            rtt: Duration::from_millis(60),
            pace: 10_000,
            progress: now,
            late: false,
            busy_until: now,
            refusals: 0,
            broken: 0,
            unkept: 0,
            shunned_until: now,
            allowance: Allowance::new(now),
            full_since: None,
            overfull: false,
            tree: None,
            trees: Map::new(),
            is_vouched: false,
            received: 0,
            given: 0,
            weighed: 0,
            holdings: Map::new(),
            claims: Map::new(),
            retracted: 0,
            announced: Set::new(),
            telling: Map::new(),
        }
    }

    /// How many entries all of its tables have together.
    pub fn entries(&self) -> usize {
        let heard = self.holdings.len() + self.claims.len() + self.owed.len();
        heard + self.asked.len() + self.announced.len() + self.telling.len()
    }

    /// The peer announced a segment. An alias it used before is replaced.
    pub fn announce(&mut self, alias: u32, holding: Holding) {
        self.forget(alias);
        if let Some((old, _)) = self.holding(&holding.hash) {
            self.holdings.remove(&old);
        }
        self.holdings.insert(alias, holding);
        while self.holdings.len() > MAX_HOLDINGS {
            let Some(oldest) = self.holdings.keys().next().copied() else {
                break;
            };
            self.forget(oldest);
        }
    }

    /// The peer has more of a segment it announced. False if the alias or the range makes no sense.
    pub fn announce_more(&mut self, alias: u32, first: u32, bits: &Bitmap) -> bool {
        let Some(holding) = self.holdings.get_mut(&alias) else {
            return true;
        };
        let end = first.checked_add(bits.size());
        if end.is_none_or(|end| end > holding.leaves) {
            return false;
        }
        if let Some(has) = &mut holding.has {
            for run in bits.runs(0..bits.size()) {
                has.set_range(first + run.start..first + run.end);
            }
            if has.is_full() {
                holding.has = None;
            }
        }
        true
    }

    /// The peer no longer has it.
    pub fn forget(&mut self, alias: u32) -> Option<SegmentHash> {
        self.holdings.remove(&alias).map(|old| old.hash)
    }

    /// What it said of a segment, if it takes it for another size than it has.
    pub fn forget_misfit(&mut self, hash: &SegmentHash, leaves: u32) {
        if let Some((alias, holding)) = self.holding(hash)
            && holding.leaves != leaves
        {
            self.forget(alias);
        }
    }

    /// What it has of a segment, with its alias.
    pub fn holding(&self, hash: &SegmentHash) -> Option<(u32, &Holding)> {
        let mut newest = self.holdings.iter().rev();
        let (alias, holding) = newest.find(|(_, holding)| holding.hash.cmp(hash).is_eq())?;
        Some((*alias, holding))
    }

    /// What one of its aliases stands for.
    pub fn holding_by_alias(&self, alias: u32) -> Option<&Holding> {
        self.holdings.get(&alias)
    }

    /// The peer fetches a segment from the CDN and expects it by `until`. Saying so again makes it no later than `most` of the
    /// first time, or neighbours could be kept waiting for ever.
    pub fn claim(&mut self, hash: SegmentHash, until: Time, most: Time) {
        if let Some(claim) = self.claims.get_mut(&hash) {
            claim.until = until.min(claim.most);
        } else if self.claims.len() < MAX_CLAIMS {
            self.claims.insert(hash, Claim { until, most });
        }
    }

    /// Part of a segment's leaf hashes came: all of them, once the last of its `count` is there. Each peer's are put
    /// together by themselves, so that nobody answers for another's.
    pub fn tree_part(
        &mut self,
        seg: SegKey,
        (first, hashes): (u32, &[TreeHash]),
        count: u32,
    ) -> Option<Vec<TreeHash>> {
        if first == 0 {
            self.tree = Some((seg, Vec::new()));
        }
        let (of, parts) = self.tree.as_mut()?;
        if *of != seg || first as usize != parts.len() {
            return None;
        }
        let room = (count as usize).saturating_sub(parts.len());
        parts.extend(hashes.iter().take(room));
        let whole = parts.len() == count as usize;
        self.tree.take_if(|_| whole).map(|(_, hashes)| hashes)
    }

    /// Whether it may have the leaf hashes of a segment once more.
    pub fn may_have_tree(&mut self, seg: SegKey) -> bool {
        let times = self.trees.or_default(seg);
        *times = times.saturating_add(1);
        *times <= MAX_TREES
    }

    /// So many bytes wait in the channel to it.
    pub fn set_buffered(&mut self, now: Time, bytes: usize) {
        self.buffered = bytes;
        if bytes + MAX_MESSAGE <= SEND_HIGH_WATER {
            self.full_since = None;
        } else {
            self.full_since.get_or_insert(now);
        }
    }

    /// Whether it has left its channel full for too long, or let too much pile up in it.
    pub fn is_blocked(&self, now: Time) -> bool {
        self.overfull || self.is_stuck(now, MAX_BLOCKED)
    }

    /// Whether its channel has been full for so long.
    pub fn is_stuck(&self, now: Time, span: Duration) -> bool {
        self.full_since.is_some_and(|since| now >= since + span)
    }

    /// This machine slept: what happened meanwhile is nobody's fault.
    pub fn forgive(&mut self, gap: Duration) {
        self.heard += gap;
        self.progress += gap;
        if let Some(since) = &mut self.full_since {
            *since += gap;
        }
    }

    /// Whether it has let this viewer down too often to be worth its place.
    pub fn is_hopeless(&self) -> bool {
        let most = if self.received == 0 {
            MAX_BROKEN
        } else {
            MAX_BROKEN_KNOWN
        };
        self.unkept >= most || self.refusals >= MAX_REFUSALS
    }

    /// The peer takes it back. The CDN fails everybody now and then; whose claims are taken back again and again are not believed
    /// until it has brought something.
    pub fn unclaim(&mut self, hash: &SegmentHash) {
        let claimed = self.claims.remove(hash).is_some();
        self.retracted += u32::from(claimed && self.holding(hash).is_none());
    }

    /// Until when its claim on a segment holds, if it is believed.
    pub fn claim_on(&self, hash: &SegmentHash) -> Option<Time> {
        let claim = self.claims.get(hash);
        let claim = claim.filter(|_| self.retracted <= MAX_RETRACTED);
        claim.map(|claim| claim.until)
    }

    /// Drops claims that have run out; those that led to nothing are remembered.
    pub fn expire_claims(&mut self, now: Time) {
        if self.claims.values().all(|claim| claim.until > now) {
            return;
        }
        let mut claims = std::mem::take(&mut self.claims);
        let mut empty = 0;
        claims.retain(|hash, claim| {
            empty += u32::from(claim.until <= now && self.holding(hash).is_none());
            claim.until > now
        });
        self.claims = claims;
        if empty > 0 {
            self.disappointed(now);
        }
    }

    /// It let requests run out.
    pub fn let_down(&mut self, now: Time) {
        self.unkept += 1;
        self.disappointed(now);
    }

    /// It let something run out. Once can happen to anyone; after that it is left alone for a while,
    /// twice as long each time.
    pub fn disappointed(&mut self, now: Time) {
        self.late = true;
        self.broken += 1;
        if self.broken > 1 {
            self.shunned_until = now + SHUN * (1 << self.broken.min(6)) / 4;
        }
    }

    /// It does not have what it announced, as it says. Segments are thrown out; who does nothing else is of no use.
    pub fn denied(&mut self) {
        self.refusals += 1;
    }

    /// It has too much to do: it is left alone for a moment, for twice as long each time.
    pub fn refused(&mut self, now: Time) {
        self.busy_until = now + BUSY * (1 << self.refusals.min(3));
        self.refusals += 1;
    }

    /// Whether its word counts: it is here, uploads, and has not let this viewer down lately.
    pub fn is_trusted(&self, now: Time) -> bool {
        self.uploads && self.is_here(now) && now >= self.shunned_until
    }

    /// Whether it was told of a segment.
    pub fn has_heard_of(&self, seg: SegKey) -> bool {
        self.announced.contains(&seg)
    }

    /// What it was told of a segment; `None`: nothing yet, or everything.
    pub fn told(&self, seg: SegKey) -> Option<&Told> {
        self.telling.get(&seg)
    }

    /// It is being told of a segment: all of it, or this.
    pub fn tell(&mut self, seg: SegKey, told: Option<Told>) {
        self.announced.insert(seg);
        match told {
            Some(told) => drop(self.telling.insert(seg, told)),
            None => drop(self.telling.remove(&seg)),
        }
    }

    /// This side no longer has a segment; returns its alias if it had been announced.
    pub fn retract(&mut self, seg: SegKey) -> Option<u32> {
        self.owed.retain(|owed| owed.seg != seg);
        self.trees.remove(&seg);
        self.telling.remove(&seg);
        self.announced.remove(&seg).then_some(seg.0)
    }

    /// What this side's alias stands for.
    pub fn seg(&self, alias: u32) -> Option<SegKey> {
        let seg = SegKey(alias);
        self.has_heard_of(seg).then_some(seg)
    }

    /// How many leaves may be outstanding: what its pace delivers in a round trip and a tenth of a second.
    pub fn window(&self) -> usize {
        if self.late {
            return 1;
        }
        if self.received == 0 {
            return FIRST_WINDOW;
        }
        let span = self.rtt.as_micros() as u64 + 100_000;
        usize::try_from(span / self.pace.max(1))
            .unwrap_or(MAX_WINDOW)
            .clamp(2, MAX_WINDOW)
    }

    /// Takes back what was asked of it, where `which` says so; returns what that was.
    pub fn withdraw(&mut self, which: impl Fn(SegKey, u32) -> bool) -> Vec<(SegKey, u32)> {
        let mut gone = Vec::new();
        self.asked.retain(|(seg, leaf)| {
            let withdrawn = which(*seg, *leaf);
            if withdrawn {
                gone.push((*seg, *leaf));
            }
            !withdrawn
        });
        gone
    }

    /// So many leaves arrived together that had been asked.
    pub fn brought(&mut self, now: Time, leaves: u32) {
        let span = (now - self.progress).as_micros() as u64 / u64::from(leaves.max(1));
        self.pace = (self.pace * 7 + span.clamp(200, 2_000_000)) / 8;
        self.progress = now;
        self.late = false;
        self.broken = 0;
        self.unkept = 0;
        self.refusals = 0;
        self.retracted = 0;
        self.received += u64::from(LEAF * leaves);
        self.allowance.earn(leaves);
    }

    /// How long it may keep a request without bringing anything.
    pub fn patience(&self) -> Duration {
        (self.rtt * 2 + Duration::from_micros(self.pace * 8))
            .clamp(Duration::from_millis(500), Duration::from_secs(3))
    }

    /// When what was asked of it is late; `None` when nothing is outstanding.
    pub fn late_at(&self) -> Option<Time> {
        (!self.asked.is_empty()).then(|| self.progress + self.patience())
    }
}
