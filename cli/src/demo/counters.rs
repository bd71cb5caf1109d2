//! What left the origin: the measure of net offload.
//!
//! Invariant: a byte is counted when it is handed on to the connection, so an answer that the viewer
//! cuts short counts with what had left by then, and one that is never read counts nothing.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths listed one by one; beyond that, only the totals go on.
const MAX_PATHS: usize = 20_000;

/// Totals since the start or the last reset.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    /// Body bytes of media segments.
    pub segment_bytes: u64,
    /// Requests for media segments, HEAD and failed ones included.
    pub segment_requests: u64,
    /// Those of them that were answered with a status of 400 or more.
    pub segment_errors: u64,
    /// By request path.
    pub by_path: BTreeMap<String, PathTotals>,
}

/// What one path cost.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub(super) struct PathTotals {
    /// Requests.
    pub requests: u64,
    /// Body bytes.
    pub bytes: u64,
}

/// The counters, shared by all connections.
#[derive(Default)]
pub(super) struct Counters(Mutex<Totals>);

impl Counters {
    /// A media segment was asked for.
    pub(super) fn requested(&self, path: &str) {
        let mut totals = self.lock();
        totals.segment_requests += 1;
        totals.count(path, 1, 0);
    }

    /// The answer was an error.
    pub(super) fn failed(&self) {
        self.lock().segment_errors += 1;
    }

    /// Body bytes were handed to the connection.
    pub(super) fn sent(&self, path: &str, bytes: u64) {
        let mut totals = self.lock();
        totals.segment_bytes += bytes;
        totals.count(path, 0, bytes);
    }

    /// Back to zero.
    pub(super) fn reset(&self) {
        *self.lock() = Totals::default();
    }

    /// The numbers now.
    pub(super) fn totals(&self) -> Totals {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn count(&mut self, path: &str, requests: u64, bytes: u64) {
        let full = self.by_path.len() >= MAX_PATHS;
        match self.by_path.get_mut(path) {
            Some(entry) => {
                entry.requests += requests;
                entry.bytes += bytes;
            }
            None if full => {}
            None => {
                let entry = PathTotals { requests, bytes };
                self.by_path.insert(path.to_owned(), entry);
            }
        }
    }
}
