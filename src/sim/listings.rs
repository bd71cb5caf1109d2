//! Playlists as players tell engines of them, made once for all who see the same.

use crate::core::ids::RenditionId;
use crate::core::time::{Time, micros};
use crate::core::timeline::{Playlist, SegmentInfo};
use crate::sim::stream::{SegmentId, Stream, seconds};
use std::ops::Range;
use std::sync::Arc;

/// A playlist on one timeline.
#[derive(Clone)]
pub(super) struct Shared {
    rendition: u32,
    /// Media time of the timeline's zero, in µs.
    zero: u64,
    listed: Range<u32>,
    pub(super) segments: Arc<[Arc<SegmentInfo>]>,
}

/// So many are remembered.
const REMEMBERED: usize = 64;

/// The playlists made last.
#[derive(Default)]
pub(super) struct Listings {
    recent: Vec<Shared>,
    next: usize,
}

impl Listings {
    /// The playlist that lists these segments of a rendition, on the timeline that begins at `zero`.
    pub(super) fn get(
        &mut self,
        stream: &Stream,
        rendition: u32,
        listed: &Range<u32>,
        zero: u64,
    ) -> Arc<[Arc<SegmentInfo>]> {
        let same = |shared: &&Shared| {
            shared.rendition == rendition && shared.zero == zero && shared.listed == *listed
        };
        if let Some(shared) = self.recent.iter().rev().find(same) {
            return shared.segments.clone();
        }
        let ids = listed.clone().filter_map(|sn| stream.id(rendition, sn));
        let segments: Arc<[_]> = ids
            .filter_map(|id| self.segment(stream, id, zero))
            .collect();
        let shared = Shared {
            rendition,
            zero,
            listed: listed.clone(),
            segments: segments.clone(),
        };
        match self.recent.get_mut(self.next) {
            Some(place) => *place = shared,
            None => self.recent.push(shared),
        }
        self.next = (self.next + 1) % REMEMBERED;
        segments
    }

    /// A segment's description on the timeline that begins at `zero`.
    pub(super) fn segment(
        &self,
        stream: &Stream,
        id: SegmentId,
        zero: u64,
    ) -> Option<Arc<SegmentInfo>> {
        let truth = &stream.segment(id)?.info;
        if zero == 0 {
            return Some(truth.clone());
        }
        let made = self
            .recent
            .iter()
            .rev()
            .filter(|shared| shared.zero == zero);
        let known = made.flat_map(|shared| shared.segments.iter());
        if let Some(known) = known.into_iter().find(|info| info.hash == truth.hash) {
            return Some(known.clone());
        }
        let start = truth.sn * micros(stream.spec().segment);
        let mut info = SegmentInfo::clone(truth);
        info.start = seconds(start.saturating_sub(zero));
        Some(Arc::new(info))
    }
}

/// The latest playlist of one player, on the player's own timeline.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) rendition: u32,
    /// Media time of the player's zero, in µs.
    pub(super) zero: Option<u64>,
    pub(super) listed: Range<u32>,
    pub(super) segments: Arc<[Arc<SegmentInfo>]>,
    /// Since when each is known.
    pub(super) known: Vec<Time>,
}

impl Listing {
    /// The description of a segment.
    pub(super) fn info(&self, rendition: u32, sn: u32) -> Option<Arc<SegmentInfo>> {
        if rendition != self.rendition {
            return None;
        }
        let at = sn.checked_sub(self.listed.start)?;
        self.segments.get(at as usize).cloned()
    }

    /// Since when a listed segment is known.
    pub(super) fn known_at(&self, stream: &Stream, segment: SegmentId) -> Option<Time> {
        let info = &stream.segment(segment)?.info;
        let sn = u32::try_from(info.sn).ok()?;
        let at = sn.checked_sub(self.listed.start)?;
        self.known.get(at as usize).copied()
    }

    /// Media time on the player's timeline, in seconds.
    pub(super) fn local(&self, media_us: u64) -> f64 {
        seconds(media_us.saturating_sub(self.zero.unwrap_or(0)))
    }

    /// The playlist as the engine is told of it, without the segments whose hashes are in `withheld`.
    pub(super) fn playlist(
        &self,
        live: bool,
        withheld: &[crate::core::ids::SegmentHash],
    ) -> Playlist {
        let segments = if withheld.is_empty() {
            self.segments.clone()
        } else {
            let all = self.segments.iter();
            let told = all.filter(|info| !withheld.contains(&info.hash));
            told.cloned().collect()
        };
        Playlist {
            rendition: RenditionId(self.rendition),
            live,
            segments,
        }
    }
}
