//! The built-in stream: the clip, round after round, as an event that began a while ago and never
//! ends; and four rounds of it as a recording.
//!
//! Invariants: segment `n` of a track has the same bytes whenever, and in whichever of the two
//! streams, it is asked for, and no two segments have the same bytes; the timeline has no gap and no
//! discontinuity; a segment can be fetched before a playlist lists it, never the other way round.

use crate::boxes::restamp;
use crate::demo::clip::{self, LOOP_SECONDS, SEGMENT_SECONDS, SEGMENTS, Track};
use crate::demo::mpd::{self, Kind, Timeline};
use crate::demo::playlist;
use crate::integrity_list;
use anyhow::Context as _;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

/// How long before the process the event began: the window is full from the first request on.
const HEAD_START: Duration = Duration::from_secs(600);

/// A segment can still be fetched for this many segments after it has left the window.
const LINGER: u64 = 30;

/// Rounds of the clip in the recording.
const RECORDED_ROUNDS: u64 = 4;

/// One media segment as it is served.
pub(super) struct Segment {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its hashes.
    pub tag: Tag,
}

/// Which of the two streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stream {
    /// The endless event with a sliding window.
    Live,
    /// The recording.
    Vod,
}

/// Where a segment lies on the timeline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    /// Start since the event began, in seconds.
    pub start: f64,
    /// Duration in seconds.
    pub duration: f64,
}

/// The built-in stream.
pub(super) struct Event {
    tracks: Vec<Track>,
    started: Instant,
    began_at: SystemTime,
    window: u64,
    /// By track and number. Every segment is made and hashed once while it can be fetched.
    made: Mutex<BTreeMap<(usize, u64), Arc<Segment>>>,
}

impl Event {
    /// An event whose playlists list the newest `window` segments, of the built-in clip or of one in a folder.
    ///
    /// # Errors
    /// The clip cannot be read, or is none (see [`clip::tracks`]).
    pub(super) fn new(window: u64, clip: Option<&Path>) -> anyhow::Result<Self> {
        let began_at = SystemTime::now().checked_sub(HEAD_START);
        Ok(Self {
            tracks: clip::tracks(clip)?,
            started: Instant::now(),
            began_at: began_at.unwrap_or(SystemTime::UNIX_EPOCH),
            window,
            made: Mutex::default(),
        })
    }

    /// The tracks, in the order of their numbers.
    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The track of that name and its number.
    pub(super) fn track(&self, name: &str) -> Option<(usize, &Track)> {
        let mut tracks = self.tracks.iter().enumerate();
        tracks.find(|(_, track)| track.name == name)
    }

    /// The master playlist, the same for both streams.
    pub(super) fn master(&self) -> String {
        playlist::master(&self.tracks)
    }

