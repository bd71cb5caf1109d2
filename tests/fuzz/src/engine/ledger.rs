//! What a host keeps of its buffers, loads, requests and connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use swarmline::core::ids::{PeerId, SegKey, SegmentHash, TreeHash};
use swarmline::core::time::Time;
use swarmline::core::wire::Bitmap;
use swarmline::sim::buffer::Buffer;
use swarmline::sim::stream::SegmentId;

/// A buffer.
pub(super) struct Held {
    pub(super) id: SegmentId,
    pub(super) buffer: Buffer,
    /// Leaves whose true hash the engine was told while their bytes were right.
    pub(super) told: Bitmap,
    /// Whether it was told the true hash of the whole.
    pub(super) whole: bool,
    /// Leaves that some peer was told of: they never change again.
    pub(super) announced: Bitmap,
}

/// A request of the player.
pub(super) struct Load {
    pub(super) id: SegmentId,
    /// Whether what was said of the segment is true and allowed.
    pub(super) honest: bool,
}

/// A request to the CDN.
pub(super) struct Fetch {
    pub(super) url: Arc<str>,
    /// First and last byte asked for, in the resource.
    pub(super) first: u64,
    pub(super) last: u64,
    /// Next byte of the resource to come; `None` before the body begins.
    pub(super) at: Option<u64>,
    pub(super) heard: Time,
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Offering,
    Offered,
    Answering,
    Connecting,
    Open,
}

/// What a peer said it has under one number.
pub(super) struct Theirs {
    pub(super) hash: SegmentHash,
    pub(super) has: Bitmap,
}

/// A connection.
pub(super) struct Conn {
    pub(super) stage: Stage,
    /// Who the engine says it is connected to.
    pub(super) peer: Option<PeerId>,
    /// Whether the engine said hello.
    pub(super) greeted: bool,
    /// Whether the engine said goodbye.
    pub(super) parted: bool,
    /// Segments that the engine has told this peer of, by its numbers.
    pub(super) told: BTreeSet<SegKey>,
    /// What the peer said it has, by its numbers.
    pub(super) theirs: BTreeMap<u32, Theirs>,
    /// Leaves that the peer asked for and has not got.
    pub(super) wants: BTreeMap<(SegKey, u32), u32>,
    /// Leaves that were asked of it: its number, first, count.
    pub(super) asked: Vec<(u32, u32, u32)>,
    /// Whether it ever sent bytes, or hashes of bytes, that are not the publisher's.
    pub(super) lied: bool,
    pub(super) buffered: usize,
    pub(super) ping: u32,
}

impl Conn {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            stage,
            peer: None,
            greeted: false,
            parted: false,
            told: BTreeSet::new(),
            theirs: BTreeMap::new(),
            wants: BTreeMap::new(),
            asked: Vec::new(),
            lied: false,
            buffered: 0,
            ping: 0,
        }
    }
}

/// A hash on its way to the engine: of the bytes as they were when it was asked for.
pub(super) enum Hashed {
    Leaves {
        seg: SegKey,
        first: u32,
        hashes: Vec<TreeHash>,
    },
    Segment {
        seg: SegKey,
        hash: SegmentHash,
    },
}

/// A tracker's socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Socket {
    Closed,
    Opening,
    Open,
}

/// What has gone wrong on purpose: who may then be failed.
#[derive(Default)]
pub(super) struct Faults {
    /// The CDN erred, or was silent for too long.
    pub(super) cdn: bool,
    /// The publisher contradicted itself.
    pub(super) publisher: bool,
    /// A neighbour sent what is not the publisher's.
    pub(super) peers: bool,
}
