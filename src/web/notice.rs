//! News for the page, as JSON.

use crate::core::action::Notice;
use serde::Serialize;

#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
enum News<'a> {
    Segment {
        hash: String,
        sn: u64,
        rendition: u32,
        peer_bytes: u32,
        cdn_bytes: u32,
        slack_ms: Option<f64>,
    },
    PeerConnect {
        conn: u32,
        peer: String,
    },
    PeerDisconnect {
        conn: u32,
        peer: String,
        reason: &'a str,
    },
    HashFailure {
        hash: String,
        from_cdn: bool,
    },
    Tracker {
        url: &'a str,
        connected: bool,
    },
    TrackerWarning {
        url: &'a str,
        message: &'a str,
    },
}

/// The notice as the page gets it; `trackers` are the configured URLs.
pub(super) fn json(notice: &Notice, trackers: &[String]) -> String {
    let url = |tracker: usize| trackers.get(tracker).map_or("", String::as_str);
    let news = match notice {
        Notice::Segment {
            hash,
            sn,
            rendition,
            peer_bytes,
            cdn_bytes,
            slack,
        } => News::Segment {
            hash: hash.to_string(),
            sn: *sn,
            rendition: *rendition,
            peer_bytes: *peer_bytes,
            cdn_bytes: *cdn_bytes,
            slack_ms: slack.map(|slack| slack.as_secs_f64() * 1000.0),
        },
        Notice::PeerConnected { conn, peer } => News::PeerConnect {
            conn: conn.0,
            peer: peer.to_string(),
        },
        Notice::PeerDisconnected { conn, peer, reason } => News::PeerDisconnect {
            conn: conn.0,
            peer: peer.to_string(),
            reason,
        },
        Notice::HashFailure { hash, from_cdn } => News::HashFailure {
            hash: hash.to_string(),
            from_cdn: *from_cdn,
        },
        Notice::Tracker { tracker, connected } => News::Tracker {
            url: url(tracker.0.into()),
            connected: *connected,
        },
        Notice::TrackerWarning { tracker, message } => News::TrackerWarning {
            url: url(tracker.0.into()),
            message,
        },
    };
    // Plain structs of strings and finite numbers: it cannot fail.
    serde_json::to_string(&news).unwrap_or_default()
}