    /// The media playlist of a track.
    ///
    /// # Errors
    /// A segment could not be made.
    pub(super) fn media(&self, stream: Stream, track: usize) -> anyhow::Result<String> {
        let ended = stream == Stream::Vod;
        let numbers = self.listed(stream);
        let first = numbers.start;
        let entries = numbers
            .map(|n| Ok((n, self.place(track, n)?, self.segment(track, n)?.tag)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let start = Duration::from_secs_f64(self.place(track, first)?.start);
        let time = (!ended).then(|| self.began_at + start);
        Ok(playlist::media(&entries, first, time, ended))
    }

    /// The MPD.
    ///
    /// # Errors
    /// The clip is damaged.
    pub(super) fn mpd(&self, stream: Stream) -> anyhow::Result<String> {
        let timelines = (0..self.tracks.len()).map(|track| self.timeline(stream, track));
        let timelines = timelines.collect::<anyhow::Result<Vec<_>>>()?;
        let tracks: Vec<_> = self.tracks.iter().zip(timelines).collect();
        let kind = match stream {
            Stream::Live => Kind::Live {
                began: self.began_at,
                window: Duration::from_secs(self.window * SEGMENT_SECONDS),
                now: SystemTime::now(),
            },
            Stream::Vod => Kind::Recording(Duration::from_secs(RECORDED_ROUNDS * LOOP_SECONDS)),
        };
        Ok(mpd::mpd(&tracks, &kind))
    }

    /// The integrity list beside the MPD.
    ///
    /// # Errors
    /// A segment could not be made.
    pub(super) fn list(&self, stream: Stream) -> anyhow::Result<String> {
        let representations = (0..self.tracks.len()).map(|track| self.listing(stream, track));
        let representations = representations.collect::<anyhow::Result<_>>()?;
        let list = integrity_list::List::new(stream == Stream::Live, representations);
        Ok(serde_json::to_string(&list)?)
    }

    fn timeline(&self, stream: Stream, track: usize) -> anyhow::Result<Timeline> {
        let timescale = self.tracks.get(track).context("no such track")?.timescale;
        let ticks = |seconds: f64| (seconds * timescale as f64).round() as u64;
        let numbers = self.listed(stream);
        let first = numbers.start;
        let spans = numbers.map(|n| {
            let Place { start, duration } = self.place(track, n)?;
            Ok((ticks(start), ticks(duration)))
        });
        let spans = spans.collect::<anyhow::Result<_>>()?;
        Ok(Timeline { first, spans })
    }

    fn listing(
        &self,
        stream: Stream,
        track: usize,
    ) -> anyhow::Result<integrity_list::Representation> {
        let id = self.tracks.get(track).context("no such track")?.name;
        let segments = self.listed(stream).map(|n| {
            let Place { start, duration } = self.place(track, n)?;
            let tag = self.segment(track, n)?.tag;
            let url = format!("{id}/{n}.m4s");
            Ok(integrity_list::Segment::new(url, n, start, duration, &tag))
        });
        Ok(integrity_list::Representation {
            period: mpd::PERIOD.to_owned(),
            id: id.to_owned(),
            segments: segments.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The segments that manifests list now.
    fn listed(&self, stream: Stream) -> Range<u64> {
        match stream {
            Stream::Vod => 0..RECORDED_ROUNDS * SEGMENTS,
            Stream::Live => {
                let end = self.available();
                end.saturating_sub(self.window)..end
            }
        }
    }

    /// Segment `n` of a track, if it can be fetched now.
    ///
    /// # Errors
    /// It could not be made.
    pub(super) fn fetch(
        &self,
        stream: Stream,
        track: usize,
        n: u64,
    ) -> anyhow::Result<Option<Arc<Segment>>> {
        let exists = match stream {
            Stream::Vod => n < RECORDED_ROUNDS * SEGMENTS,
            Stream::Live => {
                let end = self.available();
                (self.oldest(end)..end).contains(&n)
            }
        };
        exists.then(|| self.segment(track, n)).transpose()
    }

    /// How long the event has been going on.
    pub(super) fn elapsed(&self) -> Duration {
        HEAD_START + self.started.elapsed()
    }

    /// When it began.
    pub(super) fn began(&self) -> SystemTime {
        self.began_at
    }

    /// Segments in a live manifest.
    pub(super) fn window(&self) -> u64 {
        self.window
    }

    /// The segments that can still be fetched when the newest is this one.
    pub(super) fn fetchable(&self, newest: u64) -> Range<u64> {
        self.oldest(newest)..newest + 1
    }

    /// How many segments the event has so far: segment `n` is complete `(n + 1)` durations after its beginning.
    fn available(&self) -> u64 {
        self.elapsed().as_secs() / SEGMENT_SECONDS
    }

    fn oldest(&self, end: u64) -> u64 {
        end.saturating_sub(self.window + LINGER)
    }

    fn place(&self, track: usize, n: u64) -> anyhow::Result<Place> {
        let track = self.tracks.get(track).context("no such track")?;
        let fragment = usize::try_from(n % SEGMENTS)?;
        let fragment = track.fragments.get(fragment).context("no such fragment")?;
        let seconds = |ticks: u64| ticks as f64 / track.timescale as f64;
        Ok(Place {
            start: (n / SEGMENTS * LOOP_SECONDS) as f64 + seconds(fragment.start),
            duration: seconds(fragment.duration),
        })
    }

    /// Segment `n` of a track, whether or not its time has come.
    ///
    /// # Errors
    /// It could not be made.
    pub(super) fn segment(&self, track: usize, n: u64) -> anyhow::Result<Arc<Segment>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = made.get(&(track, n)) {
            return Ok(segment.clone());
        }
        let segment = Arc::new(self.make(track, n)?);
        made.insert((track, n), segment.clone());
        let oldest = self.oldest(self.available());
        made.retain(|(_, n), _| *n >= oldest || *n < RECORDED_ROUNDS * SEGMENTS);
        Ok(segment)
    }

    fn make(&self, track: usize, n: u64) -> anyhow::Result<Segment> {
        let track = self.tracks.get(track).context("no such track")?;
        let fragment = track.fragments.get(usize::try_from(n % SEGMENTS)?);
        let mut bytes = fragment.context("no such fragment")?.bytes.to_vec();
        let shift = n / SEGMENTS * LOOP_SECONDS * track.timescale;
        // Fragment numbers start at 1 and may wrap: only their change matters.
        restamp(&mut bytes, (n as u32).wrapping_add(1), shift)?;
        let tag = Tag::try_from(&Digests::of(&bytes))?;
        Ok(Segment {
            bytes: bytes.into(),
            tag,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::decode_time;
    use crate::demo::clip::tests::stated_duration;
    use std::collections::BTreeSet;

    #[test]
    fn the_timeline_is_continuous_over_loop_boundaries() {
        let event = Event::new(8, None).unwrap();
        for track in 0..event.tracks().len() {
            let mut end = None;
            for n in 295..=330 {
                let segment = event.make(track, n).unwrap();
                let start = decode_time(&segment.bytes).unwrap();
                assert_eq!(start, end.unwrap_or(start), "track {track} segment {n}");
                end = Some(start + stated_duration(&segment.bytes));

                let timescale = event.tracks()[track].timescale as f64;
                let place = event.place(track, n).unwrap();
                assert!((place.start * timescale - start as f64).abs() < 0.5);
            }
        }
    }

    #[test]
    fn every_segment_has_its_own_bytes() {
        let event = Event::new(8, None).unwrap();
        let mut hashes = BTreeSet::new();
        for track in 0..event.tracks().len() {
            for n in 0..3 * SEGMENTS {
                assert!(hashes.insert(event.make(track, n).unwrap().tag.hash));
            }
        }
    }

    #[test]
    fn old_segments_are_dropped_and_the_recording_kept() {
        let event = Event::new(8, None).unwrap();
        event.media(Stream::Vod, 2).unwrap();
        let end = event.available();
        event.segment(2, end - 200).unwrap();
        event.media(Stream::Live, 2).unwrap();
        let made = event.made.lock().unwrap();
        assert!(!made.contains_key(&(2, end - 200)));
        assert_eq!(made.range((2, 0)..(2, 32)).count(), 32);
    }

    #[test]
    fn the_window_can_be_fetched_and_the_future_cannot() {
        let event = Event::new(8, None).unwrap();
        let end = event.available();
        assert!(event.fetch(Stream::Live, 0, end - 8).unwrap().is_some());
        assert!(event.fetch(Stream::Live, 0, end - 20).unwrap().is_some());
        assert!(event.fetch(Stream::Live, 0, end + 9).unwrap().is_none());
        assert!(event.fetch(Stream::Live, 0, 0).unwrap().is_none());
        assert!(event.fetch(Stream::Vod, 0, 31).unwrap().is_some());
        assert!(event.fetch(Stream::Vod, 0, 32).unwrap().is_none());
    }
}
