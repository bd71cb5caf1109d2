use super::*;
use crate::boxes::boxed;
use proptest::prelude::*;
use std::io::Cursor;

const TO_INDEX: u32 = 1 << 31;

/// Version 0: ticks of a tenth of a second from `time` on, references of (size, ticks).
fn sidx(time: u32, first_offset: u32, references: &[(u32, u32)]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in [0, 1, 10, time, first_offset, references.len() as u32] {
        body.extend(field.to_be_bytes());
    }
    for (size, ticks) in references {
        for field in [*size, *ticks, 0x9000_0000] {
            body.extend(field.to_be_bytes());
        }
    }
    boxed(b"sidx", &body)
}

/// What stands before an index.
fn head() -> Vec<u8> {
    [boxed(b"ftyp", b"iso6"), boxed(b"moov", &[0; 92])].concat()
}

fn read_in(file: &[u8], part: Part) -> Result<Vec<(Part, f64, f64)>, IndexError> {
    let found = subsegments(&mut Cursor::new(file), part)?;
    Ok(found
        .into_iter()
        .map(|s| (s.part, s.start, s.duration))
        .collect())
}

fn refused(file: &[u8]) -> String {
    read_in(file, Part::Whole).unwrap_err().to_string()
}

fn part(offset: u64, len: u64) -> Part {
    Part::bytes(offset, len).unwrap()
}

#[test]
fn an_index_is_found_after_the_movie_or_where_it_is_said_to_be() {
    let index = sidx(5, 7, &[(100, 20), (40, 15), (9, 0)]);
    let file = [head(), index.clone(), vec![0; 200]].concat();
    let (at, end) = (112, 112 + index.len() as u64);
    let expected = [
        (part(end + 7, 100), 0.5, 2.0),
        (part(end + 107, 40), 2.5, 1.5),
    ];
    assert_eq!(read_in(&file, Part::Whole).unwrap(), expected);
    assert_eq!(
        read_in(&file, part(at, index.len() as u64)).unwrap(),
        expected
    );
    // Something may stand before it there, too.
    assert_eq!(read_in(&file, part(12, 200)).unwrap(), expected);
}

