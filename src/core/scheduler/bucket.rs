//! The upload ceiling as a token bucket.

use crate::core::time::{Duration, Time, micros};

/// What was not used is remembered for between one and two times this, in seconds.
const MEMORY: u64 = 4;

/// Tokens are bytes; the bucket holds a quarter of a second, and at least four leaves.
#[derive(Debug)]
pub struct Bucket {
    rate: u64,
    tokens: u64,
    filled: Time,
    /// Tokens made, and tokens that found the bucket full, lately.
    made: u64,
    spilt: u64,
}

impl Bucket {
    /// A full bucket that refills with `bits_per_second`.
    pub fn new(bits_per_second: u64, now: Time) -> Self {
        let mut bucket = Self {
            rate: bits_per_second / 8,
            tokens: 0,
            filled: now,
            made: 0,
            spilt: 0,
        };
        bucket.tokens = bucket.depth();
        bucket
    }

    fn depth(&self) -> u64 {
        if self.rate == 0 {
            0
        } else {
            (self.rate / 4).max(64 * 1024)
        }
    }

    /// Whether anything may ever be sent.
    pub fn is_closed(&self) -> bool {
        self.rate == 0
    }

    /// Takes `bytes` if they are there.
    pub fn take(&mut self, now: Time, bytes: u64) -> bool {
        self.fill(now);
        let enough = self.tokens >= bytes;
        if enough {
            self.tokens -= bytes;
        }
        enough
    }

    /// Which part of the ceiling was not used in the last seconds, in 255ths.
    pub fn idle(&mut self, now: Time) -> u8 {
        self.fill(now);
        let share = (self.spilt * 255).checked_div(self.made).unwrap_or(255);
        u8::try_from(share).unwrap_or(u8::MAX)
    }

    /// When `bytes` will be there.
    pub fn ready_at(&self, bytes: u64) -> Option<Time> {
        let lacking = bytes.saturating_sub(self.tokens);
        let span = lacking.saturating_mul(1_000_000).checked_div(self.rate)?;
        Some(self.filled + Duration::from_micros(span + 1))
    }

    fn fill(&mut self, now: Time) {
        let new = micros(now - self.filled).saturating_mul(self.rate) / 1_000_000;
        if new > 0 {
            let full = self.tokens.saturating_add(new);
            self.tokens = full.min(self.depth());
            self.filled = now;
            self.made += new;
            self.spilt += full - self.tokens;
            if self.made > self.rate.saturating_mul(MEMORY) {
                self.made /= 2;
                self.spilt /= 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_holds_over_a_second() {
        let mut bucket = Bucket::new(8_000_000, Time(0));
        while bucket.take(Time(0), 16_384) {}
        let sent = (1..=1000)
            .filter(|ms| bucket.take(Time(ms * 1000), 16_384))
            .count() as u64
            * 16_384;
        assert!((950_000..=1_016_384).contains(&sent), "{sent}");
        assert!(bucket.ready_at(16_384).unwrap() > Time(0));
    }

    #[test]
    fn zero_means_never() {
        let mut bucket = Bucket::new(0, Time(0));
        assert!(
            bucket.is_closed() && !bucket.take(Time(1 << 40), 1) && bucket.ready_at(1).is_none()
        );
    }
}
