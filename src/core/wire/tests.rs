//! The protocol against itself, against hostile bytes, and the bitmap against a plain list of flags.

use super::*;
use crate::core::ids::{PeerId, SegmentHash, TreeHash};
use proptest::collection::vec;
use proptest::prelude::*;

fn range() -> impl Strategy<Value = (u32, u32)> {
    (0..MAX_LEAVES).prop_flat_map(|first| (Just(first), 1..=MAX_LEAVES - first))
}

fn bitmap() -> impl Strategy<Value = Bitmap> {
    let small = vec(any::<bool>(), 1..200);
    let large = (1..=MAX_LEAVES, vec(any::<(u32, u32)>(), 0..8));
    prop_oneof![
        small.prop_map(|flags| of_flags(&flags)),
        large.prop_map(|(size, spans)| {
            let mut map = Bitmap::new(size);
            for (from, to) in spans {
                map.set_range(from % size..to % size);
            }
            map
        }),
    ]
}

fn of_flags(flags: &[bool]) -> Bitmap {
    let mut map = Bitmap::new(flags.len() as u32);
    for (at, flag) in flags.iter().enumerate() {
        if *flag {
            map.set(at as u32);
        }
    }
    map
}

fn holding() -> impl Strategy<Value = Holding> {
    prop_oneof![
        (1..=MAX_LEAVES).prop_map(Holding::Complete),
        bitmap().prop_map(Holding::Partial),
    ]
}

fn leaves() -> impl Strategy<Value = Message> {
    let hashes = vec(any::<[u8; 32]>().prop_map(TreeHash), 1..=MAX_HASHES);
    (any::<u32>(), 0..=MAX_LEAVES - MAX_HASHES as u32, hashes).prop_map(|(alias, first, hashes)| {
        Message::Leaves {
            alias,
            first,
            hashes,
        }
    })
}

fn message() -> impl Strategy<Value = Message> {
    let hash = || any::<[u8; 32]>().prop_map(SegmentHash);
    let alias = any::<u32>;
    prop_oneof![
        (any::<[u8; 20]>(), any::<u32>()).prop_map(|(peer, upload_kbps)| Message::Hello {
            peer: PeerId(peer),
            upload_kbps
        }),
        (alias(), hash(), any::<u8>(), holding()).prop_map(|(alias, hash, short, holding)| {
            Message::Have {
                alias,
                hash,
                short,
                holding,
            }
        }),
        (alias(), any::<u32>(), bitmap()).prop_map(|(alias, at, bits)| Message::HaveMore {
            alias,
            first: at % (MAX_LEAVES - bits.size() + 1),
            bits
        }),
        alias().prop_map(|alias| Message::Drop { alias }),
        (hash(), any::<u32>()).prop_map(|(hash, eta_ms)| Message::Claim { hash, eta_ms }),
        hash().prop_map(|hash| Message::Unclaim { hash }),
        (alias(), range(), any::<bool>(), any::<u16>(), any::<u8>()).prop_map(
            |(alias, (first, count), want_leaves, urgency_ms, idle)| Message::Request {
                alias,
                first,
                count,
                want_leaves,
                urgency_ms,
                idle
            }
        ),
        (alias(), 0..MAX_LEAVES).prop_map(|(alias, leaf)| Message::Chunk { alias, leaf }),
        leaves(),
        (alias(), range(), 0..=4u8).prop_map(|(alias, (first, count), reason)| Message::Reject {
            alias,
            first,
            count,
            reason: RejectReason::from_byte(reason)
        }),
        (alias(), range()).prop_map(|(alias, (first, count))| Message::Cancel {
            alias,
            first,
            count
        }),
        alias().prop_map(|nonce| Message::Ping { nonce }),
        alias().prop_map(|nonce| Message::Pong { nonce }),
        (0..=8u8).prop_map(|reason| Message::Bye {
            reason: ByeReason::from_byte(reason)
        }),
    ]
}

/// What is read back has one encoding, but for reasons: unknown ones read as unspecified.
fn read_or_refused(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(Some(message)) = decode(bytes) else {
        return Ok(());
    };
    let again = message.encode();
    let lossy = matches!(message, Message::Bye { .. } | Message::Reject { .. });
    let same = bytes.len() - usize::from(lossy);
    prop_assert_eq!(again.get(..same), bytes.get(..same));
    prop_assert_eq!(again.len(), bytes.len());
    Ok(())
}

