//! MPDs on their way through the sealer.

use super::tag;
use crate::input::Input;
use crate::integrity_list::{SCHEME, tags};
use crate::seal::mpd::{Manifest, MpdError, parse, subsegments};
use std::io::Cursor;
use swarmline::core::integrity::tag::Tag;

const NAME: &str = "live/man ifest.mpd";

/// The first bytes say where the MPD ends and a media file begins, which has its index.
pub(crate) fn run(bytes: &[u8]) {
    let (text, media) = Input::new(bytes).split();
    let Some(manifest) = read(NAME, text.to_vec(), media) else {
        return;
    };
    let named = manifest.named();
    let removed = named.len() - text.len();
    assert!(removed == 0 || named.matches(SCHEME).count() > 0);
    // It is read again with the same list and the same segments, and needs no second name.
    let again = read(NAME, named.clone().into_bytes(), media);
    assert!(again.is_some(), "what was named cannot be read: {named}");
    let Some(again) = again else { return };
    assert_eq!(
        (&again.list, &again.named()),
        (&manifest.list, &named),
        "named twice"
    );
    assert_eq!(again.segments, manifest.segments);
    assert_eq!(again.companions, manifest.companions);
    assert!(
        !manifest.list.contains('/'),
        "the list lies beside the manifest"
    );
    if manifest.segments.len() <= 1_000 {
        list_is_readable(&manifest, &mut Input::new(bytes));
    }
}

fn list_is_readable(manifest: &Manifest, input: &mut Input<'_>) {
    let known: Vec<Option<Tag>> = manifest
        .segments
        .iter()
        .map(|_| (!input.u8().is_multiple_of(4)).then(|| tag::tag(input)))
        .collect();
    let list = manifest.list(&known);
    assert!(list.is_ok(), "a list that cannot be written");
    let list = list.unwrap_or_default();
    let read = tags(&list);
    for (listed, tag) in manifest.segments.iter().zip(&known) {
        let found = read.contains_key(&(listed.uri.clone(), listed.part.offset()));
        assert!(tag.is_none() || found, "{listed:?} is not in {list}");
    }
}

fn read(name: &str, text: Vec<u8>, media: &[u8]) -> Option<Manifest> {
    let mut read_index = |_: &str, part| {
        let found = subsegments(&mut Cursor::new(media), part);
        found.map_err(|error| MpdError::Beyond(error.to_string()))
    };
    parse(name, text, &mut read_index).ok()
}
