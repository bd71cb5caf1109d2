//! The HLS tag that carries a segment's hashes, one line before the segment's URI:
//!
//! ```text
//! #EXT-X-SWARMLINE:SHA256=<base64url>,ROOT=<base64url>,BYTES=<decimal>
//! ```
//!
//! An attribute list as RFC 8216 §4.2 has it. `SHA256` (of exactly the bytes a player asks for: of
//! the byte range, if EXT-X-BYTERANGE applies) and `BYTES` are required, `ROOT` (the BEP 52 pieces
//! root) is optional. Hashes are base64url without padding, 43 characters, one spelling each.
//! Attributes may come in any order; unknown ones are skipped, so that later versions can add some;
//! the same one twice is refused, for two readers might each believe another one.
//!
//! Invariants: [`Tag::parse`] of a formatted tag gives the same tag; input beyond [`MAX_LINE`] is
//! refused before it is looked at; no part of a tag with an error in it is used.

use crate::core::ids::{SegmentHash, TreeHash};
use crate::core::integrity::digest::Digests;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use thiserror::Error;

/// The tag's name with its colon, as the line begins.
pub const PREFIX: &str = "#EXT-X-SWARMLINE:";

/// A longer tag line is refused, in bytes. The tag of today has fewer than 150.
pub const MAX_LINE: usize = 1024;

/// What a playlist says of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// SHA-256 of the segment's bytes.
    pub hash: SegmentHash,
    /// Pieces root, if the publisher gave one.
    pub root: Option<TreeHash>,
    /// Size of the segment in bytes, at least 1.
    pub bytes: u32,
}

