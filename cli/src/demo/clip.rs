//! The clip that the event repeats: three CMAF tracks of 16 s, made by `media/make-clip.sh` and part of the binary, or from
//! a folder.
//!
//! Invariant: a track's fragments follow each other without a gap and together last [`LOOP_SECONDS`]
//! exactly, so that the end of one round is the start of the next.

use crate::boxes::{BoxError, Mp4Box, boxes, decode_time, find};
use crate::demo::chunks;
use anyhow::{Context as _, ensure};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Length of one round in seconds.
pub(super) const LOOP_SECONDS: u64 = 16;

/// Nominal length of a segment in seconds.
pub(super) const SEGMENT_SECONDS: u64 = 2;

/// Segments in one round, of every track.
pub(super) const SEGMENTS: u64 = LOOP_SECONDS / SEGMENT_SECONDS;

/// One track of the clip.
pub(super) struct Track {
    /// Path component: `v0`, `v1`, `a0`.
    pub name: &'static str,
    /// The initialisation section.
    pub init: &'static [u8],
    /// One fragment per segment.
    pub fragments: Vec<Fragment>,
    /// Ticks per second.
    pub timescale: u64,
    /// Codec string for the playlist (RFC 6381).
    pub codec: String,
    /// `None` for audio.
    pub picture: Option<Picture>,
}

/// What a video track shows.
#[derive(Clone, Copy, Default)]
pub(super) struct Picture {
    /// In pixels.
    pub width: u64,
    /// In pixels.
    pub height: u64,
    /// Frames per second.
    pub rate: f64,
}

/// One segment of a track, as it is in the first round.
pub(super) struct Fragment {
    /// moof and mdat.
    pub bytes: &'static [u8],
    /// Start in ticks of the track's timescale.
    pub start: u64,
    /// Duration in ticks.
    pub duration: u64,
}

const BUILT_IN: [(&str, &[u8]); 3] = [
    ("v0", include_bytes!("../../../media/v0.mp4")),
    ("v1", include_bytes!("../../../media/v1.mp4")),
    ("a0", include_bytes!("../../../media/a0.mp4")),
];

/// All tracks: video from best to least, then audio. `folder`: where files of the built-in clip's names and make are, to be
/// taken in its stead.
///
/// # Errors
/// A file cannot be read, or is not one track of 16 s in eight fragments without a gap.
pub(super) fn tracks(folder: Option<&Path>) -> anyhow::Result<Vec<Track>> {
    let parse = |(name, built_in): (&'static str, &'static [u8])| {
        let data: &'static [u8] = match folder {
            None => built_in,
            // Read once, and wanted for as long as the process lives.
            Some(folder) => read(folder, name)?.leak(),
        };
        track(name, data).with_context(|| format!("clip {name}"))
    };
    BUILT_IN.into_iter().map(parse).collect()
}

fn read(folder: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let file = folder.join(format!("{name}.mp4"));
    fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}

impl Track {
    /// Highest bit rate of any segment, and the average, in bit/s.
    pub(super) fn bandwidth(&self) -> (u64, u64) {
        let bits = |bytes: usize| bytes as u64 * 8;
        let rate = |f: &Fragment| (bits(f.bytes.len()) * self.timescale).div_ceil(f.duration);
        let peak = self.fragments.iter().map(rate).max().unwrap_or(0);
        let total: u64 = self.fragments.iter().map(|f| bits(f.bytes.len())).sum();
        (peak, total.div_ceil(LOOP_SECONDS))
    }
}

fn track(name: &'static str, data: &'static [u8]) -> anyhow::Result<Track> {
    let moov = find(data, 0..data.len(), &[*b"moov"])?;
    let mdia = find(data, moov.body.clone(), &[*b"trak", *b"mdia"])?;
    let timescale = timescale(data, &mdia)?;
    ensure!(timescale > 0, "timescale is zero");
    let (codec, size) = codec(data, &mdia)?;
    let fragments = fragments(data, timescale * LOOP_SECONDS)?;
    ensure!(
        fragments.len() as u64 == SEGMENTS,
        "{} fragments",
        fragments.len()
    );
    let (mut at, mut samples) = (0, 0);
    for fragment in &fragments {
        let (count, stated) = chunks::extent(fragment.bytes)?;
        ensure!(
            (fragment.start, fragment.duration) == (at, stated),
            "the fragment at {} of {timescale} ticks a second lasts {stated}: the next is not at its end, or {LOOP_SECONDS} s are not over",
            fragment.start,
        );
        at += stated;
        samples += count;
    }
    Ok(Track {
        name,
        init: slice(data, 0..moov.whole.end)?,
        fragments,
        timescale,
        codec,
        picture: size.map(|(width, height)| Picture {
            width,
            height,
            rate: samples as f64 / LOOP_SECONDS as f64,
        }),
    })
}

fn timescale(data: &[u8], mdia: &Mp4Box) -> Result<u64, BoxError> {
    let mdhd = find(data, mdia.body.clone(), &[*b"mdhd"])?;
    // creation_time and modification_time have 32 bits in version 0 and 64 in version 1
    let at = if mdhd.read::<1>(data, 0)? == 0 {
        12
    } else {
        20
    };
    mdhd.read::<4>(data, at)
}

