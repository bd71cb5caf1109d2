//! The tracker protocol's messages: reading what peers send, writing what they get.
//!
//! Invariant: after [`parse`] every id has 20 bytes, and every list and payload is within its cap.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use swarmline::core::ids::{InfoHash, PeerId};
use thiserror::Error;

/// A larger message closes the socket, in bytes.
pub(super) const MAX_MESSAGE: usize = 256 * 1024;

/// Offers of one announce that are handed on; the rest is ignored.
pub(super) const MAX_OFFERS: usize = 20;

/// A larger offer or answer is refused, in bytes of JSON.
const MAX_DESCRIPTION: usize = 32 * 1024;

/// Swarms in one scrape.
const MAX_SCRAPE: usize = 64;

/// What a peer wants.
#[derive(Debug)]
pub(super) enum Request {
    /// To be known, and to pass on offers or an answer.
    Announce(Announce),
    /// Numbers of some swarms.
    Scrape(Vec<InfoHash>),
}

/// An announce.
#[derive(Debug)]
pub(super) struct Announce {
    /// The swarm.
    pub swarm: InfoHash,
    /// Who.
    pub peer: PeerId,
    /// Whether the peer is leaving.
    pub stopped: bool,
    /// Whether the peer has everything.
    pub complete: bool,
    /// One for each other peer that it wants.
    pub offers: Vec<Offer>,
    /// To an offer of another peer.
    pub answer: Option<Answer>,
}

