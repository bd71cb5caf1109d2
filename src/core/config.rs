//! Every limit in one place. The JavaScript façade resolves defaults and passes the whole set.

use crate::core::error::ConfigError;
use serde::Deserialize;

/// Leaf size of the Merkle tree and the payload of one chunk message (BEP 52; also the largest
/// message that every browser's data channel takes without fragmentation trouble).
pub const LEAF: u32 = 16 * 1024;

/// Bytes of a chunk message before its payload: tag, alias, leaf.
pub const CHUNK_HEADER: usize = 9;

/// The host reports `SendDrained` when no more than this many bytes wait in a data channel.
pub const SEND_LOW_WATER: usize = 64 * 1024;

/// The host reports `SendDrained` only after at least this many bytes were sent since the last report.
pub const SEND_REPORT: usize = 128 * 1024;

/// The engine lets no more than this many bytes wait in a data channel.
pub const SEND_HIGH_WATER: usize = 256 * 1024;

/// What strangers may do to one viewer, all in one place. None of it is an option: an honest viewer stays far below
/// each, and nobody gains by a higher one. (What a single message may hold is said in [`crate::core::wire`].)
pub mod strangers {
    use crate::core::time::Duration;

    /// Messages other than chunks that were asked for, from one neighbour at once. An audience of 1,000 hears 8 a second
    /// from each neighbour, and up to 80 at once from a new one.
    pub const MESSAGE_BURST: u32 = 1_000;
    /// So many more a second.
    pub const MESSAGE_RATE: u32 = 100;
    /// So many more for every leaf that goes either way: who trades has something to say.
    pub const MESSAGES_PER_LEAF: u32 = 4;
    /// Bytes of these messages, at once: the leaf hashes of two of the largest segments.
    pub const TALK_BURST: u32 = 1 << 20;
    /// So many more bytes a second.
    pub const TALK_RATE: u32 = 32 << 10;
    /// So many more bytes for every leaf that goes either way.
    pub const TALK_PER_LEAF: u32 = 1 << 10;
    /// Media bytes that were not asked for, or no longer, at once: what is under way when a request is withdrawn.
    pub const UNASKED_BURST: u32 = 4 << 20;
    /// So many more bytes a second.
    pub const UNASKED_RATE: u32 = 64 << 10;
    /// So many more bytes for every leaf that goes either way.
    pub const UNASKED_PER_LEAF: u32 = super::LEAF / 4;

    /// Segments that a neighbour may have announced at once; the oldest goes first.
    pub const MAX_HOLDINGS: usize = 256;
    /// Claims that a neighbour may hold at once; more are not believed.
    pub const MAX_CLAIMS: usize = 32;
    /// Leaves that a neighbour may wait for here; requests beyond are refused. Twice what any asks for.
    pub const MAX_QUEUE: usize = 64;
    /// Leaves asked of one neighbour and not yet there.
    pub const MAX_WINDOW: usize = 32;
    /// Times that a neighbour gets the leaf hashes of one segment.
    pub const MAX_TREES: u8 = 3;
    /// Bytes that may wait in the channel to a neighbour; one that lets more pile up is dropped.
    pub const MAX_BUFFERED: usize = 1 << 20;
    /// A channel may take nothing for so long while [`super::SEND_HIGH_WATER`] bytes wait in it.
    pub const MAX_BLOCKED: Duration = Duration::from_secs(20);
    /// Times in a row that a neighbour may let requests run out that never brought anything.
    pub const MAX_BROKEN: u32 = 3;
    /// The same once it has brought something.
    pub const MAX_BROKEN_KNOWN: u32 = 8;
    /// Refusals in a row, of what it announced, until a neighbour counts as one that lets requests run out.
    pub const MAX_REFUSALS: u32 = 24;

    /// How long who sent wrong bytes or broke the protocol is kept away at first; each further time it is twice as long.
    pub const BAN: Duration = Duration::from_secs(600);
    /// The same for who sent too much.
    pub const BAN_FLOOD: Duration = Duration::from_secs(300);
    /// The same for who speaks another version: it will do so after a reconnection too.
    pub const BAN_VERSION: Duration = Duration::from_secs(1_800);
    /// The same for who announces what it does not deliver, does not read, or does not finish the handshake: it may be
    /// its network's fault.
    pub const BAN_USELESS: Duration = Duration::from_secs(60);
    /// Longest time anybody is kept away.
    pub const MAX_BAN: Duration = Duration::from_secs(4 * 3_600);
    /// Viewers remembered for having been kept away; who may come back first is forgotten first.
    pub const MAX_BANS: usize = 256;

