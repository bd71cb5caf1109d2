//! The stream as the publisher made it: segments, when they appear, and their true hashes.
//!
//! There are no media bytes. A segment is known by its [`SegmentId`]; its leaf hashes are values
//! derived from the seed, its pieces root is the real BEP 52 root over them, and its name is one
//! more derived value. Whoever holds all right bytes is told these hashes, whoever does not is told
//! others ([`crate::sim::buffer`]). The table is made once and never changes during a run.
//!
//! Media time zero lies before virtual time zero, so that a live playlist is full when the run begins.

use crate::core::ids::{RenditionId, SegmentHash, TreeHash};
use crate::core::integrity::merkle;
use crate::core::integrity::proof::Proof;
use crate::core::time::{Duration, Time, micros};
use crate::core::timeline::SegmentInfo;
use crate::sim::chance::{Purpose, bytes32, mix};
use std::ops::Range;
use std::sync::Arc;

/// A segment of the simulated stream: its index in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SegmentId(pub u32);

/// What the publisher publishes.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    /// Whether the playlist grows; else all segments are there from the start. Default: true.
    pub live: bool,
    /// Renditions; each has the same segments in time, every next one half the bitrate. Default: 1.
    pub renditions: u32,
    /// Segment duration. Default: 2 s.
    pub segment: Duration,
    /// Bitrate of rendition 0 in bit/s. Default: 1,000,000.
    pub bitrate: u64,
    /// Segments a live playlist lists. Default: 8.
    pub window: u32,
    /// Segments of a stream that is not live. Default: 32.
    pub vod_segments: u32,
    /// From the end of a segment's last frame until a playlist lists it. Default: 100 ms.
    pub publish_delay: Duration,
    /// Sizes differ from the mean by up to this many percent. Default: 10.
    pub size_spread_percent: u32,
    /// Whether pieces roots are published. Default: true.
    pub roots: bool,
    /// Whether a rendition is one resource with byte ranges. Default: false.
    pub byte_ranges: bool,
}

impl Default for StreamSpec {
    fn default() -> Self {
        Self {
            live: true,
            renditions: 1,
            segment: Duration::from_secs(2),
            bitrate: 1_000_000,
            window: 8,
            vod_segments: 32,
            publish_delay: Duration::from_millis(100),
            size_spread_percent: 10,
            roots: true,
            byte_ranges: false,
        }
    }
}

/// One segment and the truth about it.
#[derive(Clone, Debug)]
pub struct Segment {
    /// What the playlist says of it, on the stream's own timeline.
    pub info: Arc<SegmentInfo>,
    /// True leaf hashes.
    pub leaves: Arc<[TreeHash]>,
    /// When the playlist first lists it and the CDN has it.
    pub available: Time,
}

/// All segments of a run.
#[derive(Clone, Debug)]
pub struct Stream {
    spec: StreamSpec,
    per_rendition: u32,
    segments: Vec<Segment>,
}

impl Stream {
    /// The stream for a run that lasts `span` of virtual time.
    pub fn new(seed: u64, spec: StreamSpec, span: Duration) -> Self {
        let per_rendition = if spec.live {
            let whole = micros(span) / micros(spec.segment).max(1);
            spec.window + u32::try_from(whole).unwrap_or(u32::MAX / 2) + 1
        } else {
            spec.vod_segments
        };
        let mut segments = Vec::new();
        for rendition in 0..spec.renditions {
            let mut offset = 0;
            for sn in 0..per_rendition {
                let segment = make(seed, &spec, rendition, sn, offset);
                offset += u64::from(segment.info.bytes);
                segments.push(segment);
            }
        }
        Self {
            spec,
            per_rendition,
            segments,
        }
    }

    /// What the publisher publishes.
    pub fn spec(&self) -> &StreamSpec {
        &self.spec
    }

    /// How many segments there are over all renditions.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// A segment's truth.
    pub fn segment(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.get(id.0 as usize)
    }

    /// The segment with this number in a rendition.
    pub fn id(&self, rendition: u32, sn: u32) -> Option<SegmentId> {
        (rendition < self.spec.renditions && sn < self.per_rendition)
            .then(|| SegmentId(rendition * self.per_rendition + sn))
    }

    /// Sequence numbers that a playlist lists at `now`.
    pub fn listed(&self, now: Time) -> Range<u32> {
        if !self.spec.live {
            return 0..self.per_rendition;
        }
        let passed = now.0 / micros(self.spec.segment).max(1);
        let first = u32::try_from(passed).unwrap_or(u32::MAX);
        let end = (first.saturating_add(self.spec.window)).min(self.per_rendition);
        first.min(end)..end
    }

    /// The media time being filmed at `now`, in microseconds.
    pub fn filmed_us(&self, now: Time) -> u64 {
        now.0 + lead(&self.spec)
    }

