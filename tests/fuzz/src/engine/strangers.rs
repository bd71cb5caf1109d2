//! Strangers on their way: connections that open, close, or do not.

use super::host::Host;
use super::ledger::{Socket, Stage};
use super::script::Step;
use super::sources::{SDP, offer};
use super::steps::pick;
use swarmline::core::event::Event;
use swarmline::core::ids::{ConnId, PeerId, TrackerId};
use swarmline::core::wire::Message;

impl Host {
    pub(super) fn links(&mut self, what: u8, step: &Step) {
        match what {
            0 => self.offer_made(step),
            1 => self.answer_made(step.a),
            2 => self.opens(step.a),
            3 => {
                if let Some(conn) = self.pick_conn(step.a, |_| true) {
                    self.conns.remove(&conn);
                    self.feed(Event::ConnClosed { conn }, None);
                }
            }
            4 => {
                let Some(conn) = self.pick_conn(step.a, |conn| conn.stage == Stage::Open) else {
                    return;
                };
                let buffered = self.conns.get_mut(&conn).map_or(0, |known| {
                    known.buffered = known.buffered * usize::from(step.b) / 256;
                    known.buffered
                });
                self.feed(Event::SendDrained { conn, buffered }, None);
            }
            5 => self.hello(step.a, step.b, step.c),
            _ => self.meets(step),
        }
    }

    fn offer_made(&mut self, step: &Step) {
        if let Some(conn) = self.pick_conn(step.a, |conn| conn.stage == Stage::Offering) {
            self.stage(conn, Stage::Offered);
            let sdp = SDP.repeat(1 + usize::from(step.b / 8));
            self.feed(Event::OfferCreated { conn, sdp }, None);
        }
    }

    fn answer_made(&mut self, choice: u8) {
        if let Some(conn) = self.pick_conn(choice, |conn| conn.stage == Stage::Answering) {
            self.stage(conn, Stage::Connecting);
            let sdp = SDP.to_owned();
            self.feed(Event::AnswerCreated { conn, sdp }, None);
        }
    }

    fn opens(&mut self, choice: u8) {
        if let Some(conn) = self.pick_conn(choice, |conn| conn.stage == Stage::Connecting) {
            self.stage(conn, Stage::Open);
            self.feed(Event::ConnOpened { conn }, None);
        }
    }

    fn stage(&mut self, conn: ConnId, stage: Stage) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.stage = stage;
        }
    }

    fn hello(&mut self, conn: u8, peer: u8, upload: u8) {
        if let Some(conn) = self.pick_conn(conn, |conn| conn.stage == Stage::Open) {
            let hello = Message::Hello {
                peer: PeerId([peer; 20]),
                upload_kbps: u32::from(upload) << 8,
            };
            self.hear(conn, &hello);
        }
    }

    /// The whole way, from an offer by way of a tracker to the hello.
    fn meets(&mut self, step: &Step) {
        let open = |socket: &Socket| *socket != Socket::Closed;
        let Some(at) = self.sockets.iter().position(open) else {
            return;
        };
        let tracker = TrackerId(at as u16);
        if let Some(socket) = self.sockets.get_mut(at)
            && std::mem::replace(socket, Socket::Open) == Socket::Opening
        {
            self.feed(Event::TrackerOpened { tracker }, None);
        }
        let text = offer(step.a, step.b);
        self.feed(
            Event::TrackerMessage {
                tracker,
                text: &text,
            },
            None,
        );
        let newest = |host: &Self, stage| {
            host.conns
                .iter()
                .rev()
                .find(|(_, conn)| conn.stage == stage)
                .map(|(id, _)| *id)
        };
        let Some(conn) = newest(self, Stage::Answering) else {
            return;
        };
        self.stage(conn, Stage::Connecting);
        let sdp = SDP.to_owned();
        self.feed(Event::AnswerCreated { conn, sdp }, None);
        if self.conns.contains_key(&conn) {
            self.stage(conn, Stage::Open);
            self.feed(Event::ConnOpened { conn }, None);
            let hello = Message::Hello {
                peer: PeerId([step.a; 20]),
                upload_kbps: u32::from(step.c) << 8,
            };
            self.hear(conn, &hello);
        }
    }

    /// One of the engine's neighbours.
    pub(super) fn neighbour(&self, choice: u8) -> Option<ConnId> {
        let open = self.pick_conn(choice, |conn| conn.peer.is_some());
        open.or_else(|| self.pick_conn(choice, |conn| conn.stage == Stage::Open))
    }

    /// One of the numbers that a neighbour has given, mostly.
    pub(super) fn alias_of(&self, conn: ConnId, choice: u8) -> u32 {
        let known = self.conns.get(&conn).map(|conn| &conn.theirs);
        let alias = known.and_then(|known| known.keys().nth(pick(known.len(), choice)?).copied());
        alias.unwrap_or(choice.into())
    }
}