proptest! {
    #[test]
    fn every_message_survives_the_wire(message in message()) {
        let bytes = message.encode();
        prop_assert!(bytes.len() <= MAX_MESSAGE);
        prop_assert_eq!(decode(&bytes), Ok(Some(message)));
    }

    #[test]
    fn no_prefix_and_no_extension_is_a_message(message in message(), extra: u8) {
        let mut bytes = message.encode();
        for len in (0..bytes.len()).rev().take(64).chain(0..bytes.len().min(64)) {
            prop_assert_eq!(decode(&bytes[..len]), Err(WireError::Truncated));
        }
        bytes.push(extra);
        let refused = decode(&bytes);
        prop_assert!(matches!(refused, Err(WireError::Trailing | WireError::TooLong)));
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(tag in 0..20u8, body in vec(any::<u8>(), 0..120)) {
        let bytes = [&[tag][..], &body].concat();
        read_or_refused(&bytes)?;
    }

    #[test]
    fn a_damaged_message_is_read_or_refused(message in message(), at: usize, bits in 1..=255u8) {
        let mut bytes = message.encode();
        let at = at % bytes.len();
        bytes[at] ^= bits;
        read_or_refused(&bytes)?;
    }

    #[test]
    fn the_bitmap_agrees_with_a_list_of_flags(
        size in 1..300u32,
        steps in vec((any::<bool>(), 0..320u32, 0..320u32), 0..12),
        from in 0..320u32,
        to in 0..320u32,
    ) {
        let mut map = Bitmap::new(size);
        let mut flags = vec![false; size as usize];
        for (value, a, b) in steps {
            let mut changed = 0;
            for at in a..b.min(size) {
                changed += u32::from(std::mem::replace(&mut flags[at as usize], value) != value);
            }
            let told = if value { map.set_range(a..b) } else { map.clear_range(a..b) };
            prop_assert_eq!(told, changed);
        }
        let held = |range: std::ops::Range<u32>, state: bool| {
            range.filter(|at| *at < size && flags[*at as usize] == state).collect::<Vec<_>>()
        };
        prop_assert_eq!(map.ones().collect::<Vec<_>>(), held(0..size, true));
        prop_assert_eq!(map.count() as usize, held(0..size, true).len());
        prop_assert_eq!(map.count_range(from..to) as usize, held(from..to, true).len());
        prop_assert_eq!(map.runs(from..to).flatten().collect::<Vec<_>>(), held(from..to, true));
        prop_assert_eq!(map.gaps(from..to).flatten().collect::<Vec<_>>(), held(from..to, false));
        prop_assert_eq!(map.first_set(from), held(from..size, true).first().copied());
        prop_assert_eq!(map.first_missing(from), held(from..size, false).first().copied());
        let inside = from < to && to <= size;
        prop_assert_eq!(map.contains_range(from..to), inside && held(from..to, false).is_empty());
        prop_assert_eq!(map.get(from), held(from..from + 1, true).len() == 1);
        prop_assert_eq!(map.is_full(), held(0..size, false).is_empty());
        prop_assert_eq!(map.is_clear(), held(0..size, true).is_empty());
        prop_assert_eq!(Bitmap::from_bytes(size, &map.to_bytes()), Some(map));
    }

    #[test]
    fn trimming_keeps_what_is_set(map in bitmap()) {
        let part = map.trimmed();
        prop_assert_eq!(part.is_none(), map.is_clear());
        if let Some((first, part)) = part {
            prop_assert_eq!(part.count(), map.count());
            prop_assert!(part.ones().map(|at| at + first).eq(map.ones()));
            prop_assert_eq!(Bitmap::from_bytes(part.size(), &part.to_bytes()), Some(part));
        }
    }

    #[test]
    fn runs_are_longest(map in bitmap()) {
        let mut runs = map.runs(0..map.size()).peekable();
        while let Some(run) = runs.next() {
            prop_assert!(runs.peek().is_none_or(|later| later.start > run.end));
        }
    }

    #[test]
    fn set_algebra_agrees_bit_by_bit(a in vec(any::<bool>(), 1..150), b in vec(any::<bool>(), 1..150)) {
        let (mine, theirs) = (of_flags(&a), of_flags(&b));
        let other = |at: usize| b.get(at).copied().unwrap_or(false);
        let expect = |f: fn(bool, bool) -> bool| {
            let flags: Vec<_> = a.iter().enumerate().map(|(at, x)| f(*x, other(at))).collect();
            of_flags(&flags)
        };
        let apply = |f: fn(&mut Bitmap, &Bitmap)| {
            let mut map = mine.clone();
            f(&mut map, &theirs);
            map
        };
        prop_assert_eq!(apply(Bitmap::union_with), expect(|x, y| x | y));
        prop_assert_eq!(apply(Bitmap::intersect_with), expect(|x, y| x & y));
        prop_assert_eq!(apply(Bitmap::subtract), expect(|x, y| x & !y));
        prop_assert_eq!(mine.intersects(&theirs), !apply(Bitmap::intersect_with).is_clear());
    }
}

#[test]
fn another_version_is_refused_whatever_follows() {
    assert_eq!(decode(&[1, 2]), Err(WireError::Version(2)));
    assert_eq!(decode(&[1, 0, 9, 9, 9]), Err(WireError::Version(0)));
}

#[test]
fn an_unknown_type_is_skipped_unless_it_is_too_long() {
    assert_eq!(decode(&[0]), Ok(None));
    assert_eq!(decode(&[200, 1, 2, 3]), Ok(None));
    assert_eq!(decode(&vec![200; MAX_MESSAGE + 1]), Err(WireError::TooLong));
}

#[test]
fn bytes_are_where_the_text_says() {
    let request = Message::Request {
        alias: 0x0102_0304,
        first: 5,
        count: 6,
        want_leaves: true,
        urgency_ms: 0x0708,
        idle: 9,
    };
    let bytes = [7, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 6, 1, 7, 8, 9];
    assert_eq!(request.encode(), bytes);
    assert_eq!(
        encode_chunk_header(0x0102_0304, 5),
        [8, 1, 2, 3, 4, 0, 0, 0, 5]
    );
    let mut map = Bitmap::new(10);
    map.set_range(0..2);
    map.set(9);
    assert_eq!(map.to_bytes(), [0b1100_0000, 0b0100_0000]);
}

#[test]
fn ranges_must_be_ranges() {
    let cancel = |first, count| {
        decode(
            &Message::Cancel {
                alias: 1,
                first,
                count,
            }
            .encode(),
        )
    };
    assert!(cancel(MAX_LEAVES - 1, 1).is_ok());
    for (first, count) in [
        (0, 0),
        (MAX_LEAVES, 1),
        (0, MAX_LEAVES + 1),
        (u32::MAX, 1),
        (1, u32::MAX),
    ] {
        assert_eq!(cancel(first, count), Err(WireError::Range));
    }
    assert_eq!(
        decode(&encode_chunk_header(1, MAX_LEAVES)),
        Err(WireError::Range)
    );
}

#[test]
fn a_bitmap_must_fit_its_segment() {
    let have = |leaves: u32, rest: &[u8]| {
        let head = [
            &[2, 0, 0, 0, 1][..],
            &[7; 32],
            &[9],
            &leaves.to_be_bytes(),
            rest,
        ]
        .concat();
        decode(&head)
    };
    assert!(have(9, &[0, 0xff, 0x80]).is_ok());
    assert_eq!(have(9, &[0, 0xff, 0xc0]), Err(WireError::Bitmap));
    assert_eq!(have(9, &[0, 0xff]), Err(WireError::Truncated));
    assert_eq!(have(9, &[0, 0xff, 0x80, 0]), Err(WireError::Trailing));
    assert_eq!(have(9, &[2, 0xff, 0x80]), Err(WireError::Flag));
    assert_eq!(have(0, &[1]), Err(WireError::Leaves));
    assert_eq!(have(MAX_LEAVES + 1, &[1]), Err(WireError::Leaves));
    assert_eq!(have(u32::MAX, &[0]), Err(WireError::Leaves));
}

#[test]
fn leaves_carry_one_to_a_full_message_of_hashes() {
    let leaves = |first: u32, count: u16, hashes: usize| {
        let head = [
            &[9, 0, 0, 0, 1][..],
            &first.to_be_bytes(),
            &count.to_be_bytes(),
        ]
        .concat();
        decode(&[head, vec![3; hashes * 32]].concat())
    };
    assert!(leaves(0, 512, 512).is_ok());
    assert_eq!(leaves(0, 0, 0), Err(WireError::Hashes));
    assert_eq!(leaves(0, 513, 512), Err(WireError::Hashes));
    assert_eq!(leaves(MAX_LEAVES - 1, 2, 2), Err(WireError::Range));
    let many = Message::Leaves {
        alias: 1,
        first: 0,
        hashes: vec![TreeHash([1; 32]); MAX_HASHES + 1],
    };
    assert!(decode(&many.encode()).is_ok(), "the surplus is left out");
}

#[test]
fn a_reason_of_a_later_edition_reads_as_unspecified() {
    let reason = ByeReason::Unspecified;
    assert_eq!(decode(&[14, 250]), Ok(Some(Message::Bye { reason })));
    assert_eq!(ByeReason::from_byte(8).to_byte(), 8);
    assert_eq!(RejectReason::from_byte(5), RejectReason::Unspecified);
}
