//! A host-owned segment buffer, without its bytes.
//!
//! Instead of bytes it keeps, exactly, which positions were written, which of them hold something
//! else than the publisher's bytes, and which the engine has been told to be right. Bytes are known
//! by where they come from ([`Payload`]): right bytes of one segment at the wrong place are as wrong as
//! flipped ones.

use crate::core::config::LEAF;
use crate::core::ids::{SegmentHash, TreeHash};
use crate::core::integrity::merkle;
use crate::sim::chance::step;
use crate::sim::ranges::Ranges;
use crate::sim::stream::{SegmentId, Stream};

/// Bytes on their way: where they come from, how many, and which of them were falsified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The segment they were cut from.
    pub segment: SegmentId,
    /// Position of the first byte in that segment.
    pub at: u32,
    /// How many.
    pub len: u32,
    /// Positions inside the payload, first and past the last, that hold something else.
    pub bad: Option<(u32, u32)>,
}

/// Why a write cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// It reads past the end of the payload.
    PastPayload,
    /// It writes past the end of the buffer.
    PastBuffer,
}

/// One buffer.
#[derive(Clone, Debug)]
pub struct Buffer {
    bytes: u32,
    segment: Option<SegmentId>,
    written: Ranges,
    bad: Ranges,
    known_right: Ranges,
}

