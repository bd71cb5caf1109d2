//! Host time: `performance.now()`, monotonic, also in workers.

use crate::core::time::Time;
use crate::web::globals::scope;
use web_sys::Performance;

/// Reads the browser's monotonic clock.
pub struct Clock(Option<Performance>);

impl Clock {
    /// The clock of this scope.
    pub fn new() -> Self {
        Self(scope().performance())
    }

    /// Time since the page (or worker) began. `Date.now()` where there is no `performance`.
    pub fn now(&self) -> Time {
        let ms = self
            .0
            .as_ref()
            .map_or_else(js_sys::Date::now, Performance::now);
        Time::from_millis_f64(ms)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
