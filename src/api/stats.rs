//! Counters as the page reads them.

use crate::core::engine::Stats;
use crate::web::record::Record;
use js_sys::JsString;

/// All of them, as JSON.
pub(super) fn json(stats: &Stats) -> JsString {
    // By name and without a rest, so that a counter left out does not compile.
    let &Stats {
        cdn_bytes,
        peer_bytes,
        uploaded_bytes,
        wasted_bytes,
        duplicate_bytes,
        delivered_bytes,
        segments_from_cdn,
        segments_from_peers,
        hash_failures,
        stalls_avoided,
        turns,
        rescues,
        bans,
        peers,
        cache_bytes,
        trackers_connected,
    } = stats;
    Record::new()
        .with("cdnBytes", cdn_bytes as f64)
        .with("peerBytes", peer_bytes as f64)
        .with("uploadedBytes", uploaded_bytes as f64)
        .with("wastedBytes", wasted_bytes as f64)
        .with("duplicateBytes", duplicate_bytes as f64)
        .with("deliveredBytes", delivered_bytes as f64)
        .with("segmentsFromCdn", segments_from_cdn)
        .with("segmentsFromPeers", segments_from_peers)
        .with("hashFailures", hash_failures)
        .with("stallsAvoided", stalls_avoided)
        .with("turns", turns)
        .with("rescues", rescues)
        .with("bans", bans)
        .with("peers", peers)
        .with("cacheBytes", cache_bytes as f64)
        .with("trackersConnected", trackers_connected)
        .json()
}
