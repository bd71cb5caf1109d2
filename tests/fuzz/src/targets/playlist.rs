//! HLS playlists on their way through the sealer.

use super::tag;
use crate::input::Input;
use crate::seal::playlist::{Media, Playlist, parse};
use swarmline::core::integrity::tag::{PREFIX, Tag};

/// Any text is read as a playlist and sealed with some tags.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(Playlist::Media(media)) = parse(bytes.to_vec()) else {
        return;
    };
    let mut input = Input::new(bytes);
    let tags: Vec<Option<Tag>> = media
        .segments
        .iter()
        .map(|_| (!input.u8().is_multiple_of(4)).then(|| tag::tag(&mut input)))
        .collect();
    let sealed = sealed(&media, &tags);
    assert!(same_but_for_tags(bytes, sealed.as_bytes()));
    let Ok(Playlist::Media(again)) = parse(sealed.clone().into_bytes()) else {
        unreadable(&sealed)
    };
    assert_eq!(again.segments.len(), media.segments.len());
    for ((before, after), tag) in media.segments.iter().zip(&again.segments).zip(&tags) {
        assert_eq!(
            (&before.uri, before.part, before.gap),
            (&after.uri, after.part, after.gap)
        );
        // Without a tag of ours a segment keeps what it had.
        assert_eq!(again.tag_of(after), tag.or_else(|| media.tag_of(before)));
    }
    assert_eq!((again.ended, again.i_frames), (media.ended, media.i_frames));
    // Sealing what is sealed changes nothing.
    assert_eq!(self::sealed(&again, &tags), sealed);
}

fn sealed(media: &Media, tags: &[Option<Tag>]) -> String {
    let sealed = media.sealed(tags);
    assert!(sealed.is_ok(), "a playlist needs no JSON");
    sealed.map(|sealed| sealed.text).unwrap_or_default()
}

#[allow(
    clippy::panic,
    reason = "a driver's way to say that a promise is broken"
)]
fn unreadable(text: &str) -> ! {
    panic!("what was sealed cannot be read: {text:?}")
}

/// Whether two texts have the same lines in the same order, tags aside.
fn same_but_for_tags(one: &[u8], other: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        let name = PREFIX.trim_end_matches(':').as_bytes();
        lines
            .filter(|line| !line.starts_with(name))
            .map(<[u8]>::to_vec)
            .collect()
    };
    lines(one) == lines(other)
}
