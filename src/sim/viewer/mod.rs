//! One viewer: a player, an engine, and the host between them.
//!
//! This is what a browser tab is to the engine: it carries out actions in order, answers each as the
//! event's documentation says, and owns buffers, sockets, connections and transfers. Along the way it checks
//! the engine's promises and writes every broken one into the ledger.
//!
//! A viewer touches nothing but itself, the queue and the ledger. One file per concern: [`host`] (the
//! engine and its actions), [`loads`] (player and playlists), [`transfers`] (the CDN), [`links`]
//! (connections), [`sockets`] (trackers), [`malice`] (what a hostile one does besides).

mod host;
mod links;
mod loads;
mod malice;
mod sockets;
mod transfers;

use crate::core::action::Action;
use crate::core::engine::{Engine, Stats};
use crate::core::error::LoadError;
use crate::core::ids::{ConnId, FetchId, LoadId, SegKey};
use crate::core::time::Time;
use crate::sim::buffer::Buffer;
use crate::sim::cdn::{Asked, Transfer};
use crate::sim::chance::{Purpose, step, stream};
use crate::sim::channel::Channel;
use crate::sim::event::{Happening, Hashed, Scheduled};
use crate::sim::ledger::{Ledger, Tally};
use crate::sim::listings::{Listing, Listings};
use crate::sim::network::Link;
use crate::sim::player::{Experience, Player, PlayerAction};
use crate::sim::post::Post;
use crate::sim::queue::Key;
use crate::sim::scenario::{Departure, Roster, Scenario, Seat, What};
use crate::sim::stream::{SegmentId, Stream};
use crate::sim::table::Table;
use loads::{Stocked, Want};
use sockets::Socket;
use std::collections::VecDeque;

/// What a viewer may know of the world.
pub(super) struct Ctx<'a> {
    pub(super) now: Time,
    /// The viewer that this is about.
    pub(super) id: u32,
    /// Number of the next event it sends.
    pub(super) seq: u32,
    pub(super) scenario: &'a Scenario,
    pub(super) roster: &'a Roster,
    pub(super) stream: &'a Stream,
    pub(super) listings: &'a mut Listings,
    pub(super) spare: &'a mut Spare,
    pub(super) post: Post<'a>,
    pub(super) ledger: &'a mut Ledger,
}

/// Lists that are filled and emptied at every event; one for all keeps viewers small.
#[derive(Default)]
pub(super) struct Spare {
    actions: Vec<Action>,
    moves: Vec<PlayerAction>,
}

impl Ctx<'_> {
    /// Sends an event to some place.
    pub(super) fn send(&mut self, at: Time, place: u32, event: Scheduled) {
        let key = Key {
            place,
            at: at.max(self.now),
            from: self.id,
            seq: self.seq,
        };
        self.seq = self.seq.wrapping_add(1);
        self.post.push(key, event);
    }

    /// Sends an event to another viewer.
    pub(super) fn tell(&mut self, at: Time, viewer: u32, happening: Happening) {
        self.send(at, viewer, Scheduled::Viewer(happening));
    }
}

/// One viewer, from arrival to departure. Fields lie in this order: what every message needs comes first, in a few
/// cache lines.
#[repr(C)]
pub(super) struct Viewer {
    id: u32,
    /// Events sent so far.
    pub(super) sent: u32,
    engine: Option<Box<Engine>>,
    /// The engine's clock starts about here.
    clock_zero: Time,
    /// The wake-up that is in the queue.
    armed: Option<Time>,
    idle_wakes: u32,
    finished: bool,
    /// Whether the next report of the playhead is in the queue.
    reporting: bool,
    /// Whether the engine has been started or is about to.
    engine_due: bool,
    up: Link,
    down: Link,
    channels: Table<ConnId, Channel>,
    /// Where something was sent in the present turn.
    sent_on: Vec<ConnId>,
    /// Hashes that are answered in the present turn.
    hashes: VecDeque<Hashed>,
    /// Chance of this viewer's network.
    rng: fastrand::Rng,
    tally: Tally,
    holding: Table<SegmentId, SegKey>,
    buffers: Table<SegKey, Buffer>,
    loads: Table<LoadId, Want>,
    seat: Seat,
    /// Chance of this viewer's malice.
    malice: fastrand::Rng,
    /// How often it has changed its peer id, and when last.
    masks: (u32, Time),
    player: Player,
    listing: Listing,
    stocked: Vec<Stocked>,
    /// A load that waits for the engine.
    held: Option<(LoadId, SegmentId)>,
    /// How long the stock loader took for its latest segment, in µs.
    stock_took_us: u64,
    cdn: Link,
    asked: Asked,
    transfers: Table<u32, Transfer>,
    next_transfer: u32,
    fetches: Table<FetchId, u32>,
    buffer_bytes: u64,
    sockets: Vec<Socket>,
    record: Record,
}

