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
