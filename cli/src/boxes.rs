//! ISO base media file format (ISO/IEC 14496-12), as far as a live origin and the sealer need it: walk boxes, read
//! numbers, and move a fragment to another place on the timeline.
//!
//! Invariants: every access is checked against the bytes at hand, so no input can make this panic; a
//! box never reaches beyond its parent; rewriting changes numbers in place and never a length.

use std::ops::Range;
use thiserror::Error;

/// A box type: four characters.
pub(crate) type Kind = [u8; 4];

/// What is wrong with the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum BoxError {
    /// A box is longer than what holds it, or shorter than its own header.
    #[error("box at byte {0} has an impossible size")]
    Size(usize),
    /// A field lies beyond the end of its box.
    #[error("box {} is too short", kind.escape_ascii())]
    Short {
        /// The box.
        kind: Kind,
    },
    /// A required box is not there.
    #[error("box {} is missing", kind.escape_ascii())]
    Missing {
        /// The box.
        kind: Kind,
    },
    /// A 32-bit time does not reach as far as asked.
    #[error("box {} has a 32-bit time, too small for a long event", kind.escape_ascii())]
    TimeOverflow {
        /// The box.
        kind: Kind,
    },
}

/// The beginning of a box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// Its type.
    pub kind: Kind,
    /// Header and body in bytes, as the box says; `None`: to the end of the file.
    pub size: Option<u64>,
    /// The header alone, in bytes.
    pub len: usize,
}

impl Header {
    /// As long as a header can be, in bytes.
    pub(crate) const LONGEST: usize = 16;

    /// The header that these bytes begin with; `None` if it is not whole.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let kind = field::<4>(bytes, 4..8)?;
        let (size, len) = match u32::from_be_bytes(field::<4>(bytes, 0..4)?) {
            0 => (None, 8),
            1 => (Some(u64::from_be_bytes(field::<8>(bytes, 8..16)?)), 16),
            size => (Some(size.into()), 8),
        };
        Some(Self { kind, size, len })
    }
}

/// Where one box lies in the bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mp4Box {
    /// Its type.
    pub kind: Kind,
    /// Header and body.
    pub whole: Range<usize>,
    /// What follows the header.
    pub body: Range<usize>,
}

