//! The HLS tag.

use crate::base64url;
use crate::input::Input;
use swarmline::core::ids::{SegmentHash, TreeHash};
use swarmline::core::integrity::tag::{MAX_LINE, PREFIX, Tag};

/// Any text is read as a tag; a tag of any content is written and read.
pub(crate) fn run(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    for line in [line.as_ref(), &format!("{PREFIX}{line}")] {
        if let Ok(tag) = Tag::parse(line) {
            assert!(Tag::is_tag(line) && line.len() <= MAX_LINE && tag.bytes > 0);
            survives(&tag);
            said_once(line, &tag);
            // What was read stands there, and in no other spelling.
            for hash in [Some(tag.hash.0), tag.root.map(|root| root.0)] {
                let stands = |hash| line.split(['=', ',']).any(|part| reads(part, hash));
                assert!(hash.is_none_or(stands), "a hash from nowhere");
            }
        }
    }
    survives(&tag(&mut Input::new(bytes)));
}

/// Nothing that two readers might read differently: the same again is refused.
fn said_once(line: &str, tag: &Tag) {
    let again = tag.to_string().replace(PREFIX, "");
    for attribute in again.split(',') {
        let twice = format!("{},{attribute}", line.trim_end());
        assert!(Tag::parse(&twice).is_err(), "{attribute} is said twice");
    }
}

fn reads(part: &str, hash: [u8; 32]) -> bool {
    base64url::decode(part.trim_end()) == Some(hash)
}

fn survives(tag: &Tag) {
    let line = tag.to_string();
    assert_eq!(Tag::parse(&line).as_ref(), Ok(tag));
    assert_eq!(Tag::parse(&format!("{line}\r\n")).as_ref(), Ok(tag));
}

/// A tag that can be.
pub(crate) fn tag(input: &mut Input<'_>) -> Tag {
    let rooted = input.u8().is_multiple_of(2);
    Tag {
        bytes: input.u32().max(1),
        hash: SegmentHash(input.array()),
        root: rooted.then(|| TreeHash(input.array())),
    }
}
