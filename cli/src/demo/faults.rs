//! Things that go wrong on purpose, so that a viewer can be watched coping.
//!
//! They hit media segments only: playlists and initialisation sections are always served well.

use crate::demo::oddities::Oddity;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fault state. The default is none.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Faults {
    /// Share of segment requests answered with `error_status`, 0 to 1. Default: 0.
    pub error_share: f64,
    /// The status of those answers, 400 to 599. Default: 503.
    pub error_status: u16,
    /// Wait before the first byte of a segment's answer, in milliseconds, at most 600,000. Default: 0.
    pub latency_ms: u64,
    /// Rate of each segment's answer in bit/s; 0: as fast as it goes. Default: 0.
    pub rate_bps: u64,
    /// Whether playlists come without integrity tags. Default: false.
    pub hide_hashes: bool,
    /// Whether segments come with a Repr-Digest header (RFC 9530). Default: false.
    pub repr_digest: bool,
    /// Share of segment answers with one byte changed, 0 to 1. Default: 0.
    pub corrupt_share: f64,
    /// What is odd about segment answers. Default: nothing.
    pub oddity: Option<Oddity>,
    /// Share of segment answers that are odd, 0 to 1. Default: 1.
    pub oddity_share: f64,
    /// Share of answers with the whole of a segment that break off halfway, 0 to 1: what is left is likely to be asked for by
    /// a byte range. Default: 0.
    pub break_share: f64,
    /// Whether the tracker is gone: its sockets closed, new ones refused. Default: false.
    pub tracker_down: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            error_share: 0.0,
            error_status: 503,
            latency_ms: 0,
            rate_bps: 0,
            hide_hashes: false,
            repr_digest: false,
            corrupt_share: 0.0,
            oddity: None,
            oddity_share: 1.0,
            break_share: 0.0,
            tracker_down: false,
        }
    }
}

impl Faults {
    /// Reads a whole new state; fields left out have their defaults, nothing at all is no faults.
    ///
    /// # Errors
    /// What is wrong, in words for whoever sent it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let fields: Map<String, Value> = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let faults: Self = serde_json::from_value(fields.into()).map_err(|e| e.to_string())?;
        let share = 0.0..=1.0;
        let checks = [
            (share.contains(&faults.error_share), "errorShare: 0 to 1"),
            (
                share.contains(&faults.corrupt_share),
                "corruptShare: 0 to 1",
            ),
            (share.contains(&faults.oddity_share), "oddityShare: 0 to 1"),
            (share.contains(&faults.break_share), "breakShare: 0 to 1"),
            (
                (400..=599).contains(&faults.error_status),
                "errorStatus: 400 to 599",
            ),
            (faults.latency_ms <= 600_000, "latencyMs: at most 600000"),
        ];
        match checks.iter().find(|(fine, _)| !fine) {
            Some((_, allowed)) => Err((*allowed).to_owned()),
            None => Ok(faults),
        }
    }

    /// Whether this answer is to be an error.
    pub(super) fn fails(&self) -> bool {
        fastrand::f64() < self.error_share
    }

    /// What is to be odd about this answer.
    pub(super) fn odd(&self) -> Option<Oddity> {
        self.oddity.filter(|_| fastrand::f64() < self.oddity_share)
    }

    /// Whether this answer is to break off, if it is the whole.
    pub(super) fn breaks(&self) -> bool {
        fastrand::f64() < self.break_share
    }

    /// Whether this answer is to have a changed byte.
    pub(super) fn corrupts(&self) -> bool {
        fastrand::f64() < self.corrupt_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_everything() {
        let faults = Faults::parse(br#"{"errorShare":0.5,"trackerDown":true}"#).unwrap();
        let expected = Faults {
            error_share: 0.5,
            tracker_down: true,
            ..Faults::default()
        };
        assert_eq!(faults, expected);
        assert_eq!(Faults::parse(b" \n"), Ok(Faults::default()));
    }

    #[test]
    fn says_what_is_wrong() {
        for (json, word) in [
            (r#"{"errorShare":1.5}"#, "errorShare"),
            (r#"{"corruptShare":-1}"#, "corruptShare"),
            (r#"{"oddityShare":2}"#, "oddityShare"),
            (r#"{"breakShare":2}"#, "breakShare"),
            (r#"{"oddity":"strange"}"#, "strange"),
            (r#"{"errorStatus":200}"#, "errorStatus"),
            (r#"{"latencyMs":600001}"#, "latencyMs"),
            (r#"{"rateBps":-1}"#, "u64"),
            (r#"{"latency":1}"#, "latency"),
            ("{", "EOF"),
            // serde would take this for the fields in order.
            ("[0.5]", "map"),
        ] {
            let error = Faults::parse(json.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
