//! What we write to a tracker. Ids travel as "binary strings": one character U+0000 to U+00FF per
//! byte. No message is longer than [`MAX_SEND`].

use super::json::quote;
use super::{Identity, MAX_OFFERS, MAX_SEND, Totals};
use crate::core::ids::{OfferId, PeerId};

/// More than any announce takes besides its offers (ids take up to six bytes a character).
const OVERHEAD: usize = 512;
/// What is left for the offers of one message, in bytes.
const ROOM: usize = MAX_SEND - OVERHEAD;
/// A live stream is never complete: every viewer counts alike.
const LEFT: u64 = 1;
/// JavaScript's largest exact integer; strict servers refuse what is not one.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why we announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// First announce on a connection.
    Started,
    /// Any other; has no name on the wire, since some servers refuse one.
    Update,
    /// We leave the swarm.
    Stopped,
}

/// A message in the making.
struct Message(String);

impl Message {
    fn new() -> Self {
        Self("{".to_owned())
    }

    /// One that both kinds begin with: who speaks of which swarm.
    fn announce(identity: Identity) -> Self {
        let mut message = Self::new();
        message.text("action", "announce");
        message.binary("info_hash", &identity.info_hash.0);
        message.binary("peer_id", &identity.peer_id.0);
        message
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        quote(&mut self.0, text);
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        self.0.push_str(&number.to_string());
    }

    /// Twenty bytes as a binary string.
    fn binary(&mut self, name: &str, bytes: &[u8; 20]) {
        let text: String = bytes.iter().copied().map(char::from).collect();
        self.text(name, &text);
    }

    /// A session description; its field is named as its kind.
    fn description(&mut self, kind: &str, sdp: &str) {
        self.name(kind);
        self.0.push('{');
        self.text("type", kind);
        self.text("sdp", sdp);
        self.0.push('}');
    }

    fn list(&mut self, name: &str, items: &[String]) {
        self.name(name);
        self.0.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            self.0.push_str(item);
        }
        self.0.push(']');
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// What is too long to be sent gives nothing.
    fn into_text(self) -> Option<String> {
        Some(self.end()).filter(|text| text.len() <= MAX_SEND)
    }
}

/// An announce, in as many messages as its offers need; at least one.
pub(super) fn announces(
    identity: Identity,
    event: Event,
    offers: &[(OfferId, String)],
    totals: Totals,
) -> Vec<String> {
    let mut texts = Vec::new();
    for offers in batches(offers) {
        let mut message = Message::announce(identity);
        message.number("numwant", offers.len() as u64);
        message.number("uploaded", totals.uploaded.min(MAX_INTEGER));
        message.number("downloaded", totals.downloaded.min(MAX_INTEGER));
        message.number("left", LEFT);
        match event {
            Event::Started => message.text("event", "started"),
            Event::Update => {}
            Event::Stopped => message.text("event", "stopped"),
        }
        if event != Event::Stopped {
            message.list("offers", &offers);
        }
        texts.extend(message.into_text());
    }
    texts
}

/// The reply to a peer's offer; nothing if it is too long to be sent.
pub(super) fn answer(identity: Identity, to: PeerId, offer: OfferId, sdp: &str) -> Option<String> {
    let mut message = Message::announce(identity);
    message.binary("to_peer_id", &to.0);
    message.binary("offer_id", &offer.0);
    message.description("answer", sdp);
    message.into_text()
}

/// Offers, written, in groups that fit a message each; one too long for any message is left out.
fn batches(offers: &[(OfferId, String)]) -> Vec<Vec<String>> {
    let (mut done, mut batch, mut room) = (Vec::new(), Vec::new(), ROOM);
    for (id, sdp) in offers {
        let mut offer = Message::new();
        offer.description("offer", sdp);
        offer.binary("offer_id", &id.0);
        let offer = offer.end();
        let size = offer.len() + 1;
        if size > ROOM {
            continue;
        }
        if size > room || batch.len() >= MAX_OFFERS as usize {
            done.push(std::mem::take(&mut batch));
            room = ROOM;
        }
        room -= size;
        batch.push(offer);
    }
    done.push(batch);
    done
}
