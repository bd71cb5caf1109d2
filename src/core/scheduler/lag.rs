//! How long news of a segment takes to get here, from when this viewer knows that the segment exists.
//!
//! Whoever waits for others must know how long they usually take: the mean plus four mean deviations,
//! both smoothed as TCP does for its time-outs (RFC 6298).

use crate::core::time::{Duration, micros};

/// Assumed before anything was measured.
const FIRST: Duration = Duration::from_millis(800);

/// Shortest and longest that is ever expected.
const RANGE: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(3)];

/// Smoothed mean and deviation, in µs.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    mean: u64,
    deviation: u64,
}

impl Default for Lag {
    fn default() -> Self {
        Self {
            mean: micros(FIRST) / 2,
            deviation: micros(FIRST) / 8,
        }
    }
}

impl Lag {
    /// News came this long after it could have.
    pub fn measured(&mut self, lag: Duration) {
        let lag = micros(lag);
        self.deviation = (self.deviation * 3 + lag.abs_diff(self.mean)) / 4;
        self.mean = (self.mean * 7 + lag) / 8;
    }

    /// News that is not here after this is late.
    pub fn expected(&self) -> Duration {
        let [least, most] = RANGE;
        Duration::from_micros(self.mean + 4 * self.deviation).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_what_is_measured() {
        let mut lag = Lag::default();
        assert_eq!(lag.expected(), FIRST);
        (0..40).for_each(|_| lag.measured(Duration::from_millis(1_500)));
        let steady = lag.expected();
        assert!(steady >= Duration::from_millis(1_450) && steady < Duration::from_millis(1_700));
        lag.measured(Duration::from_millis(200));
        assert!(
            lag.expected() > steady,
            "unsteady news is waited for longer"
        );
        (0..60).for_each(|_| lag.measured(Duration::from_millis(1)));
        assert_eq!(lag.expected(), RANGE[0]);
    }
}
