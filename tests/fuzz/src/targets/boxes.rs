//! Media files.

use crate::boxes::{boxes, decode_time, restamp};
use crate::input::Input;
use crate::seal::mpd::subsegments;
use crate::seal::playlist::Part;
use std::io::Cursor;

/// Twelve bytes name a segment, and no more than 8 MiB of indexes are read.
const MOST: usize = (8 << 20) / 12;

/// The last bytes say which part of the file is looked at, and how far a fragment is moved.
pub(crate) fn run(bytes: &[u8]) {
    let (data, choice) = bytes.split_at(bytes.len().saturating_sub(12));
    let mut input = Input::new(choice);
    let (offset, len) = (u64::from(input.u32()), u64::from(input.u32()));
    let shift = u64::from(input.u32()) << (len % 33);
    for part in [Some(Part::Whole), Part::bytes(offset, len)]
        .into_iter()
        .flatten()
    {
        index(data, part);
    }
    if let Ok(found) = boxes(data, 0..data.len()) {
        let whole: usize = found.iter().map(|found| found.whole.len()).sum();
        assert_eq!(whole, data.len(), "boxes lie side by side");
    }
    moved(data, shift);
}

fn index(data: &[u8], part: Part) {
    let found = subsegments(&mut Cursor::new(data), part).unwrap_or_default();
    assert!(
        found.len() <= MOST,
        "more segments than all indexes of a file can name"
    );
    for subsegment in &found {
        assert!(subsegment.start >= 0.0 && subsegment.duration > 0.0);
        assert!(matches!(subsegment.part, Part::Bytes { len, .. } if len > 0));
    }
}

/// A fragment that was moved is moved by so much, and no byte longer.
fn moved(data: &[u8], shift: u64) {
    let mut copy = data.to_vec();
    let before = decode_time(data);
    if restamp(&mut copy, 7, shift).is_err() {
        return;
    }
    assert_eq!(copy.len(), data.len());
    if let Ok(before) = before {
        // A box may stand in the way of its own parent's time only where boxes overlap, which they do not.
        assert_eq!(decode_time(&copy), Ok(before + shift));
    }
}
