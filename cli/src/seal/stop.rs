//! A request to end, shared between a signal handler and long work.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Tells long work to end at the next good moment. Clones are one and the same request.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Asks for the end. It cannot be taken back.
    pub(crate) fn set(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether the end was asked for.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps, but no longer than until the end is asked for. Returns [`Stop::is_set`].
    pub(crate) fn wait(&self, span: Duration) -> bool {
        let guard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.0.1.wait_timeout_while(guard, span, |set| !*set);
        *woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_a_sleeper() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::ZERO));
        let sleeper = std::thread::spawn({
            let stop = stop.clone();
            // Would hang the test if the request did not end the sleep.
            move || stop.wait(Duration::MAX)
        });
        stop.set();
        assert!(sleeper.join().unwrap());
        assert!(stop.is_set());
    }
}