#[test]
fn the_second_version_has_64_bits_of_time_and_place() {
    let mut body = [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2].to_vec();
    body.extend((1_u64 << 40).to_be_bytes());
    body.extend((1_u64 << 41).to_be_bytes());
    body.extend([0, 0, 0, 1]);
    body.extend([0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    let index = boxed(b"sidx", &body);
    let expected = (
        part((1 << 41) + index.len() as u64, 256),
        (1_u64 << 39) as f64,
        2.0,
    );
    assert_eq!(read_in(&index, Part::Whole).unwrap(), [expected]);
}

/// An index of two, each of which lists a segment right behind itself or behind both.
#[test]
fn an_index_of_indexes_is_followed() {
    let (one, two) = (sidx(0, 44, &[(300, 20)]), sidx(20, 300, &[(400, 20)]));
    let size = one.len() as u32;
    let top = sidx(0, 0, &[(size | TO_INDEX, 20), (size | TO_INDEX, 20)]);
    let end = (top.len() + one.len() + two.len()) as u64;
    let file = [top, one, two].concat();
    let expected = [(part(end, 300), 0.0, 2.0), (part(end + 300, 400), 2.0, 2.0)];
    assert_eq!(read_in(&file, Part::Whole).unwrap(), expected);
    // Indexes that alternate with their media.
    let inner = |time| sidx(time, 0, &[(100, 20)]);
    let size = inner(0).len() as u32 + 100;
    let top = sidx(0, 0, &[(size | TO_INDEX, 20), (size | TO_INDEX, 20)]);
    let first = top.len() as u64;
    let file = [top, inner(0), vec![0; 100], inner(20), vec![0; 100]].concat();
    let places = read_in(&file, Part::Whole).unwrap();
    let offsets: Vec<_> = places.iter().map(|(part, ..)| part.offset()).collect();
    assert_eq!(offsets, [Some(first + 44), Some(first + 44 + 144)]);
}

#[test]
fn a_file_without_an_index_says_so() {
    let media = [head(), boxed(b"moof", &[]), sidx(0, 0, &[(1, 1)])].concat();
    let endless = [0, 0, 0, 0].iter().chain(b"free").copied().collect();
    let small = boxed(b"free", b"").repeat(MOST_BOXES);
    for file in [
        Vec::new(),
        head(),
        media,
        endless,
        small,
        b"no boxes at all".to_vec(),
    ] {
        assert_eq!(refused(&file), "has no segment index (sidx) there");
    }
    let late = [head(), sidx(0, 0, &[(1, 1)])].concat();
    let before = read_in(&late, part(0, 112)).unwrap_err();
    assert!(matches!(before, IndexError::Missing), "{before}");
}

#[test]
fn what_an_index_claims_is_not_believed() {
    let reference = sidx(0, 0, &[(100, 20)]);
    let with = |at: usize, bytes: &[u8]| {
        let mut index = reference.clone();
        index[at..at + bytes.len()].copy_from_slice(bytes);
        index
    };
    // 65,535 references where there is room for one; more bytes than the file has; a box that ends in its header.
    assert!(refused(&with(30, &[255, 255])).contains("too short"));
    assert!(refused(&with(0, &[0, 1, 0, 0])).contains("too short"));
    assert!(refused(&with(0, &[0, 0, 0, 20])).contains("too short"));
    assert!(refused(&with(0, &[255, 255, 255, 255])).contains("longer than any film"));
    assert!(refused(&with(16, &[0; 4])).contains("counts time in nothing"));
    assert!(refused(&sidx(0, 0, &[(0, 20)])).contains("without bytes"));
    let deep = |depth| sidx(0, 0, &[(1000 | TO_INDEX, 1)]).repeat(depth);
    let enough = [deep(DEEPEST), reference.clone()].concat();
    assert_eq!(read_in(&enough, Part::Whole).unwrap().len(), 1);
    assert!(refused(&[deep(1), enough].concat()).contains("without end"));
    let nowhere = sidx(0, 0, &[(100 | TO_INDEX, 20)]);
    assert!(refused(&nowhere).contains("missing"));
}

#[test]
fn sums_that_overflow_are_refused() {
    let version_1 = |time: u64, first_offset: u64| {
        let mut body = [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2].to_vec();
        body.extend(time.to_be_bytes());
        body.extend(first_offset.to_be_bytes());
        body.extend([0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        boxed(b"sidx", &body)
    };
    assert!(refused(&version_1(u64::MAX, 0)).contains("for ever"));
    assert!(refused(&version_1(0, u64::MAX)).contains("beyond all files"));
    assert!(refused(&version_1(0, u64::MAX / 2)).contains("beyond all files"));
    let header = [0, 0, 0, 1].iter().chain(b"free").copied();
    let far: Vec<u8> = header.chain(u64::MAX.to_be_bytes()).collect();
    assert!(refused(&[head(), far].concat()).contains("no segment index"));
}

#[test]
fn all_indexes_of_a_file_together_are_bounded() {
    // Each of the many references leads to the same padded index further on.
    let padded = boxed(b"sidx", &vec![0; 100_000]);
    let top = sidx(0, 0, &[(100_008 | TO_INDEX, 1); 100]);
    let mut file = top;
    (0..100).for_each(|_| file.extend(&padded));
    let error = refused(&file);
    assert!(error.contains("counts time in nothing"), "{error}");
    let mut empty = vec![0; 100_000];
    empty[11] = 1;
    let padded = boxed(b"sidx", &empty);
    let mut file = sidx(0, 0, &[(100_008 | TO_INDEX, 1); 100]);
    (0..100).for_each(|_| file.extend(&padded));
    assert!(refused(&file).contains("longer than any film"));
}

proptest! {
    #[test]
    fn no_cut_or_flip_makes_it_panic(cut in 0_usize..400, at in 0_usize..400, value in any::<u8>(), to_index in any::<bool>()) {
        let flag = if to_index { TO_INDEX } else { 0 };
        let mut file = [head(), sidx(5, 7, &[(100 | flag, 20), (40, 15)]), sidx(0, 0, &[(9, 9)]), vec![0; 100]].concat();
        if let Some(byte) = file.get_mut(at) {
            *byte = value;
        }
        file.truncate(cut);
        let _ = read_in(&file, Part::Whole);
        let _ = read_in(&file, Part::bytes(at as u64, 99).unwrap());
    }

    #[test]
    fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..200), from in 0_u64..300) {
        let file = [head(), 200_u32.to_be_bytes().to_vec(), b"sidx".to_vec(), tail].concat();
        let _ = read_in(&file, Part::Whole);
        let _ = read_in(&file, Part::bytes(from, u64::MAX / 4).unwrap());
    }
}
