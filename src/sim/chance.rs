//! Seeded chance. Every question has its own stream, named by labels, so that a run with peers and
//! its twin without them meet the same links, the same CDN and the same faults.
//!
//! Only fixed-width draws are used: `usize` draws differ between 32-bit and 64-bit targets.

use std::ops::RangeInclusive;

/// What a stream of chance is for: the first label.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Access links and places.
    Access = 1,
    /// Segment sizes.
    Size,
    /// Leaf and segment hashes.
    Hash,
    /// Engine seeds and peer ids.
    Engine,
    /// First-byte times and faults at the CDN.
    Cdn,
    /// Which peers a tracker names.
    Tracker,
    /// Whether a pair can connect.
    Pair,
    /// Set-up times, losses and late notices of death.
    Network,
    /// What hostile viewers do.
    Hostile,
    /// Arrivals.
    Arrival,
    /// Which rendition a viewer plays.
    Rendition,
}

/// A well-mixed 64-bit value of a seed and labels (SplitMix64 steps).
pub fn mix(seed: u64, purpose: Purpose, labels: &[u64]) -> u64 {
    let start = step(seed ^ (purpose as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    labels.iter().fold(start, |state, label| {
        step(state ^ label.wrapping_mul(0xd6e8_feb8_6659_fd93))
    })
}

/// A generator for one purpose.
pub fn stream(seed: u64, purpose: Purpose, labels: &[u64]) -> fastrand::Rng {
    fastrand::Rng::with_seed(mix(seed, purpose, labels))
}

/// 32 bytes of a seed and labels.
pub fn bytes32(seed: u64, purpose: Purpose, labels: &[u64]) -> [u8; 32] {
    let mut state = mix(seed, purpose, labels);
    let mut out = [0; 32];
    for part in out.chunks_exact_mut(8) {
        state = step(state);
        part.copy_from_slice(&state.to_le_bytes());
    }
    out
}

/// Whether an event of probability `per_million` / 1,000,000 happens.
pub fn happens(rng: &mut fastrand::Rng, per_million: u32) -> bool {
    per_million > 0 && rng.u32(0..1_000_000) < per_million
}

/// A uniform draw from a closed range; its start if it is empty.
pub fn between(rng: &mut fastrand::Rng, range: &RangeInclusive<u64>) -> u64 {
    if range.is_empty() {
        return *range.start();
    }
    rng.u64(range.clone())
}

/// An exponentially distributed draw with this mean: von Neumann's comparison method, which needs no
/// logarithm and so gives the same on every target.
pub fn exponential(rng: &mut fastrand::Rng, mean: u64) -> u64 {
    let mut whole = 0;
    loop {
        let first = rng.u64(..);
        let (mut last, mut run) = (first, 1_u32);
        loop {
            let next = rng.u64(..);
            if next > last {
                break;
            }
            last = next;
            run += 1;
        }
        if run % 2 == 1 {
            let part = (u128::from(first) * u128::from(mean)) >> 64;
            return mean
                .saturating_mul(whole)
                .saturating_add(u64::try_from(part).unwrap_or(mean));
        }
        whole += 1;
    }
}

/// One SplitMix64 output.
pub fn step(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_purposes_separate_streams() {
        let values = [
            mix(1, Purpose::Cdn, &[1, 2]),
            mix(1, Purpose::Cdn, &[2, 1]),
            mix(1, Purpose::Pair, &[1, 2]),
            mix(2, Purpose::Cdn, &[1, 2]),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values.iter().skip(i + 1).all(|b| a != b));
        }
        assert_eq!(values[0], mix(1, Purpose::Cdn, &[1, 2]));
    }

    #[test]
    fn exponential_draws_have_their_mean_and_shape() {
        let mut rng = stream(7, Purpose::Arrival, &[]);
        let draws: Vec<u64> = (0..20_000).map(|_| exponential(&mut rng, 1_000)).collect();
        let mean = draws.iter().sum::<u64>() / 20_000;
        assert!((970..=1_030).contains(&mean), "{mean}");
        // Beyond twice the mean: e^-2 = 13.5 %.
        let late = draws.iter().filter(|draw| **draw > 2_000).count();
        assert!((2_600..2_820).contains(&late), "{late}");
    }

    #[test]
    fn shares_come_out_about_right() {
        let mut rng = stream(7, Purpose::Hostile, &[]);
        let hits = (0..10_000).filter(|_| happens(&mut rng, 250_000)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
