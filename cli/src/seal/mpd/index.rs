//! Segment indexes of media files (`sidx`, ISO/IEC 14496-12 §8.16.3): which bytes are which segment, as players work it
//! out by themselves.
//!
//! Invariants: nothing that the file says is believed. No more is read or allocated than is there, nor than all
//! indexes of a long film need; every sum is checked; indexes of indexes are followed only so deep.

use crate::boxes::{BoxError, Header, Kind, Mp4Box, boxes};
use crate::seal::playlist::Part;
use std::io::{self, Read, Seek, SeekFrom};

const SIDX: Kind = *b"sidx";

/// What stands before an index: file type, movie, and a few boxes of the packager's own.
const MOST_BOXES: usize = 64;

/// Indexes of indexes, one below the other.
const DEEPEST: usize = 4;

/// All indexes of one file together, in bytes: half a million segments of 12 bytes each, and some room.
const MOST_BYTES: u64 = 8 << 20;

/// Bytes of a file that are one segment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Subsegment {
    /// Which bytes.
    pub(crate) part: Part,
    /// Seconds on the media's own timeline.
    pub(crate) start: f64,
    /// Seconds.
    pub(crate) duration: f64,
}

/// Why a file's segments are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// There is none where it should be.
    #[error("has no segment index (sidx) there")]
    Missing,
    /// It is no index, or not whole.
    #[error("has a broken segment index: {0}")]
    Broken(#[from] BoxError),
    /// It says what cannot be.
    #[error("has a segment index that {0}")]
    Absurd(&'static str),
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The subsegments that the first index within `part` of a file lists, in the order of time.
///
/// # Errors
/// The file cannot be read; it has no index there, or one that is broken.
pub(crate) fn subsegments(
    file: &mut (impl Read + Seek),
    part: Part,
) -> Result<Vec<Subsegment>, IndexError> {
    let (from, end) = match part {
        Part::Whole => (0, u64::MAX),
        Part::Bytes { offset, len } => (offset, offset.saturating_add(len)),
    };
    let first = first_index(file, from, end)?;
    let mut walk = Walk {
        file,
        left: MOST_BYTES,
        found: Vec::new(),
    };
    walk.index(first, 0)?;
    Ok(walk.found)
}

/// Where the first index is: before the media, if anywhere.
fn first_index(file: &mut (impl Read + Seek), from: u64, end: u64) -> Result<u64, IndexError> {
    let mut at = from;
    for _ in 0..MOST_BOXES {
        let bytes = read(file, at, Header::LONGEST as u64)?;
        let header = Header::read(&bytes).filter(|_| at < end);
        let (kind, size) = match header {
            Some(Header {
                kind,
                size: Some(size),
                len,
            }) if size >= len as u64 => (kind, size),
            _ => return Err(IndexError::Missing),
        };
        match &kind {
            b"sidx" => return Ok(at),
            b"moof" | b"mdat" => return Err(IndexError::Missing),
            _ => at = at.checked_add(size).ok_or(IndexError::Missing)?,
        }
    }
    Err(IndexError::Missing)
}

/// At most `len` bytes from `at` on: as many as there are.
fn read(file: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One way through a file's indexes.
struct Walk<'a, F> {
    file: &'a mut F,
    /// Bytes of indexes that may still be read.
    left: u64,
    found: Vec<Subsegment>,
}

impl<F: Read + Seek> Walk<'_, F> {
    fn index(&mut self, at: u64, depth: usize) -> Result<(), IndexError> {
        if depth > DEEPEST {
            return Err(IndexError::Absurd("leads to others without end"));
        }
        let data = self.read_box(at)?;
        let sidx = boxes(&data, 0..data.len())?.into_iter().next();
        let sidx = sidx.ok_or(BoxError::Missing { kind: SIDX })?;
        let fields = Fields::read(&data, &sidx)?;
        let (mut offset, mut time) = (fields.anchor(at + data.len() as u64)?, fields.time);
        for number in 0..fields.count {
            let reference = Reference::read(&data, &sidx, fields.references + 12 * number)?;
            let part = Part::bytes(offset, reference.size).ok_or(IndexError::Absurd(
                "lists a segment without bytes, or beyond all files",
            ))?;
            if reference.to_index {
                self.index(offset, depth + 1)?;
            } else if reference.ticks > 0 {
                // What takes no time, no player asks for.
                self.found.push(Subsegment {
                    part,
                    start: time as f64 / fields.scale,
                    duration: reference.ticks as f64 / fields.scale,
                });
            }
            offset += reference.size;
            time = time
                .checked_add(reference.ticks)
                .ok_or(IndexError::Absurd("goes on for ever"))?;
        }
        Ok(())
    }

    /// An index box, whole.
    fn read_box(&mut self, at: u64) -> Result<Vec<u8>, IndexError> {
        let head = read(self.file, at, Header::LONGEST as u64)?;
        let header = Header::read(&head).filter(|header| header.kind == SIDX);
        let size = header.and_then(|header| header.size);
        let size = size.ok_or(BoxError::Missing { kind: SIDX })?;
        self.left = self
            .left
            .checked_sub(size)
            .ok_or(IndexError::Absurd("is longer than any film needs"))?;
        let data = read(self.file, at, size)?;
        if (data.len() as u64) < size {
            return Err(BoxError::Short { kind: SIDX }.into());
        }
        Ok(data)
    }
}

/// What an index says of all its references.
struct Fields {
    /// Ticks per second, more than 0.
    scale: f64,
    /// Of the first reference, in ticks.
    time: u64,
    /// From the end of the index to the first byte referred to.
    first_offset: u64,
    count: usize,
    /// Where the references begin in the box's body.
    references: usize,
}

impl Fields {
    /// Version and flags, reference_ID, timescale, then two times in 32 or 64 bits, a reserved number and the count.
    fn read(data: &[u8], sidx: &Mp4Box) -> Result<Self, IndexError> {
        let scale = sidx.read::<4>(data, 8)?;
        let (time, first_offset, end) = match sidx.read::<1>(data, 0)? {
            0 => (sidx.read::<4>(data, 12)?, sidx.read::<4>(data, 16)?, 20),
            _ => (sidx.read::<8>(data, 12)?, sidx.read::<8>(data, 20)?, 28),
        };
        if scale == 0 {
            return Err(IndexError::Absurd("counts time in nothing"));
        }
        Ok(Self {
            scale: scale as f64,
            time,
            first_offset,
            count: sidx.read::<2>(data, end + 2)? as usize,
            references: end + 4,
        })
    }

    /// The first byte referred to by an index that ends at `end`.
    fn anchor(&self, end: u64) -> Result<u64, IndexError> {
        let first = end.checked_add(self.first_offset);
        first.ok_or(IndexError::Absurd("begins beyond all files"))
    }
}

/// One line of an index.
struct Reference {
    /// It leads to another index, not to media.
    to_index: bool,
    /// Bytes up to where the next reference leads.
    size: u64,
    ticks: u64,
}

impl Reference {
    fn read(data: &[u8], sidx: &Mp4Box, at: usize) -> Result<Self, BoxError> {
        let first = sidx.read::<4>(data, at)?;
        Ok(Self {
            to_index: first >> 31 == 1,
            size: first & 0x7fff_ffff,
            ticks: sidx.read::<4>(data, at + 4)?,
        })
    }
}

#[cfg(test)]
mod tests;
