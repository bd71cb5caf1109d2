//! What the stream consists of, as far as the playlist has told: segments, in order, by rendition.

use crate::core::ids::{RenditionId, SegmentHash, TreeHash};
use crate::core::integrity::proof::Proof;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One media segment whose bytes have a publisher's hash. Segments without one never get here.
#[derive(Clone, PartialEq, Debug)]
pub struct SegmentInfo {
    /// SHA-256 of exactly the bytes the player asks for.
    pub hash: SegmentHash,
    /// BEP 52 pieces root over 16 KiB leaves, if the publisher gave one.
    pub root: Option<TreeHash>,
    /// Size in bytes, from the publisher.
    pub bytes: u32,
    /// Absolute URL at the CDN.
    pub url: Arc<str>,
    /// Byte offset of the segment inside the resource at `url` (EXT-X-BYTERANGE); `None`: the whole resource.
    pub offset: Option<u64>,
    /// Which rendition it belongs to.
    pub rendition: RenditionId,
    /// Which renditions it competes with, numbered by the host: of those of one track (all of the video's, say) the player
    /// plays one at a time.
    pub track: u32,
    /// Media sequence number, for logs and pages; never an identity.
    pub sn: u64,
    /// Start on the player's timeline, in seconds (the one `currentTime` runs on).
    pub start: f64,
    /// Duration in seconds.
    pub duration: f64,
    /// Its leaf hashes, once somebody who shares this description has proved them.
    pub proof: Proof,
}

/// The segments a playlist lists now, oldest first.
#[derive(Clone, Debug, Hash)]
pub struct Playlist {
    /// The rendition this playlist describes.
    pub rendition: RenditionId,
    /// Whether the playlist still grows.
    pub live: bool,
    /// Segments with a hash, oldest first.
    pub segments: Arc<[Arc<SegmentInfo>]>,
}

/// Where the player is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Playhead {
    /// Position in seconds on the player's timeline; `None` before the first frame, while seeking
    /// into a hole, or whenever the position does not lie in a buffered range.
    pub position: Option<f64>,
    /// Media seconds per second; 0 when paused.
    pub rate: f64,
}

impl Hash for SegmentInfo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.hash, self.rendition, self.start.to_bits()).hash(state);
    }
}

impl Hash for Playhead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.position.map(f64::to_bits), self.rate.to_bits()).hash(state);
    }
}
