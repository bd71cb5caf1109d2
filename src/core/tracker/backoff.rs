//! How long to wait before the next attempt: exponential, capped, and drawn at random from a wide
//! span, so that all viewers of a tracker that restarts do not come back in the same instant.

use crate::core::chance::below;
use crate::core::time::{Duration, micros};

/// Longest wait after a first failure.
const FIRST: Duration = Duration::from_secs(4);
/// Longest wait ever.
const LAST: Duration = Duration::from_secs(60);

/// Consecutive failures, and the wait that follows from them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure; the wait is between a quarter and the whole of a span that doubles from 4 s
    /// to 60 s.
    pub(super) fn next(&mut self, rng: &mut fastrand::Rng) -> Duration {
        let factor = 1u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let span = micros(FIRST).saturating_mul(factor).min(micros(LAST));
        self.failures = self.failures.saturating_add(1).min(32);
        Duration::from_micros(span / 4 + below(rng, span - span / 4 + 1))
    }

    /// Forgets all failures.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(seed: u64) -> Vec<Duration> {
        let (mut backoff, mut rng) = (Backoff::default(), fastrand::Rng::with_seed(seed));
        (0..100).map(|_| backoff.next(&mut rng)).collect()
    }

    #[test]
    fn waits_grow_up_to_the_cap_and_stay_there() {
        for seed in 0..50 {
            let mut span = FIRST;
            for wait in waits(seed) {
                assert!(wait >= span / 4 && wait <= span);
                span = (span * 2).min(LAST);
            }
        }
    }

    #[test]
    fn viewers_are_spread_out_and_a_seed_repeats() {
        let mut first: Vec<_> = (0..100).map(|seed| waits(seed)[0]).collect();
        first.sort();
        first.dedup();
        assert!(first.len() > 90);
        assert_eq!(waits(7), waits(7));
    }

    #[test]
    fn a_reset_starts_over() {
        let (mut backoff, mut rng) = (Backoff::default(), fastrand::Rng::with_seed(1));
        for _ in 0..10 {
            backoff.next(&mut rng);
        }
        assert!(backoff.next(&mut rng) > FIRST);
        backoff.reset();
        assert!(backoff.next(&mut rng) <= FIRST);
    }
}
