//! Which viewers copy a segment from the CDN for the others.
//!
//! Every viewer has a number for every segment, a hash of the two, so that the work moves around and
//! nobody has to be asked. How it is read depends on the size of the audience:
//!
//! * **Election**, when the neighbours are about all there are: a viewer ranks itself among the
//!   neighbours that watch the same rendition, who can hand on more rather than who can hand on little. Rank 0 fetches
//!   at once, the others one by one later, and only while nobody has the segment or has said that it is fetching it. A neighbour that is late, dead
//!   or refused by the CDN therefore costs one step of waiting, not a segment.
//! * **Sortition**, in a larger one: elections among neighbours would copy a segment once per neighbourhood,
//!   so the number is read as a rank among *all* viewers, whose count the tracker tells, the better the more one can hand on
//!   compared with one's neighbours. The first [`seeds`] fetch at once. The others wait until news of the segment would usually have come, and then their number
//!   doubles every [`DOUBLING`] for as long as none has. Once there is news there are whole copies, and
//!   what is missing around here is on its way: only the point of no return calls for more.

use crate::core::ids::{PeerId, SegmentHash};
use crate::core::time::{Duration, micros};

/// Time between one rank and the next in an election: longer than a claim takes to cross a continent and be handled.
pub const STEP: Duration = Duration::from_millis(180);

/// Longest a low rank waits; beyond that the point of no return decides anyway.
const LONGEST: u32 = 8;

/// An audience of up to this many elects; it is one neighbourhood, or will be soon.
pub const SMALL: u32 = 24;

/// Time in which the number of viewers whose turn it is doubles, while a segment has not been seen.
pub const DOUBLING: Duration = Duration::from_millis(250);

/// So many are drawn from any audience, for one or two with a thin uplink do not bring a segment round even a hundred
/// viewers in time; one more for so many viewers, up to the most. Measured in docs/scheduler.md.
const FEWEST_SEEDS: u32 = 5;
const VIEWERS_PER_SEED: u32 = 40;
const MOST_SEEDS: u32 = 32;

/// Not before the point of no return.
const NEVER: Duration = Duration::from_secs(600);

/// Who may fetch a segment for the others.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Who.
    pub id: PeerId,
    /// What it is willing to upload, in any unit that is the same for all; 0: nothing.
    pub upload: u32,
}

/// The audience of a rendition, as one viewer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Viewers of the rendition, this one included; 0: not known.
    pub population: u32,
    /// After this, news of a segment is late.
    pub diffusion: Duration,
    /// Whether some neighbour has part of it, or has said that it fetches it.
    pub seen: bool,
}

/// Viewers that fetch a segment at once, in an audience of `population`: P(none) = e^−seeds.
pub fn seeds(population: u32) -> u32 {
    (FEWEST_SEEDS + population / VIEWERS_PER_SEED).min(MOST_SEEDS)
}

/// Whether this viewer has company, and so little that everyone knows everyone, or soon will.
pub fn is_small(crowd: &Crowd) -> bool {
    (2..=SMALL).contains(&crowd.population)
}

/// One viewer among those who watch the same rendition, for one segment.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    me: Candidate,
    segment: SegmentHash,
    /// This viewer and its rivals, and what they upload in all.
    known: u32,
    upload: u64,
    /// Rivals that go first.
    rank: u32,
}

impl Poll {
    /// Without rivals so far.
    pub fn new(me: Candidate, segment: SegmentHash) -> Self {
        Self {
            me,
            segment,
            known: 1,
            upload: u64::from(me.upload),
            rank: 0,
        }
    }

    /// Counts a rival.
    pub fn add(&mut self, rival: Candidate) {
        self.known += 1;
        self.upload += u64::from(rival.upload);
        self.rank += u32::from(self.standing(rival) < self.standing(self.me));
    }

    /// This viewer and its rivals.
    pub fn known(&self) -> u32 {
        self.known
    }

    /// This viewer's turn: how long to wait after first seeing that nobody has the segment.
    pub fn turn(&self, crowd: &Crowd) -> Duration {
        if crowd.population > SMALL && crowd.population > self.known + self.known / 2 {
            let score = score(self.me.id, &self.segment);
            return sortition(score, self.me.upload, self.usual(), crowd);
        }
        STEP * self.rank.min(LONGEST)
    }

