//! Typed identities. Every id is a newtype, so that none can be mistaken for another.

use std::cmp::Ordering;
use std::fmt;

/// SHA-256 of a segment's bytes: the segment's name, across hosts, tokens, players and protocols.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentHash(pub [u8; 32]);

impl SegmentHash {
    /// Its first eight bytes as a number: enough to order all but forged ones.
    fn head(&self) -> u64 {
        u64::from_be_bytes(self.0.first_chunk().copied().unwrap_or_default())
    }
}

/// Byte by byte, as derived, but without a call for what the first eight bytes settle: names are looked
/// up thousands of times a second.
impl Ord for SegmentHash {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head()
            .cmp(&other.head())
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SegmentHash {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A SHA-256 value inside the Merkle tree: the hash of one leaf, or a pieces root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; 32]);

/// A viewer, for one visit: 20 random bytes, as the WebTorrent tracker protocol wants them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

/// The swarm's name at a tracker: first 20 bytes of SHA-256 over protocol version and swarm key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; 20]);

/// One WebRTC offer at a tracker, chosen by the one who offers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(pub [u8; 20]);

/// One peer connection of this engine, numbered by the engine, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u32);

/// One configured tracker: its index in [`crate::core::config::Config::trackers`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrackerId(pub u16);

/// One CDN request of this engine, numbered by the engine, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FetchId(pub u32);

/// One request of the player, numbered by the host, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LoadId(pub u32);

/// A segment this engine holds or is getting: the handle of its host-owned buffer. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegKey(pub u32);

/// A rendition of the stream, numbered by the host; stable for as long as the stream plays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RenditionId(pub u32);

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

macro_rules! hex_format {
    ($($id:ty),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { hex(&self.0, f) }
        }
        impl fmt::Debug for $id {
            /// The first eight bytes are enough to tell ids apart in a log.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(self.0.get(..8).unwrap_or(&self.0), f)
            }
        }
    )*};
}
hex_format!(SegmentHash, TreeHash, PeerId, InfoHash, OfferId);
