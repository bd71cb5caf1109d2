//! The host: tells the engine what happens and keeps what a host knows.

use super::choices::Choices;
use super::ledger::{Conn, Faults, Fetch, Hashed, Held, Load, Socket};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use swarmline::core::action::Action;
use swarmline::core::config::Config;
use swarmline::core::engine::{Engine, info_hash};
use swarmline::core::event::Event;
use swarmline::core::ids::{ConnId, FetchId, LoadId, PeerId, SegKey};
use swarmline::core::time::{Duration, Time};
use swarmline::core::wire::Bitmap;
use swarmline::sim::buffer::Payload;
use swarmline::sim::stream::{SegmentId, Stream};

pub(super) const ME: PeerId = PeerId([0x77; 20]);

/// Most actions that one event may lead to: everything that a viewer with all its neighbours could have to say of all it holds.
const MOST_ACTIONS: usize = 4_000;

/// So many wake-ups in a row that lead to nothing must take so long together.
const IDLE_WAKES: u32 = 64;
const IDLE_SPAN: Duration = Duration::from_millis(256);

/// Wake-ups until whoever waits has an answer, once the CDN answers rightly.
const PATIENCE: u32 = 3_000;

/// Offers that are out when the last place is taken may still be answered: so many peers more than configured.
pub(super) const SPARE: u32 = 2;

pub(super) struct Host {
    pub(super) stream: &'static Stream,
    pub(super) config: Config,
    engine: Engine,
    twin: Option<Engine>,
    pub(super) begun: Time,
    pub(super) now: Time,
    /// The latest time that the engine was told.
    pub(super) latest: Time,
    /// Wake-ups that led to nothing: since when, and how many.
    idle: (Time, u32),
    pub(super) buffers: BTreeMap<SegKey, Held>,
    pub(super) next_seg: u32,
    pub(super) loads: BTreeMap<LoadId, Load>,
    pub(super) next_load: u32,
    /// What the player has ever asked for.
    pub(super) wanted: BTreeSet<SegmentId>,
    pub(super) fetches: BTreeMap<FetchId, Fetch>,
    pub(super) next_fetch: u32,
    pub(super) conns: BTreeMap<ConnId, Conn>,
    pub(super) next_conn: u32,
    pub(super) sockets: Vec<Socket>,
    /// Names of offers that went to a tracker.
    pub(super) offers: Vec<String>,
    pub(super) hashes: VecDeque<Hashed>,
    /// Leaves whose true hashes some peer has told.
    pub(super) proofs: BTreeMap<SegmentId, Bitmap>,
    /// Sizes that the publisher has given, rightly or not; no two segments share one.
    pub(super) sizes: BTreeMap<u32, SegmentId>,
    pub(super) faults: Faults,
    pub(super) uploaded: u64,
    pub(super) on: bool,
    /// What has come about, in a word each.
    pub(super) reached: BTreeSet<&'static str>,
}

impl Host {
    pub(super) fn new(choices: &Choices) -> Option<Self> {
        let begun = Time(5_000_000);
        let engine = || {
            let config = choices.config.clone();
            Engine::new(config, info_hash("fuzz"), ME, choices.seed, begun)
        };
        let sockets = vec![Socket::Closed; choices.config.trackers.len()];
        let stream = choices.stream;
        let sizes = (0..stream.len() as u32)
            .filter_map(|id| Some((stream.segment(SegmentId(id))?.info.bytes, SegmentId(id))));
        Some(Self {
            stream,
            on: choices.config.enabled && !sockets.is_empty(),
            config: choices.config.clone(),
            engine: engine().ok()?,
            twin: engine().ok().filter(|_| choices.twice),
            begun,
            now: begun,
            latest: begun,
            idle: (begun, 0),
            buffers: BTreeMap::new(),
            next_seg: 0,
            loads: BTreeMap::new(),
            next_load: 0,
            wanted: BTreeSet::new(),
            fetches: BTreeMap::new(),
            next_fetch: 0,
            conns: BTreeMap::new(),
            next_conn: 0,
            sockets,
            offers: Vec::new(),
            hashes: VecDeque::new(),
            proofs: BTreeMap::new(),
            sizes: sizes.collect(),
            faults: Faults::default(),
            uploaded: 0,
            reached: BTreeSet::new(),
        })
    }