/// What is kept of a viewer.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) tally: Tally,
    pub(super) seen: Experience,
    /// The same at the moment from which on it counts.
    pub(super) before: Experience,
    /// How far behind the live edge it played last, in µs.
    pub(super) latency_us: Option<u64>,
    pub(super) stats: Stats,
    pub(super) trace: u64,
    pub(super) most_buffered: u64,
    pub(super) most_peers: usize,
    pub(super) failures: Vec<LoadError>,
    /// When each peer connection came up.
    pub(super) first_peer: Option<Time>,
}

impl Viewer {
    pub(super) fn new(id: u32, scenario: &Scenario, seat: &Seat) -> Self {
        let spec = &scenario.stream;
        let labels = [u64::from(id)];
        let mut player = Player::new(scenario.player.clone(), spec.segment, spec.live);
        player.start_with(seat.rendition);
        Self {
            id,
            sent: 0,
            seat: seat.clone(),
            rng: stream(scenario.seed, Purpose::Network, &labels),
            malice: stream(scenario.seed, Purpose::Hostile, &labels),
            masks: (0, Time(0)),
            engine: None,
            clock_zero: Time(0),
            armed: None,
            idle_wakes: 0,
            player,
            listing: Listing::default(),
            finished: false,
            reporting: false,
            loads: Table::new(),
            stocked: Vec::new(),
            held: None,
            engine_due: false,
            stock_took_us: 0,
            up: Link::new(seat.access.up_bps),
            down: Link::new(seat.access.down_bps),
            cdn: Link::new(scenario.cdn.rate_bps),
            asked: Asked::default(),
            transfers: Table::new(),
            next_transfer: 0,
            fetches: Table::new(),
            buffers: Table::new(),
            holding: Table::new(),
            buffer_bytes: 0,
            channels: Table::new(),
            sent_on: Vec::new(),
            hashes: VecDeque::new(),
            sockets: vec![Socket::default(); usize::from(scenario.trackers)],
            tally: Tally::default(),
            record: Record::default(),
        }
    }

