//! Peer connections and what travels on them.

use super::{Ctx, Viewer};
use crate::core::config::{SEND_HIGH_WATER, SEND_LOW_WATER};
use crate::core::event::Event;
use crate::core::ids::ConnId;
use crate::core::time::Time;
use crate::core::wire::CHUNK_HEADER;
use crate::sim::buffer::Payload;
use crate::sim::chance::{between, happens};
use crate::sim::channel::{self, Channel, Mate, NEVER};
use crate::sim::event::{Body, Happening, Packet, Text};
use crate::sim::network::{channel_bytes, message_loss};

/// A closing connection flushes what leaves within this time.
const FLUSH_US: u64 = 100_000;

impl Viewer {
    pub(super) fn create_offer(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        self.add_channel(ctx, conn, Channel::default());
        let wait = between(&mut self.rng, &ctx.scenario.network.gather_us);
        self.after(ctx, wait, Happening::OfferReady(conn));
    }

    fn add_channel(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, mut channel: Channel) {
        self.tally.connections += 1;
        channel.mask = self.masks.0;
        if self.channels.insert(conn, channel).is_some() {
            self.violation(ctx, "connection number used twice", format!("{conn:?}"));
        }
    }

    pub(super) fn offer_ready(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        if self.channels.contains_key(&conn) {
            let sdp = channel::offer(self.id, conn);
            self.feed(ctx, Event::OfferCreated { conn, sdp }, None);
        }
    }

    pub(super) fn accept_offer(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, sdp: &str) {
        let Some(mate) = channel::read_offer(sdp) else {
            return self.violation(ctx, "unreadable offer", sdp.to_owned());
        };
        let channel = Channel::to(mate);
        self.add_channel(ctx, conn, channel);
        let network = &ctx.scenario.network;
        let wait = between(&mut self.rng, &network.gather_us);
        let expiry = between(&mut self.rng, &network.failure_us);
        self.after(ctx, wait, Happening::AnswerReady(conn, mate));
        self.after(ctx, expiry, Happening::SetupExpires(conn));
    }

    pub(super) fn answer_ready(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, mate: Mate) {
        if self.channels.contains_key(&conn) {
            let sdp = channel::answer(self.id, conn, mate);
            self.feed(ctx, Event::AnswerCreated { conn, sdp }, None);
        }
    }

    /// The offerer knows both ends: whether and when the channel comes up is settled here.
    pub(super) fn accept_answer(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, sdp: &str) {
        let Some((mate, to)) = channel::read_answer(sdp).filter(|(_, to)| to.0 == self.id) else {
            return self.violation(ctx, "unreadable answer", sdp.to_owned());
        };
        let Some(channel) = self.channels.get_mut(&conn).filter(|_| to.1 == conn) else {
            return self.violation(ctx, "answer to another offer", format!("{conn:?} {sdp}"));
        };
        channel.mate = Some(mate);
        let network = &ctx.scenario.network;
        let up = Time(ctx.now.0 + between(&mut self.rng, &network.setup_us));
        let failed = between(&mut self.rng, &network.failure_us);
        let there = ctx.roster.is_there(mate.0, up) && ctx.roster.is_there(self.id, up);
        let connects = ctx.roster.seat(mate.0).is_some_and(|seat| {
            let seed = ctx.scenario.seed;
            network.connects(seed, &self.seat.access, &seat.access)
        });
        if there && connects {
            self.schedule(ctx, up, Happening::LinkUp(conn, mate));
            let news = Happening::LinkUp(mate.1, (self.id, conn));
            let at = Time(up.0 + self.one_way_us(ctx, mate.0));
            ctx.tell(at, mate.0, news);
        } else {
            self.after(ctx, failed, Happening::SetupExpires(conn));
        }
    }

    fn one_way_us(&self, ctx: &Ctx<'_>, mate: u32) -> u64 {
        ctx.roster.seat(mate).map_or(0, |seat| {
            let (network, seed) = (&ctx.scenario.network, ctx.scenario.seed);
            network.one_way_us(seed, &self.seat.access, &seat.access)
        })
    }

