//! The player's side: playlists, the playhead, requests and deliveries.

use super::Engine;
use super::get::Get;
use crate::core::action::{Action, DeliveryReport, Notice};
use crate::core::chance::below;
use crate::core::error::{FetchError, LoadError};
use crate::core::ids::{LoadId, RenditionId, SegKey};
use crate::core::list::List;
use crate::core::time::{Duration, Time};
use crate::core::timeline::{Playhead, Playlist, SegmentInfo};
use std::sync::Arc;

/// Renditions remembered at once; a stream has a handful.
const MAX_RENDITIONS: usize = 32;

/// Segments got ahead of the player, of each track.
const AHEAD: usize = 3;

/// A track that the player has asked for nothing of in this long is not watched any more.
const WATCHED: Duration = Duration::from_secs(12);

/// A playhead this near to where it was expected, in seconds, has only played on.
const STEADY: f64 = 0.1;

/// Jitter before the point of no return, so that a swarm does not rush to the CDN in one instant.
const JITTER_MS: u64 = 50;

/// What the player last asked for of one track.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastLoad {
    rendition: RenditionId,
    at: Time,
    /// Where it starts on the player's timeline, in seconds.
    start: f64,
}

impl Engine {
    /// A playlist was loaded or refreshed.
    pub(super) fn playlist_changed(&mut self, playlist: Playlist, out: &mut Vec<Action>) {
        if !self.playlists.contains_key(&playlist.rendition)
            && self.playlists.len() >= MAX_RENDITIONS
        {
            self.playlists.pop_first();
        }
        for info in playlist.segments.iter() {
            if let Some(seg) = self.cache.find(&info.hash)
                && let Some(entry) = self.cache.get_mut(seg)
                && entry.info.bytes == info.bytes
                && entry.info.root == info.root
            {
                entry.info = info.clone();
            }
        }
        self.playlists.insert(playlist.rendition, playlist);
        self.look_ahead(out);
    }

    /// The player moved.
    pub(super) fn playhead_moved(&mut self, playhead: Playhead) {
        let sane = playhead.position.filter(|position| position.is_finite());
        let rate = if playhead.rate.is_finite() {
            playhead.rate.clamp(0.0, 16.0)
        } else {
            1.0
        };
        let old = std::mem::replace(
            &mut self.playhead,
            Playhead {
                position: sane,
                rate,
            },
        );
        let passed = (self.now - self.playhead_at).as_secs_f64() * old.rate;
        self.playhead_at = self.now;
        let expected = old
            .position
            .zip(sane)
            .is_some_and(|(from, to)| (to - from - passed).abs() < STEADY);
        // As long as it plays on, no deadline changes.
        if !expected || old.rate.to_bits() != rate.to_bits() {
            self.review_turns();
        }
    }

    /// When the player runs dry if this segment does not come; `None` when that is not known.
    pub(super) fn deadline_of(&self, seg: SegKey) -> Option<Time> {
        let position = self.playhead.position?;
        let start = self.cache.get(seg)?.info.start;
        // A paused player may go on at any moment, from where it stands.
        let (rate, from) = match self.playhead.rate {
            rate if rate > 0.0 => (rate, self.playhead_at),
            _ => (1.0, self.now),
        };
        let seconds = ((start - position) / rate).clamp(0.0, 86_400.0);
        Some(from + Duration::from_micros((seconds * 1e6) as u64))
    }

    /// The player wants a segment.
    pub(super) fn load_requested(
        &mut self,
        load: LoadId,
        info: Arc<SegmentInfo>,
        out: &mut Vec<Action>,
    ) {
        self.watches(&info);
        if info.bytes == 0
            || info.bytes > self.config.max_segment_bytes
            || self.loads.contains_key(&load)
        {
            out.push(Action::Fail {
                load,
                error: LoadError::Cdn(FetchError::Request),
            });
            return;
        }
        let seg = self.obtain(&info, out);
        if self.cache.get(seg).is_some_and(|entry| entry.is_complete()) {
            self.deliver(load, seg, out);
            return self.look_ahead(out);
        }
        self.loads.insert(load, seg);
        if let Some(get) = self.gets.get_mut(&seg) {
            get.loads.push(load);
        }
        self.refill_due = true;
        self.review_turns();
        self.look_ahead(out);
    }

