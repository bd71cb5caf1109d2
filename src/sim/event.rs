//! What can be scheduled; where it happens and who sent it is in its key. Everything that passes between viewers, or between a viewer and a tracker, goes
//! through the queue with its delay; nobody reaches into anybody else's state.

use crate::core::ids::{ConnId, LoadId, SegKey, SegmentHash, TrackerId, TreeHash};
use crate::core::wire::CHUNK_HEADER;
use crate::sim::buffer::Payload;
use crate::sim::channel::Mate;
use crate::sim::player::PlayerEvent;
use crate::sim::scenario::What;
use std::ops::Range;

/// An entry of the event queue.
pub(super) enum Scheduled {
    /// Something happens to a viewer.
    Viewer(Happening),
    /// Something gets to a tracker from a viewer.
    Tracker(ToTracker),
    /// A tracker goes down.
    Outage,
}

/// What happens to a viewer.
pub(super) enum Happening {
    Arrives,
    /// What the player sees counts from now on.
    Counts,
    /// The player's loader has waited long enough for the engine.
    HoldExpires(LoadId),
    Meets(What),
    EngineReady,
    Wakes,
    Player(PlayerEvent),
    /// A playlist was read.
    Playlist {
        rendition: u32,
        listed: Range<u32>,
    },
    /// Time to report the playhead.
    Report,
    Delivered(LoadId),
    Failed(LoadId),
    Transfer(u32, Step),
    Hashed(Box<Hashed>),
    OfferReady(ConnId),
    AnswerReady(ConnId, Mate),
    /// The channel to this mate is up.
    LinkUp(ConnId, Mate),
    /// The connection is lost, as the local end notices now.
    LinkDown(ConnId),
    /// A connection that did not come up by now never will.
    SetupExpires(ConnId),
    /// A message gets to the downlink.
    Packet(Packet),
    /// A message is through the downlink.
    PacketIn(Packet),
    /// The send buffer should be low now.
    DrainDue(ConnId),
    /// From a tracker, on this socket.
    Tracker(TrackerId, u32, FromTracker),
    /// A hostile viewer does what nothing calls for.
    Mischief,
}

/// What happens to a CDN transfer.
pub(super) enum Step {
    Answer,
    Piece(Payload),
    PieceIn(Payload),
    TimeOut,
}

/// A hash was computed.
pub(super) enum Hashed {
    Leaves {
        seg: SegKey,
        first: u32,
        at: u32,
        len: u32,
        hashes: Vec<TreeHash>,
    },
    Segment {
        seg: SegKey,
        hash: SegmentHash,
    },
}

/// A message between viewers.
pub(super) struct Packet {
    /// The receiver's end.
    pub(super) conn: ConnId,
    /// How long the sender's link took for it, in µs.
    pub(super) took_us: u32,
    /// Bytes on the wire.
    pub(super) wire: u32,
    pub(super) body: Body,
}

pub(super) enum Body {
    Control(Text),
    Chunk([u8; CHUNK_HEADER], Payload),
    /// A frame that is longer than any may be.
    Giant,
    /// The sender closed the connection.
    Closed,
}

/// Most messages are no longer than this.
const SHORT: usize = 30;

/// The bytes of a message. Short ones travel in the event: they are written on one thread, often read on another,
/// and by then no cache holds what lies elsewhere.
pub(super) enum Text {
    Short(u8, [u8; SHORT]),
    Long(Vec<u8>),
}

impl Text {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..bytes.len()) {
            None => Self::Long(bytes),
            Some(place) => {
                place.copy_from_slice(&bytes);
                Self::Short(bytes.len() as u8, short)
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, short) => short.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

/// On socket number so and so.
pub(super) enum ToTracker {
    Open(u32),
    Text(u32, String),
    Close(u32),
}

pub(super) enum FromTracker {
    Opened,
    Closed,
    Text(String),
}
