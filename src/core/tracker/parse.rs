//! What a tracker writes to us. Fields we do not use may hold anything, or be missing; what we do
//! use is checked. A message is at most [`MAX_MESSAGE`] bytes, so that parsing it takes bounded
//! memory (and the parser bounds its depth).

use super::json::{Object, Value};
use super::{Identity, MAX_MESSAGE, MAX_SDP};
use crate::core::ids::{OfferId, PeerId};
use crate::core::time::Duration;
use thiserror::Error;

/// A message that makes sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Incoming {
    /// The answer to an announce.
    Response(Response),
    /// A peer's offer.
    Offer(Said),
    /// A peer's answer to an offer.
    Answer(Said),
    /// The tracker refuses what we sent, in its own words.
    Refused(String),
    /// About another swarm, by ourselves, or of a kind that is not asked for.
    Unrelated,
}

/// The answer to an announce; every part may be missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Response {
    /// How often to announce.
    pub(super) interval: Option<Duration>,
    /// Viewers in the swarm, ourselves included.
    pub(super) population: Option<u32>,
    /// Something the tracker wants to be known.
    pub(super) warning: Option<String>,
}

/// What a peer says by way of the tracker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) peer: PeerId,
    pub(super) offer: OfferId,
    pub(super) sdp: String,
}

/// A message that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum ParseError {
    #[error("sent a message that is too long")]
    TooLong,
    #[error("sent a message that is no JSON object")]
    NotAnObject,
    #[error("sent a message without a known action")]
    Action,
    #[error("sent an offer or answer without a usable {0}")]
    Field(&'static str),
}

/// Reads one message.
pub(super) fn parse(text: &str, identity: Identity) -> Result<Incoming, ParseError> {
    if text.len() > MAX_MESSAGE {
        return Err(ParseError::TooLong);
    }
    let object = Object::read(text).ok_or(ParseError::NotAnObject)?;
    // Errors about unreadable requests name neither action nor swarm.
    if elsewhere(&object, identity) {
        return Ok(Incoming::Unrelated);
    }
    if let Some(reason) = object.text("failure reason") {
        return Ok(Incoming::Refused(reason.to_owned()));
    }
    match object.text("action") {
        Some("announce") => announce(&object, identity),
        Some("scrape") => Ok(Incoming::Unrelated),
        _ => Err(ParseError::Action),
    }
}

fn announce(object: &Object, identity: Identity) -> Result<Incoming, ParseError> {
    let (offer, answer) = (present(object, "offer"), present(object, "answer"));
    if offer.is_none() && answer.is_none() {
        return Ok(Incoming::Response(response(object)));
    }
    if object.get("info_hash").is_none() {
        return Err(ParseError::Field("info_hash"));
    }
    let peer = PeerId(binary(object, "peer_id").ok_or(ParseError::Field("peer_id"))?);
    if peer == identity.peer_id {
        return Ok(Incoming::Unrelated);
    }
    let id = binary(object, "offer_id").ok_or(ParseError::Field("offer_id"))?;
    let said = |description| {
        Ok(Said {
            peer,
            offer: OfferId(id),
            sdp: sdp(description)?,
        })
    };
    match (offer, answer) {
        (Some(offer), _) => said(offer).map(Incoming::Offer),
        (None, answer) => said(answer.unwrap_or(&Value::Null)).map(Incoming::Answer),
    }
}

fn response(object: &Object) -> Response {
    let interval = number(object, "interval").or_else(|| number(object, "min interval"));
    let (complete, incomplete) = (number(object, "complete"), number(object, "incomplete"));
    let count = complete
        .unwrap_or(0)
        .saturating_add(incomplete.unwrap_or(0));
    let said = complete.is_some() || incomplete.is_some();
    Response {
        interval: interval.filter(|s| *s > 0).map(Duration::from_secs),
        population: said.then(|| u32::try_from(count).unwrap_or(u32::MAX)),
        warning: object.text("warning message").map(str::to_owned),
    }
}

/// Whether the message names a swarm, and not ours.
fn elsewhere(object: &Object, identity: Identity) -> bool {
    object.get("info_hash").is_some() && binary(object, "info_hash") != Some(identity.info_hash.0)
}

fn sdp(description: &Value) -> Result<String, ParseError> {
    let text = match description {
        Value::Object(description) => description.text("sdp"),
        _ => None,
    };
    let usable = text.filter(|text| !text.is_empty() && text.len() <= MAX_SDP);
    usable.map(str::to_owned).ok_or(ParseError::Field("sdp"))
}

fn present<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| **value != Value::Null)
}

/// A count or a number of seconds, whole or not; negative ones count as missing.
fn number(object: &Object, key: &str) -> Option<u64> {
    match object.get(key)? {
        Value::Number(number) if *number >= 0.0 => Some(*number as u64),
        _ => None,
    }
}

/// Twenty bytes from a string of twenty characters U+0000 to U+00FF.
fn binary(object: &Object, key: &str) -> Option<[u8; 20]> {
    let chars = object.text(key)?.chars().take(21);
    let bytes: Option<Vec<u8>> = chars.map(|c| u8::try_from(c).ok()).collect();
    bytes?.try_into().ok()
}
