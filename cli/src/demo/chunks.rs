//! Cuts a fragment into CMAF chunks (ISO/IEC 23000-19 §7.3.2.3): the same samples in the same order, in several moof and
//! mdat of equal length in time, as a low-latency packager sends them while they are encoded.

use crate::boxes::{BoxError, Kind, Mp4Box, boxed, decode_time, find};
use std::ops::Range;

/// Flags of `tfhd` and `trun` that say which fields are there (ISO/IEC 14496-12 §8.8.7, §8.8.8).
const TFHD_BASE: u64 = 0x01;
const TFHD_DESCRIPTION: u64 = 0x02;
const TFHD_DURATION: u64 = 0x08;
const TFHD_SIZE: u64 = 0x10;
const TRUN_OFFSET: u64 = 0x01;
const TRUN_FIRST_FLAGS: u64 = 0x04;
const TRUN_DURATION: u64 = 0x100;
const TRUN_SIZE: u64 = 0x200;
const TRUN_ENTRY: u64 = 0xf00;

/// A fragment of one track run, read as far as cutting it needs.
struct Run<'a> {
    tfhd: &'a [u8],
    time: u64,
    /// Version and flags of `trun`.
    head: u64,
    first_flags: Option<u64>,
    samples: Vec<Sample<'a>>,
    media: &'a [u8],
}

/// One sample: its entry in `trun` as it is, its duration in ticks, its bytes' place in the mdat.
struct Sample<'a> {
    entry: &'a [u8],
    duration: u64,
    place: Range<usize>,
}

/// The chunks of `fragment`, `count` of them unless it has fewer samples; the first gets the fragment number `sequence`.
///
/// # Errors
/// The bytes are no fragment with one track run.
pub(super) fn split(fragment: &[u8], count: u64, sequence: u32) -> Result<Vec<Vec<u8>>, BoxError> {
    let run = read(fragment)?;
    let total: u64 = run.samples.iter().map(|sample| sample.duration).sum();
    let mut chunks = Vec::new();
    let (mut first, mut at) = (0, 0);
    for part in 1..=count {
        let end = total * part / count.max(1);
        let (mut last, mut time) = (first, at);
        // Who begins in this part belongs to it.
        while let Some(sample) = run.samples.get(last).filter(|_| time < end) {
            time += sample.duration;
            last += 1;
        }
        if last > first {
            let number = sequence.wrapping_add(chunks.len() as u32);
            chunks.push(run.chunk(first..last, run.time + at, number)?);
        }
        (first, at) = (last, time);
    }
    Ok(chunks)
}

/// How many samples `fragment` has, and how long they last by what it says of each, in ticks of its track.
///
/// # Errors
/// The bytes are no fragment with one track run.
pub(super) fn extent(fragment: &[u8]) -> Result<(usize, u64), BoxError> {
    let samples = read(fragment)?.samples;
    Ok((samples.len(), samples.iter().map(|s| s.duration).sum()))
}

impl Run<'_> {
    fn chunk(&self, range: Range<usize>, time: u64, sequence: u32) -> Result<Vec<u8>, BoxError> {
        let samples = self.samples.get(range.clone()).ok_or(missing(b"trun"))?;
        let from = samples.first().map_or(0, |sample| sample.place.start);
        let to = samples.last().map_or(0, |sample| sample.place.end);
        let media = self.media.get(from..to).ok_or(missing(b"mdat"))?;
        let first_flags = self.first_flags.filter(|_| range.start == 0);

        let mut head = self.head & !TRUN_FIRST_FLAGS | TRUN_OFFSET;
        head |= first_flags.map_or(0, |_| TRUN_FIRST_FLAGS);
        let mut trun = [head as u32, samples.len() as u32, 0]
            .map(u32::to_be_bytes)
            .concat();
        trun.extend(
            first_flags
                .into_iter()
                .flat_map(|flags| (flags as u32).to_be_bytes()),
        );
        trun.extend(samples.iter().flat_map(|sample| sample.entry));
        let mfhd = boxed(b"mfhd", &[0, sequence].map(u32::to_be_bytes).concat());
        let tfdt = boxed(
            b"tfdt",
            &[vec![1, 0, 0, 0], time.to_be_bytes().to_vec()].concat(),
        );
        let before = [self.tfhd.to_vec(), tfdt].concat();
        let traf = boxed(b"traf", &[before.clone(), boxed(b"trun", &trun)].concat());
        let mut moof = boxed(b"moof", &[mfhd.clone(), traf].concat());
        // From the first byte of moof to the first sample: its own length and mdat's header.
        let offset = (moof.len() as u32 + 8).to_be_bytes();
        let at = 8 + mfhd.len() + 8 + before.len() + 8 + 8;
        moof.get_mut(at..at + 4)
            .ok_or(missing(b"trun"))?
            .copy_from_slice(&offset);
        moof.extend(boxed(b"mdat", media));
        Ok(moof)
    }
}

