//! Requests to the CDN: what comes in is cut into leaves; what is already verified is passed over.

use super::Engine;
use super::get::Get;
use super::timers::RACE_CHECK;
use crate::core::action::{Action, Notice};
use crate::core::cache::entry::Source;
use crate::core::error::{FetchError, LoadError};
use crate::core::ids::{FetchId, SegKey, SegmentHash};
use crate::core::time::{Duration, Time, micros};
use crate::core::wire::Message;

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

/// A request under way: bytes `from..to` of a segment.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) seg: SegKey,
    pub(super) from: u32,
    pub(super) to: u32,
    /// Next byte of the segment to come.
    pub(super) pos: u32,
    /// Body bytes before `from` still to be passed over.
    skip: u64,
    /// Whether all bytes of the current leaf so far were written by this request.
    intact: bool,
    asked: Time,
    pub(super) started: Option<Time>,
    pub(super) heard: Time,
    received: u64,
}

impl Fetch {
    /// Whether it looks alive, given what the CDN usually takes.
    pub(super) fn is_hopeful(&self, now: Time, slow_first_byte: Duration) -> bool {
        now < self.heard + slow_first_byte * 2 + Duration::from_millis(300)
    }

    /// First byte of the segment that it will not bring within `span`, at the rate so far.
    pub(super) fn reach(&self, now: Time, span: Duration) -> u32 {
        let Some(started) = self.started else {
            return self.to;
        };
        let micros = (now - started).as_micros() as u64;
        if micros < 50_000 {
            return self.to;
        }
        let ahead = self.received.saturating_mul(span.as_micros() as u64) / micros;
        self.pos
            .saturating_add(u32::try_from(ahead).unwrap_or(u32::MAX))
            .min(self.to)
    }
}

impl Engine {
    /// Asks the CDN for bytes `from..to` of a segment.
    pub(super) fn fetch(&mut self, seg: SegKey, from: u32, to: u32, out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        let info = entry.info.clone();
        let bypass_cache = entry.cdn_mismatches > 0;
        entry.asked_cdn = true;
        let fetch = FetchId(self.next_fetch);
        self.next_fetch += 1;
        let base = info.offset.unwrap_or(0);
        let whole = from == 0 && to == info.bytes && info.offset.is_none();
        let range = (!whole).then(|| (base + u64::from(from), base + u64::from(to) - 1));
        let now = self.now;
        self.fetches.insert(
            fetch,
            Fetch {
                seg,
                from,
                to,
                pos: from,
                skip: 0,
                intact: true,
                asked: now,
                started: None,
                heard: now,
                received: 0,
            },
        );
        if let Some(get) = self.gets.get_mut(&seg) {
            get.fetches.push(fetch);
        }
        let limit = Duration::from_millis(u64::from(self.config.cdn_timeout_ms));
        let alone = self.swarm.peers().next().is_none();
        let look = if alone { limit } else { RACE_CHECK };
        self.timers_at = self.timers_at.min(now + look);
        out.push(Action::Fetch {
            fetch,
            url: info.url.clone(),
            range,
            bypass_cache,
        });
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
        let skip = expected.checked_sub(offset);
        let too_short = |skip: u64| length.is_some_and(|length| length < skip + body);
        let Some(skip) = skip.filter(|skip| !too_short(*skip)) else {
            out.push(Action::AbortFetch { fetch: id });
            return self.fetch_failed(id, FetchError::Network, out);
        };
        self.meter_due = true;
        fetch.skip = skip;
        fetch.started = Some(now);
        fetch.heard = now;
        self.cdn.first_byte(now - fetch.asked);
    }

    /// Body bytes: the payload of the current event.
    pub(super) fn fetch_bytes(&mut self, id: FetchId, len: usize, out: &mut Vec<Action>) {
        self.stats.cdn_bytes += len as u64;
        let now = self.now;
        let Some(fetch) = self.fetches.get_mut(&id) else {
            self.stats.wasted_bytes += len as u64;
            return;
        };
        fetch.heard = now;
        fetch.received += len as u64;
        self.meter.add(len as u64);
        let skipped = fetch.skip.min(len as u64);
        fetch.skip -= skipped;
        self.stats.wasted_bytes += skipped;
        let mut from = skipped as u32;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        while from < len {
            let Some(used) = self.fetch_piece(id, from, len - from, out) else {
                break;
            };
            from += used;
        }
        self.stats.wasted_bytes += u64::from(len - from);
        self.report_progress(id, out);
    }

