//! The engine: the only entry to the core.
//!
//! The host calls [`Engine::handle`] with what happened and carries out the actions that come back;
//! it sleeps until [`Engine::next_deadline`]. After every event the engine does the same things
//! in the same order: what the event says, timers that are due, requests to the CDN that are due, requests
//! to neighbours if something changed for all of them, uploads, announcements. What is not due costs a
//! comparison: an engine is called hundreds of times a second, and most calls bring one message.
//!
//! One file per concern: [`player`] (loads, playlists, deliveries), [`transfer`] (peers' bytes), [`verdicts`] (hashes),
//! [`blame`] (whose were wrong), [`unproved`] (who is relied on before that is known), [`fetches`] (the CDN), [`answers`] (what it sends), [`failures`] (what it fails to send),
//! [`turns`] (when it is asked), [`pull`] (what neighbours are asked for), [`links`] (trackers and connections),
//! [`messages`] (what peers say), [`announce`] (what they hear), [`upload`] (what they get), [`timers`], [`tables`]
//! (what it remembers).

mod announce;
mod answers;
mod blame;
mod failures;
mod fetches;
mod get;
mod links;
mod messages;
mod player;
mod pull;
mod stats;
mod tables;
mod timers;
mod trace;
mod transfer;
mod turns;
mod unproved;
mod upload;
mod verdicts;

pub use links::info_hash;
pub use stats::Stats;
pub use timers::Deadline;

use crate::core::action::{Action, Notice};
use crate::core::cache::Cache;
use crate::core::config::Config;
use crate::core::error::ConfigError;
use crate::core::event::Event;
use crate::core::ids::{ConnId, FetchId, InfoHash, LoadId, PeerId, RenditionId, SegKey};
use crate::core::scheduler::bucket::Bucket;
use crate::core::scheduler::cdn::Cdn;
use crate::core::scheduler::lag::Lag;
use crate::core::scheduler::meter::Meter;
use crate::core::scheduler::shortfall::Shortfall;
use crate::core::sorted::{Map, Set};
use crate::core::swarm::Swarm;
use crate::core::time::Time;
use crate::core::timeline::{Playhead, Playlist};
use crate::core::tracker::Trackers;
use fetches::Fetch;
use get::Get;
use trace::Trace;

/// One viewer's engine. Fields lie in this order: what every call looks at comes first, in a few cache lines.
#[derive(Debug)]
#[repr(C)]
pub struct Engine {
    now: Time,
    /// When timers next need a look.
    timers_at: Time,
    /// When the CDN next has to be asked for something, or the question looked at again.
    turns_at: Time,
    announce_at: Option<Time>,
    /// When the upload ceiling lets the next leaf through, if one waits for it.
    upload_at: Option<Time>,
    /// When pipelines last had a look.
    refilled: Time,
    on: bool,
    /// Whether every neighbour's pipeline needs a look.
    refill_due: bool,
    /// Whether someone may wait for leaves that could be sent now.
    upload_due: bool,
    /// Neighbours that may be owed leaves.
    waiting: Set<ConnId>,
    /// Whether transfers may have begun or ended.
    meter_due: bool,
    /// Whether looking for a first peer has ended, one way or the other.
    settled: bool,
    /// When neighbours are next compared.
    compare_at: Time,
    /// When to be called again.
    deadline: Option<Deadline>,
    trace: Trace,
    gets: Map<SegKey, Get>,
    swarm: Swarm,
    cache: Cache,
    playhead: Playhead,
    playhead_at: Time,
    bucket: Bucket,
    /// How far serving those who wait for leaves has come, on the scale of [`crate::core::swarm::Peer::turn`].
    served: u64,
    meter: Meter,
    /// Segments of which some neighbour may not have heard everything.
    fresh: Set<SegKey>,
    stats: Stats,
    config: Config,
    fetches: Map<FetchId, Fetch>,
    next_fetch: u32,
    /// How often byte ranges did not work at the CDN.
    ranges_failed: u8,
    nonce: u32,
    loads: Map<LoadId, SegKey>,
    playlists: Map<RenditionId, Playlist>,
    /// The latest load of each track.
    last_loads: Map<u32, player::LastLoad>,
    cdn: Cdn,
    lag: Lag,
    shortfalls: Map<RenditionId, Shortfall>,
    /// When P2P last began to look for peers.
    joined: Time,
    /// Turns at the CDN wait until then for what a new neighbour has to say.
    quiet_until: Time,
    rng: fastrand::Rng,
    trackers: Trackers,
    /// Offers being made for a tracker.
    batch: Option<links::Batch>,
}

