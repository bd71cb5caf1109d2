//! The rate a player should believe in: verified bytes over *active* transfer time, over CDN and
//! peers together. Time spent waiting on purpose is left out; cache hits do not count at all.

use crate::core::time::{Duration, Time};

/// What a new sample leaves of the older ones, in tenths.
const KEEP: u64 = 5;

/// Counts bytes while at least one transfer is under way.
#[derive(Debug, Default)]
pub struct Meter {
    running: bool,
    since: Time,
    bytes: u64,
    active: Duration,
    old_bytes: u64,
    old_active: Duration,
}

impl Meter {
    /// Some transfer is under way from now on, or none is.
    pub fn set_running(&mut self, now: Time, running: bool) {
        if self.running {
            self.active += now - self.since;
        }
        self.since = now;
        self.running = running;
    }

    /// Bytes arrived.
    pub fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// A transfer of this length, measured elsewhere, has ended. Time during which others ran too counts once.
    pub fn seed(&mut self, now: Time, bytes: u64, span: Duration) {
        self.set_running(now, self.running);
        self.bytes += bytes;
        self.active = self.active.max(span);
        if !self.running {
            self.fold();
        }
    }

    /// Closes the current sample, if it says enough, and ages the older ones.
    pub fn sample(&mut self, now: Time) {
        self.set_running(now, self.running);
        if self.bytes >= 32 * 1024 {
            self.fold();
        }
    }

    fn fold(&mut self) {
        self.old_bytes = self.old_bytes * KEEP / 10 + self.bytes;
        self.old_active = self.old_active * KEEP as u32 / 10 + self.active;
        self.bytes = 0;
        self.active = Duration::ZERO;
    }

    /// Total active time so far in the open sample.
    pub fn active(&self, now: Time) -> Duration {
        if self.running {
            self.active + (now - self.since)
        } else {
            self.active
        }
    }

    /// Bit/s; `None` before anything was measured.
    pub fn rate(&self) -> Option<f64> {
        let micros = self.old_active.as_micros() as f64;
        (self.old_bytes > 0 && micros > 0.0).then(|| self.old_bytes as f64 * 8_000_000.0 / micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_side_by_side_share_their_time() {
        let mut meter = Meter::default();
        meter.set_running(Time(0), true);
        meter.add(100_000);
        // Half of the line, for 0.4 s, was the player's own loader's.
        meter.seed(Time(400_000), 100_000, Duration::from_millis(400));
        meter.set_running(Time(400_000), false);
        meter.sample(Time(400_000));
        let rate = meter.rate().unwrap();
        assert!((3_900_000.0..4_100_000.0).contains(&rate), "{rate}");
    }

    #[test]
    fn waiting_does_not_count() {
        let mut meter = Meter::default();
        for second in 0..20 {
            let start = Time(second * 1_000_000);
            meter.set_running(start, true);
            meter.add(50_000);
            meter.set_running(start + Duration::from_millis(100), false);
            meter.sample(start + Duration::from_millis(900));
        }
        let rate = meter.rate().unwrap();
        assert!((3_900_000.0..4_100_000.0).contains(&rate), "{rate}");
    }
}