    /// Something happens. Nothing does after the viewer has left.
    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, happening: Happening) {
        if self.finished {
            return;
        }
        match happening {
            Happening::Arrives => self.arrive(ctx),
            Happening::Counts => self.record.before = self.player.experience(ctx.now),
            Happening::HoldExpires(load) => self.hold_expires(ctx, load),
            Happening::Meets(what) => self.meet(ctx, what),
            Happening::EngineReady => self.start_engine(ctx),
            Happening::Wakes => self.wake(ctx),
            Happening::Player(event) => self.play(ctx, event),
            Happening::Playlist { rendition, listed } => self.playlist(ctx, rendition, listed),
            Happening::Report => self.report_playhead(ctx),
            Happening::Delivered(load) => self.delivered(ctx, load),
            Happening::Failed(load) => self.failed(ctx, load),
            Happening::Transfer(id, step) => self.transfer(ctx, id, step),
            Happening::Hashed(hashed) => self.hashed(ctx, *hashed),
            Happening::OfferReady(conn) => self.offer_ready(ctx, conn),
            Happening::AnswerReady(conn, mate) => self.answer_ready(ctx, conn, mate),
            Happening::LinkUp(conn, mate) => self.link_up(ctx, conn, mate),
            Happening::LinkDown(conn) => self.link_down(ctx, conn),
            Happening::SetupExpires(conn) => self.setup_expires(ctx, conn),
            Happening::Packet(packet) => self.packet(ctx, packet),
            Happening::PacketIn(packet) => self.packet_in(ctx, packet),
            Happening::DrainDue(conn) => self.drain_due(ctx, conn),
            Happening::Tracker(tracker, socket, event) => {
                self.heard_tracker(ctx, tracker, socket, event);
            }
            Happening::Mischief => self.mischief(ctx),
        }
    }

    /// How many entries each table of its engine has.
    pub(super) fn tables(&self) -> Vec<(&'static str, usize)> {
        let engine = self.engine.as_ref();
        engine.map(|engine| engine.tables()).unwrap_or_default()
    }

    /// What became of it; complete after it left or [`Viewer::finish`].
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    fn meet(&mut self, ctx: &mut Ctx<'_>, what: What) {
        match what {
            What::Leave(Departure::Bye) => self.leave(ctx),
            What::Leave(Departure::Vanish) => self.vanish(ctx),
            What::Seek(media) => self.play(ctx, crate::sim::player::PlayerEvent::Seek(media)),
            What::Rendition(rendition) => {
                self.play(ctx, crate::sim::player::PlayerEvent::Switch(rendition));
            }
            What::Peers(on) => self.switch_peers(ctx, on),
        }
    }

    /// A proper goodbye: as the façade's `destroy()`.
    fn leave(&mut self, ctx: &mut Ctx<'_>) {
        self.switch_peers(ctx, false);
        self.finish(ctx);
    }

    fn switch_peers(&mut self, ctx: &mut Ctx<'_>, on: bool) {
        self.feed(ctx, crate::core::event::Event::Switched { on }, None);
        if !on && (!self.channels.is_empty() || self.sockets.iter().any(Socket::is_used)) {
            let detail = format!("{} connections", self.channels.len());
            self.violation(ctx, "left open after switching off", detail);
        }
    }

    /// No goodbye: mates and trackers find out by themselves.
    fn vanish(&mut self, ctx: &mut Ctx<'_>) {
        self.abandon_links(ctx);
        self.abandon_sockets(ctx);
        self.finish(ctx);
    }

    /// Closes the books, and lets everything go.
    pub(super) fn finish(&mut self, ctx: &mut Ctx<'_>) {
        if self.finished {
            return;
        }
        self.check_unanswered(ctx);
        self.check_upload(ctx);
        self.finished = true;
        self.record.seen = self.player.experience(ctx.now);
        self.record.tally = self.tally;
        let shown = self.player.position_us(ctx.now);
        self.record.latency_us = shown.map(|at| ctx.stream.filmed_us(ctx.now).saturating_sub(at));
        if let Some(engine) = self.engine.take() {
            self.record.stats = engine.stats();
            self.record.trace = step(self.record.trace ^ engine.trace_hash());
        }
        self.buffers = Table::new();
        self.holding = Table::new();
        self.channels = Table::new();
        self.transfers = Table::new();
        self.stocked = Vec::new();
        self.held = None;
        self.listing = Listing::default();
    }

    fn check_upload(&self, ctx: &mut Ctx<'_>) {
        let limit = ctx.scenario.engine_config(&self.seat).max_upload_bitrate;
        let span = ctx.now.0.saturating_sub(self.seat.arrives.0);
        // Two seconds' worth of burst.
        let allowed = u128::from(limit) * (u128::from(span) + 2_000_000) / 8_000_000;
        if u128::from(self.tally.uploaded_bytes) > allowed {
            let detail = format!("{} > {allowed} bytes", self.tally.uploaded_bytes);
            self.violation(ctx, "upload limit", detail);
        }
    }

    fn violation(&self, ctx: &mut Ctx<'_>, kind: &'static str, detail: String) {
        ctx.ledger.violation(ctx.now, self.id, kind, detail);
    }

    fn schedule(&self, ctx: &mut Ctx<'_>, at: Time, happening: Happening) {
        ctx.tell(at, self.id, happening);
    }

    fn after(&self, ctx: &mut Ctx<'_>, us: u64, happening: Happening) {
        self.schedule(ctx, Time(ctx.now.0 + us), happening);
    }
}