    pub(super) fn link_up(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, mate: Mate) {
        let one_way_us = self.one_way_us(ctx, mate.0);
        let theirs = ctx.roster.seat(mate.0);
        let (leaves, theirs) = theirs.map_or((Time(0), 0), |seat| {
            (seat.leaves_at(), seat.access.loss_per_million)
        });
        let loss = (self.seat.access.loss_per_million + theirs) / 2;
        let Some(channel) = self.channels.get_mut(&conn) else {
            // Closed here in the meantime; the mate is told so.
            let at = Time(ctx.now.0 + one_way_us);
            return self.tell_closed(ctx, mate, at);
        };
        channel.open = true;
        channel.one_way_us = one_way_us;
        channel.loss_per_million = loss;
        channel.mate_leaves = leaves;
        let open = self
            .channels
            .values()
            .filter(|channel| channel.open)
            .count();
        self.record.most_peers = self.record.most_peers.max(open);
        if open > ctx.scenario.engine.max_peers as usize + 2 {
            self.violation(ctx, "too many peers", format!("{open}"));
        }
        self.feed(ctx, Event::ConnOpened { conn }, None);
    }

    pub(super) fn link_down(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        if self.channels.remove(&conn).is_some() {
            self.feed(ctx, Event::ConnClosed { conn }, None);
        }
    }

    pub(super) fn setup_expires(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        if self
            .channels
            .get(&conn)
            .is_some_and(|channel| !channel.open)
        {
            self.link_down(ctx, conn);
        }
    }

    pub(super) fn close_conn(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        let Some(channel) = self.channels.remove(&conn) else {
            return self.violation(ctx, "close of an unknown connection", format!("{conn:?}"));
        };
        if let Some(mate) = channel.mate {
            let one_way_us = self.one_way_us(ctx, mate.0);
            let at = channel.close(ctx.now, FLUSH_US, one_way_us);
            self.tell_closed(ctx, mate, at);
        }
    }

    fn tell_closed(&self, ctx: &mut Ctx<'_>, (mate, conn): Mate, at: Time) {
        let packet = Packet {
            conn,
            took_us: 0,
            wire: short(channel_bytes(0)),
            body: Body::Closed,
        };
        let news = Happening::Packet(packet);
        ctx.tell(at, mate, news);
    }

    pub(super) fn send(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, mut bytes: Vec<u8>) {
        if ctx.ledger.counts(ctx.now) {
            self.tally.control_bytes += bytes.len() as u64;
        }
        let behaviour = self.seat.behaviour;
        self.disguise(ctx, conn, &mut bytes);
        behaviour.garble(&mut self.malice, &mut bytes);
        if behaviour.sends_message(&bytes) {
            let length = bytes.len();
            self.transmit(ctx, conn, length, Body::Control(Text::new(bytes)));
        }
    }

    pub(super) fn transmit_chunk(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        mut head: [u8; CHUNK_HEADER],
        mut payload: Payload,
    ) {
        if let Some(channel) = self.channels.get_mut(&conn) {
            let waits = channel.buffered(ctx.now) + head.len() + payload.len as usize;
            // What a hostile viewer adds is not its engine's doing.
            if waits > SEND_HIGH_WATER && !self.seat.behaviour.is_restless() {
                self.violation(ctx, "send buffer", format!("{waits} bytes on {conn:?}"));
            }
        }
        let behaviour = self.seat.behaviour;
        if !behaviour.sends_chunks() {
            return;
        }
        if ctx.ledger.counts(ctx.now) {
            self.tally.uploaded_bytes += u64::from(payload.len);
        }
        behaviour.tamper(&mut self.malice, &mut payload);
        behaviour.garble(&mut self.malice, &mut head);
        let length = head.len() + payload.len as usize;
        self.transmit(ctx, conn, length, Body::Chunk(head, payload));
    }