    /// The player asks for this segment: of its track, it plays this rendition now.
    fn watches(&mut self, info: &SegmentInfo) {
        let last = LastLoad {
            rendition: info.rendition,
            at: self.now,
            start: info.start,
        };
        self.last_loads.insert(info.track, last);
    }

    /// The entry of a segment, made if it is not there, with an effort under way if it is not complete.
    fn obtain(&mut self, info: &Arc<SegmentInfo>, out: &mut Vec<Action>) -> SegKey {
        if let Some(seg) = self.cache.find(&info.hash) {
            let same = self
                .cache
                .get(seg)
                .is_some_and(|e| e.info.bytes == info.bytes && e.info.root == info.root);
            if same {
                if let Some(entry) = self.cache.get_mut(seg) {
                    entry.info = info.clone();
                }
                return seg;
            }
            // The publisher changed its mind about the same hash: start afresh.
            self.give_up(seg, LoadError::HashMismatch, out);
            self.release(seg, out);
        }
        let seg = self.cache.insert(info.clone(), self.now);
        out.push(Action::Allocate {
            seg,
            bytes: info.bytes,
        });
        let jitter = Duration::from_millis(below(&mut self.rng, JITTER_MS));
        let leaves = self.cache.get(seg).map_or(0, |entry| entry.leaf_count());
        for (_, peer) in self.swarm.peers_mut() {
            peer.forget_misfit(&info.hash, leaves);
        }
        let mut get = Get::new(self.now, leaves, jitter, self.rng.u32(..));
        get.seen = self.is_promised(&info.hash);
        self.gets.insert(seg, get);
        self.refill_due = true;
        self.review_turns();
        self.trim(out);
        seg
    }

    /// The player no longer wants it.
    pub(super) fn load_aborted(&mut self, load: LoadId, out: &mut Vec<Action>) {
        let Some(seg) = self.loads.remove(&load) else {
            return;
        };
        let Some(get) = self.gets.get_mut(&seg) else {
            return;
        };
        get.loads.retain(|other| *other != load);
        if !get.is_wanted() && !self.is_counted_on(seg) {
            self.release(seg, out);
        }
    }

    /// Whether a copy that the player does not wait for is finished all the same: neighbours were told of it, and either it comes
    /// by the way or the audience counts on it.
    fn is_counted_on(&self, seg: SegKey) -> bool {
        let claimed = self.gets.get(&seg).is_some_and(|get| get.claimed);
        let told = claimed && self.swarm.peers().next().is_some();
        told && (self.audience_is_large() || self.comes_by_the_way(seg, 0))
    }

    /// The host loaded a segment without the engine: check it, keep it, share it.
    pub(super) fn segment_inserted(
        &mut self,
        info: Arc<SegmentInfo>,
        first_byte: Duration,
        transfer: Duration,
        out: &mut Vec<Action>,
    ) {
        self.watches(&info);
        self.cdn.first_byte(first_byte);
        self.cdn.body(u64::from(info.bytes), transfer);
        self.meter.seed(self.now, u64::from(info.bytes), transfer);
        if info.bytes == 0 || info.bytes > self.config.max_segment_bytes {
            return;
        }
        // The same name with another size takes another buffer.
        let entry = self
            .cache
            .find(&info.hash)
            .and_then(|seg| self.cache.get(seg));
        let known = entry.is_some_and(|entry| entry.info.bytes == info.bytes);
        if !known && !self.cache.fits(info.bytes, self.playhead.position) {
            return;
        }
        let seg = self.obtain(&info, out);
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        entry.delivered = true;
        let source = entry.cdn();
        let missing = entry.missing_leaves().clone();
        for run in missing.runs(0..missing.size()) {
            let (at, end) = (entry.range(run.start).0, entry.range(run.end).0);
            out.push(Action::Write {
                seg,
                at,
                from: at,
                len: end - at,
            });
        }
        for leaf in missing.ones() {
            self.leaf_arrived(seg, leaf, source, out);
        }
        self.look_ahead(out);
    }

