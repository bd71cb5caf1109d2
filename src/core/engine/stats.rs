//! Counters, honest ones: what was wasted is counted too.

use serde::Serialize;

/// Totals since the engine was made. Bytes are media payload; protocol overhead is not in them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Body bytes received from the CDN, duplicates and aborted requests included.
    pub cdn_bytes: u64,
    /// Payload bytes received from peers, duplicates and bad ones included.
    pub peer_bytes: u64,
    /// Payload bytes sent to peers.
    pub uploaded_bytes: u64,
    /// Bytes received that served nothing: bad, unasked, or for segments given up.
    pub wasted_bytes: u64,
    /// Bytes received for leaves that were already there.
    pub duplicate_bytes: u64,
    /// Bytes delivered to the player.
    pub delivered_bytes: u64,
    /// Segments delivered of which more than half came from the CDN.
    pub segments_from_cdn: u32,
    /// Segments delivered of which at least half came from peers.
    pub segments_from_peers: u32,
    /// Leaves and segments that did not match their hash.
    pub hash_failures: u32,
    /// Segments that peers did not complete in time and the CDN then did, before the player ran dry.
    pub stalls_avoided: u32,
    /// Times this viewer fetched for others, because nobody around had a segment.
    pub turns: u32,
    /// Times the CDN was asked because the point of no return had come with leaves missing.
    pub rescues: u32,
    /// Times a viewer was sent away and is kept away for a while: bad bytes, broken protocol, floods, empty promises.
    pub bans: u32,
    /// Peers connected now.
    pub peers: u32,
    /// Bytes of all segment buffers now.
    pub cache_bytes: u64,
    /// Trackers connected now.
    pub trackers_connected: u32,
}
