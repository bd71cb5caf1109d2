//! Signatures in media playlists: one line for each key, right after the first line.
//!
//! ```text
//! #EXT-X-SWARMLINE-SIGNATURE:KEY=<id>,ISSUED=<ms>,STREAM="<name>",PATH="<path>",SIG=<base64url>
//! ```

use super::{SignError, Signer, hash, named};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Write as _;
use swarmline::core::integrity::tag::Tag;

/// How such a line begins.
pub(super) const PREFIX: &str = "#EXT-X-SWARMLINE-SIGNATURE:";

/// First line of a statement.
const KIND: &str = "swarmline-playlist-1";

/// Whether a line of a playlist is a signature, good or bad.
pub(crate) fn is_signature(line: &str) -> bool {
    line.starts_with(PREFIX)
}

impl Signer {
    /// A media playlist with a signature by each key, instead of those that it may have. `path`: where it is, from the
    /// folder on that is served; `issued`: milliseconds since 1970. One without hashes stays without a signature.
    ///
    /// # Errors
    /// The path cannot be written.
    pub(crate) fn playlist(
        &self,
        text: &str,
        path: &str,
        issued: u64,
    ) -> Result<String, SignError> {
        let path = named("a playlist's path", path)?;
        let lines = text.split_inclusive('\n');
        let bare: String = lines.filter(|line| !is_signature(line)).collect();
        let segments = segments(&bare);
        if segments.is_empty() {
            return Ok(bare);
        }
        let stream = &self.stream;
        let statement = statement(stream, path, issued, is_ended(&bare), &segments);
        let (first, rest) = bare.split_at(bare.find('\n').map_or(bare.len(), |end| end + 1));
        let end = if first.ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let mut out = first.to_owned();
        for (key, signature) in self.sign(&statement) {
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "{PREFIX}KEY={key},ISSUED={issued},STREAM=\"{stream}\",PATH=\"{path}\",SIG={signature}{end}"
            );
        }
        Ok(out + rest)
    }
}

fn statement(stream: &str, path: &str, issued: u64, ended: bool, segments: &str) -> String {
    let state = if ended { "ended" } else { "live" };
    let segments = hash(segments);
    format!("{KIND}\n{stream}\n{path}\n{issued}\n{state}\n{segments}\n")
}

fn is_ended(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "#EXT-X-ENDLIST")
}

/// A line for each segment with a tag: media sequence number, hash, root or `-`, size. Read as viewers read it: a tag
/// belongs to the next URI, two before one URI are none, and segments that a delta playlist skips count.
fn segments(text: &str) -> String {
    let (mut first, mut index) = (0u64, 0u64);
    let mut found = Vec::new();
    let mut tag: Option<Option<Tag>> = None;
    for line in text.split(['\r', '\n']).map(plain) {
        if Tag::is_tag(line) {
            tag = Some(match tag {
                None => Tag::parse(line).ok(),
                Some(_) => None,
            });
        } else if line.starts_with('#') {
            first = first.saturating_add(offset(line));
        } else if !line.is_empty() {
            found.extend(tag.take().flatten().map(|tag| (index, tag)));
            tag = None;
            index += 1;
        }
    }
    let mut out = String::new();
    for (index, tag) in found {
        let root = tag.root.map(|root| URL_SAFE_NO_PAD.encode(root.0));
        let _ = writeln!(
            out,
            "{} {} {} {}",
            first.saturating_add(index),
            URL_SAFE_NO_PAD.encode(tag.hash.0),
            root.as_deref().unwrap_or("-"),
            tag.bytes
        );
    }
    out
}

fn plain(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// What a line adds to the number of the first segment listed.
fn offset(line: &str) -> u64 {
    let value = line
        .strip_prefix("#EXT-X-MEDIA-SEQUENCE:")
        .or_else(|| {
            let list = line.strip_prefix("#EXT-X-SKIP:")?;
            let of = |attribute: &'_ str| attribute.trim_start().starts_with("SKIPPED-SEGMENTS=");
            list.split(',')
                .find(|attribute| of(attribute))?
                .split_once('=')
                .map(|(_, value)| value)
        })
        .unwrap_or_default()
        .trim_start();
    let end = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    value.get(..end).unwrap_or_default().parse().unwrap_or(0)
}