/// An offer on its way.
#[derive(Debug)]
pub(super) struct Offer {
    /// Session description, opaque.
    pub offer: Value,
    /// Its name, given by whoever offers.
    pub id: String,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Answer {
    /// Who offered.
    pub to: PeerId,
    /// Session description, opaque.
    pub answer: Value,
    /// The offer's name.
    pub offer_id: String,
}

/// Why a message cannot be read.
#[derive(Debug, Error)]
pub(super) enum Invalid {
    /// No JSON, or no object with the right types.
    #[error("not a tracker message: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither announce nor scrape.
    #[error("invalid action")]
    Action,
    /// Not 20 characters up to U+00FF.
    #[error("invalid {0}")]
    Id(&'static str),
    /// An event that the protocol does not have.
    #[error("invalid event")]
    Event,
    /// An offer or answer is too large, or has no `offer_id`.
    #[error("invalid {0}")]
    Description(&'static str),
    /// Too many swarms in one scrape.
    #[error("more than {MAX_SCRAPE} swarms in one scrape")]
    Scrape,
}

#[derive(Deserialize)]
struct Raw {
    action: Option<Value>,
    info_hash: Option<Value>,
    peer_id: Option<String>,
    event: Option<String>,
    left: Option<Value>,
    numwant: Option<Value>,
    offers: Option<Vec<RawOffer>>,
    answer: Option<Value>,
    to_peer_id: Option<String>,
    offer_id: Option<String>,
}

#[derive(Deserialize)]
struct RawOffer {
    offer: Value,
    offer_id: String,
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in the words that the peer gets.
pub(super) fn parse(text: &[u8]) -> Result<Request, Invalid> {
    let raw: Raw = serde_json::from_slice(text)?;
    match raw.action.as_ref().and_then(Value::as_str) {
        Some("announce") => announce(raw).map(Request::Announce),
        Some("scrape") => scrape(raw.info_hash).map(Request::Scrape),
        _ => Err(Invalid::Action),
    }
}

fn announce(raw: Raw) -> Result<Announce, Invalid> {
    let swarm = raw.info_hash.as_ref().and_then(Value::as_str);
    let stopped = match raw.event.as_deref() {
        Some("stopped") => true,
        None | Some("" | "empty" | "started" | "update" | "completed" | "paused") => false,
        Some(_) => return Err(Invalid::Event),
    };
    let wanted = raw.numwant.as_ref().and_then(Value::as_u64);
    let wanted = wanted.map_or(MAX_OFFERS, |n| usize::try_from(n).unwrap_or(MAX_OFFERS));
    let offers = raw.offers.unwrap_or_default().into_iter();
    let offers = offers.take(wanted.min(MAX_OFFERS)).map(offer);
    Ok(Announce {
        swarm: InfoHash(id("info_hash", swarm)?),
        peer: PeerId(id("peer_id", raw.peer_id.as_deref())?),
        stopped,
        // Clients that do not know write null for infinity.
        complete: raw.event.as_deref() == Some("completed")
            || raw.left.as_ref().and_then(Value::as_u64) == Some(0),
        offers: offers.collect::<Result<_, _>>()?,
        answer: answer(raw.answer, raw.to_peer_id, raw.offer_id)?,
    })
}

fn offer(raw: RawOffer) -> Result<Offer, Invalid> {
    Ok(Offer {
        offer: description("offer", raw.offer)?,
        id: label(Some(raw.offer_id))?,
    })
}

fn answer(
    answer: Option<Value>,
    to: Option<String>,
    offer_id: Option<String>,
) -> Result<Option<Answer>, Invalid> {
    let Some(answer) = answer else {
        return Ok(None);
    };
    Ok(Some(Answer {
        to: PeerId(id("to_peer_id", to.as_deref())?),
        answer: description("answer", answer)?,
        offer_id: label(offer_id)?,
    }))
}

fn description(name: &'static str, value: Value) -> Result<Value, Invalid> {
    let size = serde_json::to_string(&value)?.len();
    match value {
        Value::Object(_) if size <= MAX_DESCRIPTION => Ok(value),
        _ => Err(Invalid::Description(name)),
    }
}

/// An offer's name: 20 bytes by custom, but only its sender needs to understand it.
fn label(name: Option<String>) -> Result<String, Invalid> {
    let name = name.filter(|name| !name.is_empty() && name.len() <= 256);
    name.ok_or(Invalid::Description("offer_id"))
}

fn scrape(info_hash: Option<Value>) -> Result<Vec<InfoHash>, Invalid> {
    let list = match info_hash {
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    if list.len() > MAX_SCRAPE {
        return Err(Invalid::Scrape);
    }
    let read = |value: &Value| id("info_hash", value.as_str()).map(InfoHash);
    list.iter().map(read).collect()
}

/// Reads a binary string: one character per byte.
fn id(name: &'static str, text: Option<&str>) -> Result<[u8; 20], Invalid> {
    let bytes = text.map(|text| {
        text.chars()
            .map(u8::try_from)
            .collect::<Result<Vec<_>, _>>()
    });
    let bytes = bytes.and_then(Result::ok).map(TryInto::try_into);
    bytes.and_then(Result::ok).ok_or(Invalid::Id(name))
}

/// Writes a binary string.
fn binary(id: &[u8; 20]) -> String {
    id.iter().map(|byte| char::from(*byte)).collect()
}

/// The answer to an announce: when to come again, in seconds, and how many peers there are.
pub(super) fn welcome(
    swarm: InfoHash,
    interval: u64,
    complete: usize,
    incomplete: usize,
) -> String {
    json!({
        "action": "announce",
        "interval": interval,
        "info_hash": binary(&swarm.0),
        "complete": complete,
        "incomplete": incomplete,
    })
    .to_string()
}

/// An offer, as the chosen peer gets it.
pub(super) fn forward_offer(swarm: InfoHash, from: PeerId, offer: &Offer) -> String {
    forward(swarm, from, &offer.id, ("offer", &offer.offer))
}

/// An answer, as the one who offered gets it.
pub(super) fn forward_answer(swarm: InfoHash, from: PeerId, answer: &Answer) -> String {
    forward(swarm, from, &answer.offer_id, ("answer", &answer.answer))
}

fn forward(swarm: InfoHash, from: PeerId, offer_id: &str, (name, value): (&str, &Value)) -> String {
    json!({
        "action": "announce",
        "info_hash": binary(&swarm.0),
        "peer_id": binary(&from.0),
        "offer_id": offer_id,
        name: value,
    })
    .to_string()
}

/// The answer to a scrape: complete and incomplete peers of each swarm.
pub(super) fn scraped(swarms: &[(InfoHash, usize, usize)]) -> String {
    let files: Map<String, Value> = swarms
        .iter()
        .map(|(swarm, complete, incomplete)| {
            let numbers = json!({
                "complete": complete,
                "incomplete": incomplete,
                "downloaded": complete,
            });
            (binary(&swarm.0), numbers)
        })
        .collect();
    json!({ "action": "scrape", "files": files }).to_string()
}

/// A refusal. Clients look at `action` and `info_hash` first, so they are repeated if they can be made out.
pub(super) fn failure(reason: &str, request: &[u8]) -> String {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let mut reply = Map::new();
    let action = request.get("action").filter(|a| *a == "scrape");
    reply.insert(
        "action".into(),
        action.cloned().unwrap_or("announce".into()),
    );
    if let Some(Value::String(swarm)) = request.get("info_hash").filter(|v| is_short(v)) {
        reply.insert("info_hash".into(), swarm.clone().into());
    }
    reply.insert("failure reason".into(), reason.into());
    Value::Object(reply).to_string()
}

fn is_short(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() <= 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8; 20]) -> String {
        binary(bytes)
    }

    fn parse_json(value: Value) -> Result<Request, Invalid> {
        parse(value.to_string().as_bytes())
    }

    #[test]
    fn ids_are_bytes_written_as_characters() {
        let all: [u8; 20] = std::array::from_fn(|i| (i * 13) as u8);
        assert_eq!(id("x", Some(&text(&all))).unwrap(), all);
        assert!(id("x", Some(&"\u{100}".repeat(20))).is_err());
        assert!(id("x", Some(&"a".repeat(19))).is_err());
        assert!(id("x", None).is_err());
    }

    #[test]
    fn caps_offers_and_honours_numwant() {
        let offers: Vec<_> = (0..30)
            .map(|i| json!({"offer": {}, "offer_id": i.to_string()}))
            .collect();
        let message = |numwant: Value| {
            json!({"action": "announce", "info_hash": text(&[1; 20]), "peer_id": text(&[255; 20]),
                "numwant": numwant, "offers": offers})
        };
        for (numwant, expected) in [
            (json!(50), 20),
            (json!(3), 3),
            (json!(null), 20),
            (json!(0), 0),
        ] {
            match parse_json(message(numwant)).unwrap() {
                Request::Announce(announce) => assert_eq!(announce.offers.len(), expected),
                Request::Scrape(_) => panic!("no scrape"),
            }
        }
    }

    #[test]
    fn refuses_what_the_protocol_does_not_have() {
        let good =
            json!({"action": "announce", "info_hash": text(&[1; 20]), "peer_id": text(&[2; 20])});
        assert!(parse_json(good.clone()).is_ok());
        let changes = [
            ("action", json!("dance")),
            ("action", json!(1)),
            ("info_hash", json!("short")),
            ("info_hash", json!(7)),
            ("peer_id", json!(null)),
            ("event", json!("exploded")),
            ("offers", json!([{"offer": "text", "offer_id": "a"}])),
            ("offers", json!([{"offer": {}}])),
            ("offers", json!([{"offer": {}, "offer_id": ""}])),
            (
                "offers",
                json!([{"offer": {"sdp": "x".repeat(MAX_DESCRIPTION)}, "offer_id": "a"}]),
            ),
            ("answer", json!({"sdp": ""})),
        ];
        for (field, value) in changes {
            let mut bad = good.clone();
            bad[field] = value.clone();
            assert!(parse_json(bad).is_err(), "{field} {value}");
        }
        for bad in ["", "[]", "null", "{", "\u{0}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_can_be_matched_to_its_request() {
        let request = json!({"action": "scrape", "info_hash": "abc"}).to_string();
        let reply: Value = serde_json::from_str(&failure("no", request.as_bytes())).unwrap();
        assert_eq!(
            reply,
            json!({"action": "scrape", "info_hash": "abc", "failure reason": "no"})
        );
        let reply: Value = serde_json::from_str(&failure("no", b"\xff")).unwrap();
        assert_eq!(reply, json!({"action": "announce", "failure reason": "no"}));
    }
}