fn codec(data: &[u8], mdia: &Mp4Box) -> anyhow::Result<(String, Option<(u64, u64)>)> {
    let stsd = find(data, mdia.body.clone(), &[*b"minf", *b"stbl", *b"stsd"])?;
    let entries = boxes(data, stsd.children(8))?;
    let entry = entries.first().context("no sample entry")?;
    match &entry.kind {
        b"avc1" => {
            let avcc = find(data, entry.children(78), &[*b"avcC"])?;
            let profile = avcc.read::<3>(data, 1)?;
            let size = (entry.read::<2>(data, 24)?, entry.read::<2>(data, 26)?);
            Ok((format!("avc1.{profile:06x}"), Some(size)))
        }
        // AAC-LC is all that make-clip.sh makes.
        b"mp4a" => Ok(("mp4a.40.2".to_owned(), None)),
        other => anyhow::bail!("unknown sample entry {}", other.escape_ascii()),
    }
}

fn fragments(data: &'static [u8], end: u64) -> anyhow::Result<Vec<Fragment>> {
    let all = boxes(data, 0..data.len())?;
    let starts: Vec<usize> = all
        .iter()
        .filter(|b| b.kind == *b"moof")
        .map(|b| b.whole.start)
        .collect();
    let stops = starts.iter().skip(1).copied().chain([data.len()]);
    let pieces = starts
        .iter()
        .zip(stops)
        .map(|(from, to)| slice(data, *from..to))
        .collect::<Result<Vec<_>, _>>()?;
    let times = pieces
        .iter()
        .map(|bytes| decode_time(bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let nexts = times.iter().skip(1).copied().chain([end]);
    let parts = pieces.iter().zip(times.iter().zip(nexts));
    parts
        .map(|(bytes, (start, next))| {
            let duration = next.checked_sub(*start).filter(|d| *d > 0);
            Ok(Fragment {
                bytes,
                start: *start,
                duration: duration.context("fragments out of order")?,
            })
        })
        .collect()
}

fn slice(data: &'static [u8], range: Range<usize>) -> anyhow::Result<&'static [u8]> {
    data.get(range).context("range outside the clip")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Sum of the sample durations a fragment states itself.
    pub(in crate::demo) fn stated_duration(data: &[u8]) -> u64 {
        let path = |last| [*b"moof", *b"traf", last];
        let tfhd = find(data, 0..data.len(), &path(*b"tfhd")).unwrap();
        let trun = find(data, 0..data.len(), &path(*b"trun")).unwrap();
        let tfhd_flags = tfhd.read::<3>(data, 1).unwrap();
        let mut at = 8;
        for (flag, size) in [(0x01, 8), (0x02, 4)] {
            at += if tfhd_flags & flag != 0 { size } else { 0 };
        }
        let default = if tfhd_flags & 0x08 != 0 {
            tfhd.read::<4>(data, at).unwrap()
        } else {
            0
        };
        let flags = trun.read::<3>(data, 1).unwrap();
        let samples = trun.read::<4>(data, 4).unwrap();
        if flags & 0x100 == 0 {
            return samples * default;
        }
        let entry = 4 * (flags >> 8 & 0xf).count_ones() as usize;
        let first = 8 + 4 * (flags & 0x5).count_ones() as usize;
        (0..samples as usize)
            .map(|i| trun.read::<4>(data, first + i * entry).unwrap())
            .sum()
    }

    #[test]
    fn the_clip_is_whole_and_loops_exactly() {
        let tracks = tracks(None).unwrap();
        let names: Vec<_> = tracks.iter().map(|t| t.name).collect();
        assert_eq!(names, ["v0", "v1", "a0"]);
        for track in &tracks {
            let mut at = 0;
            for fragment in &track.fragments {
                assert_eq!(fragment.start, at, "{}", track.name);
                assert_eq!(stated_duration(fragment.bytes), fragment.duration);
                at += fragment.duration;
            }
            assert_eq!(at, LOOP_SECONDS * track.timescale, "{}", track.name);
        }
        for video in &tracks[..2] {
            let exact = SEGMENT_SECONDS * video.timescale;
            assert!(video.fragments.iter().all(|f| f.duration == exact));
        }
    }

    #[test]
    fn a_folder_takes_the_place_of_the_built_in_clip() {
        let folder = tempfile::tempdir().unwrap();
        let [v0, v1, a0] = BUILT_IN.map(|(_, data)| data);
        // The smaller picture twice: what is played is what the folder has.
        for (name, data) in [("v0", v1), ("v1", v1), ("a0", a0)] {
            fs::write(folder.path().join(format!("{name}.mp4")), data).unwrap();
        }
        let found = tracks(Some(folder.path())).unwrap();
        let picture = found[0].picture.unwrap();
        assert_eq!((picture.width, picture.height), (426, 240));
        assert!((picture.rate - 30.0).abs() < 1e-9, "{}", picture.rate);
        assert!(found[2].picture.is_none());

        // Nothing of what comes after the first four segments.
        fs::write(folder.path().join("v1.mp4"), &v0[..v0.len() / 2]).unwrap();
        let error = tracks(Some(folder.path())).err().unwrap();
        assert!(format!("{error:#}").starts_with("clip v1: "), "{error:#}");
        fs::remove_file(folder.path().join("a0.mp4")).unwrap();
        fs::write(folder.path().join("v1.mp4"), v1).unwrap();
        let error = tracks(Some(folder.path())).err().unwrap();
        assert!(format!("{error:#}").contains("a0.mp4"), "{error:#}");
    }

    #[test]
    fn the_clip_stays_small_and_about_one_megabit() {
        let tracks = tracks(None).unwrap();
        let bytes = |t: &Track| t.fragments.iter().map(|f| f.bytes.len()).sum::<usize>();
        assert!(tracks.iter().map(bytes).sum::<usize>() < 2_800_000);
        let (peak, average) = tracks[0].bandwidth();
        assert!((700_000..1_000_000).contains(&average), "{average}");
        assert!(peak < 2 * average, "{peak}");
    }
}
