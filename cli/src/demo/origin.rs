//! From a request path to what is there: playlists, initialisation sections, media segments.

use crate::demo::body::{Gate, Source};
use crate::demo::event::{Event, Stream};
use crate::demo::mpd::LIST;
use bytes::Bytes;

/// What lies at a path.
pub(super) enum Found {
    /// A playlist or another manifest; it changes.
    Manifest(Format, String),
    /// Anything else.
    Resource(Resource),
    /// What was asked for is at another path below the same root.
    Elsewhere(String),
}

/// What a manifest is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// An HLS playlist.
    Hls,
    /// An MPD.
    Dash,
    /// The integrity list of an MPD.
    List,
}

/// Every stream can be played from this path.
pub(super) const MASTER: &str = "master.m3u8";

/// The built-in streams can be played with DASH from this one.
pub(super) const MPD: &str = "manifest.mpd";

/// How long caches may keep what never changes.
pub(super) const FOREVER: &str = "public, max-age=31536000, immutable";

/// Bytes, and what to say of them.
pub(super) struct Resource {
    /// The bytes.
    pub source: Source,
    /// How many.
    pub len: u64,
    /// Media type.
    pub mime: &'static str,
    /// Whether it is a media segment: counted, and hit by faults.
    pub segment: bool,
    /// SHA-256 of the whole, if it is a segment and anybody wants to know.
    pub sha256: Option<[u8; 32]>,
    /// Cache-Control.
    pub cache: &'static str,
    /// What is not there yet, in order; empty: all of it is.
    pub gates: Vec<Gate>,
}

impl Resource {
    /// How many of its bytes are there already.
    pub(super) fn there(&self) -> u64 {
        let first = self.gates.first();
        first.map_or(self.len, |gate| gate.start)
    }
}

/// Whether a path has the form of a media segment.
pub(super) fn looks_like_segment(path: &str) -> bool {
    let known = [
        "m4s", "ts", "aac", "mp4", "m4a", "m4v", "cmfa", "cmfv", "mp3", "ac3", "ec3",
    ];
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| known.contains(&extension))
}

/// Finds `path` in a built-in stream: `master.m3u8`, `manifest.mpd`, `integrity.json`, `<track>/index.m3u8`, `<track>/init.mp4` or `<track>/<n>.m4s`.
///
/// # Errors
/// A segment could not be made.
pub(super) fn built_in(event: &Event, stream: Stream, path: &str) -> anyhow::Result<Option<Found>> {
    match path {
        MASTER => return Ok(Some(Found::Manifest(Format::Hls, event.master()))),
        MPD => return Ok(Some(Found::Manifest(Format::Dash, event.mpd(stream)?))),
        LIST => return Ok(Some(Found::Manifest(Format::List, event.list(stream)?))),
        _ => {}
    }
    let Some((track, file)) = path.split_once('/') else {
        return Ok(None);
    };
    let Some((number, track)) = event.track(track) else {
        return Ok(None);
    };
    match file {
        "index.m3u8" => {
            let text = event.media(stream, number)?;
            Ok(Some(Found::Manifest(Format::Hls, text)))
        }
        "init.mp4" => Ok(Some(init(track.init))),
        _ => segment(event, stream, number, file),
    }
}

fn segment(
    event: &Event,
    stream: Stream,
    track: usize,
    file: &str,
) -> anyhow::Result<Option<Found>> {
    let Some(number) = number_of(file) else {
        return Ok(None);
    };
    let found = event.fetch(stream, track, number)?;
    Ok(found.map(|segment| {
        Found::Resource(Resource {
            len: segment.bytes.len() as u64,
            source: Source::Memory(segment.bytes.clone()),
            mime: "video/iso.segment",
            segment: true,
            sha256: Some(segment.tag.hash.0),
            cache: FOREVER,
            gates: Vec::new(),
        })
    }))
}

/// The number that a segment's name says; one spelling per segment: no leading zeros, no plus sign.
pub(super) fn number_of(file: &str) -> Option<u64> {
    let number = file.strip_suffix(".m4s")?.parse().ok();
    number.filter(|n: &u64| file == format!("{n}.m4s"))
}

/// An initialisation section.
pub(super) fn init(bytes: &'static [u8]) -> Found {
    Found::Resource(Resource {
        len: bytes.len() as u64,
        source: Source::Memory(Bytes::from_static(bytes)),
        mime: "video/mp4",
        segment: false,
        sha256: None,
        cache: FOREVER,
        gates: Vec::new(),
    })
}
