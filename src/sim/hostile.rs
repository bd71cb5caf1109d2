//! Viewers that do not play fair. Their engine is the honest one; what leaves it is tampered with on
//! the way out, which is all that others can ever see of a hostile viewer.

use crate::core::ids::SegmentHash;
use crate::core::integrity::merkle;
use crate::core::timeline::SegmentInfo;
use crate::core::wire::{self, Holding, MAX_MESSAGE, Message, NO_HURRY, RejectReason};
use crate::sim::buffer::Payload;
use crate::sim::chance::happens;

/// Numbers that a liar gives to what it does not have; its engine never gets so far.
const FALSE_ALIAS: u32 = 1 << 30;

/// How a viewer treats others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Behaviour {
    /// As the protocol says.
    #[default]
    Honest,
    /// Flips a byte in this many chunks per million.
    Polluter(u32),
    /// Says what it has, takes requests, and never sends a chunk.
    Staller,
    /// Says that it has every new segment whole and is fetching it besides, and never sends a chunk or a refusal.
    Liar,
    /// Connects and never says a word.
    Silent,
    /// Takes, and gives nothing: an upload limit of zero.
    FreeRider,
    /// Flips a bit in this many control messages and chunk headers per million.
    Garbler(u32),
    /// Says that it has everything, as a liar, and answers every request that it is too busy.
    Refuser,
    /// Sends every neighbour 500 well-formed messages a second that mean nothing.
    Flooder,
    /// Sends every neighbour 20 messages of random bytes a second.
    Babbler,
    /// Sends every neighbour a frame ten times longer than any may be, twice a second.
    Giant,
    /// Pollutes every chunk, and takes a new peer id each time somebody ends a connection because of it.
    Sybil,
}

/// Kinds that an audience's scenario can name, `hostile=KIND:P`, with what they do.
pub const KINDS: [(&str, Behaviour); 11] = [
    ("polluter", Behaviour::Polluter(ALL)),
    ("liar", Behaviour::Liar),
    ("staller", Behaviour::Staller),
    ("refuser", Behaviour::Refuser),
    ("flooder", Behaviour::Flooder),
    ("malformed", Behaviour::Babbler),
    ("oversized", Behaviour::Giant),
    ("free-rider", Behaviour::FreeRider),
    ("silent", Behaviour::Silent),
    ("garbler", Behaviour::Garbler(ALL / 10)),
    ("sybil", Behaviour::Sybil),
];

/// Per million: all of them.
const ALL: u32 = 1_000_000;

/// Mischief that nothing calls for happens this often, in µs.
pub const MISCHIEF_US: u64 = 100_000;

/// Per neighbour and [`MISCHIEF_US`].
const FLOOD: u32 = 50;
const BABBLE: u32 = 2;

/// What a hostile viewer sends unasked.
pub enum Frame {
    /// A message.
    Text(Vec<u8>),
    /// One of so many bytes, more than are allowed.
    Giant(usize),
}

/// Who a share (per million) of an audience is, all of one kind or, for `mixed`, equal parts of each; `None`: no such kind.
pub fn shares(kind: &str, per_million: u32) -> Option<Vec<(u32, Behaviour)>> {
    if kind == "mixed" {
        let part = per_million / KINDS.len() as u32;
        return Some(
            KINDS
                .iter()
                .map(|(_, behaviour)| (part, *behaviour))
                .collect(),
        );
    }
    let (_, behaviour) = KINDS.iter().find(|(name, _)| *name == kind)?;
    Some(vec![(per_million, *behaviour)])
}

impl Behaviour {
    /// Whether a chunk leaves this viewer at all.
    pub fn sends_chunks(self) -> bool {
        !matches!(
            self,
            Self::Staller | Self::Liar | Self::Silent | Self::Refuser
        )
    }

    /// Whether a control message leaves this viewer at all.
    pub fn sends_message(self, message: &[u8]) -> bool {
        match self {
            Self::Silent => false,
            Self::Liar | Self::Refuser => !matches!(
                wire::decode(message),
                Ok(Some(
                    Message::Have { .. } | Message::HaveMore { .. } | Message::Reject { .. }
                ))
            ),
            _ => true,
        }
    }

