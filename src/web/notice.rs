//! News for the page, as JSON.

use crate::core::action::Notice;
use crate::core::time::Duration;
use crate::web::record::Record;
use js_sys::JsString;
use wasm_bindgen::JsValue;

/// The notice as the page gets it; `trackers` are the configured URLs.
pub(super) fn json(notice: &Notice, trackers: &[String]) -> JsString {
    let url = |tracker: usize| trackers.get(tracker).map_or("", String::as_str);
    let news = |kind: &str| Record::new().with("type", kind);
    let record = match notice {
        Notice::Segment {
            hash,
            sn,
            rendition,
            peer_bytes,
            cdn_bytes,
            slack,
        } => news("segment")
            .with("hash", hash.to_string())
            .with("sn", *sn as f64)
            .with("rendition", *rendition)
            .with("peerBytes", *peer_bytes)
            .with("cdnBytes", *cdn_bytes)
            .with("slackMs", slack.map_or(JsValue::NULL, millis)),
        Notice::PeerConnected { conn, peer } => news("peerconnect")
            .with("conn", conn.0)
            .with("peer", peer.to_string()),
        Notice::PeerDisconnected { conn, peer, reason } => news("peerdisconnect")
            .with("conn", conn.0)
            .with("peer", peer.to_string())
            .with("reason", *reason),
        Notice::HashFailure { hash, from_cdn } => news("hashfailure")
            .with("hash", hash.to_string())
            .with("fromCdn", *from_cdn),
        Notice::Tracker { tracker, connected } => news("tracker")
            .with("url", url(tracker.0.into()))
            .with("connected", *connected),
        Notice::TrackerWarning { tracker, message } => news("trackerwarning")
            .with("url", url(tracker.0.into()))
            .with("message", message),
    };
    record.json()
}

fn millis(span: Duration) -> JsValue {
    (span.as_secs_f64() * 1000.0).into()
}
