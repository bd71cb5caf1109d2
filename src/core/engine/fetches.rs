//! Requests to the CDN: what comes in is cut into leaves; what is already verified is passed over.

use super::Engine;
use super::get::Get;
use super::timers::RACE_CHECK;
use crate::core::action::Action;
use crate::core::ids::{FetchId, SegKey, SegmentHash};
use crate::core::swarm::Peer;
use crate::core::time::{Duration, Time, micros};
use crate::core::wire::Message;

/// A request under way: bytes `from..to` of a segment.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) seg: SegKey,
    pub(super) from: u32,
    pub(super) to: u32,
    /// Next byte of the segment to come.
    pub(super) pos: u32,
    /// Whether it asks for a byte range.
    pub(super) ranged: bool,
    /// Body bytes before `from` still to be passed over.
    pub(super) skip: u64,
    /// Whether all bytes of the current leaf so far were written by this request.
    intact: bool,
    pub(super) asked: Time,
    pub(super) started: Option<Time>,
    /// All that had come from the CDN by then, in bytes: from then on others may share the line.
    pub(super) before: u64,
    pub(super) heard: Time,
    pub(super) received: u64,
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
        let Some(entry) = self.cache.get(seg) else {
            return;
        };
        let info = entry.info.clone();
        let get = self.gets.get(&seg);
        let bypass_cache = entry.cdn_mismatches > 0 || get.is_some_and(|get| get.asks_fresh);
        let fetch = FetchId(self.next_fetch);
        self.next_fetch += 1;
        let base = info.offset.unwrap_or(0);
        let all = from == 0 && to == info.bytes && info.offset.is_none();
        let ranged = !all && !self.asks_whole(seg);
        let range = ranged.then(|| (base + u64::from(from), base + u64::from(to) - 1));
        let now = self.now;
        self.fetches.insert(
            fetch,
            Fetch {
                seg,
                from,
                to,
                pos: from,
                ranged,
                skip: 0,
                intact: true,
                asked: now,
                started: None,
                before: 0,
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
        if from < len {
            self.fetch_exceeded(id, out);
        }
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
        let source = entry.cdn();
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
            self.leaf_arrived(seg, leaf, source, out);
        }
        self.finish_early(id, out);
        Some(len)
    }

    /// A peer's bytes are written to a leaf: what a request to the CDN has brought of it so far is gone.
    pub(super) fn overwritten(&mut self, seg: SegKey, leaf: u32) {
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return;
        };
        let (at, len) = entry.range(leaf);
        for id in &get.fetches {
            if let Some(fetch) = self.fetches.get_mut(id) {
                fetch.intact &= fetch.pos <= at || fetch.pos >= at + len;
            }
        }
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

    pub(super) fn drop_fetch(&mut self, id: FetchId) -> Option<Fetch> {
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

    /// Bytes that requests under way are still to bring.
    pub(super) fn on_the_line(&self) -> u64 {
        let rest = |fetch: &Fetch| u64::from(fetch.to - fetch.pos);
        self.fetches.values().map(rest).sum()
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

    /// Whether some neighbour that is believed has the segment, or a part.
    pub(super) fn is_held(&self, hash: &SegmentHash) -> bool {
        let holds = |peer: &Peer| peer.is_trusted(self.now) && peer.holding(hash).is_some();
        self.swarm.peers().any(|(_, peer)| holds(peer))
    }

    /// The same, or says it will.
    pub(super) fn is_promised(&self, hash: &SegmentHash) -> bool {
        self.is_held(hash) || self.promised_until(hash).is_some()
    }

    /// Whether a request to the CDN is about to bring a leaf.
    pub(super) fn is_being_fetched(&self, seg: SegKey, leaf: u32) -> bool {
        let (Some(get), Some(entry)) = (self.gets.get(&seg), self.cache.get(seg)) else {
            return false;
        };
        let (at, len) = entry.range(leaf);
        let mut fetches = get.fetches.iter().filter_map(|id| self.fetches.get(id));
        fetches.any(|fetch| fetch.pos < at + len && at < fetch.to)
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

    pub(super) fn unclaim(&mut self, seg: SegKey, out: &mut Vec<Action>) {
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
        // The player sees the CDN's rate: what peers brought before counts at that pace, and so does what else came meanwhile.
        let came = (self.stats.cdn_bytes - fetch.before).max(1);
        let span = micros(sending).saturating_mul(u64::from(loaded)) / came;
        let active = Duration::from_micros(span);
        let progress = |load: &_| Action::Progress {
            load: *load,
            loaded,
            total: entry.info.bytes,
            active,
        };
        out.extend(get.loads.iter().map(progress));
    }
}

/// What arrives together is hashed together: bytes are written before the hashes of what came before them.
fn write_before_hashing(write: Action, out: &mut Vec<Action>) {
    let hashing = matches!(out.last(), Some(Action::HashLeaves { .. }));
    out.insert(out.len() - usize::from(hashing), write);
}
