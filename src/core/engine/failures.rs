//! Requests to the CDN that fail: who waits for how long, and when the player is told.

use super::Engine;
use crate::core::action::Action;
use crate::core::chance::below;
use crate::core::error::{FetchError, LoadError};
use crate::core::ids::{FetchId, SegKey};
use crate::core::list::List;
use crate::core::time::Duration;

/// First wait after a failure; it doubles up to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_millis(250);

/// Longest wait after a failure.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// The same while the player has run dry, once it has been so for three times as long.
const RETRY_DRY: Duration = Duration::from_secs(1);

/// Failures in a row before the player is told, and how long it must have been dry by then: its own loader would wait
/// for longer and longer between its attempts, and whoever gets through to the CDN again helps all neighbours.
const PATIENCE: u32 = 4;
const PATIENCE_DRY: Duration = Duration::from_secs(6);

impl Engine {
    /// Requests that have brought nothing for longer than the configured limit.
    pub(super) fn time_out_fetches(&mut self, out: &mut Vec<Action>) {
        let limit = Duration::from_millis(u64::from(self.config.cdn_timeout_ms));
        let silent: Vec<FetchId> = self
            .fetches
            .iter()
            .filter(|(_, f)| self.now >= f.heard + limit)
            .map(|(id, _)| *id)
            .list();
        for id in silent {
            // The one before may have been the last that its segment was given.
            if !self.fetches.contains_key(&id) {
                continue;
            }
            out.push(Action::AbortFetch { fetch: id });
            self.fetch_failed(id, FetchError::Network, out);
        }
    }

    /// The request failed: wait a little and let others, or another attempt, bring the bytes.
    pub(super) fn fetch_failed(&mut self, id: FetchId, error: FetchError, out: &mut Vec<Action>) {
        let early = self.fails_early(id);
        let Some(fetch) = self.drop_fetch(id) else {
            return;
        };
        if self.shuns_ranges(&fetch, error) {
            return self.unclaim(fetch.seg, out);
        }
        let failures = self
            .gets
            .get(&fetch.seg)
            .map_or(0, |get| get.failures.min(3));
        let dry = self.is_dry(fetch.seg);
        if let Some(get) = self.gets.get_mut(&fetch.seg) {
            get.dry = get.dry.filter(|_| dry).or(dry.then_some(self.now));
        }
        let longest = self.longest_wait(fetch.seg);
        let wait = (RETRY * (1 << failures)).min(longest);
        let jitter = Duration::from_millis(below(&mut self.rng, 100));
        let retry_at = self.now + wait + jitter;
        let Some(get) = self.gets.get_mut(&fetch.seg) else {
            return;
        };
        get.failures += 1;
        get.retry_at = retry_at;
        get.error = Some(error);
        self.unclaim(fetch.seg, out);
        // There is time to ask again, and neighbours may bring it.
        if early && !dry {
            return;
        }
        self.give_up_if_hopeless(fetch.seg, out);
    }

    /// What an early request was to bring is open to neighbours again. Whether this was one.
    fn fails_early(&mut self, id: FetchId) -> bool {
        let Some(fetch) = self.fetches.get(&id) else {
            return false;
        };
        let get = self.gets.get_mut(&fetch.seg);
        let Some(early) = get.and_then(|get| get.early.as_mut()) else {
            return false;
        };
        if let Some(entry) = self.cache.get(fetch.seg) {
            early.clear_range(entry.leaf_at(fetch.from)..entry.leaf_at(fetch.to));
        }
        true
    }

    /// The less time is left, the shorter the wait for another attempt.
    fn longest_wait(&self, seg: SegKey) -> Duration {
        let Some(get) = self.gets.get(&seg).filter(|get| get.is_wanted()) else {
            return RETRY_MAX;
        };
        if let Some(since) = get.dry {
            return ((self.now - since) / 3).clamp(RETRY, RETRY_DRY);
        }
        let slack = self.deadline_of(seg).map(|at| at - self.now);
        (slack.unwrap_or_default() / 3).clamp(RETRY, RETRY_MAX)
    }

    /// Whether the player has nothing left before a segment.
    fn is_dry(&self, seg: SegKey) -> bool {
        let deadline = self.deadline_of(seg);
        deadline.is_none_or(|deadline| deadline <= self.now)
    }

    /// The CDN brings bytes again: whoever waits after a failure need not wait any longer.
    pub(super) fn cdn_is_back(&mut self) {
        for get in self.gets.values_mut() {
            get.retry_at = get.retry_at.min(self.now);
        }
        self.review_turns();
    }

    /// Tells the player when waiting has no point: refused for good with nobody else to ask, or failed often with the buffer dry.
    fn give_up_if_hopeless(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let Some(get) = self.gets.get(&seg) else {
            return;
        };
        let Some(error) = get.error else { return };
        let final_word = matches!(
            error,
            FetchError::Status(400..=499) | FetchError::Request | FetchError::Range
        );
        let dry = get
            .dry
            .is_some_and(|since| self.now >= since + PATIENCE_DRY);
        let entry = self.cache.get(seg).filter(|entry| !entry.shuns_peers);
        let hash = entry.map(|entry| entry.info.hash);
        // A player that has run dry waits for nobody's word.
        let promised = hash.is_some_and(|hash| match get.dry {
            Some(_) => self.is_held(&hash),
            None => self.is_promised(&hash),
        });
        if (final_word && !promised) || (dry && get.failures >= PATIENCE) {
            self.give_up(seg, LoadError::Cdn(error), out);
        }
    }

    /// Ends the effort for a segment and fails whoever waits for it.
    pub(super) fn give_up(&mut self, seg: SegKey, error: LoadError, out: &mut Vec<Action>) {
        let Some(get) = self.gets.get(&seg) else {
            return;
        };
        for load in get.loads.clone() {
            self.loads.remove(&load);
            out.push(Action::Fail { load, error });
        }
        self.release(seg, out);
    }
}
