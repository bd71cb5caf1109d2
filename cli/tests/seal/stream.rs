//! Writing playlists, and checking sealed ones without the sealer's own parser.

use super::folders::Folders;
use std::fs;
use std::ops::Range;
use std::path::Path;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

/// Bytes that differ for every name, the size of about two and a half leaves.
pub(crate) fn media(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(7u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    (0..40_000u32)
        .map(|i| (i.wrapping_mul(seed) >> 7) as u8)
        .collect()
}

/// A live playlist that lists these URIs, the first one being number `first`.
pub(crate) fn live(first: usize, uris: &[&str]) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    );
    uris.iter()
        .for_each(|uri| text.push_str(&format!("#EXTINF:2.000,\n{uri}\n")));
    text
}

/// The same, complete.
pub(crate) fn vod(uris: &[&str]) -> String {
    live(0, uris) + "#EXT-X-ENDLIST\n"
}

/// A playlist without its tags: what the packager must have written.
pub(crate) fn stripped(sealed: &str) -> String {
    sealed
        .split_inclusive('\n')
        .filter(|line| !Tag::is_tag(line))
        .collect()
}

/// A segment of a sealed playlist, as a player reads it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) uri: String,
    pub(crate) tag: Option<Tag>,
    range: Option<Range<usize>>,
}

/// The segments a playlist lists. Panics on anything a player could not read.
pub(crate) fn listed(text: &str) -> Vec<Listed> {
    assert!(
        text.starts_with("#EXTM3U") && text.ends_with('\n'),
        "torn: {text:?}"
    );
    let (mut segments, mut tag, mut range, mut end) = (Vec::new(), None, None, 0);
    for line in text.lines() {
        if Tag::is_tag(line) {
            let tagged = Tag::parse(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(
                tag.replace(tagged).is_none(),
                "two tags for one segment: {text}"
            );
        } else if let Some(value) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (len, offset) = value.split_once('@').unwrap_or((value, ""));
            let offset: usize = if offset.is_empty() {
                end
            } else {
                offset.parse().unwrap()
            };
            end = offset + len.parse::<usize>().unwrap();
            range = Some(offset..end);
        } else if !line.is_empty() && !line.starts_with('#') {
            segments.push(Listed {
                uri: line.to_owned(),
                tag: tag.take(),
                range: range.take(),
            });
        } else {
            assert!(tag.is_none(), "a tag stands right before its URI: {text}");
        }
    }
    segments
}

/// Whether a segment is there and is what its tag says. The URI is a plain file name.
pub(crate) fn check(folder: &Path, segment: &Listed) -> Result<(), String> {
    let tag = segment.tag.ok_or(format!("{} has no tag", segment.uri))?;
    let path = folder.join(&segment.uri);
    let file = fs::read(&path).map_err(|error| format!("{}: {error}", segment.uri))?;
    let range = segment.range.clone().unwrap_or(0..file.len());
    let bytes = file
        .get(range)
        .ok_or(format!("{} is too short", segment.uri))?;
    match Tag::try_from(&Digests::of(bytes)) {
        Ok(right) if right == tag => Ok(()),
        _ => Err(format!("{} is not what its tag says", segment.uri)),
    }
}

/// Asserts that a sealed playlist is true, and returns how many segments it lists.
#[track_caller]
pub(crate) fn assert_true(folders: &Folders, name: &str) -> usize {
    let path = folders.output().join(name);
    let segments = listed(&folders.playlist(name));
    for segment in &segments {
        if let Err(error) = check(path.parent().unwrap(), segment) {
            panic!("{name}: {error}");
        }
    }
    segments.len()
}

/// Whether a sealed playlist is true.
pub(crate) fn is_true(folders: &Folders, name: &str) -> bool {
    let path = folders.output().join(name);
    let segments = listed(&folders.playlist(name));
    segments
        .iter()
        .all(|segment| check(path.parent().unwrap(), segment).is_ok())
}

/// Whether a sealed playlist lists this URI.
pub(crate) fn lists(text: &str, uri: &str) -> bool {
    text.lines().any(|line| line == uri)
}
