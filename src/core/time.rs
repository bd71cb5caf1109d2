//! Host time as a number. The core never reads a clock; every call brings the time with it.

use std::ops::{Add, AddAssign, Sub};
pub use std::time::Duration;

/// Monotonic host time in microseconds since an origin of the host's choosing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// Later than everything that ever happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// From milliseconds, as `performance.now()` gives them. Negative and NaN become zero.
    pub fn from_millis_f64(ms: f64) -> Self {
        Self((ms * 1000.0) as u64)
    }

    /// Time passed since `earlier`; zero if `earlier` is later (clocks jump when laptops sleep).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// `self − span`, not before the origin.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

/// A duration as whole microseconds, saturating.
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub for Time {
    type Output = Duration;
    /// As [`Time::since`].
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