    /// Tells the engine, and carries out what it answers.
    pub(super) fn feed(&mut self, event: Event<'_>, payload: Option<Payload>) {
        let now = self.now;
        self.latest = self.latest.max(now);
        let mut actions = Vec::new();
        self.engine.handle(now, event.clone(), &mut actions);
        self.compare(event, &actions);
        assert!(
            actions.len() <= MOST_ACTIONS,
            "{} actions at once",
            actions.len()
        );
        if !actions.is_empty() {
            self.idle = (self.latest, 0);
        }
        for action in actions {
            self.carry_out(action, payload.as_ref());
        }
        self.check_state();
    }

    fn compare(&mut self, event: Event<'_>, actions: &[Action]) {
        if let Some(twin) = &mut self.twin {
            let mut same = Vec::new();
            twin.handle(self.now, event, &mut same);
            assert_eq!(actions, same, "the same events, other actions");
            assert_eq!(twin.trace_hash(), self.engine.trace_hash());
            assert_eq!(twin.next_deadline(), self.engine.next_deadline());
        }
    }

    fn check_state(&self) {
        if let Some(deadline) = self.engine.next_deadline() {
            assert!(
                deadline.at > self.latest,
                "{deadline:?} lies behind {:?}",
                self.latest
            );
        }
        let stats = self.engine.stats();
        assert!(
            stats.peers <= self.config.max_peers + SPARE,
            "{} of {} peers",
            stats.peers,
            self.config.max_peers
        );
        let known = self.conns.values().filter(|conn| conn.peer.is_some());
        assert_eq!(stats.peers as usize, known.count());
        assert_eq!(stats.cache_bytes, self.held_bytes());
        self.check_memory();
        for conn in self.conns.values() {
            let gone = conn.told.iter().find(|seg| !self.buffers.contains_key(seg));
            assert_eq!(gone, None, "a peer still believes that it is here");
        }
    }

    fn held_bytes(&self) -> u64 {
        let sizes = self.buffers.values().map(|held| held.buffer.bytes());
        sizes.map(u64::from).sum()
    }

    /// The budget holds, but for what the player asked for and has not got.
    fn check_memory(&self) {
        let held = self.held_bytes();
        let wanted = |held: &&Held| !held.whole && self.wanted.contains(&held.id);
        let wanted = self.buffers.values().filter(wanted);
        let wanted: u64 = wanted.map(|held| u64::from(held.buffer.bytes())).sum();
        let budget = self.config.cache_bytes;
        assert!(
            held <= budget + wanted,
            "{held} bytes held, {wanted} of them wanted, with a budget of {budget}"
        );
    }

    /// Time passes; a CDN that is silent for too long has failed.
    pub(super) fn pass(&mut self, span: Duration) {
        self.now = self.latest + span;
        let limit = Duration::from_millis(self.config.cdn_timeout_ms.into());
        let silent = |fetch: &Fetch| self.now - fetch.heard >= limit;
        self.faults.cdn |= self.fetches.values().any(silent);
    }

    /// Wakes the engine when it asked to be; false if it did not ask.
    pub(super) fn wake(&mut self) -> bool {
        let Some(deadline) = self.engine.next_deadline() else {
            return false;
        };
        self.pass(deadline.at - self.latest);
        self.idle.1 += 1;
        self.feed(Event::Woke, None);
        let (since, wakes) = self.idle;
        if wakes >= IDLE_WAKES {
            let span = self.latest - since;
            assert!(
                span >= IDLE_SPAN,
                "{wakes} wake-ups in {span:?}: {deadline:?}"
            );
            self.idle = (self.latest, 0);
        }
        true
    }

    /// From now on the CDN answers rightly: whoever still waits gets an answer.
    pub(super) fn end(&mut self) {
        self.feed(
            Event::PlayheadMoved(swarmline::core::timeline::Playhead::default()),
            None,
        );
        for _ in 0..PATIENCE {
            self.answer_hashes();
            self.answer_fetches();
            if self.loads.is_empty() {
                break;
            }
            let hashing = !self.hashes.is_empty() || !self.fetches.is_empty();
            assert!(
                self.wake() || hashing,
                "waits for nothing: {:?}",
                self.loads.keys()
            );
        }
        assert!(
            self.loads.is_empty(),
            "no answer for {:?}",
            self.loads.keys()
        );
        self.feed(Event::Switched { on: false }, None);
        self.on = false;
        assert!(self.conns.is_empty(), "left open after switching off");
        let left = self
            .sockets
            .iter()
            .filter(|socket| **socket != Socket::Closed);
        assert_eq!(left.count(), 0, "sockets left open after switching off");
    }
}
