//! HLS playlists as far as sealing needs them: which segments, which files, and the same text again
//! with tags in it. Pure.
//!
//! Invariant: apart from EXT-X-SWARMLINE lines, [`Media::with_tags`] gives back byte for byte what
//! [`parse`] took: order, comments, unknown tags, blank lines, line breaks.

use super::mpd::{Listed, Manifest};
use std::ops::Range;
use swarmline::core::integrity::tag::Tag;

/// A larger playlist is refused, in bytes. A day of 1 s segments needs about 6 MB.
pub(crate) const MAX_PLAYLIST: u64 = 64 << 20;

/// No byte range begins or extends past this, so that their sums cannot overflow.
const LIMIT: u64 = 1 << 62;

/// A playlist that cannot be sealed, and where it goes wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}: {what}")]
pub(crate) struct ParseError {
    /// Line number, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) what: String,
}

/// Which bytes of a file a segment is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// All of them.
    Whole,
    /// A byte range (EXT-X-BYTERANGE).
    Bytes {
        /// First byte.
        offset: u64,
        /// How many, at least 1.
        len: u64,
    },
}

impl Part {
    /// A byte range, if there can be one: with a byte in it, and so that its end can be counted.
    pub(crate) fn bytes(offset: u64, len: u64) -> Option<Self> {
        let fits = len > 0 && offset < LIMIT && len < LIMIT;
        fits.then_some(Self::Bytes { offset, len })
    }

    /// The first byte of a range.
    pub(crate) fn offset(self) -> Option<u64> {
        match self {
            Self::Whole => None,
            Self::Bytes { offset, .. } => Some(offset),
        }
    }
}

/// A media segment of a playlist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    /// As written.
    pub(crate) uri: String,
    /// Which bytes at that URI.
    pub(crate) part: Part,
    /// EXT-X-GAP: there is no such file, and no player asks for it.
    pub(crate) gap: bool,
    /// Line of the URI, from 0.
    line: usize,
    /// Lines of EXT-X-SWARMLINE tags that the packager (or an earlier seal) wrote for it.
    old_tags: Vec<usize>,
}

/// A file that a playlist names and that is no media segment: init segment, key, part, variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Companion {
    /// As written.
    pub(crate) uri: String,
    /// Nothing plays without it (EXT-X-MAP).
    pub(crate) needed: bool,
}

/// What a playlist is.
#[derive(Clone, Debug)]
pub(crate) enum Playlist {
    /// Lists playlists; stays as it is. Its companions are the playlists.
    Master(Vec<Companion>),
    /// Lists segments.
    Media(Media),
}

/// A media playlist or an MPD.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    body: Body,
    /// Its segments, in order.
    pub(crate) segments: Vec<Segment>,
    /// Other files it names.
    pub(crate) companions: Vec<Companion>,
    /// EXT-X-ENDLIST: it will not change any more.
    pub(crate) ended: bool,
    /// An index in the media names its segments: a file of it that grows is another one.
    pub(crate) indexed: bool,
    /// EXT-X-I-FRAMES-ONLY: players read other ranges than it lists, so it gets no tags.
    pub(crate) i_frames: bool,
}

/// What the text is.
#[derive(Clone, Debug)]
enum Body {
    /// A playlist, and the ranges of its lines, each with its line break.
    Hls {
        text: String,
        lines: Vec<Range<usize>>,
    },
    /// An MPD.
    Dash(Box<Manifest>),
}

/// What is published of a media playlist or an MPD.
pub(crate) struct Sealed {
    /// Its text.
    pub(crate) text: String,
    /// An MPD's integrity list: file name beside it, and text.
    pub(crate) list: Option<(String, String)>,
}

/// Reads a playlist.
///
/// # Errors
/// The first line that breaks the format, so far as sealing depends on it.
pub(crate) fn parse(bytes: Vec<u8>) -> Result<Playlist, ParseError> {
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&error))?;
    let lines = split_lines(&text);
    let mut parser = Parser::default();
    for (index, range) in lines.iter().enumerate() {
        let line = text.get(range.clone()).unwrap_or_default().trim_end();
        parser.take(index, line).map_err(|what| ParseError {
            line: index + 1,
            what,
        })?;
    }
    parser.finish(lines.len(), text, lines)
}

