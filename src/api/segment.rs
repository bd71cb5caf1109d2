//! Segments and playlists as the page writes them.

use super::error::{ApiError, cap};
use crate::core::ids::{RenditionId, SegmentHash, TreeHash};
use crate::core::timeline::{Playlist, SegmentInfo};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Longest segment description, in bytes of JSON.
const MAX_SEGMENT: usize = 64 * 1024;

/// Longest playlist, in bytes of JSON: a day of 2 s segments fits.
const MAX_PLAYLIST: usize = 32 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentJson<'a> {
    #[serde(borrow)]
    sha256: Cow<'a, str>,
    #[serde(borrow, default)]
    root: Option<Cow<'a, str>>,
    bytes: u32,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    offset: Option<u64>,
    rendition: u32,
    sn: u64,
    start: f64,
    duration: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaylistJson<'a> {
    rendition: u32,
    live: bool,
    #[serde(borrow)]
    segments: Vec<SegmentJson<'a>>,
}

/// Reads one segment.
pub(super) fn parse_segment(json: &str) -> Result<Arc<SegmentInfo>, ApiError> {
    cap("segment", json, MAX_SEGMENT)?;
    let segment: SegmentJson<'_> = serde_json::from_str(json).map_err(unreadable("segment"))?;
    segment.info()
}

/// Reads a playlist.
pub(super) fn parse_playlist(json: &str) -> Result<Playlist, ApiError> {
    cap("playlist", json, MAX_PLAYLIST)?;
    let playlist: PlaylistJson<'_> = serde_json::from_str(json).map_err(unreadable("playlist"))?;
    let segments: Result<Vec<_>, _> = playlist.segments.iter().map(SegmentJson::info).collect();
    Ok(Playlist {
        rendition: RenditionId(playlist.rendition),
        live: playlist.live,
        segments: segments?.into(),
    })
}

impl SegmentJson<'_> {
    fn info(&self) -> Result<Arc<SegmentInfo>, ApiError> {
        if self.bytes == 0 {
            return Err(bad("bytes must be at least 1"));
        }
        Ok(Arc::new(SegmentInfo {
            hash: SegmentHash(decode(&self.sha256)?),
            root: self.root.as_deref().map(decode).transpose()?.map(TreeHash),
            bytes: self.bytes,
            url: Arc::from(&*self.url),
            offset: self.offset,
            rendition: RenditionId(self.rendition),
            sn: self.sn,
            start: self.start,
            duration: self.duration,
        }))
    }
}

fn decode(text: &str) -> Result<[u8; 32], ApiError> {
    let mut hash = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut hash) {
        Ok(32) => Ok(hash),
        _ => Err(bad("a hash is 43 characters of base64url")),
    }
}

fn bad(why: &str) -> ApiError {
    ApiError::Argument {
        what: "segment",
        why: why.into(),
    }
}

fn unreadable(what: &'static str) -> impl Fn(serde_json::Error) -> ApiError {
    move |error| ApiError::Argument {
        what,
        why: error.to_string(),
    }
}
