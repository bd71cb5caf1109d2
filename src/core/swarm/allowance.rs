//! How much a neighbour may send that nobody asked for.
//!
//! A reliable channel cannot be slowed down from here, so whoever exceeds its allowance is sent away. Media that was asked for
//! costs nothing, and earns: who trades has more to say, whatever the bitrate is.

use crate::core::config::strangers::{
    MESSAGE_BURST, MESSAGE_RATE, MESSAGES_PER_LEAF, TALK_BURST, TALK_PER_LEAF, TALK_RATE,
    UNASKED_BURST, UNASKED_PER_LEAF, UNASKED_RATE,
};
use crate::core::time::{Duration, Time, micros};

/// What was used up comes back in steps of this, in µs, so that fractions do not get lost.
const STEP_US: u64 = 10_000;

#[derive(Clone, Copy, Debug)]
struct Bucket<const BURST: u32, const RATE: u32, const PER_LEAF: u32>(u32);

impl<const BURST: u32, const RATE: u32, const PER_LEAF: u32> Bucket<BURST, RATE, PER_LEAF> {
    fn add(&mut self, tokens: u64) {
        let sum = tokens.saturating_add(u64::from(self.0));
        self.0 = sum.min(u64::from(BURST)) as u32;
    }

    fn wait(&mut self, us: u64) {
        self.add(us.saturating_mul(u64::from(RATE)) / 1_000_000);
    }

    fn earn(&mut self, leaves: u32) {
        self.add(u64::from(leaves) * u64::from(PER_LEAF));
    }

    fn take(&mut self, tokens: usize) -> bool {
        let left = u32::try_from(tokens)
            .ok()
            .and_then(|n| self.0.checked_sub(n));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// What one neighbour may still send.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    filled: Time,
    messages: Bucket<MESSAGE_BURST, MESSAGE_RATE, MESSAGES_PER_LEAF>,
    talk: Bucket<TALK_BURST, TALK_RATE, TALK_PER_LEAF>,
    unasked: Bucket<UNASKED_BURST, UNASKED_RATE, UNASKED_PER_LEAF>,
}

impl Allowance {
    /// All of it.
    pub fn new(now: Time) -> Self {
        Self {
            filled: now,
            messages: Bucket(MESSAGE_BURST),
            talk: Bucket(TALK_BURST),
            unasked: Bucket(UNASKED_BURST),
        }
    }

    fn fill(&mut self, now: Time) {
        let us = micros(now - self.filled) / STEP_US * STEP_US;
        if us > 0 {
            self.filled += Duration::from_micros(us);
            self.messages.wait(us);
            self.talk.wait(us);
            self.unasked.wait(us);
        }
    }

    /// A message of `bytes` that is no chunk came, or had to be sent in answer. False: that was too much.
    pub fn message(&mut self, now: Time, bytes: usize) -> bool {
        self.fill(now);
        // Both, so that neither can be used up unnoticed.
        self.messages.take(1) & self.talk.take(bytes)
    }

    /// Media came that was not asked for, or no longer. False: that was too much.
    pub fn unasked(&mut self, now: Time, bytes: usize) -> bool {
        self.fill(now);
        self.messages.take(1) & self.unasked.take(bytes)
    }

    /// Leaves that were asked for went one way or the other.
    pub fn earn(&mut self, leaves: u32) {
        self.messages.earn(leaves);
        self.talk.earn(leaves);
        self.unasked.earn(leaves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Time {
        Time(ms * 1_000)
    }

    #[test]
    fn who_says_a_little_for_ever_is_never_too_loud() {
        let mut allowance = Allowance::new(at(0));
        // Twice what a neighbour in a large audience says.
        let quiet = |ms: u64| allowance.message(at(ms * 60), 60);
        assert!((0..200_000).all(quiet));
    }

    #[test]
    fn who_trades_may_say_more_than_who_does_not() {
        let last = |earned| {
            let mut allowance = Allowance::new(at(0));
            let mut said = 0;
            while said < 20_000 && allowance.message(at(said * 2), 30) {
                allowance.earn(earned);
                said += 1;
            }
            said
        };
        assert!((1_000..1_500).contains(&last(0)), "{}", last(0));
        assert_eq!(last(1), 20_000);
    }

    #[test]
    fn few_large_messages_are_too_much_as_well() {
        let mut allowance = Allowance::new(at(0));
        let taken = (0..100)
            .filter(|_| allowance.message(at(1), 40_000))
            .count();
        assert_eq!(taken, TALK_BURST as usize / 40_000);
        let taken = (0..200)
            .filter(|_| allowance.unasked(at(2), 49_152))
            .count();
        assert_eq!(taken, UNASKED_BURST as usize / 49_152);
    }

    proptest! {
        /// Whatever the rhythm: burst + rate × time, and not one message more.
        #[test]
        fn no_rhythm_gets_more_through(gaps in prop::collection::vec(0_u64..30_000, 1..4_000)) {
            let mut allowance = Allowance::new(Time(0));
            let (mut now, mut through) = (0, 0_u64);
            for gap in gaps {
                now += gap;
                through += u64::from(allowance.message(Time(now), 1));
            }
            let most = u64::from(MESSAGE_BURST) + now * u64::from(MESSAGE_RATE) / 1_000_000;
            prop_assert!(through <= most, "{through} > {most}");
        }
    }
}
