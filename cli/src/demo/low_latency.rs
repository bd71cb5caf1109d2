//! The event once more as a low-latency DASH stream: the same tracks in segments of four chunks, each of which is sent, and
//! its hashes published, as soon as its time is over.
//!
//! Invariants: a chunk is listed when it can be fetched, never before; a segment's bytes are the same while it grows and
//! afterwards; what is sent of a growing segment at once is exactly its complete chunks.

use crate::demo::body::{Gate, Source};
use crate::demo::chunks::split;
use crate::demo::clip::SEGMENT_SECONDS;
use crate::demo::event::Event;
use crate::demo::mpd::{self, LIST};
use crate::demo::origin::{FOREVER, Format, Found, MPD, Resource, init, number_of};
use crate::integrity_list::{Chunk, Hashes, List, Representation, Segment};
use anyhow::Context as _;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

/// Chunks in a segment.
const CHUNKS: u64 = 4;

/// So long after its last picture a chunk can be fetched: what an encoder and a packager need.
const ENCODING: Duration = Duration::from_millis(100);

/// Of so many of the newest segments the chunks are listed: players that want chunks are near the live edge.
const LISTED: u64 = 3;

/// One segment, cut.
struct Cut {
    bytes: Bytes,
    tag: Tag,
    /// Where each chunk ends, and its hashes.
    chunks: Vec<(u64, Tag)>,
}

/// The stream. Which segments there are, and what is in them, the event says.
#[derive(Default)]
pub(super) struct LowLatency {
    /// By track and number, for as long as it can be fetched.
    made: Mutex<BTreeMap<(usize, u64), Arc<Cut>>>,
}

impl LowLatency {
    /// Finds `manifest.mpd`, `integrity.json`, `<track>/init.mp4` or `<track>/<n>.m4s`.
    ///
    /// # Errors
    /// A segment could not be made.
    pub(super) fn find(&self, event: &Event, path: &str) -> anyhow::Result<Option<Found>> {
        let now = Clock(event.elapsed());
        match path {
            MPD => {
                let window = Duration::from_secs(event.window() * SEGMENT_SECONDS);
                let seconds = SEGMENT_SECONDS as f64 / CHUNKS as f64;
                let text = mpd::low_latency(event.tracks(), event.began(), window, seconds);
                return Ok(Some(Found::Manifest(Format::Dash, text)));
            }
            LIST => return Ok(Some(Found::Manifest(Format::List, self.list(event, now)?))),
            _ => {}
        }
        let Some((track, file)) = path.split_once('/') else {
            return Ok(None);
        };
        let Some((number, track)) = event.track(track) else {
            return Ok(None);
        };
        if file == "init.mp4" {
            return Ok(Some(init(track.init)));
        }
        let Some(n) = number_of(file) else {
            return Ok(None);
        };
        self.segment(event, now, number, n)
    }

    fn segment(
        &self,
        event: &Event,
        now: Clock,
        track: usize,
        n: u64,
    ) -> anyhow::Result<Option<Found>> {
        // Who comes before the first chunk waits for it, as at any origin whose clock differs a little from the player's.
        if !event.fetchable(now.newest()).contains(&n) {
            return Ok(None);
        }
        let cut = self.cut(event, track, n)?;
        let ends = cut.chunks.iter().map(|(end, _)| *end);
        let places = [0].into_iter().chain(ends.clone()).zip(ends);
        let gates = places.enumerate().map(|(k, (start, end))| Gate {
            start,
            end,
            after: now.until(n, k as u64),
        });
        Ok(Some(Found::Resource(Resource {
            len: cut.bytes.len() as u64,
            source: Source::Memory(cut.bytes.clone()),
            mime: "video/iso.segment",
            segment: true,
            sha256: (now.chunks(n) == CHUNKS).then_some(cut.tag.hash.0),
            cache: FOREVER,
            gates: gates.filter(|gate| !gate.after.is_zero()).collect(),
        })))
    }

    fn list(&self, event: &Event, now: Clock) -> anyhow::Result<String> {
        let newest = now.newest();
        let representations = event.tracks().iter().enumerate().map(|(track, about)| {
            let numbers = (newest + 1).saturating_sub(event.window())..newest + 1;
            let numbers = numbers.filter(|n| now.chunks(*n) > 0);
            let segments = numbers.map(|n| self.listed(event, now, track, about.name, n));
            Ok(Representation {
                period: mpd::PERIOD.to_owned(),
                id: about.name.to_owned(),
                segments: segments.collect::<anyhow::Result<_>>()?,
            })
        });
        let list = List::new(true, representations.collect::<anyhow::Result<_>>()?);
        Ok(serde_json::to_string(&list)?)
    }