impl From<Manifest> for Media {
    fn from(mut manifest: Manifest) -> Self {
        let segment = |listed: &Listed| Segment {
            uri: listed.uri.clone(),
            part: listed.part,
            gap: false,
            line: 0,
            old_tags: Vec::new(),
        };
        Self {
            segments: manifest.segments.iter().map(segment).collect(),
            companions: std::mem::take(&mut manifest.companions),
            ended: manifest.ended(),
            indexed: manifest.indexed,
            i_frames: false,
            body: Body::Dash(Box::new(manifest)),
        }
    }
}

impl Media {
    /// What to publish, with one tag or none for each segment.
    ///
    /// # Errors
    /// An integrity list cannot be written as JSON.
    pub(crate) fn sealed(&self, tags: &[Option<Tag>]) -> serde_json::Result<Sealed> {
        Ok(match &self.body {
            Body::Hls { .. } => Sealed {
                text: self.with_tags(tags),
                list: None,
            },
            Body::Dash(manifest) => Sealed {
                text: manifest.named(),
                list: Some((manifest.list.clone(), manifest.list(tags)?)),
            },
        })
    }

    /// The file name of an MPD's integrity list, beside it.
    pub(crate) fn list_name(&self) -> Option<&str> {
        match &self.body {
            Body::Hls { .. } => None,
            Body::Dash(manifest) => Some(&manifest.list),
        }
    }

    /// The HLS playlist again with one tag before each segment's URI. A segment without a tag keeps
    /// what the packager wrote for it.
    fn with_tags(&self, tags: &[Option<Tag>]) -> String {
        let mut sealed = String::new();
        let mut next = 0;
        for (segment, tag) in self.segments.iter().zip(tags) {
            let Some(tag) = tag else { continue };
            for line in next..segment.line {
                if !segment.old_tags.contains(&line) {
                    sealed.push_str(self.line(line));
                }
            }
            sealed.push_str(&tag.to_string());
            sealed.push_str(self.line_break(segment.line));
            next = segment.line;
        }
        (next..self.line_count()).for_each(|line| sealed.push_str(self.line(line)));
        sealed
    }

    /// The tag that stands before a segment already, if it is one and valid.
    pub(crate) fn tag_of(&self, segment: &Segment) -> Option<Tag> {
        match segment.old_tags.as_slice() {
            [line] => Tag::parse(self.line(*line)).ok(),
            _ => None,
        }
    }

    fn line_count(&self) -> usize {
        match &self.body {
            Body::Hls { lines, .. } => lines.len(),
            Body::Dash(_) => 0,
        }
    }

    fn line(&self, index: usize) -> &str {
        let Body::Hls { text, lines } = &self.body else {
            return "";
        };
        let range = lines.get(index).cloned().unwrap_or_default();
        text.get(range).unwrap_or_default()
    }

    /// How this line ends; a last line without an end gets what the first line has.
    fn line_break(&self, index: usize) -> &'static str {
        let ended = |line: &&str| line.ends_with('\n');
        let like = Some(self.line(index))
            .filter(ended)
            .unwrap_or_else(|| self.line(0));
        if like.ends_with("\r\n") { "\r\n" } else { "\n" }
    }
}

fn not_utf8(error: &std::string::FromUtf8Error) -> ParseError {
    let valid = error
        .as_bytes()
        .iter()
        .take(error.utf8_error().valid_up_to());
    ParseError {
        line: 1 + valid.filter(|&&byte| byte == b'\n').count(),
        what: "is not UTF-8 text".to_owned(),
    }
}

/// Ranges of the lines, each with its line break.
fn split_lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            at += line.len();
            at - line.len()..at
        })
        .collect()
}

#[derive(Default)]
struct Parser {
    segments: Vec<Segment>,
    companions: Vec<Companion>,
    /// Line of an EXTINF whose URI has not come yet.
    extinf: Option<usize>,
    /// Length and offset of an EXT-X-BYTERANGE whose URI has not come yet.
    range: Option<(u64, Option<u64>)>,
    gap: bool,
    old_tags: Vec<usize>,
    variants: bool,
    media: bool,
    ended: bool,
    i_frames: bool,
}

impl Parser {
    fn take(&mut self, index: usize, line: &str) -> Result<(), String> {
        if index == 0 && line.trim_start_matches('\u{feff}') != "#EXTM3U" {
            return Err("a playlist begins with #EXTM3U".to_owned());
        }
        if line.starts_with("#EXT") {
            return self.take_tag(index, line);
        }
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        self.take_uri(index, line)
    }

