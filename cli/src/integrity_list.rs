//! The integrity list: a JSON file beside an MPD that names each media segment's hashes, for players whose manifest
//! has no place for them. One list for a manifest, refreshed like it. The format is described in
//! `docs/integrity-list.md`, its schema is `docs/integrity-list.schema.json`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use swarmline::core::ids::{SegmentHash, TreeHash};
use swarmline::core::integrity::tag::Tag;

/// The scheme by which an MPD's `SupplementalProperty` names its list; the value is the list's URL.
pub(crate) const SCHEME: &str = "urn:swarmline:integrity:2026";

/// The format's version.
const VERSION: u32 = 1;

/// All that is said of one manifest.
#[derive(Serialize, Deserialize)]
pub(crate) struct List {
    version: u32,
    /// Whether more segments will come.
    live: bool,
    representations: Vec<Representation>,
}

/// The segments of one representation, in the order of time.
#[derive(Serialize, Deserialize)]
pub(crate) struct Representation {
    /// `Period@id`, or an empty text where it has none.
    pub(crate) period: String,
    /// `Representation@id`.
    pub(crate) id: String,
    /// Its media segments.
    pub(crate) segments: Vec<Segment>,
}

/// One media segment.
#[derive(Serialize, Deserialize)]
pub(crate) struct Segment {
    /// Relative to the list.
    url: String,
    /// First byte, where it is a part of a larger file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// Its number: `$Number$`, or its place in the representation.
    number: u64,
    /// Start on the presentation's timeline in seconds.
    start: f64,
    /// Seconds.
    duration: f64,
    /// What is left out while it still grows.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    hashes: Option<Hashes>,
    /// Of a low-latency stream, the chunks that follow each other from its first byte on: those that are complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chunks: Vec<Chunk>,
}

/// A part of a segment that can be decoded once what is before it was.
#[derive(Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// Seconds.
    pub(crate) duration: f64,
    /// Size and hashes.
    #[serde(flatten)]
    pub(crate) hashes: Hashes,
}

/// What is published of some bytes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hashes {
    bytes: u32,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
}

impl List {
    /// A list of these.
    pub(crate) fn new(live: bool, representations: Vec<Representation>) -> Self {
        Self {
            version: VERSION,
            live,
            representations,
        }
    }
}

impl Segment {
    /// The segment at `url` from `start` on.
    pub(crate) fn new(url: String, number: u64, start: f64, duration: f64, tag: &Tag) -> Self {
        let hashes = Some(Hashes::from(tag));
        Self {
            hashes,
            ..Self::growing(url, number, start, duration, Vec::new())
        }
    }

    /// The segment at `url` that has only these chunks so far.
    pub(crate) fn growing(
        url: String,
        number: u64,
        start: f64,
        duration: f64,
        chunks: Vec<Chunk>,
    ) -> Self {
        Self {
            url,
            offset: None,
            number,
            start,
            duration,
            hashes: None,
            chunks,
        }
    }

    /// The same, whole, with its chunks.
    pub(crate) fn of(self, chunks: Vec<Chunk>) -> Self {
        Self { chunks, ..self }
    }

    /// The same as a part of a larger file.
    pub(crate) fn at(self, offset: Option<u64>) -> Self {
        Self { offset, ..self }
    }
}

impl From<&Tag> for Hashes {
    fn from(tag: &Tag) -> Self {
        Self {
            bytes: tag.bytes,
            sha256: URL_SAFE_NO_PAD.encode(tag.hash.0),
            root: tag.root.map(|root| URL_SAFE_NO_PAD.encode(root.0)),
        }
    }
}

/// What a list says of each segment, by its URL and first byte. Of a list that cannot be read, nothing; of a segment
/// with an error in it, nothing.
pub(crate) fn tags(text: &str) -> BTreeMap<(String, Option<u64>), Tag> {
    let list: Option<List> = serde_json::from_str(text).ok();
    let list = list.filter(|list| list.version == VERSION);
    let segments = list.into_iter().flat_map(|list| list.representations);
    let segments = segments.flat_map(|representation| representation.segments);
    let tag = |segment: &Segment| {
        let hashes = segment.hashes.as_ref()?;
        Some(Tag {
            hash: SegmentHash(decode(&hashes.sha256)?),
            root: match &hashes.root {
                Some(root) => Some(TreeHash(decode(root)?)),
                None => None,
            },
            bytes: hashes.bytes,
        })
    };
    let tagged = segments.filter_map(|segment| Some((tag(&segment)?, segment)));
    tagged
        .map(|(tag, segment)| ((segment.url, segment.offset), tag))
        .collect()
}

fn decode(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