fn read(data: &[u8]) -> Result<Run<'_>, BoxError> {
    let part = |name: &Kind| find(data, 0..data.len(), &[*b"moof", *b"traf", *name]);
    let (tfhd, trun) = (part(b"tfhd")?, part(b"trun")?);
    let mdat = find(data, 0..data.len(), &[*b"mdat"])?;
    let head = trun.read::<4>(data, 0)?;
    let skipped = if head & TRUN_OFFSET == 0 { 8 } else { 12 };
    let has_flags = head & TRUN_FIRST_FLAGS != 0;
    let first_flags = has_flags
        .then(|| trun.read::<4>(data, skipped))
        .transpose()?;
    let entries = skipped + if has_flags { 4 } else { 0 };
    Ok(Run {
        tfhd: data.get(tfhd.whole.clone()).ok_or(missing(b"tfhd"))?,
        time: decode_time(data)?,
        head,
        first_flags,
        samples: samples(data, &tfhd, &trun, entries)?,
        media: data.get(mdat.body).ok_or(missing(b"mdat"))?,
    })
}

fn samples<'a>(
    data: &'a [u8],
    tfhd: &Mp4Box,
    trun: &Mp4Box,
    entries: usize,
) -> Result<Vec<Sample<'a>>, BoxError> {
    let head = trun.read::<4>(data, 0)?;
    let count = trun.read::<4>(data, 4)?;
    let length = 4 * (head & TRUN_ENTRY).count_ones() as usize;
    let (usual_duration, usual_size) = defaults(data, tfhd)?;
    let mut at = trun.body.start + entries;
    let mut place = 0;
    let mut all = Vec::new();
    for _ in 0..count {
        let entry = data
            .get(at..at + length)
            .filter(|_| at + length <= trun.body.end);
        let entry = entry.ok_or(BoxError::Short { kind: *b"trun" })?;
        let mut fields = entry.chunks_exact(4).map(number);
        let duration = if head & TRUN_DURATION == 0 {
            usual_duration
        } else {
            fields.next().unwrap_or(0)
        };
        let size = if head & TRUN_SIZE == 0 {
            usual_size
        } else {
            fields.next().unwrap_or(0)
        };
        let end = place + size as usize;
        all.push(Sample {
            entry,
            duration,
            place: place..end,
        });
        place = end;
        at += length;
    }
    Ok(all)
}

/// Duration and size of a sample that states none.
fn defaults(data: &[u8], tfhd: &Mp4Box) -> Result<(u64, u64), BoxError> {
    let flags = tfhd.read::<3>(data, 1)?;
    let mut at = 8;
    let mut field = |flag: u64, size: usize| -> Result<u64, BoxError> {
        if flags & flag == 0 {
            return Ok(0);
        }
        let value = if size == 4 {
            tfhd.read::<4>(data, at)?
        } else {
            0
        };
        at += size;
        Ok(value)
    };
    field(TFHD_BASE, 8)?;
    field(TFHD_DESCRIPTION, 4)?;
    Ok((field(TFHD_DURATION, 4)?, field(TFHD_SIZE, 4)?))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

fn missing(kind: &Kind) -> BoxError {
    BoxError::Missing { kind: *kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::boxes;
    use crate::demo::clip;
    use crate::demo::clip::tests::stated_duration;

    #[test]
    fn chunks_hold_the_same_samples_one_after_the_other() {
        for track in clip::tracks(None).unwrap() {
            for fragment in &track.fragments {
                let chunks = split(fragment.bytes, 4, 9).unwrap();
                assert_eq!(chunks.len(), 4);
                let mut time = fragment.start;
                let mut media = Vec::new();
                for (k, chunk) in chunks.iter().enumerate() {
                    assert_eq!(decode_time(chunk).unwrap(), time);
                    time += stated_duration(chunk);
                    let quarter = fragment.duration as f64 / 4.0;
                    let late = time as f64 - fragment.start as f64 - (k + 1) as f64 * quarter;
                    // No sample is longer than 1,024 of 48,000 or 1,000 of 30,000 ticks.
                    assert!(
                        (0.0..1024.0).contains(&late),
                        "chunk {k} ends {late} ticks late"
                    );
                    let run = read(chunk).unwrap();
                    media.extend_from_slice(run.media);
                    let end = run.samples.last().unwrap().place.end;
                    assert_eq!(end, run.media.len());
                    assert_eq!(
                        run.first_flags.is_some(),
                        k == 0 && read(fragment.bytes).unwrap().first_flags.is_some()
                    );
                    let kinds: Vec<_> = boxes(chunk, 0..chunk.len())
                        .unwrap()
                        .iter()
                        .map(|b| b.kind)
                        .collect();
                    assert_eq!(kinds, [*b"moof", *b"mdat"]);
                }
                assert_eq!(time, fragment.start + fragment.duration);
                assert_eq!(media, read(fragment.bytes).unwrap().media);
            }
        }
    }

    #[test]
    fn what_is_no_fragment_is_an_error() {
        let tracks = clip::tracks(None).unwrap();
        let whole = tracks[0].fragments[0].bytes;
        for end in (0..400).chain([whole.len() - 1]) {
            assert!(split(&whole[..end], 4, 1).is_err(), "{end}");
        }
    }
}
