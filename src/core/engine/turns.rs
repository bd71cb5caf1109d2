//! When the CDN is asked.
//!
//! 1. Past the point of no return, or when the player has nothing left: for everything that is missing and that no neighbour is
//!    just sending; a little later for that too.
//! 2. From the start, for as much as neighbours have lately failed to bring.
//! 3. When it is this viewer's turn: for leaves that nobody around has or has promised. In a small audience this waits, on a
//!    narrow line, until the player has what it waits for.

use super::Engine;
use super::get::Get;
use super::links::kbps;
use crate::core::action::Action;
use crate::core::config::LEAF;
use crate::core::ids::{SegKey, SegmentHash};
use crate::core::list::List;
use crate::core::scheduler::election::{self, Candidate, Crowd, Poll};
use crate::core::scheduler::pull;
use crate::core::sorted::sort;
use crate::core::swarm::Peer;
use crate::core::time::{Duration, Time};
use crate::core::wire::Bitmap;

/// How long a newcomer waits for a first peer before it takes its turn at the CDN.
const SETTLING: Duration = Duration::from_millis(2_500);

/// Who has found nobody so long after it began to look, or has lost all, waits for nobody.
const LONELY: Duration = Duration::from_secs(5);

/// So long after it began to look for peers, a viewer and its neighbours do not know each other well enough to rank
/// themselves alike; in a small audience it lets so many others go first meanwhile.
const NEWCOMER: Duration = Duration::from_secs(10);
const COURTESY: u32 = 4;

/// Ranges asked of the CDN at once for one segment; nearer ones are joined.
const MAX_RANGES: usize = 3;

/// While the CDN brings what is needed within this time, nothing else is asked of it.
const SOON: Duration = Duration::from_secs(2);

/// What the player does not wait for is fetched beside something else only if all comes within the segment's duration divided
/// by this. Chosen, not measured.
const AT_ONCE: f64 = 2.0;

/// A segment that neighbours have is looked at again after this: they may have gone.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Of the time that neighbours have beyond what they need, this part is kept in hand, so that a CDN that falters is
/// noticed while it can recover.
const NEEDED: Duration = Duration::from_secs(4);
const RESERVE: u32 = 4;

/// Of upload ceilings above so many bitrates no more is made.
const AMPLE: f64 = 1.5;

/// Segments of the same rendition, before this one, by which a neighbour shows that it watches it.
const KIN: usize = 3;

impl Engine {
    /// Asks the CDN for what is due, and notes when something will be.
    pub(super) fn run_turns(&mut self, out: &mut Vec<Action>) {
        if self.now < self.turns_at {
            return;
        }
        self.turns_at = Time::NEVER;
        for (_, deadline, seg) in self.order_of_need() {
            let next = self.turn_of(seg, deadline, out);
            self.turns_at = self.turns_at.min(next);
        }
    }

    /// Something happened that may change whose turn it is.
    pub(super) fn review_turns(&mut self) {
        self.turns_at = self.now;
    }

