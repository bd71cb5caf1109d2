//! What to do: the engine's only output. Names are imperative.

use crate::core::config::CHUNK_HEADER;
use crate::core::error::LoadError;
use crate::core::ids::{ConnId, FetchId, LoadId, PeerId, SegKey, SegmentHash, TrackerId};
use crate::core::time::Duration;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An output of [`crate::core::engine::Engine::handle`], to be carried out in order.
#[derive(Clone, PartialEq, Debug, Hash)]
pub enum Action {
    /// Make a buffer for a segment.
    Allocate {
        /// Its handle from now on.
        seg: SegKey,
        /// Its size in bytes, already capped.
        bytes: u32,
    },
    /// Let the buffer go.
    Free {
        /// Its handle, never used again.
        seg: SegKey,
    },
    /// Copy a part of the current event's payload into a segment's buffer.
    Write {
        /// The buffer.
        seg: SegKey,
        /// Where in the buffer.
        at: u32,
        /// Where in the payload.
        from: u32,
        /// How many bytes.
        len: u32,
    },
    /// Hash leaves that follow each other as they are now, each for itself; answer with one `LeavesHashed`.
    HashLeaves {
        /// The buffer.
        seg: SegKey,
        /// Index of the first, for the answer.
        first: u32,
        /// Where in the buffer it begins.
        at: u32,
        /// How many bytes they are in all: leaves of [`crate::core::config::LEAF`], the last one may be shorter.
        len: u32,
    },
    /// Hash the whole buffer as it is now; answer with `SegmentHashed`.
    HashSegment {
        /// The buffer.
        seg: SegKey,
    },

    /// Give the player a copy of the buffer. The load has ended.
    Deliver {
        /// The player's request.
        load: LoadId,
        /// The verified buffer.
        seg: SegKey,
        /// What to tell the player's bandwidth estimator.
        report: DeliveryReport,
    },
    /// Tell the player that its request failed. The load has ended.
    Fail {
        /// The player's request.
        load: LoadId,
        /// Why; only a CDN's failure ever gets here.
        error: LoadError,
    },
    /// Real counters of an urgent transfer, so that the player's own abandon rule works.
    Progress {
        /// The player's request.
        load: LoadId,
        /// Bytes there so far, from wherever.
        loaded: u32,
        /// Bytes in all.
        total: u32,
        /// How long bytes have been flowing for it.
        active: Duration,
    },

    /// Request from the CDN.
    Fetch {
        /// The request's number.
        fetch: FetchId,
        /// Absolute URL.
        url: Arc<str>,
        /// First and last byte (inclusive) of a Range header; `None`: the whole resource, no header.
        range: Option<(u64, u64)>,
        /// Go past the HTTP cache: an earlier body did not match its hash.
        bypass_cache: bool,
    },
    /// Give up a request; no event for it follows.
    AbortFetch {
        /// The request.
        fetch: FetchId,
    },

    /// Open a tracker's WebSocket; its URL is in the configuration.
    OpenTracker {
        /// Which.
        tracker: TrackerId,
    },
    /// Send text to a tracker.
    SendTracker {
        /// Which.
        tracker: TrackerId,
        /// JSON.
        text: String,
    },
    /// Close it; no event for this socket follows.
    CloseTracker {
        /// Which.
        tracker: TrackerId,
    },

    /// Make a peer connection with its data channel and an offer; answer with `OfferCreated`.
    CreateOffer {
        /// Its number.
        conn: ConnId,
    },
    /// Make a peer connection from a remote offer; answer with `AnswerCreated`.
    AcceptOffer {
        /// Its number.
        conn: ConnId,
        /// The remote session description.
        sdp: String,
    },
    /// Complete a connection that `CreateOffer` began.
    AcceptAnswer {
        /// Its number.
        conn: ConnId,
        /// The remote session description.
        sdp: String,
    },
    /// Close and release a connection; no event for it follows.
    CloseConn {
        /// Its number.
        conn: ConnId,
    },
    /// Send a control message.
    Send {
        /// On this connection.
        conn: ConnId,
        /// The encoded message.
        bytes: Vec<u8>,
    },
    /// Send a chunk message: `head`, then a view of the buffer.
    SendChunk {
        /// On this connection.
        conn: ConnId,
        /// The encoded header.
        head: [u8; CHUNK_HEADER],
        /// The buffer.
        seg: SegKey,
        /// Where in the buffer.
        at: u32,
        /// How many bytes.
        len: u32,
    },

    /// Tell whoever listens.
    Notify(Notice),
}

/// What the player's bandwidth estimator is told about a delivery: true transfer times, deliberate waiting left out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DeliveryReport {
    /// Size in bytes.
    pub bytes: u32,
    /// Sustained rate of verified bytes over active transfer time, in bit/s.
    pub rate: f64,
    /// Typical time from request to first byte at the CDN.
    pub first_byte: Duration,
}

/// News for statistics, pages and logs.
#[derive(Clone, PartialEq, Debug, Hash)]
pub enum Notice {
    /// A segment was delivered to the player.
    Segment {
        /// Its name.
        hash: SegmentHash,
        /// Its media sequence number.
        sn: u64,
        /// The host's rendition number.
        rendition: u32,
        /// Bytes of it that came from peers.
        peer_bytes: u32,
        /// Bytes of it that came from the CDN.
        cdn_bytes: u32,
        /// Time that was left until the player would have run dry; `None` when that was not known.
        slack: Option<Duration>,
    },
    /// A peer is ready.
    PeerConnected {
        /// On this connection.
        conn: ConnId,
        /// Who.
        peer: PeerId,
    },
    /// A peer is gone.
    PeerDisconnected {
        /// On this connection.
        conn: ConnId,
        /// Who.
        peer: PeerId,
        /// Why, in a stable word: `closed`, `silent`, `bad-hash`, `protocol`, `flood`, `version`, `unkept`, `slow`,
        /// `bye`, `duplicate`, `replaced`, `off`.
        reason: &'static str,
    },
    /// Bytes did not match their hash; they were thrown away.
    HashFailure {
        /// Of this segment.
        hash: SegmentHash,
        /// All of them from the CDN; else from a peer, or from several sources of which it is not known who was wrong.
        from_cdn: bool,
    },
    /// A tracker came or went.
    Tracker {
        /// Which.
        tracker: TrackerId,
        /// Whether its socket is open.
        connected: bool,
    },
    /// A tracker refused something or wrote what cannot be read.
    TrackerWarning {
        /// Which.
        tracker: TrackerId,
        /// Its words, cut to 200 characters.
        message: String,
    },
}

impl Hash for DeliveryReport {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.bytes, self.rate.to_bits(), self.first_byte).hash(state);
    }
}