    fn take_tag(&mut self, index: usize, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name {
            "#EXTINF" => self.take_extinf(index, value)?,
            "#EXT-X-BYTERANGE" => self.range = Some(byterange(value)?),
            "#EXT-X-GAP" => self.gap = true,
            "#EXT-X-SWARMLINE" => self.old_tags.push(index),
            "#EXT-X-TARGETDURATION" => self.media = true,
            "#EXT-X-ENDLIST" => self.ended = true,
            "#EXT-X-I-FRAMES-ONLY" => self.i_frames = true,
            "#EXT-X-STREAM-INF" | "#EXT-X-MEDIA" | "#EXT-X-I-FRAME-STREAM-INF" => {
                self.variants = true;
            }
            _ => {}
        }
        if let Some(uri) = uri_attribute(value) {
            self.companions.push(Companion {
                uri: uri.to_owned(),
                needed: name == "#EXT-X-MAP",
            });
        }
        Ok(())
    }

    fn take_extinf(&mut self, index: usize, value: &str) -> Result<(), String> {
        if let Some(earlier) = self.extinf {
            return Err(format!(
                "EXTINF, but the one of line {} has no URI yet",
                earlier + 1
            ));
        }
        let seconds = value.split(',').next().unwrap_or_default().trim();
        match seconds.parse::<f64>() {
            Ok(duration) if duration.is_finite() && duration >= 0.0 => {}
            _ => return Err(format!("EXTINF: {seconds:?} is not a duration in seconds")),
        }
        self.extinf = Some(index);
        self.media = true;
        Ok(())
    }

    fn take_uri(&mut self, index: usize, uri: &str) -> Result<(), String> {
        let uri = uri.to_owned();
        if self.extinf.take().is_none() {
            if self.media || !self.variants {
                return Err("a URI without EXTINF".to_owned());
            }
            self.companions.push(Companion { uri, needed: false });
            return Ok(());
        }
        let part = match self.range.take() {
            None => Part::Whole,
            Some((len, Some(offset))) => Part::Bytes { offset, len },
            Some((len, None)) => Part::Bytes {
                offset: self.end_of_last(&uri)?,
                len,
            },
        };
        self.segments.push(Segment {
            uri,
            part,
            gap: std::mem::take(&mut self.gap),
            line: index,
            old_tags: std::mem::take(&mut self.old_tags),
        });
        Ok(())
    }

    /// Where a byte range without an offset begins: where the one before it ended.
    fn end_of_last(&self, uri: &str) -> Result<u64, String> {
        match self.segments.last() {
            Some(Segment {
                uri: last,
                part: Part::Bytes { offset, len },
                ..
            }) if last == uri && offset + len < LIMIT => Ok(offset + len),
            _ => Err(format!(
                "EXT-X-BYTERANGE without an offset, but the segment before it is no range of {uri}"
            )),
        }
    }

    fn finish(
        self,
        count: usize,
        text: String,
        lines: Vec<Range<usize>>,
    ) -> Result<Playlist, ParseError> {
        let fail = |line, what: &str| {
            Err(ParseError {
                line,
                what: what.to_owned(),
            })
        };
        if count == 0 {
            return fail(1, "is empty");
        }
        if let Some(line) = self.extinf {
            return fail(line + 1, "EXTINF, and then no URI");
        }
        match (self.variants, self.media) {
            (true, true) => fail(count, "is both a master and a media playlist"),
            (true, false) => Ok(Playlist::Master(self.companions)),
            (false, true) => Ok(Playlist::Media(Media {
                body: Body::Hls { text, lines },
                segments: self.segments,
                companions: self.companions,
                ended: self.ended,
                indexed: false,
                i_frames: self.i_frames,
            })),
            (false, false) => fail(count, "lists neither variants nor segments"),
        }
    }
}

/// `<length>[@<offset>]`.
fn byterange(value: &str) -> Result<(u64, Option<u64>), String> {
    let bad = || format!("EXT-X-BYTERANGE: {value:?} is not length[@offset]");
    let number = |text: &str| {
        let decimal = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|&n: &u64| decimal && n < LIMIT)
            .ok_or_else(bad)
    };
    let (len, offset) = match value.split_once('@') {
        Some((len, offset)) => (number(len)?, Some(number(offset)?)),
        None => (number(value)?, None),
    };
    if len == 0 {
        return Err(bad());
    }
    Ok((len, offset))
}

/// The URI attribute of an attribute list, without its quotes.
fn uri_attribute(list: &str) -> Option<&str> {
    let mut quoted = false;
    list.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .find_map(|attribute| {
        let value = attribute.trim_start().strip_prefix("URI=\"")?;
        value.strip_suffix('"').filter(|uri| !uri.is_empty())
    })
}

#[cfg(test)]
mod tests;
