//! Messages of peers.

use crate::input::Input;
use swarmline::core::ids::{PeerId, SegmentHash, TreeHash};
use swarmline::core::wire::{
    Bitmap, ByeReason, CHUNK_HEADER, CHUNK_TAG, Holding, MAX_HASHES, MAX_LEAVES, MAX_MESSAGE,
    Message, RejectReason, decode,
};

/// Any bytes are decoded; then a message is made of them that keeps the protocol, and must survive the way.
pub(crate) fn run(bytes: &[u8]) {
    if let Ok(Some(message)) = decode(bytes) {
        survives(&message);
    }
    let mut input = Input::new(bytes);
    let message = message(&mut input);
    let encoded = survives(&message);
    // Whatever is cut off, or put on, does not make it another message of the same kind by itself.
    if message_has_fixed_size(&message) {
        let shorter = encoded.get(..encoded.len() - 1).unwrap_or_default();
        assert!(decode(shorter).is_err() || shorter.is_empty());
        assert!(decode(&[encoded.as_slice(), &[0]].concat()).is_err());
    }
}

fn survives(message: &Message) -> Vec<u8> {
    let encoded = message.encode();
    assert!(encoded.len() <= MAX_MESSAGE);
    assert_eq!(
        decode(&encoded),
        Ok(Some(message.clone())),
        "does not survive"
    );
    let is_chunk = matches!(message, Message::Chunk { .. });
    assert_eq!(encoded.first() == Some(&CHUNK_TAG), is_chunk);
    assert!(!is_chunk || encoded.len() == CHUNK_HEADER);
    encoded
}

fn message_has_fixed_size(message: &Message) -> bool {
    !matches!(
        message,
        Message::Have { .. } | Message::HaveMore { .. } | Message::Leaves { .. }
    )
}

/// A message within all limits.
pub(crate) fn message(input: &mut Input<'_>) -> Message {
    let kind = input.u8() % 14;
    let alias = input.u32();
    let first = input.between(0, MAX_LEAVES - 1);
    let count = 1 + input.u32() % (MAX_LEAVES - first);
    match kind {
        0 => Message::Hello {
            peer: PeerId(input.array()),
            upload_kbps: alias,
        },
        1 => Message::Have {
            alias,
            hash: SegmentHash(input.array()),
            short: input.u8(),
            holding: holding(count, input),
        },
        2 => Message::HaveMore {
            alias,
            first,
            bits: bitmap(count, input),
        },
        3 => Message::Drop { alias },
        4 => Message::Claim {
            hash: SegmentHash(input.array()),
            eta_ms: alias,
        },
        5 => Message::Unclaim {
            hash: SegmentHash(input.array()),
        },
        6 => Message::Request {
            alias,
            first,
            count,
            want_leaves: input.u8().is_multiple_of(2),
            urgency_ms: input.u16(),
            idle: input.u8(),
        },
        7 => Message::Chunk { alias, leaf: first },
        8 => Message::Leaves {
            alias,
            first,
            hashes: hashes((count as usize).min(MAX_HASHES), input),
        },
        9 => Message::Reject {
            alias,
            first,
            count,
            reason: RejectReason::from_byte(input.u8()),
        },
        10 => Message::Cancel {
            alias,
            first,
            count,
        },
        11 => Message::Ping { nonce: alias },
        12 => Message::Pong { nonce: alias },
        _ => Message::Bye {
            reason: ByeReason::from_byte(input.u8()),
        },
    }
}

fn holding(leaves: u32, input: &mut Input<'_>) -> Holding {
    if input.u8().is_multiple_of(2) {
        Holding::Complete(leaves)
    } else {
        Holding::Partial(bitmap(leaves, input))
    }
}

fn bitmap(size: u32, input: &mut Input<'_>) -> Bitmap {
    let mut bits = Bitmap::new(size);
    for _ in 0..input.u8() % 8 {
        let (from, to) = (input.u32() % size, input.u32() % size);
        bits.set_range(from..to);
    }
    bits
}

fn hashes(count: usize, input: &mut Input<'_>) -> Vec<TreeHash> {
    (0..count).map(|_| TreeHash(input.array())).collect()
}
