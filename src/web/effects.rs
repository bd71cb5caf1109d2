//! Carries out the engine's actions.
//!
//! Invariants: an action for what is already gone does nothing; an action that fails is followed by
//! the event that says so; a range that is not inside its buffer is a fault of ours, said aloud and
//! otherwise without effect.

use crate::core::action::{Action, DeliveryReport};
use crate::core::config::{Config, LEAF};
use crate::core::error::FetchError;
use crate::core::event::Event;
use crate::core::ids::{ConnId, FetchId, LoadId, SegKey, SegmentHash, TrackerId, TreeHash};
use crate::core::list::List;
use crate::web::buffers::{Buffer, BufferError, part};
use crate::web::fetch::{Fetch, Order};
use crate::web::globals::complain;
use crate::web::hash::Hasher;
use crate::web::host::{Call, Outbox};
use crate::web::inbox::{Input, Life, Port, Sink};
use crate::web::notice;
use crate::web::registry::Registry;
use crate::web::rtc::{Conn, Role};
use crate::web::socket::Socket;
use js_sys::Uint8Array;
use std::cell::Cell;
use std::rc::{Rc, Weak};
use wasm_bindgen::JsValue;
use web_sys::RtcConfiguration;

/// A segment's buffer. Digests under way report through its port, and die with it.
struct Segment {
    buffer: Buffer,
    port: Port,
    _life: Rc<Life>,
}

/// Everything one client has in the browser.
pub(super) struct Effects {
    sink: Weak<dyn Sink>,
    outbox: Rc<Outbox>,
    trackers: Vec<String>,
    rtc: Option<RtcConfiguration>,
    hasher: Hasher,
    segments: Registry<SegKey, Segment>,
    conns: Registry<ConnId, Conn>,
    sockets: Registry<TrackerId, Socket>,
    fetches: Registry<FetchId, Fetch>,
    exhausted: Cell<bool>,
}

impl Effects {
    pub(super) fn new(
        config: &Config,
        rtc: Option<RtcConfiguration>,
        outbox: Rc<Outbox>,
        sink: Weak<dyn Sink>,
    ) -> Self {
        Self {
            sink,
            outbox,
            trackers: config.trackers.clone(),
            rtc,
            hasher: Hasher::new(),
            segments: Registry::new(),
            conns: Registry::new(),
            sockets: Registry::new(),
            fetches: Registry::new(),
            exhausted: Cell::new(false),
        }
    }

    /// Carries out one action; `payload` is the current event's.
    pub(super) fn carry_out(&self, action: Action, payload: Option<&Uint8Array>) {
        match action {
            Action::Allocate { seg, bytes } => self.allocate(seg, bytes),
            Action::Free { seg } => drop(self.segments.remove(&seg)),
            Action::Write { seg, at, from, len } => self.write(seg, at, payload, from, len),
            Action::HashLeaves {
                seg,
                first,
                at,
                len,
            } => self.hash_leaves(seg, first, at, len),
            Action::HashSegment { seg } => self.hash_segment(seg),
            Action::Deliver { load, seg, report } => self.deliver(load, seg, report),
            Action::Fail { load, error } => self.outbox.push(Call::Fail(load, error)),
            Action::Progress {
                load,
                loaded,
                total,
                active,
            } => {
                self.outbox
                    .push(Call::Progress(load, loaded, total, active));
            }
            Action::Fetch {
                fetch,
                url,
                range,
                bypass_cache,
            } => {
                self.fetch(Order {
                    fetch,
                    url,
                    range,
                    bypass_cache,
                });
            }
            Action::AbortFetch { fetch } => drop(self.fetches.remove(&fetch)),
            Action::OpenTracker { tracker } => self.open_tracker(tracker),
            Action::SendTracker { tracker, text } => self.send_tracker(tracker, &text),
            Action::CloseTracker { tracker } => drop(self.sockets.remove(&tracker)),
            Action::CreateOffer { conn } => self.connect(conn, Role::Offer),
            Action::AcceptOffer { conn, sdp } => self.connect(conn, Role::Answer(sdp)),
            Action::AcceptAnswer { conn, sdp } => self.accept_answer(conn, sdp),
            Action::CloseConn { conn } => drop(self.conns.remove(&conn)),
            Action::Send { conn, bytes } => self.send(conn, &bytes),
            Action::SendChunk {
                conn,
                head,
                seg,
                at,
                len,
            } => {
                self.send_chunk(conn, &head, seg, at, len);
            }
            Action::Notify(news) => {
                self.outbox
                    .push(Call::Notice(notice::json(&news, &self.trackers)));
            }
        }
    }

    /// After all actions of one event.
    pub(super) fn batch_ended(&self) {
        for conn in self.conns.all() {
            conn.batch_ended();
        }
    }

    /// Lets go of what this event says has ended; before the engine hears of it.
    pub(super) fn release_ended(&self, event: &Event<'_>) {
        match event {
            Event::ConnClosed { conn } => drop(self.conns.remove(conn)),
            Event::TrackerClosed { tracker } => drop(self.sockets.remove(tracker)),
            Event::FetchFailed { fetch, .. } => drop(self.fetches.remove(fetch)),
            Event::FetchEnded { fetch } => {
                if let Some(ended) = self.fetches.remove(fetch) {
                    ended.settle();
                }
            }
            _ => {}
        }
    }