    /// Deals with one segment; returns when to look at it again.
    fn turn_of(&mut self, seg: SegKey, deadline: Option<Time>, out: &mut Vec<Action>) -> Time {
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return Time::NEVER;
        };
        // Its end, one way or the other, brings us back.
        if !get.fetches.is_empty() && get.early.is_none() {
            return match get.second_call {
                Some(at) if self.now >= at => self.rescue(seg, true, out),
                at => at.unwrap_or(Time::NEVER),
            };
        }
        let missing = u64::from(entry.missing()) * u64::from(LEAF) + entry.at_stake_again();
        let last_call = deadline.map(|deadline| {
            let spare = match self.playhead.rate {
                rate if rate > 0.0 => (deadline - get.known).saturating_sub(NEEDED),
                _ => Duration::ZERO,
            };
            self.cdn
                .point_of_no_return(deadline, missing)
                .before(get.jitter + spare / RESERVE)
        });
        let wanted = get.is_wanted();
        if wanted && (!self.on || last_call.is_none_or(|at| self.now >= at)) {
            return self.rescue(seg, deadline.is_some(), out);
        }
        let turn = self.take_turn(seg, out);
        match last_call.filter(|_| wanted) {
            Some(at) => at.min(turn),
            None => turn,
        }
    }

    /// Asks for what is missing. What neighbours are about to bring is less, so it has a later point of no return of its
    /// own; returns that.
    fn rescue(&mut self, seg: SegKey, in_time: bool, out: &mut Vec<Action>) -> Time {
        let rescued = in_time && self.swarm.peers().next().is_some();
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return Time::NEVER;
        };
        if self.now < get.retry_at {
            return get.retry_at;
        }
        let mut missing = entry.missing_leaves().clone();
        missing.subtract(&self.coming(seg));
        let on_way = self.on_their_way(seg, &missing);
        let second_call = self.second_call(seg, &on_way);
        let mut open = missing.clone();
        open.subtract(&on_way);
        let Some(get) = self.gets.get_mut(&seg) else {
            return Time::NEVER;
        };
        if rescued && !get.rescued {
            get.short = open.count();
        }
        get.rescued |= rescued;
        get.early = None;
        self.stats.rescues += u32::from(rescued && get.second_call.is_none());
        get.second_call = second_call;
        let wanted = if second_call.is_some() { open } else { missing };
        if !wanted.is_clear() {
            self.fetch_leaves(seg, &wanted, out);
        }
        second_call.unwrap_or(Time::NEVER)
    }

    /// When to ask the CDN for so much that neighbours were about to bring, if that is not now.
    fn second_call(&self, seg: SegKey, on_way: &Bitmap) -> Option<Time> {
        let again = self.cache.get(seg)?.at_stake_again();
        let bytes = u64::from(on_way.count()) * u64::from(LEAF) + again;
        let at = self.cdn.point_of_no_return(self.deadline_of(seg)?, bytes);
        (!on_way.is_clear() && at > self.now).then_some(at)
    }

    /// Which of these leaves have been asked of neighbours that keep their word.
    fn on_their_way(&self, seg: SegKey, leaves: &Bitmap) -> Bitmap {
        let mut on_way = Bitmap::new(leaves.size());
        let keeps_word = |peer: &Peer| !peer.late && peer.is_trusted(self.now);
        let prompt = self.swarm.peers().filter(|(_, peer)| keeps_word(peer));
        let asked = prompt.flat_map(|(_, peer)| peer.asked.iter());
        for (_, leaf) in asked.filter(|(of, leaf)| *of == seg && leaves.get(*leaf)) {
            on_way.set(*leaf);
        }
        on_way
    }

    /// Leaves that requests to the CDN are about to bring.
    fn coming(&self, seg: SegKey) -> Bitmap {
        let slow = self.cdn.slow_first_byte();
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return Bitmap::default();
        };
        let mut coming = Bitmap::new(entry.leaf_count());
        let fetches = get.fetches.iter().filter_map(|id| self.fetches.get(id));
        for fetch in fetches.filter(|fetch| fetch.is_hopeful(self.now, slow)) {
            coming.set_range(entry.leaf_at(fetch.pos)..entry.leaf_at(fetch.to));
        }
        coming
    }

    /// Asks for what neighbours have lately failed to bring, right when a segment becomes known.
    pub(super) fn fetch_early(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let alone = self.swarm.peers().next().is_none();
        let (Some(get), Some(entry)) = (self.gets.get_mut(&seg), self.cache.get(seg)) else {
            return;
        };
        let leaves = entry.leaf_count();
        let group = pull::group(leaves);
        let shortfall = self.shortfalls.get(&entry.info.rendition);
        let count = shortfall.map_or(0, |shortfall| shortfall.of(leaves));
        if alone || count == 0 || get.early.is_some() {
            return;
        }
        let count = count.next_multiple_of(group).min(leaves);
        // Just before where this viewer begins to ask neighbours: the last that it would come to.
        let end = get.rotation - get.rotation % group;
        let mut early = Bitmap::new(leaves);
        early.set_range(end.saturating_sub(count)..end);
        early.set_range((leaves + end).saturating_sub(count).max(end)..leaves);
        get.early = Some(early.clone());
        self.fetch_runs(seg, &early, out);
    }

    /// Fetches what nobody has or has promised, when it is this viewer's turn; returns when to look again.
    fn take_turn(&mut self, seg: SegKey, out: &mut Vec<Action>) -> Time {
        if !self.on {
            return Time::NEVER;
        }
        if self.is_settling() {
            return self.joined + SETTLING;
        }
        // A new neighbour's news follows its hello.
        if self.now < self.quiet_until {
            return self.quiet_until;
        }
        // What is fetched for all comes down the same line as what this viewer cannot do without.
        let soon = self.now + SOON;
        let urgent = |(other, get): (&SegKey, &Get)| {
            let due = || self.deadline_of(*other).is_none_or(|at| at < soon);
            get.is_wanted() && !get.fetches.is_empty() && due()
        };
        if self.gets.iter().any(urgent) {
            return self.now + LOOK_AGAIN;
        }
        let Some(entry) = self.cache.get(seg) else {
            return Time::NEVER;
        };
        let (hash, waits) = (entry.info.hash, !entry.shuns_peers);
        if let Some(until) = self.promised_until(&hash).filter(|_| waits) {
            return until;
        }
        let uncovered = self.uncovered(seg, &hash);
        let now = self.now;
        if uncovered.is_clear() {
            if let Some(get) = self.gets.get_mut(&seg) {
                get.uncovered = None;
            }
            return now + LOOK_AGAIN;
        }
        if !self.has_room(seg) {
            return now + LOOK_AGAIN;
        }
        let wait = match waits && !self.is_alone(seg) {
            true => self.wait_for_turn(seg, &hash),
            false => Duration::ZERO,
        };
        let Some(get) = self.gets.get_mut(&seg) else {
            return Time::NEVER;
        };
        let at = (*get.uncovered.get_or_insert(now) + wait).max(get.retry_at);
        if now < at {
            return at;
        }
        get.early = None;
        self.stats.turns += 1;
        self.fetch_leaves(seg, &uncovered, out);
        Time::NEVER
    }

    /// Whether the line can bring a segment that the player does not wait for yet without keeping it from what it does wait for:
    /// nothing is under way, nor still to be asked of the CDN, or all of it comes by the way.
    fn has_room(&self, seg: SegKey) -> bool {
        if self.audience_is_large() || self.gets.get(&seg).is_none_or(Get::is_wanted) {
            return true;
        }
        let waits = |get: &Get| get.is_wanted() && get.fetches.is_empty();
        let waiting = self.gets.iter().filter(|(_, get)| waits(get));
        let open = |seg: SegKey| {
            let hash = self.cache.get(seg)?.info.hash;
            Some(self.uncovered(seg, &hash).count())
        };
        let leaves: u32 = waiting.filter_map(|(seg, _)| open(*seg)).sum();
        let busy = self.on_the_line() + u64::from(leaves) * u64::from(LEAF);
        busy == 0 || self.comes_by_the_way(seg, busy)
    }

    /// In a large audience few are called for a segment, and the others count on each of them.
    pub(super) fn audience_is_large(&self) -> bool {
        self.swarm.population() > election::SMALL
    }

    /// Whether the line brings what is missing of a segment, and so many bytes more, in a small part of the time that the
    /// segment plays.
    pub(super) fn comes_by_the_way(&self, seg: SegKey, more: u64) -> bool {
        let Some(entry) = self.cache.get(seg) else {
            return true;
        };
        let bytes = u64::from(entry.missing()) * u64::from(LEAF) + more;
        self.cdn.usual_body(bytes).as_secs_f64() * AT_ONCE < entry.info.duration
    }

    fn fetch_leaves(&mut self, seg: SegKey, leaves: &Bitmap, out: &mut Vec<Action>) {
        self.claim(seg, out);
        self.fetch_runs(seg, leaves, out);
    }

    fn fetch_runs(&mut self, seg: SegKey, leaves: &Bitmap, out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let mut runs = join(leaves);
        if self.asks_whole(seg) {
            let end = runs.last().map(|(_, end)| *end);
            runs.truncate(1);
            if let (Some(run), Some(end)) = (runs.first_mut(), end) {
                run.1 = end;
            }
        }
        let ranges: Vec<(u32, u32)> = runs
            .into_iter()
            .map(|(first, end)| {
                let (last, len) = entry.range(end - 1);
                (entry.range(first).0, last + len)
            })
            .list();
        for (from, to) in ranges {
            self.fetch(seg, from, to, out);
        }
    }

    /// Whether a first peer is likely to come soon.
    pub(super) fn is_settling(&self) -> bool {
        !self.settled && self.now < self.joined + SETTLING
    }

    /// Whether the player waits for a segment and nobody is there, or likely to come soon: the media that waiting would cost
    /// the viewer is for nothing.
    fn is_alone(&self, seg: SegKey) -> bool {
        let wanted = self.gets.get(&seg).is_some_and(Get::is_wanted);
        wanted && self.now >= self.joined + LONELY && self.swarm.peers().next().is_none()
    }

    /// Until when some neighbour's claim on a segment holds.
    pub(super) fn promised_until(&self, hash: &SegmentHash) -> Option<Time> {
        let trusted = self
            .swarm
            .peers()
            .filter(|(_, peer)| peer.is_trusted(self.now));
        trusted
            .filter_map(|(_, peer)| peer.claim_on(hash))
            .filter(|until| *until > self.now)
            .max()
    }

    /// Missing leaves that no neighbour has.
    fn uncovered(&self, seg: SegKey, hash: &SegmentHash) -> Bitmap {
        let Some(entry) = self.cache.get(seg) else {
            return Bitmap::default();
        };
        let mut uncovered = entry.missing_leaves().clone();
        if let Some(early) = self.gets.get(&seg).and_then(|get| get.early.as_ref()) {
            uncovered.subtract(early);
        }
        if entry.shuns_peers {
            return uncovered;
        }
        let trusted = self
            .swarm
            .peers()
            .filter(|(_, peer)| peer.is_trusted(self.now));
        for (_, holding) in trusted.filter_map(|(_, peer)| peer.holding(hash)) {
            let Some(has) = &holding.has else {
                return Bitmap::default();
            };
            uncovered.subtract(has);
        }
        uncovered
    }

    /// How long this viewer waits, from when it first sees that nobody has a segment.
    fn wait_for_turn(&mut self, seg: SegKey, hash: &SegmentHash) -> Duration {
        let before = self.gets.get(&seg).and_then(|get| get.wait);
        if let Some((at, wait)) = before
            && self.now < at + LOOK_AGAIN
        {
            return wait;
        }
        let wait = self.find_turn(seg, hash);
        if let Some(get) = self.gets.get_mut(&seg) {
            get.wait = Some((self.now, wait));
        }
        wait
    }

    fn find_turn(&self, seg: SegKey, hash: &SegmentHash) -> Duration {
        let neighbours = self.swarm.peers().count() as u64 + 1;
        let poll = self.poll(seg, hash);
        let kin = u64::from(poll.known());
        // All watch some rendition of the stream; neighbours tell how many watch this one.
        let population = u64::from(self.swarm.population()) * kin / neighbours;
        let crowd = Crowd {
            population: population as u32,
            diffusion: self.lag.expected(),
            // Whoever told of it may not be believed any more.
            seen: self.gets.get(&seg).is_some_and(|get| get.seen) && self.is_promised(hash),
        };
        let turn = poll.turn(&crowd);
        let newcomer = self.now < self.joined + NEWCOMER;
        if newcomer && election::is_small(&crowd) {
            turn + election::STEP * COURTESY
        } else {
            turn
        }
    }

    /// Counts the neighbours that watch the same rendition: they have a recent segment of it, or this one.
    fn poll(&self, seg: SegKey, hash: &SegmentHash) -> Poll {
        let ample = self.ample(seg);
        let me = Candidate {
            id: self.swarm.me,
            upload: kbps(self.config.max_upload_bitrate).min(ample),
        };
        let mut poll = Poll::new(me, *hash);
        let Some(entry) = self.cache.get(seg) else {
            return poll;
        };
        let start = entry.info.start;
        let playlist = self.playlists.get(&entry.info.rendition);
        let before = playlist
            .into_iter()
            .flat_map(|playlist| playlist.segments.iter().rev());
        let kin = before.filter(|info| info.start < start - 0.05).take(KIN);
        for (_, peer) in self.swarm.peers() {
            let mut kin = kin.clone();
            if peer.is_trusted(self.now) && kin.any(|info| peer.holding(&info.hash).is_some()) {
                poll.add(Candidate {
                    id: peer.id,
                    upload: peer.upload_kbps.min(ample),
                });
            }
        }
        poll
    }

    /// An upload ceiling of so many kbit/s brings a segment out as well as any higher one, which may be no more than a word.
    fn ample(&self, seg: SegKey) -> u32 {
        let ample = self.cache.get(seg).map_or(0.0, |entry| {
            // A duration of nothing makes a number without end, which is ample.
            f64::from(entry.info.bytes) / entry.info.duration * (AMPLE * 8.0 / 1_000.0)
        });
        (ample as u32).max(1)
    }
}