impl Engine {
    /// A new engine for one viewer of one swarm. `seed` feeds every random choice; P2P starts with the
    /// first event if `config.enabled` and there are trackers.
    ///
    /// # Errors
    /// The first configuration field out of its range.
    pub fn new(
        config: Config,
        info_hash: InfoHash,
        peer_id: PeerId,
        seed: u64,
        now: Time,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut engine = Self {
            rng: fastrand::Rng::with_seed(seed),
            now,
            on: false,
            joined: now,
            cache: Cache::new(config.cache_bytes),
            gets: Map::new(),
            loads: Map::new(),
            fetches: Map::new(),
            next_fetch: 0,
            ranges_failed: 0,
            playhead: Playhead::default(),
            playhead_at: now,
            playlists: Map::new(),
            last_loads: Map::new(),
            swarm: Swarm::new(peer_id, config.max_peers),
            trackers: Trackers::new(config.trackers.len(), info_hash, peer_id),
            batch: None,
            quiet_until: now,
            cdn: Cdn::default(),
            lag: Lag::default(),
            shortfalls: Map::new(),
            meter: Meter::default(),
            bucket: Bucket::new(config.max_upload_bitrate, now),
            fresh: Set::new(),
            announce_at: None,
            nonce: 0,
            settled: false,
            compare_at: now,
            timers_at: now,
            turns_at: Time::NEVER,
            refill_due: false,
            refilled: Time(0),
            upload_at: None,
            upload_due: false,
            waiting: Set::new(),
            meter_due: false,
            served: 0,
            deadline: None,
            stats: Stats::default(),
            trace: Trace::default(),
            config,
        };
        engine.on = engine.config.enabled && !engine.config.trackers.is_empty();
        engine.find_deadline();
        Ok(engine)
    }

    /// Takes in what happened at `now` and appends what to do about it.
    pub fn handle(&mut self, now: Time, event: Event<'_>, actions: &mut Vec<Action>) {
        let first = actions.len();
        self.trace.event(now, &event);
        self.advance(now);
        self.dispatch(event, actions);
        self.run_timers(actions);
        self.run_turns(actions);
        self.refill_all(actions);
        if self.upload_due {
            self.upload(actions);
        }
        self.announce(actions);
        if std::mem::take(&mut self.meter_due) {
            self.update_meter();
        }
        self.find_deadline();
        self.trace.actions(actions.get(first..).unwrap_or_default());
    }

    fn dispatch(&mut self, event: Event<'_>, out: &mut Vec<Action>) {
        match event {
            Event::Woke => {}
            Event::Switched { on } => self.switch(on, out),
            Event::PlaylistChanged(playlist) => self.playlist_changed(playlist, out),
            Event::PlayheadMoved(playhead) => self.playhead_moved(playhead),
            Event::LoadRequested { load, segment } => self.load_requested(load, segment, out),
            Event::LoadAborted { load } => self.load_aborted(load, out),
            Event::SegmentInserted {
                segment,
                first_byte,
                transfer,
            } => {
                self.segment_inserted(segment, first_byte, transfer, out);
            }
            Event::TrackerOpened { tracker } => self.tracker_opened(tracker, out),
            Event::TrackerClosed { tracker } => self.tracker_closed(tracker, out),
            Event::TrackerMessage { tracker, text } => self.tracker_message(tracker, text, out),
            Event::OfferCreated { conn, sdp } => self.offer_created(conn, sdp),
            Event::AnswerCreated { conn, sdp } => self.answer_created(conn, sdp, out),
            Event::ConnOpened { conn } => self.conn_opened(conn, out),
            Event::ConnClosed { conn } => {
                self.conn_lost(conn, "closed", out);
            }
            Event::PeerMessage {
                conn,
                head,
                payload,
            } => self.peer_message(conn, head, payload, out),
            Event::SendDrained { conn, buffered } => self.send_drained(conn, buffered),
            Event::FetchStarted {
                fetch,
                length,
                offset,
            } => self.fetch_started(fetch, length, offset, out),
            Event::FetchBytes { fetch, len } => self.fetch_bytes(fetch, len, out),
            Event::FetchEnded { fetch } => self.fetch_ended(fetch, out),
            Event::FetchFailed { fetch, error } => self.fetch_failed(fetch, error, out),
            Event::LeavesHashed { seg, first, hashes } => {
                self.leaves_hashed(seg, first, &hashes, out)
            }
            Event::SegmentHashed { seg, hash } => self.segment_hashed(seg, hash, out),
        }
    }

    /// When the host should call again at the latest, and why; `None`: not before the next event.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Counters so far.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        stats.peers = self.swarm.peers().count() as u32;
        stats.cache_bytes = self.cache.used();
        stats
    }

    /// A running hash over all events and actions: equal runs have equal traces, on every target. The wasm that ships
    /// does not keep it: there it says nothing.
    pub fn trace_hash(&self) -> u64 {
        self.trace.value()
    }

    fn notify(&self, notice: Notice, out: &mut Vec<Action>) {
        out.push(Action::Notify(notice));
    }
}
