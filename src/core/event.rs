//! What happened: the engine's only input. Names are in the past tense.

use crate::core::error::FetchError;
use crate::core::ids::{ConnId, FetchId, LoadId, SegKey, SegmentHash, TrackerId, TreeHash};
use crate::core::time::Duration;
use crate::core::timeline::{Playhead, Playlist, SegmentInfo};
use std::sync::Arc;

/// An input of [`crate::core::engine::Engine::handle`].
///
/// Events that bring media bytes name only their length. While such an event is handled, the bytes
/// are its *payload*; [`crate::core::action::Action::Write`] copies from it.
#[derive(Clone, Debug, Hash)]
pub enum Event<'a> {
    /// The armed deadline came ([`crate::core::engine::Engine::next_deadline`]). Early or late calls do no harm.
    Woke,
    /// The application or the viewer switched P2P on or off.
    Switched {
        /// On or off.
        on: bool,
    },

    /// A media playlist was loaded or refreshed.
    PlaylistChanged(Playlist),
    /// The player moved, paused, sought or changed its rate.
    PlayheadMoved(Playhead),
    /// The player wants a segment now.
    LoadRequested {
        /// The host's number for this request.
        load: LoadId,
        /// What it wants.
        segment: Arc<SegmentInfo>,
    },
    /// The player no longer wants it.
    LoadAborted {
        /// The request.
        load: LoadId,
    },
    /// The host has a whole segment from the CDN that it loaded without the engine. Payload: the bytes.
    SegmentInserted {
        /// What it is.
        segment: Arc<SegmentInfo>,
        /// From request to first byte.
        first_byte: Duration,
        /// From first to last byte.
        transfer: Duration,
    },

    /// A tracker's WebSocket opened.
    TrackerOpened {
        /// Which.
        tracker: TrackerId,
    },
    /// It closed, or could not be opened.
    TrackerClosed {
        /// Which.
        tracker: TrackerId,
    },
    /// It sent a text message.
    TrackerMessage {
        /// Which.
        tracker: TrackerId,
        /// The text, as received.
        text: &'a str,
    },

    /// The local offer with its candidates is ready.
    OfferCreated {
        /// For this connection.
        conn: ConnId,
        /// Session description.
        sdp: String,
    },
    /// The local answer with its candidates is ready.
    AnswerCreated {
        /// For this connection.
        conn: ConnId,
        /// Session description.
        sdp: String,
    },
    /// The data channel opened.
    ConnOpened {
        /// This connection.
        conn: ConnId,
    },
    /// The connection failed or closed, or could not be made. The host has released it.
    ConnClosed {
        /// This connection.
        conn: ConnId,
    },
    /// A binary message arrived on the data channel.
    PeerMessage {
        /// On this connection.
        conn: ConnId,
        /// A chunk message: its header only ([`crate::core::wire::CHUNK_HEADER`] bytes, or fewer if
        /// the message is shorter). Any other message: all of it.
        head: &'a [u8],
        /// Bytes after `head`; the payload of a chunk message, 0 for any other.
        payload: usize,
    },
    /// The data channel's send buffer has drained. Once [`crate::core::config::SEND_REPORT`] bytes were
    /// sent since the last report, the host reports this: at once when no more than
    /// [`crate::core::config::SEND_LOW_WATER`] bytes wait, else when that becomes true.
    SendDrained {
        /// On this connection.
        conn: ConnId,
        /// Bytes that still wait.
        buffered: usize,
    },

    /// The CDN answered with 200 or 206 and the body begins.
    FetchStarted {
        /// The request.
        fetch: FetchId,
        /// Length of the whole resource, where a 200 announced it in a way that can be relied on; `None` otherwise. That of a
        /// partial answer says nothing: it may hold less than was asked for (RFC 9110 §15.3.7).
        length: Option<u64>,
        /// Position of the body's first byte inside the resource: 0 for 200, from Content-Range for 206.
        offset: u64,
    },
    /// Body bytes arrived, in order. Payload: the bytes.
    FetchBytes {
        /// The request.
        fetch: FetchId,
        /// How many.
        len: usize,
    },
    /// The body ended.
    FetchEnded {
        /// The request.
        fetch: FetchId,
    },
    /// The request failed. No further event for it follows.
    FetchFailed {
        /// The request.
        fetch: FetchId,
        /// Why.
        error: FetchError,
    },

    /// The hashes of leaves that follow each other are known.
    LeavesHashed {
        /// The segment's buffer.
        seg: SegKey,
        /// Index of the first.
        first: u32,
        /// SHA-256 of each leaf's bytes as they were when asked.
        hashes: Vec<TreeHash>,
    },
    /// The hash of the whole buffer is known.
    SegmentHashed {
        /// The segment's buffer.
        seg: SegKey,
        /// SHA-256 of all its bytes as they were when asked.
        hash: SegmentHash,
    },
}