    /// What it says, unasked, of a segment that has just been published.
    pub fn lies(self, segment: &SegmentInfo) -> Vec<Message> {
        if !matches!(self, Self::Liar | Self::Refuser) {
            return Vec::new();
        }
        let (hash, leaves) = (segment.hash, merkle::leaf_count(segment.bytes));
        let have = Message::Have {
            alias: u32::try_from(segment.sn).unwrap_or(0) | FALSE_ALIAS,
            hash,
            short: 0,
            holding: Holding::Complete(leaves),
        };
        let claim = Message::Claim {
            hash,
            eta_ms: 60_000,
        };
        vec![claim, have]
    }

    /// What becomes of an outgoing payload.
    pub fn tamper(self, rng: &mut fastrand::Rng, payload: &mut Payload) {
        let per_million = match self {
            Self::Polluter(per_million) => per_million,
            Self::Sybil => ALL,
            _ => 0,
        };
        if payload.len > 0 && happens(rng, per_million) {
            let at = rng.u32(0..payload.len);
            payload.bad = Some((at, at + 1));
        }
    }

    /// What becomes of outgoing control bytes.
    pub fn garble(self, rng: &mut fastrand::Rng, bytes: &mut [u8]) {
        if let Self::Garbler(per_million) = self
            && happens(rng, per_million)
        {
            let at = rng.u64(0..bytes.len().max(1) as u64);
            let byte = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at));
            if let Some(byte) = byte {
                *byte ^= 1 << rng.u32(0..8);
            }
        }
    }

    /// What it answers, instead of leaving it to its engine.
    pub fn answers(self, message: &[u8]) -> Option<Message> {
        if self != Self::Refuser {
            return None;
        }
        match wire::decode(message) {
            Ok(Some(Message::Request {
                alias,
                first,
                count,
                ..
            })) => Some(Message::Reject {
                alias,
                first,
                count,
                reason: RejectReason::Busy,
            }),
            _ => None,
        }
    }

    /// Whether it does something every [`MISCHIEF_US`], called for or not.
    pub fn is_restless(self) -> bool {
        matches!(self, Self::Flooder | Self::Babbler | Self::Giant)
    }

    /// What it then sends to one neighbour.
    pub fn mischief(self, rng: &mut fastrand::Rng) -> Vec<Frame> {
        match self {
            Self::Flooder => (0..FLOOD)
                .map(|_| Frame::Text(drivel(rng).encode()))
                .collect(),
            Self::Babbler => (0..BABBLE).map(|_| Frame::Text(babble(rng))).collect(),
            Self::Giant if rng.u32(0..5) == 0 => vec![Frame::Giant(MAX_MESSAGE * 10)],
            _ => Vec::new(),
        }
    }
}

fn babble(rng: &mut fastrand::Rng) -> Vec<u8> {
    (0..rng.u32(1..200)).map(|_| rng.u8(..)).collect()
}

/// A message that is right in form and of no use to anybody.
fn drivel(rng: &mut fastrand::Rng) -> Message {
    let mut hash = SegmentHash([0; 32]);
    rng.fill(&mut hash.0);
    let alias = rng.u32(FALSE_ALIAS..u32::MAX);
    match rng.u32(0..4) {
        0 => Message::Ping { nonce: alias },
        1 => Message::Claim {
            hash,
            eta_ms: 60_000,
        },
        2 => Message::Request {
            alias,
            first: 0,
            count: 100,
            want_leaves: true,
            urgency_ms: NO_HURRY,
            idle: 255,
        },
        _ => Message::Have {
            alias,
            hash,
            short: 0,
            holding: Holding::Complete(77),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_one_kind_or_of_all() {
        let one = vec![(300_000, Behaviour::Liar)];
        assert_eq!(shares("liar", 300_000), Some(one));
        let mixed = shares("mixed", 300_000).unwrap();
        assert_eq!(mixed.len(), KINDS.len());
        let sum: u32 = mixed.iter().map(|(share, _)| share).sum();
        assert!((299_900..=300_000).contains(&sum));
        assert_eq!(shares("nobody", 1), None);
    }

    #[test]
    fn what_is_sent_unasked_is_what_its_name_says() {
        let mut rng = fastrand::Rng::with_seed(1);
        for frame in Behaviour::Flooder.mischief(&mut rng) {
            assert!(
                matches!(frame, Frame::Text(text) if matches!(wire::decode(&text), Ok(Some(_))))
            );
        }
        let giant = |_| Behaviour::Giant.mischief(&mut rng);
        let giants: Vec<_> = (0..100).flat_map(giant).collect();
        assert!(
            giants
                .iter()
                .all(|frame| matches!(frame, Frame::Giant(len) if *len > MAX_MESSAGE))
        );
        assert!((10..30).contains(&giants.len()));
    }
}