    /// Longest session description, in bytes. With one data channel and many candidates it is 4 KiB.
    pub const MAX_SDP: usize = 16 * 1024;
    /// Candidates in a session description: a browser tries every one of them, against whomever it names. A machine with
    /// many interfaces has a few dozen.
    pub const MAX_CANDIDATES: usize = 64;
    /// Public address blocks (/24 of IPv4, /48 of IPv6) in a session description. A viewer has one of each kind, or two
    /// with a tunnel; who names many hides the one that is its own.
    pub const MAX_BLOCKS: usize = 8;
    /// Of so many neighbours one may be in the same public address block, and two in any case. This viewer's own block, private
    /// addresses, and hidden (mDNS) ones are not counted.
    pub const PER_BLOCK: usize = 4;
    /// Of so many neighbours, one half may be strangers' offers that have not led to a connection yet.
    pub const PENDING: usize = 2;
    /// Offers of strangers remembered, so that none is taken twice.
    pub const MAX_OFFERS_SEEN: usize = 256;

    /// Messages from one tracker at once; more are not read.
    pub const TRACKER_BURST: u32 = 300;
    /// So many more a second.
    pub const TRACKER_RATE: u32 = 30;
    /// So many unread messages, and the socket is closed.
    pub const TRACKER_UNREAD: u32 = 3_000;
    /// Different warnings about one tracker that are handed on.
    pub const TRACKER_WARNINGS: usize = 8;
    /// Viewers that a tracker is believed to know of. A count that is too high makes everybody wait for others who are not
    /// there, the longer the higher it is. A million viewers make 256 copies of a segment for this, where 32 would do.
    pub const MAX_POPULATION: u32 = 1 << 17;
}

/// What one engine may use and whom it may ask. All fields have working defaults but `trackers`,
/// which is empty: without a tracker there are no peers, and everything comes from the CDN.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Config {
    /// WebTorrent trackers, `ws:` or `wss:`. At most 8. Default: none.
    pub trackers: Vec<String>,
    /// Whether P2P starts switched on. Default: true.
    pub enabled: bool,
    /// Most peers connected at once, 1 to 64. Default: 16.
    pub max_peers: u32,
    /// Upload ceiling in bit/s over all peers; 0: never upload. Default: 20,000,000.
    pub max_upload_bitrate: u64,
    /// Verified segments kept for others, in bytes, at least 1 MiB. Default: 64 MiB.
    pub cache_bytes: u64,
    /// A larger segment is left to the CDN and never shared, in bytes, at most 256 MiB. Default: 32 MiB.
    pub max_segment_bytes: u32,
    /// A CDN request that brings nothing for this long has failed, in milliseconds, 1,000 to 120,000. Default: 10,000.
    pub cdn_timeout_ms: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trackers: Vec::new(),
            enabled: true,
            max_peers: 16,
            max_upload_bitrate: 20_000_000,
            cache_bytes: 64 << 20,
            max_segment_bytes: 32 << 20,
            cdn_timeout_ms: 10_000,
        }
    }
}

impl Config {
    /// Checks every field against its documented range.
    ///
    /// # Errors
    /// The first field that is out of range, with its value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bad = |field, value: String, allowed| {
            Err(ConfigError {
                field,
                value,
                allowed,
            })
        };
        if self.trackers.len() > 8 {
            return bad(
                "trackers",
                self.trackers.len().to_string(),
                "at most 8 trackers",
            );
        }
        for url in &self.trackers {
            if !(url.starts_with("ws://") || url.starts_with("wss://")) || url.len() > 2048 {
                return bad(
                    "trackers",
                    url.clone(),
                    "ws: or wss: URLs of at most 2048 characters",
                );
            }
        }
        if !(1..=64).contains(&self.max_peers) {
            return bad("maxPeers", self.max_peers.to_string(), "1 to 64");
        }
        if self.cache_bytes < 1 << 20 || self.cache_bytes > 4 << 30 {
            return bad("cacheBytes", self.cache_bytes.to_string(), "1 MiB to 4 GiB");
        }
        if !(1..=256 << 20).contains(&self.max_segment_bytes) {
            return bad(
                "maxSegmentBytes",
                self.max_segment_bytes.to_string(),
                "1 byte to 256 MiB",
            );
        }
        if !(1_000..=120_000).contains(&self.cdn_timeout_ms) {
            return bad(
                "cdnTimeoutMs",
                self.cdn_timeout_ms.to_string(),
                "1,000 to 120,000 ms",
            );
        }
        Ok(())
    }
}
