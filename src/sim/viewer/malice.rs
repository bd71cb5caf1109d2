//! What a hostile viewer does that its engine would not: lies, floods, false names.

use super::{Ctx, Viewer};
use crate::core::ids::ConnId;
use crate::core::time::Time;
use crate::core::timeline::SegmentInfo;
use crate::core::wire::{self, ByeReason, Message};
use crate::sim::chance::{Purpose, bytes32};
use crate::sim::event::{Body, Happening, Text};
use crate::sim::hostile::{Behaviour, Frame, MISCHIEF_US};
use serde_json::Value;

/// Names are changed no more often than this, in µs.
const NEW_NAME_US: u64 = 1_000_000;

impl Viewer {
    fn open_conns(&self) -> Vec<ConnId> {
        let open = self.channels.iter().filter(|(_, channel)| channel.open);
        open.map(|(conn, _)| *conn).collect()
    }

    fn say(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, bytes: Vec<u8>) {
        let length = bytes.len();
        self.transmit(ctx, conn, length, Body::Control(Text::new(bytes)));
    }

    /// A liar speaks of the newest segment.
    pub(super) fn lie(&mut self, ctx: &mut Ctx<'_>, newest: &SegmentInfo) {
        let conns = self.open_conns();
        for message in self.seat.behaviour.lies(newest) {
            for conn in &conns {
                self.say(ctx, *conn, message.encode());
            }
        }
    }

    /// Restless ones begin with their engine.
    pub(super) fn begin_mischief(&mut self, ctx: &mut Ctx<'_>) {
        if self.seat.behaviour.is_restless() {
            self.after(ctx, MISCHIEF_US, Happening::Mischief);
        }
    }

    pub(super) fn mischief(&mut self, ctx: &mut Ctx<'_>) {
        for conn in self.open_conns() {
            for frame in self.seat.behaviour.mischief(&mut self.malice) {
                match frame {
                    Frame::Text(bytes) => self.say(ctx, conn, bytes),
                    Frame::Giant(length) if self.is_idle(ctx, conn) => {
                        self.transmit(ctx, conn, length, Body::Giant);
                    }
                    Frame::Giant(_) => {}
                }
            }
        }
        self.begin_mischief(ctx);
    }

    /// Whether nothing waits in a channel. A browser throws away what waits in one that the other end closes, the
    /// simulated uplink does not: so no more than one giant waits at a time.
    fn is_idle(&mut self, ctx: &Ctx<'_>, conn: ConnId) -> bool {
        let channel = self.channels.get_mut(&conn);
        channel.is_some_and(|channel| channel.buffered(ctx.now) == 0)
    }

    /// Whether a message is none of the engine's business: it is answered here, or tells that a name is used up.
    pub(super) fn takes_over(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, message: &[u8]) -> bool {
        let behaviour = self.seat.behaviour;
        if behaviour == Behaviour::Sybil {
            self.note_ban(ctx, message);
        }
        let Some(answer) = behaviour.answers(message) else {
            return false;
        };
        self.say(ctx, conn, answer.encode());
        true
    }

    fn note_ban(&mut self, ctx: &Ctx<'_>, message: &[u8]) {
        let (masks, since) = self.masks;
        let told = matches!(
            wire::decode(message),
            Ok(Some(Message::Bye {
                reason: ByeReason::BadHash
            }))
        );
        if told && ctx.now.0 >= since.0 + NEW_NAME_US {
            self.masks = (masks + 1, Time(ctx.now.0));
        }
    }

    /// The name behind a mask; `None`: the engine's own.
    fn name(&self, ctx: &Ctx<'_>, mask: u32) -> Option<Vec<u8>> {
        let labels = [u64::from(self.id), u64::from(mask), 3];
        let drawn = bytes32(ctx.scenario.seed, Purpose::Hostile, &labels);
        (mask > 0).then(|| drawn.into_iter().take(20).collect())
    }

    /// Text for a tracker, under the name of now.
    pub(super) fn masked(&self, ctx: &Ctx<'_>, text: String) -> String {
        let Some(name) = self.name(ctx, self.masks.0) else {
            return text;
        };
        let Ok(mut value) = serde_json::from_str::<Value>(&text) else {
            return text;
        };
        if let Some(place) = value.get_mut("peer_id") {
            *place = name.into_iter().map(char::from).collect::<String>().into();
        }
        value.to_string()
    }

    /// A hello under the name that this connection was made with.
    pub(super) fn disguise(&self, ctx: &Ctx<'_>, conn: ConnId, bytes: &mut [u8]) {
        let mask = self.channels.get(&conn).map_or(0, |channel| channel.mask);
        let Some(name) = self.name(ctx, mask) else {
            return;
        };
        if matches!(wire::decode(bytes), Ok(Some(Message::Hello { .. })))
            && let Some(place) = bytes.get_mut(2..22)
        {
            place.copy_from_slice(&name);
        }
    }
}
