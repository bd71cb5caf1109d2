//! The messages as values. What they mean is said in the [module's text](super).

use super::{Bitmap, ByeReason, RejectReason};
use crate::core::ids::{PeerId, SegmentHash, TreeHash};

/// Which leaves of a segment its holder can hand over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holding {
    /// All of them; the number of leaves of the segment.
    Complete(u32),
    /// Those set; the bitmap is as long as the segment has leaves.
    Partial(Bitmap),
}

impl Holding {
    /// Number of leaves of the segment, held or not.
    pub fn leaves(&self) -> u32 {
        match self {
            Self::Complete(leaves) => *leaves,
            Self::Partial(bitmap) => bitmap.size(),
        }
    }

    /// As a bitmap.
    pub fn into_bitmap(self) -> Bitmap {
        match self {
            Self::Complete(leaves) => Bitmap::full(leaves),
            Self::Partial(bitmap) => bitmap,
        }
    }
}

/// One protocol message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// First message of each side. The version is [`super::VERSION`].
    Hello {
        /// Who speaks.
        peer: PeerId,
        /// What it is willing to upload over all peers, in kbit/s; 0: nothing.
        upload_kbps: u32,
    },
    /// The sender holds leaves of a segment.
    Have {
        /// The sender's number for its copy.
        alias: u32,
        /// The segment's name.
        hash: SegmentHash,
        /// Which part of the last segments the sender's neighbours failed to bring in time, in 255ths.
        short: u8,
        /// Which leaves.
        holding: Holding,
    },
    /// The sender holds more leaves of a segment it announced.
    HaveMore {
        /// The sender's number for its copy.
        alias: u32,
        /// The leaf that the bitmap's first position stands for.
        first: u32,
        /// Which of the leaves from there on are new.
        bits: Bitmap,
    },
    /// The sender no longer holds a segment it announced.
    Drop {
        /// The sender's number, not used again.
        alias: u32,
    },
    /// The sender fetches a segment from the CDN.
    Claim {
        /// The segment's name.
        hash: SegmentHash,
        /// When it expects to have it, in milliseconds from now.
        eta_ms: u32,
    },
    /// The sender gave up a fetch it had claimed.
    Unclaim {
        /// The segment's name.
        hash: SegmentHash,
    },
    /// The sender wants leaves.
    Request {
        /// The receiver's number for its copy.
        alias: u32,
        /// First leaf.
        first: u32,
        /// How many.
        count: u32,
        /// Whether it needs their hashes too.
        want_leaves: bool,
        /// How soon it needs them, in milliseconds; [`super::NO_HURRY`]: no matter when.
        urgency_ms: u16,
        /// Which part of its upload ceiling the sender had no use for lately, in 255ths.
        idle: u8,
    },
    /// The header of a chunk message; the bytes of one or more leaves follow it and stay with the host.
    Chunk {
        /// The sender's number for its copy.
        alias: u32,
        /// The first leaf.
        leaf: u32,
    },
    /// Hashes of consecutive leaves, 1 to [`super::MAX_HASHES`].
    Leaves {
        /// The sender's number for its copy.
        alias: u32,
        /// The leaf of the first hash.
        first: u32,
        /// The hashes.
        hashes: Vec<TreeHash>,
    },
    /// The sender is not going to send these leaves.
    Reject {
        /// The sender's number for its copy.
        alias: u32,
        /// First leaf.
        first: u32,
        /// How many.
        count: u32,
        /// Why.
        reason: RejectReason,
    },
    /// The sender no longer wants leaves it requested.
    Cancel {
        /// The receiver's number for its copy.
        alias: u32,
        /// First leaf.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Are you there?
    Ping {
        /// To be sent back.
        nonce: u32,
    },
    /// I am here.
    Pong {
        /// As received.
        nonce: u32,
    },
    /// The sender's last message.
    Bye {
        /// Why it leaves.
        reason: ByeReason,
    },
}