/// Runs (first, end), joined over their smallest gaps until there are few enough.
fn join(leaves: &Bitmap) -> Vec<(u32, u32)> {
    let runs = leaves.runs(0..leaves.size());
    let mut runs: Vec<(u32, u32)> = runs.map(|run| (run.start, run.end)).list();
    if runs.len() <= MAX_RANGES {
        return runs;
    }
    let mut gaps: Vec<(u32, usize)> = (0..)
        .zip(runs.windows(2))
        .filter_map(|(at, pair)| match pair {
            [(_, end), (start, _)] => Some((start - end, at)),
            _ => None,
        })
        .list();
    sort(&mut gaps);
    // The widest gaps stay.
    let mut cuts: Vec<usize> = gaps
        .iter()
        .rev()
        .take(MAX_RANGES - 1)
        .map(|(_, at)| *at)
        .list();
    sort(&mut cuts);
    let first = runs.first().map_or(0, |(first, _)| *first);
    let last = runs.last().map_or(0, |(_, end)| *end);
    let mut joined = Vec::with_capacity(MAX_RANGES);
    let mut from = first;
    for cut in cuts {
        if let (Some((_, end)), Some((next, _))) = (runs.get(cut), runs.get(cut + 1)) {
            joined.push((from, *end));
            from = *next;
        }
    }
    joined.push((from, last));
    runs.clear();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_over_the_smallest_gaps() {
        let leaves = |list: &[u32]| {
            let mut bits = Bitmap::new(40);
            list.iter().for_each(|leaf| {
                bits.set(*leaf);
            });
            bits
        };
        assert_eq!(
            join(&leaves(&[0, 1, 3, 10, 11, 20, 30])),
            [(0, 12), (20, 21), (30, 31)]
        );
        assert_eq!(join(&leaves(&[5, 4])), [(4, 6)]);
        assert!(join(&leaves(&[])).is_empty());
    }
}