impl Mp4Box {
    /// Big-endian number of `N` bytes at offset `at` of the body.
    pub(crate) fn read<const N: usize>(&self, data: &[u8], at: usize) -> Result<u64, BoxError> {
        let bytes = field::<N>(data, self.range(at, N)?).ok_or(self.short())?;
        Ok(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// Overwrites the low `N` bytes of `value`, big-endian, at offset `at` of the body.
    pub(crate) fn write<const N: usize>(
        &self,
        data: &mut [u8],
        at: usize,
        value: u64,
    ) -> Result<(), BoxError> {
        let range = self.range(at, N)?;
        let target = data.get_mut(range).ok_or(self.short())?;
        for (byte, value) in target.iter_mut().rev().zip(value.to_le_bytes()) {
            *byte = value;
        }
        Ok(())
    }

    /// The body from offset `at` on, for boxes with fields before their children.
    pub(crate) fn children(&self, at: usize) -> Range<usize> {
        self.body.start.saturating_add(at).min(self.body.end)..self.body.end
    }

    fn range(&self, at: usize, len: usize) -> Result<Range<usize>, BoxError> {
        let from = self.body.start.checked_add(at).ok_or(self.short())?;
        let to = from.checked_add(len).ok_or(self.short())?;
        if to > self.body.end {
            return Err(self.short());
        }
        Ok(from..to)
    }

    fn short(&self) -> BoxError {
        BoxError::Short { kind: self.kind }
    }
}

/// A box of its own.
pub(crate) fn boxed(kind: &Kind, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

/// The boxes that lie side by side in `within`.
pub(crate) fn boxes(data: &[u8], within: Range<usize>) -> Result<Vec<Mp4Box>, BoxError> {
    let mut list = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let next = box_at(data, at, within.end)?;
        at = next.whole.end;
        list.push(next);
    }
    Ok(list)
}

/// The first box at the end of `path`, each step the first of its kind.
pub(crate) fn find(data: &[u8], within: Range<usize>, path: &[Kind]) -> Result<Mp4Box, BoxError> {
    let (kind, rest) = match path {
        [] => return Err(BoxError::Missing { kind: *b"    " }),
        [kind, rest @ ..] => (*kind, rest),
    };
    let here = boxes(data, within)?;
    let found = here.into_iter().find(|b| b.kind == kind);
    let found = found.ok_or(BoxError::Missing { kind })?;
    if rest.is_empty() {
        return Ok(found);
    }
    find(data, found.body, rest)
}

/// Moves a media segment to another place: `sequence` becomes its fragment number, `shift` (in units
/// of the track's timescale) is added to its decode time and, if there is an index, to that too.
///
/// # Errors
/// The bytes are no fragment, or its time field is too small.
pub(crate) fn restamp(data: &mut [u8], sequence: u32, shift: u64) -> Result<(), BoxError> {
    for top in boxes(data, 0..data.len())? {
        match &top.kind {
            b"moof" => restamp_moof(data, &top, sequence, shift)?,
            // version, flags, reference_ID, timescale, then earliest_presentation_time
            b"sidx" => add_time(data, &top, 12, shift)?,
            _ => {}
        }
    }
    Ok(())
}

/// The decode time of a segment's first sample, in units of the track's timescale.
pub(crate) fn decode_time(data: &[u8]) -> Result<u64, BoxError> {
    let tfdt = find(data, 0..data.len(), &[*b"moof", *b"traf", *b"tfdt"])?;
    match tfdt.read::<1>(data, 0)? {
        0 => tfdt.read::<4>(data, 4),
        _ => tfdt.read::<8>(data, 4),
    }
}

fn restamp_moof(data: &mut [u8], moof: &Mp4Box, sequence: u32, shift: u64) -> Result<(), BoxError> {
    find(data, moof.body.clone(), &[*b"mfhd"])?.write::<4>(data, 4, u64::from(sequence))?;
    for traf in boxes(data, moof.body.clone())? {
        if traf.kind == *b"traf" {
            let tfdt = find(data, traf.body, &[*b"tfdt"])?;
            add_time(data, &tfdt, 4, shift)?;
        }
    }
    Ok(())
}

/// Adds to a time that has 32 bits in version 0 of its box and 64 in version 1.
fn add_time(data: &mut [u8], holder: &Mp4Box, at: usize, shift: u64) -> Result<(), BoxError> {
    let overflow = BoxError::TimeOverflow { kind: holder.kind };
    if holder.read::<1>(data, 0)? == 0 {
        let time = holder.read::<4>(data, at)?.checked_add(shift);
        let time = time.filter(|t| u32::try_from(*t).is_ok()).ok_or(overflow)?;
        holder.write::<4>(data, at, time)
    } else {
        let time = holder.read::<8>(data, at)?.checked_add(shift);
        holder.write::<8>(data, at, time.ok_or(overflow)?)
    }
}

fn box_at(data: &[u8], at: usize, end: usize) -> Result<Mp4Box, BoxError> {
    let wrong = || BoxError::Size(at);
    let here = data.get(at..end).ok_or_else(wrong)?;
    let header = Header::read(here).ok_or_else(wrong)?;
    let size = header.size.unwrap_or(here.len() as u64);
    let size = usize::try_from(size).map_err(|_| wrong())?;
    let stop = at.checked_add(size).ok_or_else(wrong)?;
    if size < header.len || stop > end {
        return Err(wrong());
    }
    Ok(Mp4Box {
        kind: header.kind,
        whole: at..stop,
        body: at + header.len..stop,
    })
}

fn field<const N: usize>(data: &[u8], range: Range<usize>) -> Option<[u8; N]> {
    data.get(range)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(tfdt: &[u8]) -> Vec<u8> {
        let mfhd = boxed(b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 9]);
        let traf = boxed(b"traf", &boxed(b"tfdt", tfdt));
        let mut out = boxed(b"moof", &[mfhd, traf].concat());
        out.extend(boxed(b"mdat", b"media"));
        out
    }

    #[test]
    fn moves_both_versions_of_a_decode_time() {
        for tfdt in [
            &[0, 0, 0, 0, 0, 0, 1, 0][..],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        ] {
            let mut data = fragment(tfdt);
            let before = data.len();
            restamp(&mut data, 77, 1000).unwrap();
            assert_eq!(decode_time(&data), Ok(1256));
            let mfhd = find(&data, 0..data.len(), &[*b"moof", *b"mfhd"]).unwrap();
            assert_eq!(mfhd.read::<4>(&data, 4), Ok(77));
            assert_eq!(data.len(), before);
        }
    }

    #[test]
    fn moves_an_index() {
        // version 1, reference_ID, timescale, earliest_presentation_time, first_offset
        let mut sidx = vec![1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 90];
        sidx.extend([0; 16]);
        let mut data = [boxed(b"sidx", &sidx), fragment(&[0; 8])].concat();
        restamp(&mut data, 1, 180).unwrap();
        let sidx = find(&data, 0..data.len(), &[*b"sidx"]).unwrap();
        assert_eq!(sidx.read::<8>(&data, 12), Ok(180));
    }

    #[test]
    fn refuses_a_time_that_does_not_fit() {
        let mut data = fragment(&[0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(
            restamp(&mut data, 1, 1),
            Err(BoxError::TimeOverflow { kind: *b"tfdt" })
        );
    }

    #[test]
    fn any_cut_or_flip_is_an_error_or_fine_but_never_a_panic() {
        let whole = fragment(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        for cut in 0..whole.len() {
            let _ = restamp(&mut whole[..cut].to_vec(), 1, 1);
            for value in [0, 1, 7, 127, 255] {
                let mut data = whole.clone();
                data[cut] = value;
                let _ = restamp(&mut data, 1, u64::MAX);
                let _ = decode_time(&data);
            }
        }
    }

    #[test]
    fn a_box_does_not_reach_beyond_its_parent() {
        let mut inner = boxed(b"mfhd", &[0; 8]);
        inner[3] = 200;
        let data = boxed(b"moof", &inner);
        let moof = find(&data, 0..data.len(), &[*b"moof"]).unwrap();
        assert_eq!(boxes(&data, moof.body), Err(BoxError::Size(8)));
    }
}
