//! Integrity lists.

use super::tag;
use crate::input::Input;
use crate::integrity_list::{Chunk, Hashes, List, Representation, Segment, tags};
use std::collections::BTreeMap;
use swarmline::core::integrity::tag::Tag;

/// Most representations, and segments of each, in one input.
const MOST: u8 = 4;

/// Any text is read as a list; a list of any content is written and read.
pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = tags(&text);
    // Each name and each hash comes from the text.
    assert!(read.len() <= text.len() / 43);
    let mut input = Input::new(bytes);
    let (list, expected) = list(&mut input);
    let text = serde_json::to_string(&list);
    assert!(text.is_ok(), "a list that cannot be written");
    assert_eq!(tags(&text.unwrap_or_default()), expected);
}

type Expected = BTreeMap<(String, Option<u64>), Tag>;

fn list(input: &mut Input<'_>) -> (List, Expected) {
    let mut expected = Expected::new();
    let live = input.u8().is_multiple_of(2);
    let representations = (0..input.u8() % MOST)
        .map(|_| Representation {
            period: words(input),
            id: words(input),
            segments: (0..input.u8() % MOST)
                .map(|number| segment(number.into(), input, &mut expected))
                .collect(),
        })
        .collect();
    (List::new(live, representations), expected)
}

fn segment(number: u64, input: &mut Input<'_>, expected: &mut Expected) -> Segment {
    let url = words(input);
    let tag = tag::tag(input);
    let kind = input.u8();
    let (start, duration) = (f64::from(input.u32()) / 8.0, f64::from(input.u16()));
    let chunks = (0..kind % 3).map(|_| Chunk {
        duration,
        hashes: Hashes::from(&tag),
    });
    let chunks = chunks.collect();
    if kind >= 200 {
        return Segment::growing(url, number, start, duration, chunks);
    }
    let offset = kind.is_multiple_of(2).then(|| u64::from(input.u32()));
    expected.insert((url.clone(), offset), tag);
    Segment::new(url, number, start, duration, &tag)
        .of(chunks)
        .at(offset)
}

fn words(input: &mut Input<'_>) -> String {
    let len = usize::from(input.u8() % 16);
    String::from_utf8_lossy(input.take(len)).into_owned()
}