    /// Takes the part of the payload that lies in the current leaf; returns its length, or `None` when no more is wanted.
    fn fetch_piece(
        &mut self,
        id: FetchId,
        from: u32,
        available: u32,
        out: &mut Vec<Action>,
    ) -> Option<u32> {
        let fetch = self.fetches.get_mut(&id)?;
        let seg = fetch.seg;
        let entry = self.cache.get(seg)?;
        if fetch.pos >= fetch.to {
            return None;
        }
        let leaf = fetch.pos / crate::core::config::LEAF;
        let (at, size) = entry.range(leaf);
        let end = (at + size).min(fetch.to);
        let len = available.min(end - fetch.pos);
        if fetch.pos == at {
            fetch.intact = true;
        }
        if entry.is_missing(leaf) && fetch.intact {
            let at = fetch.pos;
            write_before_hashing(Action::Write { seg, at, from, len }, out);
        } else {
            fetch.intact = false;
            self.stats.duplicate_bytes += u64::from(len);
        }
        fetch.pos += len;
        let first = at == fetch.from;
        if fetch.pos == at + size && fetch.intact {
            if first {
                self.cdn_is_back();
            }
            self.leaf_arrived(seg, leaf, Source::Cdn, out);
        }
        self.finish_early(id, out);
        Some(len)
    }

    /// Ends a request that has brought all it was asked for, or whose rest has come from elsewhere.
    fn finish_early(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.fetches.get(&id) else {
            return;
        };
        if fetch.pos >= fetch.to {
            return;
        }
        let rest = self.cache.get(fetch.seg).is_some_and(|entry| {
            let next = entry.missing_leaves().first_set(entry.leaf_at(fetch.pos));
            next.is_some_and(|leaf| entry.range(leaf).0 < fetch.to)
        });
        if !rest {
            self.drop_fetch(id);
            out.push(Action::AbortFetch { fetch: id });
        }
    }

    fn drop_fetch(&mut self, id: FetchId) -> Option<Fetch> {
        let fetch = self.fetches.remove(&id)?;
        self.refill_due = true;
        self.meter_due = true;
        self.review_timers();
        self.review_turns();
        if let Some(get) = self.gets.get_mut(&fetch.seg) {
            get.fetches.retain(|other| *other != id);
            if get.fetches.is_empty() {
                get.early = None;
            }
        }
        if let Some(started) = fetch.started {
            self.cdn.body(fetch.received, self.now - started);
        }
        Some(fetch)
    }

    /// The body ended.
    pub(super) fn fetch_ended(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.fetches.get(&id) else {
            return;
        };
        if fetch.pos < fetch.to {
            return self.fetch_failed(id, FetchError::Network, out);
        }
        let seg = fetch.seg;
        self.drop_fetch(id);
        if let Some(get) = self.gets.get_mut(&seg) {
            get.failures = 0;
        }
    }

