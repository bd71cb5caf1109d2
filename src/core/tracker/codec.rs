//! What we write to a tracker. Ids travel as "binary strings": one character U+0000 to U+00FF per
//! byte. No message is longer than [`MAX_SEND`].

use super::{Identity, MAX_OFFERS, MAX_SEND, Totals};
use crate::core::ids::{OfferId, PeerId};
use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Write};

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

/// Twenty bytes as a binary string.
struct Binary<'a>(&'a [u8; 20]);

impl Display for Binary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| f.write_char(char::from(*b)))
    }
}

impl Serialize for Binary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Serialize)]
struct Description<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sdp: &'a str,
}

#[derive(Serialize)]
struct Offer<'a> {
    offer: Description<'a>,
    offer_id: Binary<'a>,
}

#[derive(Serialize)]
struct Announce<'a> {
    action: &'static str,
    info_hash: Binary<'a>,
    peer_id: Binary<'a>,
    numwant: usize,
    uploaded: u64,
    downloaded: u64,
    left: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offers: Option<&'a [Offer<'a>]>,
}

#[derive(Serialize)]
struct Answer<'a> {
    action: &'static str,
    info_hash: Binary<'a>,
    peer_id: Binary<'a>,
    to_peer_id: Binary<'a>,
    offer_id: Binary<'a>,
    answer: Description<'a>,
}

/// An announce, in as many messages as its offers need; at least one.
pub(super) fn announces(
    identity: Identity,
    event: Event,
    offers: &[(OfferId, String)],
    totals: Totals,
) -> Vec<String> {
    let batches = batches(offers);
    let texts = batches.iter().map(|offers| {
        json(&Announce {
            action: "announce",
            info_hash: Binary(&identity.info_hash.0),
            peer_id: Binary(&identity.peer_id.0),
            numwant: offers.len(),
            uploaded: totals.uploaded.min(MAX_INTEGER),
            downloaded: totals.downloaded.min(MAX_INTEGER),
            left: LEFT,
            event: match event {
                Event::Started => Some("started"),
                Event::Update => None,
                Event::Stopped => Some("stopped"),
            },
            offers: (event != Event::Stopped).then_some(offers),
        })
    });
    texts.flatten().collect()
}

/// The reply to a peer's offer; nothing if it is too long to be sent.
pub(super) fn answer(identity: Identity, to: PeerId, offer: OfferId, sdp: &str) -> Option<String> {
    json(&Answer {
        action: "announce",
        info_hash: Binary(&identity.info_hash.0),
        peer_id: Binary(&identity.peer_id.0),
        to_peer_id: Binary(&to.0),
        offer_id: Binary(&offer.0),
        answer: Description {
            kind: "answer",
            sdp,
        },
    })
}

/// Offers in groups that fit a message each; one too long for any message is left out.
fn batches(offers: &[(OfferId, String)]) -> Vec<Vec<Offer<'_>>> {
    let (mut done, mut batch, mut room) = (Vec::new(), Vec::new(), ROOM);
    for (id, sdp) in offers {
        let offer = Offer {
            offer: Description { kind: "offer", sdp },
            offer_id: Binary(&id.0),
        };
        let Some(size) = json(&offer).map(|text| text.len() + 1) else {
            continue;
        };
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

/// Serialising these types cannot fail; what is too long to be sent gives nothing.
fn json(message: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(message).ok();
    text.filter(|text| text.len() <= MAX_SEND)
}