impl Buffer {
    /// An unwritten buffer.
    pub fn new(bytes: u32) -> Self {
        Self {
            bytes,
            segment: None,
            written: Ranges::default(),
            bad: Ranges::default(),
            known_right: Ranges::default(),
        }
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// The segment whose bytes were first written here.
    pub fn segment(&self) -> Option<SegmentId> {
        self.segment
    }

    /// Copies `len` bytes from position `from` of `payload` to position `at`; says how many positions are new.
    ///
    /// # Errors
    /// When the copy would leave the payload or the buffer; nothing is written then.
    pub fn write(
        &mut self,
        at: u32,
        payload: &Payload,
        from: u32,
        len: u32,
    ) -> Result<u32, WriteFault> {
        if from.checked_add(len).is_none_or(|end| end > payload.len) {
            return Err(WriteFault::PastPayload);
        }
        let end = at.checked_add(len).filter(|end| *end <= self.bytes);
        let end = end.ok_or(WriteFault::PastBuffer)?;
        let home = *self.segment.get_or_insert(payload.segment);
        let new = self.written.add(at, end);
        self.bad.remove(at, end);
        if home != payload.segment || payload.at + from != at {
            self.bad.add(at, end);
        } else if let Some((first, last)) = payload.bad {
            let moved = |position: u32| (position.max(from) - from).min(len) + at;
            self.bad.add(moved(first), moved(last));
        }
        Ok(new)
    }

    /// Whether all of `at..at + len` was written.
    pub fn is_written(&self, at: u32, len: u32) -> bool {
        self.written.covers(at, at.saturating_add(len))
    }

    /// Whether any of `at..at + len` holds something else than the publisher's bytes.
    pub fn is_bad(&self, at: u32, len: u32) -> bool {
        self.bad.touches(at, at.saturating_add(len))
    }

    /// How many positions of `at..at + len` are written already.
    pub fn count_written(&self, at: u32, len: u32) -> u32 {
        self.written.count(at, at.saturating_add(len))
    }

    /// Whether the engine was told that all of `at..at + len` is right.
    pub fn is_known_right(&self, at: u32, len: u32) -> bool {
        self.known_right.covers(at, at.saturating_add(len))
    }

    /// The engine is being told a true hash of `at..at + len`.
    pub fn learn(&mut self, at: u32, len: u32) {
        if self.is_right(at, len) {
            self.known_right.add(at, at.saturating_add(len));
        }
    }

    /// A view of `at..at + len`, to be sent. `None` before anything was written.
    pub fn view(&self, at: u32, len: u32) -> Option<Payload> {
        let bad = self.is_bad(at, len) || !self.is_written(at, len);
        Some(Payload {
            segment: self.segment?,
            at,
            len,
            bad: bad.then_some((0, len)),
        })
    }

    /// The hash of `at..at + len`: leaf `at / LEAF`'s, if exactly its right bytes are there.
    pub fn leaf_hash(&self, stream: &Stream, at: u32, len: u32) -> TreeHash {
        let leaf = at / LEAF;
        let truth = self.segment.and_then(|id| stream.segment(id));
        let whole_leaf = merkle::leaf_range(self.bytes, leaf) == (at, len);
        truth
            .filter(|s| s.info.bytes == self.bytes && whole_leaf && self.is_right(at, len))
            .and_then(|s| s.leaves.get(leaf as usize).copied())
            .unwrap_or(TreeHash(falsehood(at, len)))
    }

    /// The hashes of the leaves that `at..at + len` is made of.
    pub fn leaf_hashes(&self, stream: &Stream, at: u32, len: u32) -> Vec<TreeHash> {
        let leaves = parts(at, len);
        leaves
            .map(|(at, len)| self.leaf_hash(stream, at, len))
            .collect()
    }

    /// The engine is being told these hashes of the leaves that `at..at + len` is made of; some may be outdated.
    pub fn learn_leaves(&mut self, stream: &Stream, at: u32, len: u32, hashes: &[TreeHash]) {
        for ((at, len), hash) in parts(at, len).zip(hashes) {
            if self.leaf_hash(stream, at, len) == *hash {
                self.learn(at, len);
            }
        }
    }

    /// The hash of the whole buffer: the segment's name, if exactly its right bytes are there.
    pub fn segment_hash(&self, stream: &Stream) -> SegmentHash {
        let truth = self.segment.and_then(|id| stream.segment(id));
        truth
            .filter(|s| s.info.bytes == self.bytes && self.is_right(0, self.bytes))
            .map_or(SegmentHash(falsehood(0, self.bytes)), |s| s.info.hash)
    }

    /// Whether all of `at..at + len` is written with the publisher's bytes.
    pub fn is_right(&self, at: u32, len: u32) -> bool {
        self.is_written(at, len) && !self.is_bad(at, len)
    }
}

/// Leaves, each with its length.
fn parts(at: u32, len: u32) -> impl Iterator<Item = (u32, u32)> {
    let end = at.saturating_add(len);
    let starts = (at..end).step_by(LEAF as usize);
    starts.map(move |at| (at, LEAF.min(end - at)))
}

/// A hash that no right bytes have.
fn falsehood(at: u32, len: u32) -> [u8; 32] {
    let mut out = [0xee; 32];
    let value = step((u64::from(at) << 32) | u64::from(len));
    for (place, byte) in out.iter_mut().zip(value.to_le_bytes()) {
        *place = byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::Duration;
    use crate::sim::stream::StreamSpec;

    fn setup() -> (Stream, Buffer) {
        let stream = Stream::new(1, StreamSpec::default(), Duration::from_secs(2));
        let bytes = stream.segment(SegmentId(0)).unwrap().info.bytes;
        (stream, Buffer::new(bytes))
    }

    fn payload(at: u32, len: u32) -> Payload {
        Payload {
            segment: SegmentId(0),
            at,
            len,
            bad: None,
        }
    }

    #[test]
    fn right_bytes_hash_right_and_only_when_complete() {
        let (stream, mut buffer) = setup();
        let truth = stream.segment(SegmentId(0)).unwrap();
        let bytes = buffer.bytes();
        assert_ne!(buffer.segment_hash(&stream), truth.info.hash);
        assert_eq!(
            buffer.write(0, &payload(0, bytes), 0, bytes - 1),
            Ok(bytes - 1)
        );
        assert_eq!(buffer.leaf_hash(&stream, LEAF, LEAF), truth.leaves[1]);
        assert_ne!(buffer.segment_hash(&stream), truth.info.hash);
        assert_eq!(buffer.write(bytes - 1, &payload(bytes - 1, 1), 0, 1), Ok(1));
        assert_eq!(buffer.segment_hash(&stream), truth.info.hash);
    }

    #[test]
    fn one_bad_byte_spoils_its_leaf_until_it_is_overwritten() {
        let (stream, mut buffer) = setup();
        let bytes = buffer.bytes();
        let mut spoilt = payload(0, bytes);
        spoilt.bad = Some((LEAF + 5, LEAF + 6));
        assert_eq!(buffer.write(0, &spoilt, 0, bytes), Ok(bytes));
        let truth = stream.segment(SegmentId(0)).unwrap();
        assert_eq!(buffer.leaf_hash(&stream, 0, LEAF), truth.leaves[0]);
        assert_ne!(buffer.leaf_hash(&stream, LEAF, LEAF), truth.leaves[1]);
        assert_eq!(buffer.write(LEAF, &payload(LEAF, LEAF), 0, LEAF), Ok(0));
        assert_eq!(buffer.segment_hash(&stream), truth.info.hash);
    }

    #[test]
    fn right_bytes_in_the_wrong_place_are_wrong() {
        let (stream, mut buffer) = setup();
        assert!(buffer.write(0, &payload(LEAF, LEAF), 0, LEAF).is_ok());
        assert!(buffer.is_bad(0, LEAF));
        let other = Payload {
            segment: SegmentId(1),
            ..payload(0, LEAF)
        };
        assert!(buffer.write(0, &payload(0, LEAF), 0, LEAF).is_ok());
        assert!(!buffer.is_bad(0, LEAF));
        assert!(buffer.write(0, &other, 0, LEAF).is_ok());
        assert_ne!(
            buffer.leaf_hash(&stream, 0, LEAF),
            stream.segment(SegmentId(0)).unwrap().leaves[0]
        );
    }

    #[test]
    fn out_of_range_writes_are_refused() {
        let (_, mut buffer) = setup();
        let bytes = buffer.bytes();
        assert_eq!(
            buffer.write(0, &payload(0, 10), 5, 6),
            Err(WriteFault::PastPayload)
        );
        assert_eq!(
            buffer.write(bytes - 5, &payload(0, 10), 0, 6),
            Err(WriteFault::PastBuffer)
        );
        assert!(!buffer.is_written(0, 1));
    }
}