    /// The lowest goes first. Twice the upload is about twice the chance; who uploads nothing would copy a segment for itself alone, and
    /// comes last.
    fn standing(&self, Candidate { id, upload }: Candidate) -> u64 {
        let score = score(id, &self.segment).checked_div(u64::from(upload));
        score.unwrap_or(u64::MAX)
    }

    /// The mean of what is uploaded around here, as far as is known. Whatever neighbours say, it makes nobody more than twice as
    /// likely to be drawn.
    fn usual(&self) -> u32 {
        let mean = self.upload / u64::from(self.known);
        (mean as u32).max(self.me.upload / 2)
    }
}

fn sortition(score: u64, upload: u32, usual: u32, crowd: &Crowd) -> Duration {
    if upload == 0 || crowd.seen {
        return NEVER;
    }
    // Rank among all, over the number of seeds, with eight binary places.
    let rank = ((u128::from(score) * u128::from(crowd.population)) >> 56) as u64;
    let seeds = u64::from(seeds(crowd.population));
    let ratio = rank.saturating_mul(u64::from(usual)) / (u64::from(upload) * seeds);
    let Some(doublings) = ratio.checked_ilog2().and_then(|log| log.checked_sub(8)) else {
        return Duration::ZERO;
    };
    // Between two powers of two, linearly.
    let rest = (ratio >> doublings) - 256;
    let steps = micros(DOUBLING) * (u64::from(doublings) * 256 + rest) / 256;
    crowd.diffusion + Duration::from_micros(steps)
}

