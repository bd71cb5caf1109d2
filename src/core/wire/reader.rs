//! A cursor over a peer's bytes. Every read is checked; every length is capped before anything is
//! allocated for it.

use super::{Bitmap, Holding, MAX_HASHES, MAX_LEAVES, WireError};
use crate::core::ids::{SegmentHash, TreeHash};
use crate::core::list::List;

/// What is left to read.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn flag(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Flag),
        }
    }

    pub(super) fn segment(&mut self) -> Result<SegmentHash, WireError> {
        self.array().map(SegmentHash)
    }

    /// `first` and `count` of a range that a segment could have.
    pub(super) fn range(&mut self) -> Result<(u32, u32), WireError> {
        let (first, count) = (self.u32()?, self.u32()?);
        check_range(first, count).map(|()| (first, count))
    }

    pub(super) fn leaf(&mut self) -> Result<u32, WireError> {
        let leaf = self.u32()?;
        check_range(leaf, 1).map(|()| leaf)
    }

    pub(super) fn holding(&mut self) -> Result<Holding, WireError> {
        let leaves = self.u32()?;
        if !(1..=MAX_LEAVES).contains(&leaves) {
            return Err(WireError::Leaves);
        }
        if self.flag()? {
            return Ok(Holding::Complete(leaves));
        }
        let bytes = self.bytes(leaves.div_ceil(8) as usize)?;
        let bitmap = Bitmap::from_bytes(leaves, bytes).ok_or(WireError::Bitmap)?;
        Ok(Holding::Partial(bitmap))
    }

    /// A range that a segment could have, and which of it is meant.
    pub(super) fn window(&mut self) -> Result<(u32, Bitmap), WireError> {
        let (first, count) = self.range()?;
        let bytes = self.bytes(count.div_ceil(8) as usize)?;
        let bits = Bitmap::from_bytes(count, bytes).ok_or(WireError::Bitmap)?;
        Ok((first, bits))
    }

    /// The first leaf and the hashes from there on.
    pub(super) fn hashes(&mut self) -> Result<(u32, Vec<TreeHash>), WireError> {
        let (first, count) = (self.u32()?, self.u16()?);
        if !(1..=MAX_HASHES).contains(&usize::from(count)) {
            return Err(WireError::Hashes);
        }
        check_range(first, u32::from(count))?;
        let bytes = self.bytes(usize::from(count) * 32)?;
        let hashes = bytes.as_chunks().0.iter().copied().map(TreeHash);
        Ok((first, hashes.list()))
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), WireError> {
        self.0.is_empty().then_some(()).ok_or(WireError::Trailing)
    }
}

fn check_range(first: u32, count: u32) -> Result<(), WireError> {
    match first.checked_add(count) {
        Some(end) if count > 0 && end <= MAX_LEAVES => Ok(()),
        _ => Err(WireError::Range),
    }
}