    pub(super) fn transmit(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, length: usize, body: Body) {
        let Some(channel) = self.channels.get_mut(&conn).filter(|channel| channel.open) else {
            return self.violation(ctx, "send on a closed connection", format!("{conn:?}"));
        };
        let Some((mate, mate_conn)) = channel.mate else {
            return;
        };
        if !self.sent_on.contains(&conn) {
            self.sent_on.push(conn);
        }
        if ctx.ledger.counts(ctx.now) {
            self.tally.messages += 1;
        }
        if channel.mate_leaves <= ctx.now {
            // Nobody acknowledges any more: what is sent stays in the buffer.
            return channel.queue(NEVER, length);
        }
        let wire = channel_bytes(length);
        let departed = self.up.send(ctx.now, wire);
        channel.queue(departed, length);
        let lost = happens(&mut self.rng, message_loss(wire, channel.loss_per_million));
        let again = if lost { channel.one_way_us * 3 } else { 0 };
        let arrives = Time(departed.0 + channel.one_way_us + again).max(channel.last_arrival);
        channel.last_arrival = arrives;
        if self.seat.leaves_at() < departed {
            // Gone before it had left.
            return;
        }
        let packet = Packet {
            conn: mate_conn,
            took_us: short(self.up.duration_us(wire)),
            wire: short(wire),
            body,
        };
        let news = Happening::Packet(packet);
        ctx.tell(arrives, mate, news);
    }

    /// After a batch of sends: bytes that still wait, if they are few; else a look is due later.
    pub(super) fn is_drained(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) -> Option<usize> {
        let channel = self
            .channels
            .get_mut(&conn)
            .filter(|channel| channel.open && channel.owes_report())?;
        let buffered = channel.buffered(ctx.now);
        if buffered <= SEND_LOW_WATER {
            channel.reported();
            return Some(buffered);
        }
        if !channel.drain_due
            && let Some(at) = channel.low_at()
        {
            channel.drain_due = true;
            self.schedule(ctx, at, Happening::DrainDue(conn));
        }
        None
    }

    pub(super) fn drain_due(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        let Some(channel) = self.channels.get_mut(&conn) else {
            return;
        };
        channel.drain_due = false;
        if let Some(buffered) = self.is_drained(ctx, conn) {
            self.feed(ctx, Event::SendDrained { conn, buffered }, None);
        }
    }

    /// A message gets to the downlink.
    pub(super) fn packet(&mut self, ctx: &mut Ctx<'_>, packet: Packet) {
        let began = Time(ctx.now.0.saturating_sub(u64::from(packet.took_us)));
        let through = self
            .down
            .receive_since(began, ctx.now, u64::from(packet.wire));
        if through > ctx.now {
            self.schedule(ctx, through, Happening::PacketIn(packet));
        } else {
            self.packet_in(ctx, packet);
        }
    }

    pub(super) fn packet_in(&mut self, ctx: &mut Ctx<'_>, packet: Packet) {
        let conn = packet.conn;
        if let Body::Closed = packet.body {
            return self.link_down(ctx, conn);
        }
        if self.channels.get(&conn).is_none_or(|channel| !channel.open) {
            return;
        }
        match packet.body {
            Body::Closed => {}
            Body::Giant => {
                let event = Event::PeerMessage {
                    conn,
                    head: &[],
                    payload: 0,
                };
                self.feed(ctx, event, None);
            }
            Body::Control(text) => {
                let head = text.bytes();
                if self.takes_over(ctx, conn, head) {
                    return;
                }
                let event = Event::PeerMessage {
                    conn,
                    head,
                    payload: 0,
                };
                self.feed(ctx, event, None);
            }
            Body::Chunk(head, payload) => {
                let event = Event::PeerMessage {
                    conn,
                    head: &head,
                    payload: payload.len as usize,
                };
                self.feed_bytes(ctx, event, payload, false);
            }
        }
    }

    /// This viewer vanished: its mates notice, each in its own time.
    pub(super) fn abandon_links(&mut self, ctx: &mut Ctx<'_>) {
        for channel in self.channels.take_values() {
            if let Some((mate, conn)) = channel.mate.filter(|_| channel.open) {
                let notice = &ctx.scenario.network.late_notice_us;
                let at = Time(ctx.now.0 + between(&mut self.rng, notice));
                let news = Happening::LinkDown(conn);
                ctx.tell(at, mate, news);
            }
        }
    }
}

/// Messages are short, and so is the time they take.
fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