/// A well-mixed number from peer and segment: FNV-1a over both, finished by the SplitMix64 mixer
/// (Steele, Lea, Flood 2014). Peers gain nothing from choosing their id: the segment's hash is not theirs to choose.
fn score(peer: PeerId, segment: &SegmentHash) -> u64 {
    let bytes = peer.0.iter().chain(segment.0.iter().take(16));
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    });
    let mut z = fnv.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::config::strangers::MAX_POPULATION;

    fn peers(count: u32) -> Vec<Candidate> {
        let peer = |i: u32| {
            let mut id = [0; 20];
            id[..4].copy_from_slice(&i.to_be_bytes());
            Candidate {
                id: PeerId(id),
                upload: 1_000,
            }
        };
        (0..count).map(peer).collect()
    }

    /// How often each goes first, over 256 segments.
    fn wins(all: &[Candidate]) -> Vec<u32> {
        let mut wins = vec![0; all.len()];
        for s in 0..=255 {
            let segment = SegmentHash([s; 32]);
            let turn = |me: &Candidate| {
                let rivals = all.iter().copied().filter(|peer| peer.id != me.id);
                turn(*me, &segment, &rivals.collect::<Vec<_>>(), &NOBODY)
            };
            let first: Vec<_> = (0..all.len())
                .filter(|i| turn(&all[*i]) == Duration::ZERO)
                .collect();
            assert_eq!(first.len(), 1);
            wins[first[0]] += 1;
        }
        wins
    }

    fn turn(me: Candidate, segment: &SegmentHash, rivals: &[Candidate], crowd: &Crowd) -> Duration {
        let mut poll = Poll::new(me, *segment);
        rivals.iter().for_each(|rival| poll.add(*rival));
        poll.turn(crowd)
    }

    const NOBODY: Crowd = Crowd {
        population: 0,
        diffusion: Duration::from_millis(800),
        seen: false,
    };

    #[test]
    fn exactly_one_of_few_goes_first_and_the_work_moves_around() {
        let wins = wins(&peers(8));
        assert!(wins.iter().all(|w| (12..=60).contains(w)), "{wins:?}");
    }

    #[test]
    fn who_can_hand_on_more_goes_first_more_often_and_who_hands_on_nothing_never() {
        let mut all = peers(8);
        all[0].upload = 0;
        all[1].upload = 200;
        let wins = wins(&all);
        assert_eq!(wins[0], 0, "{wins:?}");
        assert!((1..=20).contains(&wins[1]), "{wins:?}");
        assert!(wins[2..].iter().all(|w| (20..=65).contains(w)), "{wins:?}");
    }

    #[test]
    fn of_many_about_as_many_seeds_as_wanted_go_first_and_their_number_doubles() {
        let all = peers(20_000);
        let crowd = Crowd {
            population: 20_000,
            ..NOBODY
        };
        let mut counts = [0; 4];
        for s in 0..8 {
            let segment = SegmentHash([s; 32]);
            for me in &all {
                let wait = turn(*me, &segment, &all[..12], &crowd);
                let by = |doublings| wait <= crowd.diffusion + DOUBLING * doublings;
                counts[0] += u32::from(wait.is_zero());
                (1..4).for_each(|n| counts[n as usize] += u32::from(by(n)));
            }
        }
        let expected = 8 * seeds(crowd.population);
        for (doublings, count) in counts.into_iter().enumerate() {
            let ratio = f64::from(count) / f64::from(expected << doublings);
            assert!((0.8..1.2).contains(&ratio), "{counts:?} of {expected}");
        }
    }

    #[test]
    fn of_many_those_who_can_hand_on_more_are_drawn_more_often() {
        let mut all = peers(20_000);
        for peer in all.iter_mut().skip(10_000) {
            peer.upload = 3_000;
        }
        let crowd = Crowd {
            population: 20_000,
            ..NOBODY
        };
        let neighbours: Vec<_> = all.iter().copied().step_by(2_000).collect();
        let drawn = |half: &[Candidate]| {
            let segments = (0..16).map(|s| SegmentHash([s; 32]));
            let first = segments.flat_map(|segment| half.iter().map(move |me| (*me, segment)));
            let first =
                first.filter(|(me, segment)| turn(*me, segment, &neighbours, &crowd).is_zero());
            first.count() as f64
        };
        let (thin, fat) = (drawn(&all[..10_000]), drawn(&all[10_000..]));
        let expected = f64::from(16 * seeds(crowd.population));
        assert!((2.2..4.0).contains(&(fat / thin)), "{thin}, {fat}");
        assert!(
            (0.8..1.2).contains(&((thin + fat) / expected)),
            "{thin}, {fat}"
        );
    }

    #[test]
    fn whatever_neighbours_say_nobody_is_more_than_twice_as_likely_to_be_drawn() {
        let all = peers(20_000);
        let crowd = Crowd {
            population: 20_000,
            ..NOBODY
        };
        let drawn = |upload| {
            let said = |peer: &Candidate| Candidate { upload, ..*peer };
            let neighbours: Vec<_> = all[..12].iter().map(said).collect();
            let segments = (0..16).map(|s| SegmentHash([s; 32]));
            let turns = segments.flat_map(|segment| {
                let neighbours = &neighbours;
                all.iter()
                    .map(move |me| turn(*me, &segment, neighbours, &crowd))
            });
            turns.filter(Duration::is_zero).count() as f64
        };
        let (honest, nothing) = (drawn(1_000), drawn(0));
        assert!(
            (1.8..2.2).contains(&(nothing / honest)),
            "{nothing}, {honest}"
        );
    }

    #[test]
    fn however_many_a_tracker_says_a_thousand_do_not_wait_long() {
        let all = peers(1_000);
        let crowd = Crowd {
            population: MAX_POPULATION,
            ..NOBODY
        };
        let soon = crowd.diffusion + DOUBLING * 3;
        let turns = (0..8).flat_map(|s| {
            let wait = move |me: &Candidate| turn(*me, &SegmentHash([s; 32]), &[], &crowd);
            all.iter().map(wait)
        });
        assert!(turns.filter(|wait| *wait <= soon).count() >= 8);
    }

    #[test]
    fn who_does_not_upload_is_no_seed() {
        let crowd = Crowd {
            population: 1_000,
            ..NOBODY
        };
        let none = |mut peer: Candidate| {
            peer.upload = 0;
            turn(peer, &SegmentHash([0; 32]), &[], &crowd)
        };
        assert!(peers(1_000).into_iter().all(|peer| none(peer) == NEVER));
    }
}
