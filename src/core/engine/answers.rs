//! What the CDN answered, and what that says about the next request.
//!
//! A CDN may answer with other bytes than it was asked for: with all of the resource, with a shorter part, with a wrong
//! one, with a body that ends too soon or goes on too long. Whatever came and is verified is kept. Byte ranges that do not work
//! are given up: all of the resource is asked for instead, as a player would. A resource that is shorter than the publisher
//! says is as wrong as one with other bytes.

use super::Engine;
use super::fetches::Fetch;
use crate::core::action::Action;
use crate::core::cache::entry::Entry;
use crate::core::config::LEAF;
use crate::core::error::FetchError;
use crate::core::ids::{FetchId, SegKey};

/// So many answers that show that byte ranges do not work at this CDN, and none is asked for any more.
const RANGES_FAILED: u8 = 3;

/// A range that twice in a row brought nothing may be what the CDN cannot do.
const BARREN: u32 = 1;

impl Engine {
    /// Whether all of the resource has to be asked for, whatever is missing of a segment.
    pub(super) fn asks_whole(&self, seg: SegKey) -> bool {
        let told = self.gets.get(&seg).is_some_and(|get| get.asks_whole);
        (told || self.ranges_failed >= RANGES_FAILED) && self.is_resource(seg)
    }

    /// Whether a segment is all of the resource at its URL.
    fn is_resource(&self, seg: SegKey) -> bool {
        let entry = self.cache.get(seg);
        entry.is_some_and(|entry| entry.info.offset.is_none())
    }

    /// The body begins.
    pub(super) fn fetch_started(
        &mut self,
        id: FetchId,
        length: Option<u64>,
        offset: u64,
        out: &mut Vec<Action>,
    ) {
        let now = self.now;
        let Some(fetch) = self.fetches.get_mut(&id) else {
            return;
        };
        let Some(entry) = self.cache.get(fetch.seg) else {
            return;
        };
        let expected = entry.info.offset.unwrap_or(0) + u64::from(fetch.from);
        let body = u64::from(fetch.to - fetch.from);
        let Some(skip) = expected.checked_sub(offset) else {
            out.push(Action::AbortFetch { fetch: id });
            return self.fetch_failed(id, FetchError::Range, out);
        };
        if length.is_some_and(|length| length < skip + body) {
            out.push(Action::AbortFetch { fetch: id });
            return self.resource_is_short(id, out);
        }
        self.meter_due = true;
        fetch.skip = skip;
        fetch.started = Some(now);
        fetch.before = self.stats.cdn_bytes;
        fetch.heard = now;
        self.cdn.first_byte(now - fetch.asked);
    }

    /// The body ended.
    pub(super) fn fetch_ended(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.fetches.get(&id) else {
            return;
        };
        let seg = fetch.seg;
        if fetch.pos >= fetch.to {
            self.drop_fetch(id);
        } else if !fetch.ranged {
            return self.resource_is_short(id, out);
        } else if fetch.pos / LEAF > fetch.from / LEAF {
            // A server may send less than it was asked for; the rest is another request.
            self.drop_fetch(id);
            self.ask_fresh(seg);
        } else {
            self.ask_fresh(seg);
            return self.fetch_failed(id, FetchError::Network, out);
        }
        if let Some(get) = self.gets.get_mut(&seg) {
            get.failures = 0;
        }
    }

    /// More came than was asked for, and more is likely to follow.
    pub(super) fn fetch_exceeded(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.fetches.get(&id).filter(|fetch| fetch.pos >= fetch.to) else {
            return;
        };
        let seg = fetch.seg;
        self.drop_fetch(id);
        out.push(Action::AbortFetch { fetch: id });
        if let Some(get) = self.gets.get_mut(&seg) {
            get.failures = 0;
        }
    }

    /// The whole resource has fewer bytes than the publisher says: another one.
    fn resource_is_short(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.drop_fetch(id) else {
            return;
        };
        if let Some(get) = self.gets.get_mut(&fetch.seg) {
            get.asks_whole = true;
        }
        if let Some(source) = self.cache.get(fetch.seg).map(Entry::cdn) {
            self.hash_failure(fetch.seg, source, out);
        }
        self.cdn_mismatch(fetch.seg, out);
    }

    fn ask_fresh(&mut self, seg: SegKey) {
        if let Some(get) = self.gets.get_mut(&seg) {
            get.asks_fresh = true;
        }
    }

    /// Whether a failure shows that byte ranges do not work; then all of the resource is asked for, at once.
    pub(super) fn shuns_ranges(&mut self, fetch: &Fetch, error: FetchError) -> bool {
        if !fetch.ranged || !self.is_resource(fetch.seg) {
            return false;
        }
        let now = self.now;
        let Some(get) = self.gets.get_mut(&fetch.seg) else {
            return false;
        };
        let refused = matches!(error, FetchError::Range | FetchError::Status(416));
        let barren = error == FetchError::Network && fetch.received == 0;
        get.asks_whole |= refused || (barren && get.failures >= BARREN);
        if refused {
            self.ranges_failed = self.ranges_failed.saturating_add(1);
            get.retry_at = now;
            get.error = Some(error);
        }
        refused
    }
}

#[cfg(test)]
mod tests;