/// Why a line is no valid tag.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TagError {
    /// The line does not begin with [`PREFIX`].
    #[error("not an EXT-X-SWARMLINE tag")]
    OtherTag,
    /// The line is longer than [`MAX_LINE`].
    #[error("EXT-X-SWARMLINE line of {0} bytes; at most {MAX_LINE} are read")]
    TooLong(usize),
    /// Something between two commas is no `NAME=value`.
    #[error("EXT-X-SWARMLINE: attribute {0} is not NAME=value")]
    Malformed(usize),
    /// An attribute was given twice.
    #[error("EXT-X-SWARMLINE: {0} is given twice")]
    Duplicate(&'static str),
    /// A required attribute is not there.
    #[error("EXT-X-SWARMLINE: {0} is missing")]
    Missing(&'static str),
    /// A hash is not 32 bytes in base64url without padding.
    #[error("EXT-X-SWARMLINE: {0} is not 43 characters of base64url")]
    BadHash(&'static str),
    /// `BYTES` is no decimal number from 1 to 4,294,967,295.
    #[error("EXT-X-SWARMLINE: BYTES is not a decimal number from 1 to 4294967295")]
    BadBytes,
}

/// A segment whose size has no place in a tag: empty, or 4 GiB and more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a segment of {0} bytes cannot be tagged; 1 to 4294967295 bytes can")]
pub struct SizeError(pub u64);

impl TryFrom<&Digests> for Tag {
    type Error = SizeError;

    fn try_from(digests: &Digests) -> Result<Self, SizeError> {
        match u32::try_from(digests.bytes) {
            Ok(bytes @ 1..) => Ok(Self {
                hash: digests.hash,
                root: Some(digests.root),
                bytes,
            }),
            _ => Err(SizeError(digests.bytes)),
        }
    }
}

impl fmt::Display for Tag {
    /// The whole line, without its line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}SHA256={}", URL_SAFE_NO_PAD.encode(self.hash.0))?;
        if let Some(root) = self.root {
            write!(f, ",ROOT={}", URL_SAFE_NO_PAD.encode(root.0))?;
        }
        write!(f, ",BYTES={}", self.bytes)
    }
}

impl Tag {
    /// Whether a playlist line is this tag, valid or not.
    pub fn is_tag(line: &str) -> bool {
        line.starts_with(PREFIX)
    }

    /// Reads a playlist line, with or without its line break.
    ///
    /// # Errors
    /// [`TagError`] says what is wrong with it; nothing of a line with an error may be used.
    pub fn parse(line: &str) -> Result<Self, TagError> {
        if line.len() > MAX_LINE {
            return Err(TagError::TooLong(line.len()));
        }
        let list = line.strip_prefix(PREFIX).ok_or(TagError::OtherTag)?;
        let (mut hash, mut root, mut bytes) = (None, None, None);
        for (index, attribute) in split_list(list.trim_end()).enumerate() {
            let (name, value) = name_and_value(attribute).ok_or(TagError::Malformed(index + 1))?;
            match name {
                "SHA256" => once("SHA256", &mut hash, decode_hash("SHA256", value)?)?,
                "ROOT" => once("ROOT", &mut root, decode_hash("ROOT", value)?)?,
                "BYTES" => once("BYTES", &mut bytes, decode_bytes(value)?)?,
                _ => {}
            }
        }
        Ok(Self {
            hash: SegmentHash(hash.ok_or(TagError::Missing("SHA256"))?),
            root: root.map(TreeHash),
            bytes: bytes.ok_or(TagError::Missing("BYTES"))?,
        })
    }
}

/// Splits at commas that are not inside a quoted string.
fn split_list(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

fn name_and_value(attribute: &str) -> Option<(&str, &str)> {
    let (name, value) = attribute.split_once('=')?;
    let named = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-';
    let quotes = value.bytes().filter(|&c| c == b'"').count();
    let whole = quotes == 0
        || (quotes == 2 && value.len() > 1 && value.starts_with('"') && value.ends_with('"'));
    (!name.is_empty() && name.bytes().all(named) && !value.is_empty() && whole)
        .then_some((name, value))
}

fn once<T>(name: &'static str, slot: &mut Option<T>, value: T) -> Result<(), TagError> {
    match slot.replace(value) {
        Some(_) => Err(TagError::Duplicate(name)),
        None => Ok(()),
    }
}

fn decode_hash(name: &'static str, value: &str) -> Result<[u8; 32], TagError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(value)
        .map_err(|_| TagError::BadHash(name))?;
    bytes.try_into().map_err(|_| TagError::BadHash(name))
}

fn decode_bytes(value: &str) -> Result<u32, TagError> {
    // `parse` alone would also take a plus sign.
    let decimal = value.bytes().all(|c| c.is_ascii_digit());
    match value.parse() {
        Ok(bytes @ 1..) if decimal => Ok(bytes),
        _ => Err(TagError::BadBytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with Python's hashlib and base64 from the 16,385 bytes `i % 251`, not by this crate.
    const LINE: &str = "#EXT-X-SWARMLINE:SHA256=uk-bN0At8eOtlIp5SrQ6ntiH1j46OJwgjKQxT91a3Vg,ROOT=nXiHxl1XegI3-zwJmLh7OmJ2LQN5aImiyuoB25FMy7g,BYTES=16385";

    fn hash_part() -> &'static str {
        &LINE[PREFIX.len() + "SHA256=".len()..][..43]
    }

    #[test]
    fn writes_what_python_wrote() {
        let data: Vec<u8> = (0..16_385).map(|i| (i % 251) as u8).collect();
        let tag = Tag::try_from(&Digests::of(&data)).unwrap();
        assert_eq!(tag.to_string(), LINE);
        assert_eq!(Tag::parse(LINE), Ok(tag));
        assert_eq!(Tag::parse(&format!("{LINE}\r\n")), Ok(tag));
    }

    #[test]
    fn order_unknown_attributes_and_a_missing_root_are_fine() {
        let h = hash_part();
        let tag = Tag::parse(&format!(
            "{PREFIX}X-NEW=\"a,SHA256=b\",BYTES=7,Y2=0x1F,SHA256={h}"
        ))
        .unwrap();
        assert_eq!((tag.bytes, tag.root), (7, None));
        assert_eq!(tag.hash, Tag::parse(LINE).unwrap().hash);
    }

    #[test]
    fn names_what_is_wrong() {
        let h = hash_part();
        let cases = [
            ("#EXTINF:2,".to_owned(), TagError::OtherTag),
            ("#EXT-X-SWARMLINE".to_owned(), TagError::OtherTag),
            (PREFIX.to_owned(), TagError::Malformed(1)),
            (format!("{PREFIX}BYTES=1"), TagError::Missing("SHA256")),
            (format!("{PREFIX}SHA256={h}"), TagError::Missing("BYTES")),
            (format!("{PREFIX}SHA256={h},"), TagError::Malformed(2)),
            (
                format!("{PREFIX}SHA256={h},BYTES=1,x=1"),
                TagError::Malformed(3),
            ),
            (
                format!("{PREFIX}SHA256={h},BYTES=1,Q=\"a"),
                TagError::Malformed(3),
            ),
            (
                format!("{PREFIX}SHA256={h},SHA256={h},BYTES=1"),
                TagError::Duplicate("SHA256"),
            ),
            (
                format!("{PREFIX}ROOT={h},ROOT={h}"),
                TagError::Duplicate("ROOT"),
            ),
            (
                format!("{PREFIX}BYTES=1,BYTES=1"),
                TagError::Duplicate("BYTES"),
            ),
            (
                format!("{PREFIX}SHA256={h}=,BYTES=1"),
                TagError::BadHash("SHA256"),
            ),
            (
                format!("{PREFIX}SHA256={}", &h[1..]),
                TagError::BadHash("SHA256"),
            ),
            (
                format!("{PREFIX}SHA256=+{}", &h[1..]),
                TagError::BadHash("SHA256"),
            ),
            (
                format!("{PREFIX}SHA256={h},ROOT=AAAA"),
                TagError::BadHash("ROOT"),
            ),
            (format!("{PREFIX}BYTES=0"), TagError::BadBytes),
            (format!("{PREFIX}BYTES=+5"), TagError::BadBytes),
            (format!("{PREFIX}BYTES=4294967296"), TagError::BadBytes),
            (
                format!("{PREFIX}X={}", "a".repeat(MAX_LINE)),
                TagError::TooLong(MAX_LINE + 19),
            ),
        ];
        for (line, error) in cases {
            assert_eq!(Tag::parse(&line), Err(error), "{line}");
        }
    }

    #[test]
    fn a_hash_has_one_spelling() {
        // The last character's two spare bits must be zero, or one name would have four spellings.
        let zeros = format!("{PREFIX}SHA256={},BYTES=1", "A".repeat(43));
        let spare = format!("{PREFIX}SHA256={}B,BYTES=1", "A".repeat(42));
        assert!(Tag::parse(&zeros).is_ok());
        assert_eq!(Tag::parse(&spare), Err(TagError::BadHash("SHA256")));
    }

    #[test]
    fn sizes_that_cannot_be_tagged() {
        let mut digests = Digests::of(b"");
        assert_eq!(Tag::try_from(&digests), Err(SizeError(0)));
        digests.bytes = 1 << 32;
        assert_eq!(Tag::try_from(&digests), Err(SizeError(1 << 32)));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(hash: [u8; 32], root: Option<[u8; 32]>, bytes in 1u32..) {
            let tag = Tag { hash: SegmentHash(hash), root: root.map(TreeHash), bytes };
            prop_assert_eq!(Tag::parse(&tag.to_string()), Ok(tag));
        }

        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            let _ = Tag::parse(&format!("{PREFIX}{text}"));
        }
    }
}
