//! One engine, and everything around it played by the test.

use std::time::Duration;
use swarmline::core::action::{Action, Notice};
use swarmline::core::config::Config;
use swarmline::core::engine::{Engine, info_hash};
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::time::Time;
use swarmline::core::wire::{self, Message};

const ME: PeerId = PeerId([1; 20]);
pub(super) const T: TrackerId = TrackerId(0);
pub(super) const SDP: &str = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:u\r\n\
                   a=ice-pwd:p\r\na=fingerprint:sha-256 00\r\n";

pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

pub(super) fn id(n: u32) -> PeerId {
    let mut id = [9; 20];
    id[..4].copy_from_slice(&n.to_be_bytes());
    PeerId(id)
}

/// An engine, and what it has done.
pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) now: Time,
    /// Everything it ever did.
    pub(super) done: Vec<Action>,
    /// Where the latest event's actions begin.
    latest: usize,
    pub(super) offers: u32,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        let config = Config {
            trackers: vec!["wss://tracker.example".into()],
            ..config
        };
        let engine = Engine::new(config, info_hash("x"), ME, 1, Time(0)).unwrap();
        let mut rig = Self {
            engine,
            now: Time(1_000_000),
            done: Vec::new(),
            latest: 0,
            offers: 0,
        };
        rig.tell(Event::Woke);
        rig.tell(Event::TrackerOpened { tracker: T });
        rig
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        self.latest = self.done.len();
        self.engine.handle(self.now, event, &mut self.done);
    }

    pub(super) fn latest(&self) -> &[Action] {
        &self.done[self.latest..]
    }

    pub(super) fn wait(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(100) {
            self.now += Duration::from_millis(100);
            self.tell(Event::Woke);
            self.attend();
        }
    }

    /// A tracker that opens, and answers what it is told.
    pub(super) fn attend(&mut self) {
        let (mut opens, mut heard) = (false, false);
        for action in self.latest() {
            opens |= matches!(action, Action::OpenTracker { .. });
            heard |= matches!(action, Action::SendTracker { .. });
        }
        if opens {
            self.tell(Event::TrackerOpened { tracker: T });
        }
        if opens || heard {
            self.text("{\"action\":\"scrape\"}");
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.tell(Event::TrackerMessage { tracker: T, text });
    }

    pub(super) fn offer_of(&mut self, from: PeerId, offer: u32, sdp: &str) -> Option<ConnId> {
        let text = serde_json::json!({"action": "announce", "info_hash": latin1(&info_hash("x").0),
            "peer_id": latin1(&from.0), "offer_id": latin1(&id(offer).0),
            "offer": {"type": "offer", "sdp": sdp}});
        self.text(&text.to_string());
        self.latest().iter().find_map(|action| match action {
            Action::AcceptOffer { conn, .. } => Some(*conn),
            _ => None,
        })
    }

    pub(super) fn offer(&mut self, from: PeerId, sdp: &str) -> Option<ConnId> {
        self.offers += 1;
        self.offer_of(from, 1_000_000 + self.offers, sdp)
    }

    /// A connection with its channel open, before the hello.
    pub(super) fn open(&mut self, from: PeerId) -> Option<ConnId> {
        let conn = self.offer(from, SDP)?;
        self.tell(Event::AnswerCreated {
            conn,
            sdp: SDP.into(),
        });
        self.tell(Event::ConnOpened { conn });
        Some(conn)
    }

    pub(super) fn hello(&mut self, conn: ConnId, peer: PeerId) {
        let upload_kbps = 20_000;
        self.say(conn, &Message::Hello { peer, upload_kbps });
    }

    /// A neighbour.
    pub(super) fn join(&mut self, n: u32) -> ConnId {
        let conn = self.open(id(n)).unwrap();
        self.hello(conn, id(n));
        assert!(!self.is_gone(conn));
        conn
    }

    pub(super) fn bytes(&mut self, conn: ConnId, head: &[u8], payload: usize) {
        self.tell(Event::PeerMessage {
            conn,
            head,
            payload,
        });
    }

    pub(super) fn say(&mut self, conn: ConnId, message: &Message) {
        self.bytes(conn, &message.encode(), 0);
    }

    pub(super) fn chunk(&mut self, conn: ConnId, alias: u32, leaf: u32, payload: usize) {
        let head = wire::encode_chunk_header(alias, leaf);
        self.bytes(conn, &head, payload);
    }

    pub(super) fn is_gone(&self, conn: ConnId) -> bool {
        self.done.contains(&Action::CloseConn { conn })
    }

    /// Why a neighbour was sent away.
    pub(super) fn reason(&self, conn: ConnId) -> Option<&'static str> {
        self.done.iter().find_map(|action| match action {
            Action::Notify(Notice::PeerDisconnected {
                conn: of, reason, ..
            }) if *of == conn => Some(*reason),
            _ => None,
        })
    }

    /// What the engine says to a neighbour, of everything since `from`.
    pub(super) fn heard(&self, conn: ConnId, from: usize) -> Vec<Message> {
        let sent = self.done[from..].iter().filter_map(|action| match action {
            Action::Send { conn: to, bytes } if *to == conn => wire::decode(bytes).unwrap(),
            _ => None,
        });
        sent.collect()
    }

    /// What is asked of a neighbour and not there yet is taken to be everything ever asked: leaves, in order.
    pub(super) fn asked(&self, conn: ConnId) -> Vec<u32> {
        let requests = self
            .heard(conn, 0)
            .into_iter()
            .filter_map(|message| match message {
                Message::Request { first, count, .. } => Some(first..first + count),
                _ => None,
            });
        requests.flatten().collect()
    }

    pub(super) fn warnings(&self) -> usize {
        let warning =
            |action: &&Action| matches!(action, Action::Notify(Notice::TrackerWarning { .. }));
        self.done.iter().filter(warning).count()
    }
}