    /// Whether the browser had no memory left for a segment.
    pub(super) fn exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// Closes, aborts and frees everything.
    pub(super) fn clear(&self) {
        self.hasher.clear();
        self.fetches.clear();
        self.conns.clear();
        self.sockets.clear();
        self.segments.clear();
    }

    fn port(&self) -> (Port, Rc<Life>) {
        Port::new(self.sink.clone())
    }

    /// Reports for an owner that could not be made.
    fn report(&self, event: Event<'static>) {
        if let Some(sink) = self.sink.upgrade() {
            sink.accept(Input::Event(event), None);
        }
    }

    fn check(&self, result: Result<(), BufferError>) {
        match result {
            Ok(()) => {}
            Err(BufferError::OutOfMemory) => self.exhausted.set(true),
            Err(BufferError::OutOfRange) => {
                complain("swarmline: a range outside its buffer", &JsValue::NULL);
            }
        }
    }

    fn with_segment(&self, seg: SegKey, run: impl FnOnce(&Segment) -> Result<(), BufferError>) {
        if let Some(segment) = self.segments.get(seg) {
            self.check(run(&segment));
        }
    }

    fn allocate(&self, seg: SegKey, bytes: u32) {
        let (port, life) = self.port();
        self.check(Buffer::allocate(bytes).map(|buffer| {
            self.segments.insert(
                seg,
                Segment {
                    buffer,
                    port,
                    _life: life,
                },
            );
        }));
    }

    fn write(&self, seg: SegKey, at: u32, payload: Option<&Uint8Array>, from: u32, len: u32) {
        self.with_segment(seg, |segment| {
            let payload = payload.ok_or(BufferError::OutOfRange)?;
            segment.buffer.write(at, &part(payload, from, len)?)
        });
    }

    fn hash_leaves(&self, seg: SegKey, first: u32, at: u32, len: u32) {
        self.with_segment(seg, |segment| {
            let answer = move |hashes: Vec<[u8; 32]>| {
                let hashes = hashes.into_iter().map(TreeHash).list();
                Input::Event(Event::LeavesHashed { seg, first, hashes })
            };
            let end = at.saturating_add(len);
            let leaves = (at..end).step_by(LEAF as usize);
            let views: Result<Vec<_>, _> = leaves
                .map(|at| segment.buffer.view(at, LEAF.min(end - at)))
                .collect();
            self.hasher
                .hash(&views?, segment.port.clone(), Box::new(answer))
        });
    }

    fn hash_segment(&self, seg: SegKey) {
        self.with_segment(seg, |segment| {
            let answer = move |hashes: Vec<[u8; 32]>| {
                let hash = hashes.first().copied().unwrap_or_default();
                Input::Event(Event::SegmentHashed {
                    seg,
                    hash: SegmentHash(hash),
                })
            };
            let whole = segment.buffer.whole().clone();
            self.hasher
                .hash(&[whole], segment.port.clone(), Box::new(answer))
        });
    }

    fn deliver(&self, load: LoadId, seg: SegKey, report: DeliveryReport) {
        self.with_segment(seg, |segment| {
            let data = segment.buffer.copy()?;
            self.outbox.push(Call::Deliver(load, data, report));
            Ok(())
        });
    }

    fn fetch(&self, order: Order) {
        let (port, life) = self.port();
        let fetch = order.fetch;
        match Fetch::start(order, &self.outbox, port, life) {
            Some(started) => self.fetches.insert(fetch, started),
            None => self.report(Event::FetchFailed {
                fetch,
                error: FetchError::Request,
            }),
        }
    }

    fn open_tracker(&self, tracker: TrackerId) {
        if let Some(url) = self.trackers.get(usize::from(tracker.0)) {
            let (port, life) = self.port();
            let socket = Socket::connect(tracker, url, &self.outbox, port, life);
            self.sockets.insert(tracker, socket);
        }
    }

    fn send_tracker(&self, tracker: TrackerId, text: &str) {
        if let Some(socket) = self.sockets.get(tracker) {
            socket.send(text);
        }
    }

    fn connect(&self, conn: ConnId, role: Role) {
        let (port, life) = self.port();
        match Conn::open(conn, role, self.rtc.as_ref(), &self.outbox, port, life) {
            Some(opened) => self.conns.insert(conn, opened),
            None => self.report(Event::ConnClosed { conn }),
        }
    }

    fn accept_answer(&self, conn: ConnId, sdp: String) {
        if let Some(found) = self.conns.get(conn) {
            found.accept_answer(sdp);
        }
    }

    fn send(&self, conn: ConnId, bytes: &[u8]) {
        if let Some(found) = self.conns.get(conn) {
            found.send(bytes);
        }
    }

    fn send_chunk(&self, conn: ConnId, head: &[u8], seg: SegKey, at: u32, len: u32) {
        if let Some(found) = self.conns.get(conn) {
            self.with_segment(seg, |segment| {
                found.send_chunk(head, &segment.buffer.view(at, len)?);
                Ok(())
            });
        }
    }
}
