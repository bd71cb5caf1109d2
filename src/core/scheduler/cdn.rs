//! What the CDN has shown it can do, and the moment from which only it can save a segment.

use crate::core::sorted::sort;
use crate::core::time::{Duration, Time};

/// How many recent requests count.
const WINDOW: usize = 16;

/// First byte assumed before anything was measured: a slow mobile round trip with TLS.
const FIRST_BYTE: Duration = Duration::from_millis(400);

/// Rate assumed before anything was measured, in byte/s (4 Mbit/s).
const RATE: u64 = 500_000;

/// Time kept in hand for hashing, timers and a busy main thread.
pub const GUARD: Duration = Duration::from_millis(400);

/// Recent CDN requests.
#[derive(Debug, Default)]
pub struct Cdn {
    first_bytes: Vec<Duration>,
    rates: Vec<u64>,
    next_first: usize,
    next_rate: usize,
}

impl Cdn {
    /// Records the time from request to first byte.
    pub fn first_byte(&mut self, span: Duration) {
        put(&mut self.first_bytes, &mut self.next_first, span);
    }

    /// Records a body. Short ones say nothing about the rate and are left out.
    pub fn body(&mut self, bytes: u64, span: Duration) {
        if bytes >= 32 * 1024 {
            let span = span.max(Duration::from_millis(1));
            put(
                &mut self.rates,
                &mut self.next_rate,
                bytes * 1_000_000 / span.as_micros() as u64,
            );
        }
    }

    /// First byte at its 90th percentile.
    pub fn slow_first_byte(&self) -> Duration {
        quantile(&self.first_bytes, 9).unwrap_or(FIRST_BYTE)
    }

    /// First byte at its median.
    pub fn usual_first_byte(&self) -> Duration {
        quantile(&self.first_bytes, 5).unwrap_or(FIRST_BYTE)
    }

    /// Rate at its 10th percentile, in byte/s, never 0.
    pub fn low_rate(&self) -> u64 {
        quantile(&self.rates, 1).unwrap_or(RATE).max(1)
    }

    /// How long `bytes` take when the CDN has a bad day.
    pub fn slow_transfer(&self, bytes: u64) -> Duration {
        self.slow_first_byte()
            + Duration::from_micros(bytes.saturating_mul(1_000_000) / self.low_rate())
    }

    /// How long the bodies of so many bytes usually take; one that broke off or dragged says little of the line.
    pub fn usual_body(&self, bytes: u64) -> Duration {
        let rate = quantile(&self.rates, 5).unwrap_or(RATE).max(1);
        Duration::from_micros(bytes.saturating_mul(1_000_000) / rate)
    }

    /// The moment to fetch `missing` bytes so that they are there by `deadline`:
    /// deadline − (high quantile of first byte + missing ÷ low quantile of rate + guard).
    pub fn point_of_no_return(&self, deadline: Time, missing: u64) -> Time {
        deadline.before(self.slow_transfer(missing) + GUARD)
    }
}

fn put<T>(ring: &mut Vec<T>, next: &mut usize, value: T) {
    match ring.get_mut(*next) {
        Some(slot) => *slot = value,
        None => ring.push(value),
    }
    *next = (*next + 1) % WINDOW;
}

/// The value `tenths`/10 of the way up; the ring is small, so sorting a copy is fine.
fn quantile<T: Copy + Ord>(ring: &[T], tenths: usize) -> Option<T> {
    let mut sorted = ring.to_vec();
    sort(&mut sorted);
    sorted
        .get(sorted.len().saturating_sub(1) * tenths / 10)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_of_no_return_leaves_room_for_a_slow_cdn() {
        let mut cdn = Cdn::default();
        for ms in [50, 60, 70, 80, 400] {
            cdn.first_byte(Duration::from_millis(ms));
            cdn.body(1_000_000, Duration::from_millis(1000));
        }
        let at = cdn.point_of_no_return(Time(10_000_000), 1_000_000);
        let room = Time(10_000_000) - at;
        assert!(
            room >= Duration::from_millis(1000) + Duration::from_millis(80) + GUARD,
            "{room:?}"
        );
        assert!(cdn.point_of_no_return(Time(0), u64::MAX) == Time(0));
    }

    #[test]
    fn old_measurements_are_forgotten() {
        let mut cdn = Cdn::default();
        cdn.first_byte(Duration::from_secs(9));
        (0..WINDOW).for_each(|_| cdn.first_byte(Duration::from_millis(10)));
        assert_eq!(cdn.slow_first_byte(), Duration::from_millis(10));
    }
}