    /// Hands a verified segment to the player.
    pub(super) fn deliver(&mut self, load: LoadId, seg: SegKey, out: &mut Vec<Action>) {
        let slack = self.deadline_of(seg).map(|deadline| deadline - self.now);
        let Some(entry) = self.cache.get_mut(seg) else {
            return;
        };
        entry.last_used = self.now;
        entry.delivered = true;
        let (bytes, peer_bytes, cdn_bytes) = (entry.info.bytes, entry.peer_bytes, entry.cdn_bytes);
        let (hash, sn, rendition) = (entry.info.hash, entry.info.sn, entry.info.rendition.0);
        self.loads.remove(&load);
        self.stats.delivered_bytes += u64::from(bytes);
        if peer_bytes >= cdn_bytes {
            self.stats.segments_from_peers += 1;
        } else {
            self.stats.segments_from_cdn += 1;
        }
        let rate = self
            .meter
            .rate()
            .unwrap_or(self.cdn.low_rate() as f64 * 8.0);
        let report = DeliveryReport {
            bytes,
            rate,
            first_byte: self.cdn.usual_first_byte(),
        };
        out.push(Action::Deliver { load, seg, report });
        self.notify(
            Notice::Segment {
                hash,
                sn,
                rendition,
                peer_bytes,
                cdn_bytes,
                slack,
            },
            out,
        );
    }

    /// Starts getting what the player will ask for next, and drops what it will not.
    pub(super) fn look_ahead(&mut self, out: &mut Vec<Action>) {
        self.drop_unwatched(out);
        if !self.on {
            return;
        }
        let watched: Vec<LastLoad> = self
            .last_loads
            .values()
            .filter(|last| self.now - last.at < WATCHED)
            .copied()
            .list();
        for LastLoad {
            rendition, start, ..
        } in watched
        {
            for info in self.upcoming(rendition, start) {
                let known = self.cache.find(&info.hash).is_some();
                if !known
                    && info.bytes <= self.config.max_segment_bytes
                    && self.cache.fits(info.bytes, self.playhead.position)
                {
                    let seg = self.obtain(&info, out);
                    self.fetch_early(seg, out);
                }
            }
        }
    }

    /// The next segments of a live rendition after `start`.
    fn upcoming(&self, rendition: RenditionId, start: f64) -> Vec<Arc<SegmentInfo>> {
        let Some(playlist) = self
            .playlists
            .get(&rendition)
            .filter(|playlist| playlist.live)
        else {
            return Vec::new();
        };
        let later = playlist
            .segments
            .iter()
            .filter(|info| info.start > start + 0.05 && info.bytes > 0);
        later.take(AHEAD).cloned().list()
    }

    fn drop_unwatched(&mut self, out: &mut Vec<Action>) {
        let position = self.playhead.position;
        let stale = |seg: &SegKey| {
            let Some(entry) = self.cache.get(*seg) else {
                return true;
            };
            let passed =
                position.is_some_and(|position| entry.info.start + entry.info.duration < position);
            let last = self.last_loads.get(&entry.info.track);
            let watched = last.is_some_and(|last| {
                last.rendition == entry.info.rendition && self.now - last.at < WATCHED
            });
            passed || !watched
        };
        let unwanted = self.gets.iter().filter(|(seg, get)| {
            !get.is_wanted() && (get.fetches.is_empty() || !self.is_counted_on(**seg))
        });
        let hashing = |seg: &SegKey| {
            self.cache
                .get(*seg)
                .is_some_and(|entry| entry.missing() == 0)
        };
        let drop: Vec<SegKey> = unwanted
            .map(|(seg, _)| *seg)
            .filter(|seg| stale(seg) && !hashing(seg))
            .list();
        for seg in drop {
            self.release(seg, out);
        }
    }
}

#[cfg(test)]
mod tests;
