//! Which viewer copies a segment from the CDN for its neighbours.
//!
//! Every viewer ranks itself among the neighbours that watch the same rendition by a hash of peer and
//! segment, so that the work moves around and nobody has to be asked. Rank 0 fetches at once, the
//! others one by one later, and only while nobody has the segment or has said that it is fetching it.
//! A neighbour that is late, dead or refused by the CDN therefore costs one step of waiting, not a segment.

use crate::core::ids::{PeerId, SegmentHash};
use crate::core::time::Duration;

/// Time between one rank and the next: longer than a claim takes to cross a continent and be handled.
pub const STEP: Duration = Duration::from_millis(180);

/// Longest a low rank waits; beyond that the point of no return decides anyway.
const LONGEST: u32 = 8;

/// This viewer's turn for `segment`: how long to wait after first seeing that nobody has it.
pub fn turn(me: PeerId, segment: &SegmentHash, rivals: impl Iterator<Item = PeerId>) -> Duration {
    let mine = score(me, segment);
    let rank = rivals
        .filter(|rival| (score(*rival, segment), *rival) < (mine, me))
        .count();
    STEP * (rank as u32).min(LONGEST)
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

    fn peers() -> Vec<PeerId> {
        (0..8).map(|i| PeerId([i; 20])).collect()
    }

    #[test]
    fn exactly_one_viewer_goes_first_and_the_work_moves_around() {
        let mut wins = [0; 8];
        for s in 0..=255 {
            let segment = SegmentHash([s; 32]);
            let turns: Vec<_> = peers()
                .iter()
                .map(|me| turn(*me, &segment, peers().into_iter().filter(|p| p != me)))
                .collect();
            let first: Vec<_> = (0..8).filter(|i| turns[*i] == Duration::ZERO).collect();
            assert_eq!(first.len(), 1);
            wins[first[0]] += 1;
        }
        assert!(wins.iter().all(|w| (12..=60).contains(w)), "{wins:?}");
    }
}
