//! Viewers that do not play fair. Their engine is the honest one; what leaves it is tampered with on
//! the way out, which is all that others can ever see of a hostile viewer.

use crate::core::integrity::merkle;
use crate::core::timeline::SegmentInfo;
use crate::core::wire::{self, Holding, Message};
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
}

impl Behaviour {
    /// Whether a chunk leaves this viewer at all.
    pub fn sends_chunks(self) -> bool {
        !matches!(self, Self::Staller | Self::Liar | Self::Silent)
    }

    /// Whether a control message leaves this viewer at all.
    pub fn sends_message(self, message: &[u8]) -> bool {
        match self {
            Self::Silent => false,
            Self::Liar => !matches!(
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
        if self != Self::Liar {
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
        if let Self::Polluter(per_million) = self
            && payload.len > 0
            && happens(rng, per_million)
        {
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
}
