//! The client against messages as real trackers write them, against time, and against nonsense.

mod announces;
mod anything;
mod received;
mod sent;
mod sockets;
mod wishes;

use super::*;
use fastrand::Rng;
use serde_json::{Value, json};

const T: TrackerId = TrackerId(0);
const HASH: InfoHash = InfoHash([0xab; 20]);
const ME: PeerId = PeerId([7; 20]);
const SHE: PeerId = PeerId([0xfe; 20]);

fn at(seconds: u64) -> Time {
    Time(seconds * 1_000_000)
}

fn latin1(bytes: [u8; 20]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn rng() -> Rng {
    Rng::with_seed(1)
}

/// Texts sent to tracker 0, parsed.
fn sent(outputs: &[Output]) -> Vec<Value> {
    let texts = outputs.iter().filter_map(|output| match output {
        Output::Send(T, text) => Some(text),
        _ => None,
    });
    texts
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

fn response(interval: u64, complete: u32, incomplete: u32) -> String {
    json!({"action": "announce", "interval": interval, "info_hash": latin1(HASH.0),
        "complete": complete, "incomplete": incomplete})
    .to_string()
}

fn offers(count: u8, length: usize) -> Vec<(OfferId, String)> {
    let offer = |n| (OfferId([n; 20]), "v".repeat(length));
    (0..count).map(offer).collect()
}

/// One tracker, open since second 0, that has answered.
fn open(population: u32) -> Trackers {
    let mut trackers = Trackers::new(1, HASH, ME);
    trackers.start(at(0));
    trackers.opened(at(0), T);
    trackers.message(T, &response(120, 0, population));
    trackers
}