    /// The segment that byte `at` of the resource at `url` belongs to, and where in the segment.
    pub fn locate(&self, url: &str, at: u64) -> Option<(SegmentId, u32)> {
        let path = url.strip_prefix(HOST)?;
        let (rendition, name) = path.strip_prefix('r')?.split_once('/')?;
        let rendition = rendition.parse().ok()?;
        if name != WHOLE {
            let id = self.id(rendition, name.strip_suffix(".m4s")?.parse().ok()?)?;
            let at = u32::try_from(at).ok()?;
            return (at < self.segment(id)?.info.bytes).then_some((id, at));
        }
        let range = rendition.checked_mul(self.per_rendition)? as usize..;
        let row = self
            .segments
            .get(range)?
            .get(..self.per_rendition as usize)?;
        let after = row.partition_point(|s| s.info.offset.unwrap_or(0) <= at);
        let segment = row.get(after.checked_sub(1)?)?;
        let inside = u32::try_from(at - segment.info.offset?).ok()?;
        let id = self.id(rendition, u32::try_from(segment.info.sn).ok()?)?;
        (inside < segment.info.bytes).then_some((id, inside))
    }
}

const HOST: &str = "https://cdn.example/";
const WHOLE: &str = "all.m4s";

/// From media time zero to virtual time zero, in microseconds.
fn lead(spec: &StreamSpec) -> u64 {
    micros(spec.segment) * u64::from(spec.window) + micros(spec.publish_delay)
}

fn make(seed: u64, spec: &StreamSpec, rendition: u32, sn: u32, offset: u64) -> Segment {
    let labels = [u64::from(rendition), u64::from(sn)];
    let bytes = size(seed, spec, rendition, sn);
    let leaves: Arc<[TreeHash]> = (0..merkle::leaf_count(bytes))
        .map(|leaf| {
            let labels = [labels[0], labels[1], u64::from(leaf)];
            TreeHash(bytes32(seed, Purpose::Hash, &labels))
        })
        .collect();
    let file = if spec.byte_ranges {
        WHOLE.to_owned()
    } else {
        format!("{sn}.m4s")
    };
    let duration = micros(spec.segment);
    let info = SegmentInfo {
        hash: SegmentHash(bytes32(seed, Purpose::Hash, &labels)),
        root: spec.roots.then(|| merkle::pieces_root(&leaves)),
        bytes,
        url: format!("{HOST}r{rendition}/{file}").into(),
        offset: spec.byte_ranges.then_some(offset),
        rendition: RenditionId(rendition),
        track: 0,
        sn: u64::from(sn),
        start: seconds(u64::from(sn) * duration),
        duration: seconds(duration),
        proof: Proof::default(),
    };
    let end = (u64::from(sn) + 1) * duration + micros(spec.publish_delay);
    Segment {
        info: Arc::new(info),
        leaves,
        available: Time(if spec.live {
            end.saturating_sub(lead(spec))
        } else {
            0
        }),
    }
}

fn size(seed: u64, spec: &StreamSpec, rendition: u32, sn: u32) -> u32 {
    let mean = (spec.bitrate >> rendition) * micros(spec.segment) / 8_000_000;
    let spread = mean * u64::from(spec.size_spread_percent) / 100;
    let labels = [u64::from(rendition), u64::from(sn)];
    let drawn = mix(seed, Purpose::Size, &labels) % (2 * spread + 1);
    u32::try_from((mean - spread + drawn).max(1)).unwrap_or(u32::MAX)
}

/// Microseconds as the seconds that playlists and players speak.
pub fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(spec: StreamSpec) -> Stream {
        Stream::new(1, spec, Duration::from_secs(20))
    }

    #[test]
    fn a_live_playlist_is_full_at_the_start_and_slides() {
        let stream = stream(StreamSpec::default());
        assert_eq!(stream.listed(Time(0)), 0..8);
        assert_eq!(stream.listed(Time(1_999_999)), 0..8);
        assert_eq!(stream.listed(Time(2_000_000)), 1..9);
        for sn in 8..12 {
            let segment = stream.segment(stream.id(0, sn).unwrap()).unwrap();
            assert_eq!(stream.listed(segment.available).end, sn + 1);
            assert_eq!(stream.listed(Time(segment.available.0 - 1)).end, sn);
        }
    }

    #[test]
    fn names_and_sizes_differ_and_roots_are_real() {
        let stream = stream(StreamSpec {
            renditions: 2,
            ..StreamSpec::default()
        });
        let mut names: Vec<_> = stream.segments.iter().map(|s| s.info.hash).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), stream.len());
        for segment in &stream.segments {
            assert!(merkle::verify_leaves(
                segment.info.root.unwrap(),
                &segment.leaves
            ));
        }
    }

    #[test]
    fn every_byte_of_every_resource_is_found() {
        for byte_ranges in [false, true] {
            let stream = stream(StreamSpec {
                byte_ranges,
                renditions: 2,
                ..StreamSpec::default()
            });
            for index in 0..stream.len() as u32 {
                let id = SegmentId(index);
                let info = &stream.segment(id).unwrap().info;
                let start = info.offset.unwrap_or(0);
                for at in [0, info.bytes - 1] {
                    let found = stream.locate(&info.url, start + u64::from(at));
                    assert_eq!(found, Some((id, at)));
                }
            }
            assert_eq!(stream.locate("https://cdn.example/r7/1.m4s", 0), None);
        }
    }
}