    fn listed(
        &self,
        event: &Event,
        now: Clock,
        track: usize,
        name: &str,
        n: u64,
    ) -> anyhow::Result<Segment> {
        let cut = self.cut(event, track, n)?;
        let (url, seconds) = (format!("{name}/{n}.m4s"), SEGMENT_SECONDS as f64);
        let start = n as f64 * seconds;
        let chunks = cut.chunks.iter().take(now.chunks(n) as usize);
        let chunks = chunks.map(|(_, tag)| Chunk {
            duration: seconds / CHUNKS as f64,
            hashes: Hashes::from(tag),
        });
        let chunks = chunks.filter(|_| n + LISTED > now.newest()).collect();
        Ok(if now.chunks(n) == CHUNKS {
            Segment::new(url, n, start, seconds, &cut.tag).of(chunks)
        } else {
            Segment::growing(url, n, start, seconds, chunks)
        })
    }

    fn cut(&self, event: &Event, track: usize, n: u64) -> anyhow::Result<Arc<Cut>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cut) = made.get(&(track, n)) {
            return Ok(cut.clone());
        }
        let whole = event.segment(track, n)?;
        let sequence = (n as u32).wrapping_mul(CHUNKS as u32);
        let pieces = split(&whole.bytes, CHUNKS, sequence)?;
        let mut end = 0;
        let chunks = pieces.iter().map(|piece| {
            end += piece.len() as u64;
            Ok((end, Tag::try_from(&Digests::of(piece))?))
        });
        let chunks = chunks.collect::<anyhow::Result<Vec<_>>>()?;
        let bytes = pieces.concat();
        let tag = Tag::try_from(&Digests::of(&bytes)).context("a segment of no bytes")?;
        let cut = Arc::new(Cut {
            bytes: bytes.into(),
            tag,
            chunks,
        });
        made.insert((track, n), cut.clone());
        let kept = event.fetchable(n);
        made.retain(|(_, n), _| *n >= kept.start);
        Ok(cut)
    }
}

/// Time since the event began.
#[derive(Clone, Copy)]
struct Clock(Duration);

impl Clock {
    /// The number of the newest segment of which anything can be there.
    fn newest(self) -> u64 {
        self.0.as_secs() / SEGMENT_SECONDS
    }

    /// How many chunks of a segment can be fetched.
    fn chunks(self, n: u64) -> u64 {
        (0..CHUNKS).filter(|k| self.until(n, *k).is_zero()).count() as u64
    }

    /// Time until a chunk can be fetched.
    fn until(self, n: u64, k: u64) -> Duration {
        let end = Duration::from_millis((n * CHUNKS + k + 1) * SEGMENT_SECONDS * 1000 / CHUNKS);
        (end + ENCODING).saturating_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Clock {
        Clock(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn chunks_come_one_after_the_other() {
        assert_eq!(at(600.0).chunks(300), 0);
        assert_eq!(at(600.59).chunks(300), 0);
        assert_eq!(at(600.6).chunks(300), 1);
        assert_eq!(at(602.0).chunks(300), 3);
        assert_eq!(at(602.1).chunks(300), 4);
        assert_eq!(at(602.1).newest(), 301);
        assert_eq!(at(600.5).until(300, 1), Duration::from_millis(600));
    }

    #[test]
    fn the_list_tells_what_can_be_fetched_and_nothing_else() {
        let event = Event::new(8, None).unwrap();
        let stream = LowLatency::default();
        let list = |now| -> serde_json::Value {
            serde_json::from_str(&stream.list(&event, now).unwrap()).unwrap()
        };
        let growing = list(at(601.2));
        let segments = growing["representations"][0]["segments"]
            .as_array()
            .unwrap();
        assert_eq!(segments.len(), 8);
        let last = &segments[7];
        assert_eq!(last["number"], 300);
        assert_eq!(last["chunks"].as_array().unwrap().len(), 2);
        assert!(last["sha256"].is_null() && last["bytes"].is_null());
        assert!(segments[4].get("chunks").is_none() && segments[5].get("chunks").is_some());

        let whole = list(at(602.2));
        let again = whole["representations"][0]["segments"].as_array().unwrap();
        let same = again
            .iter()
            .find(|segment| segment["number"] == 300)
            .unwrap();
        assert_eq!(same["chunks"][1], last["chunks"][1]);
        let sizes = same["chunks"].as_array().unwrap().iter();
        let total: u64 = sizes.map(|chunk| chunk["bytes"].as_u64().unwrap()).sum();
        assert_eq!(same["bytes"].as_u64().unwrap(), total);

        let found = stream.segment(&event, at(601.2), 0, 300).unwrap();
        let Some(Found::Resource(found)) = found else {
            panic!("a growing segment was not found");
        };
        assert_eq!((found.len, found.gates.len()), (total, 2));
        assert!(stream.segment(&event, at(599.9), 0, 300).unwrap().is_none());
        assert!(stream.segment(&event, at(601.2), 0, 100).unwrap().is_none());
    }
}
