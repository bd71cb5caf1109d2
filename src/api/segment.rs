//! Segments and playlists as the page writes them.

use super::base64url;
use super::error::ApiError;
use super::fields::{Fields, Shape, WHOLE, number, whole, whole32};
use crate::core::ids::{RenditionId, SegmentHash, TreeHash};
use crate::core::integrity::proof::Proof;
use crate::core::timeline::{Playlist, SegmentInfo};
use js_sys::{Array, JsString};
use std::sync::Arc;
use wasm_bindgen::{JsCast, JsValue};

/// Longest segment description, in UTF-16 units of JSON.
const MAX_SEGMENT: u32 = 64 * 1024;

/// Longest playlist, in UTF-16 units of JSON: a day of 2 s segments fits.
const MAX_PLAYLIST: u32 = 32 << 20;

const SEGMENT: &[&str] = &[
    "sha256",
    "root",
    "bytes",
    "url",
    "offset",
    "rendition",
    "track",
    "sn",
    "start",
    "duration",
];

const PLAYLIST: &[&str] = &["rendition", "live", "segments"];

const HASH: &str = "43 characters of base64url";
const NUMBER: &str = "a number";

/// Reads one segment.
pub(super) fn parse_segment(json: &JsString) -> Result<Arc<SegmentInfo>, ApiError> {
    let shape = Shape::new("segment", SEGMENT);
    info(Fields::parse(&shape, json, MAX_SEGMENT)?)
}

/// Reads a playlist.
pub(super) fn parse_playlist(json: &JsString) -> Result<Playlist, ApiError> {
    let (shape, segment) = (
        Shape::new("playlist", PLAYLIST),
        Shape::new("segment", SEGMENT),
    );
    let fields = Fields::parse(&shape, json, MAX_PLAYLIST)?;
    let list: Array = fields.need("segments", list, "a list")?;
    let segments = list.iter().map(|value| info(Fields::of(&segment, value)?));
    let segments: Vec<_> = segments.collect::<Result<_, _>>()?;
    let playlist = Playlist {
        rendition: RenditionId(fields.need("rendition", whole32, WHOLE)?),
        live: fields.need("live", JsValue::as_bool, "true or false")?,
        segments: segments.into(),
    };
    fields.end()?;
    Ok(playlist)
}

fn list(value: &JsValue) -> Option<Array> {
    value.dyn_ref().cloned()
}

fn info(fields: Fields<'_>) -> Result<Arc<SegmentInfo>, ApiError> {
    let info = SegmentInfo {
        hash: SegmentHash(fields.need("sha256", hash, HASH)?),
        root: fields.may("root", hash, HASH)?.map(TreeHash),
        bytes: fields.need("bytes", size, "a whole number from 1")?,
        url: fields.need("url", JsValue::as_string, "a text")?.into(),
        offset: fields.may("offset", whole, WHOLE)?,
        rendition: RenditionId(fields.need("rendition", whole32, WHOLE)?),
        track: fields.need("track", whole32, WHOLE)?,
        sn: fields.need("sn", whole, WHOLE)?,
        start: fields.need("start", number, NUMBER)?,
        duration: fields.need("duration", number, NUMBER)?,
        proof: Proof::default(),
    };
    fields.end()?;
    Ok(Arc::new(info))
}

fn hash(value: &JsValue) -> Option<[u8; 32]> {
    base64url::decode(&value.as_string()?)
}

fn size(value: &JsValue) -> Option<u32> {
    whole32(value).filter(|bytes| *bytes > 0)
}
