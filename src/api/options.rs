//! The constructor's options: the core's configuration and the swarm's key.

use super::error::{ApiError, OPTIONS};
use super::fields::{Fields, Shape, WHOLE, texts, whole, whole32};
use crate::core::config::Config;
use js_sys::JsString;
use wasm_bindgen::JsValue;

/// Longest options, in UTF-16 units of JSON.
const MAX_OPTIONS: u32 = 64 * 1024;

/// Longest swarm key, in bytes.
const MAX_KEY: usize = 4096;

const FIELDS: &[&str] = &[
    "swarmKey",
    "trackers",
    "enabled",
    "maxPeers",
    "maxUploadBitrate",
    "cacheBytes",
    "maxSegmentBytes",
    "cdnTimeoutMs",
];

/// What the constructor needs.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) swarm_key: String,
}

impl Options {
    /// Reads them from JSON: the fields of [`Config`], and `swarmKey`. Unknown fields are refused.
    pub(super) fn parse(json: &JsString) -> Result<Self, ApiError> {
        let shape = Shape::new(OPTIONS, FIELDS);
        let fields = Fields::parse(&shape, json, MAX_OPTIONS)?;
        let swarm_key = fields.need("swarmKey", key, "a text of 1 to 4096 bytes")?;
        let config = config(&fields)?;
        fields.end()?;
        Ok(Self { config, swarm_key })
    }
}

fn key(value: &JsValue) -> Option<String> {
    let key = value.as_string();
    key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY)
}

/// Whether values are in their ranges is the core's to say.
fn config(fields: &Fields<'_>) -> Result<Config, ApiError> {
    let mut config = Config::default();
    let Config {
        trackers,
        enabled,
        max_peers,
        max_upload_bitrate,
        cache_bytes,
        max_segment_bytes,
        cdn_timeout_ms,
    } = &mut config;
    fields.change(trackers, "trackers", texts, "a list of URLs")?;
    fields.change(enabled, "enabled", JsValue::as_bool, "true or false")?;
    fields.change(max_peers, "maxPeers", whole32, WHOLE)?;
    fields.change(max_upload_bitrate, "maxUploadBitrate", whole, WHOLE)?;
    fields.change(cache_bytes, "cacheBytes", whole, WHOLE)?;
    fields.change(max_segment_bytes, "maxSegmentBytes", whole32, WHOLE)?;
    fields.change(cdn_timeout_ms, "cdnTimeoutMs", whole32, WHOLE)?;
    Ok(config)
}