    /// The request failed: wait a little and let others, or another attempt, bring the bytes.
    pub(super) fn fetch_failed(&mut self, id: FetchId, error: FetchError, out: &mut Vec<Action>) {
        let early = self.fails_early(id);
        let Some(fetch) = self.drop_fetch(id) else {
            return;
        };
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
        let jitter = Duration::from_millis(self.rng.u64(0..100));
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
    fn cdn_is_back(&mut self) {
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
        let final_word = matches!(error, FetchError::Status(400..=499) | FetchError::Request);
        let dry = get
            .dry
            .is_some_and(|since| self.now >= since + PATIENCE_DRY);
        let hash = self.cache.get(seg).map(|entry| entry.info.hash);
        let promised = hash.is_some_and(|hash| self.is_promised(&hash));
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

    /// Whether some neighbour has the segment, or says it will.
    pub(super) fn is_promised(&self, hash: &SegmentHash) -> bool {
        self.swarm.peers().any(|(_, peer)| {
            peer.is_here(self.now)
                && (peer.holding(hash).is_some() || peer.claim_on(hash).is_some())
        })
    }

    /// Aborts all requests of a segment.
    pub(super) fn abort_fetches(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let ids = self
            .gets
            .get_mut(&seg)
            .map(|get| std::mem::take(&mut get.fetches))
            .unwrap_or_default();
        for id in ids {
            self.drop_fetch(id);
            out.push(Action::AbortFetch { fetch: id });
        }
    }

    /// Requests that have brought nothing for longer than the configured limit.
    pub(super) fn time_out_fetches(&mut self, out: &mut Vec<Action>) {
        let limit = Duration::from_millis(u64::from(self.config.cdn_timeout_ms));
        let silent: Vec<FetchId> = self
            .fetches
            .iter()
            .filter(|(_, f)| self.now >= f.heard + limit)
            .map(|(id, _)| *id)
            .collect();
        for id in silent {
            out.push(Action::AbortFetch { fetch: id });
            self.fetch_failed(id, FetchError::Network, out);
        }
    }

    /// Tells neighbours that this viewer fetches a segment.
    pub(super) fn claim(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let missing = u64::from(entry.missing()) * u64::from(crate::core::config::LEAF);
        let eta = self.cdn.usual_first_byte()
            + (self.cdn.slow_transfer(missing) - self.cdn.slow_first_byte());
        let claim = Message::Claim {
            hash: entry.info.hash,
            eta_ms: u32::try_from(eta.as_millis()).unwrap_or(10_000),
        };
        self.broadcast(&claim, out);
        if let Some(get) = self.gets.get_mut(&seg) {
            get.claimed = true;
        }
    }

    fn unclaim(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let claimed = self
            .gets
            .get_mut(&seg)
            .is_some_and(|get: &mut Get| std::mem::take(&mut get.claimed));
        if let Some(entry) = self.cache.get(seg)
            && claimed
        {
            let message = Message::Unclaim {
                hash: entry.info.hash,
            };
            self.broadcast(&message, out);
        }
    }

    fn report_progress(&mut self, id: FetchId, out: &mut Vec<Action>) {
        let Some(fetch) = self.fetches.get(&id) else {
            return;
        };
        let (Some(get), Some(entry)) = (self.gets.get_mut(&fetch.seg), self.cache.get(fetch.seg))
        else {
            return;
        };
        if self.now < get.progressed + Duration::from_millis(100) {
            return;
        }
        get.progressed = self.now;
        let there = entry.leaf_count() - entry.missing();
        let loaded = (there * crate::core::config::LEAF).min(entry.info.bytes);
        let sending = fetch
            .started
            .map_or(Duration::ZERO, |started| self.now - started);
        // What peers brought before counts at the CDN's pace, so that the player sees the CDN's rate.
        let span = micros(sending).saturating_mul(u64::from(loaded)) / fetch.received.max(1);
        let active = Duration::from_micros(span);
        let progress = |load: &_| Action::Progress {
            load: *load,
            loaded,
            total: entry.info.bytes,
            active,
        };
        out.extend(get.loads.iter().map(progress));
    }

    /// Bytes did not match their hash.
    pub(super) fn hash_failure(&mut self, seg: SegKey, from_cdn: bool, out: &mut Vec<Action>) {
        self.stats.hash_failures += 1;
        if let Some(entry) = self.cache.get_mut(seg) {
            // All that is wrong in one answer is one mismatch.
            if from_cdn && std::mem::take(&mut entry.asked_cdn) {
                entry.cdn_mismatches = entry.cdn_mismatches.saturating_add(1);
            }
            let hash = entry.info.hash;
            self.notify(Notice::HashFailure { hash, from_cdn }, out);
        }
    }
}

/// What arrives together is hashed together: bytes are written before the hashes of what came before them.
fn write_before_hashing(write: Action, out: &mut Vec<Action>) {
    let hashing = matches!(out.last(), Some(Action::HashLeaves { .. }));
    out.insert(out.len() - usize::from(hashing), write);
}
