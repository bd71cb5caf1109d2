//! Where threads wait for each other at the end of every window of virtual time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A barrier that lets everybody go when one of them has panicked.
pub(super) struct Gate {
    parties: usize,
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    round: u64,
    broken: bool,
}

impl Gate {
    pub(super) fn new(parties: usize) -> Self {
        Self {
            parties,
            state: Mutex::default(),
            opened: Condvar::new(),
        }
    }

    /// Waits for all the others; false: one of them will never come.
    pub(super) fn pass(&self) -> bool {
        let mut state = self.lock();
        state.waiting += 1;
        if state.waiting == self.parties {
            state.waiting = 0;
            state.round += 1;
            self.opened.notify_all();
            return !state.broken;
        }
        let round = state.round;
        while state.round == round && !state.broken {
            state = self
                .opened
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.broken
    }

    /// Held by whoever passes; if it is dropped by a panic, the gate is broken.
    pub(super) fn member(&self) -> Member<'_> {
        Member(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Gate::member`].
pub(super) struct Member<'a>(&'a Gate);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().broken = true;
            self.0.opened.notify_all();
        }
    }
}
