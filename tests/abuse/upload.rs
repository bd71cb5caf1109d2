//! Neighbours that ask for too much, or take nothing of what they asked for.

use crate::rig::Rig;
use crate::stream::{Segment, segment};
use std::time::Duration;
use swarmline::core::action::Action;
use swarmline::core::config::strangers::*;
use swarmline::core::config::{LEAF, SEND_HIGH_WATER};
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::wire::{self, Bitmap, CHUNK_HEADER, Holding, Message};

/// A viewer that holds a segment, and a neighbour that knows.
pub(super) fn holder() -> (Rig, ConnId, Segment, u32) {
    let mut rig = Rig::new();
    let segment = segment(5, 200, true);
    let seg = rig.want(&segment);
    let first_byte = Duration::from_millis(10);
    rig.tell(Event::SegmentInserted {
        segment: segment.info.clone(),
        first_byte,
        transfer: first_byte,
    });
    let (first, hashes) = (0, segment.leaves.clone());
    rig.tell(Event::LeavesHashed { seg, first, hashes });
    let hash = segment.info.hash;
    rig.tell(Event::SegmentHashed { seg, hash });
    let conn = rig.join(10);
    let told = rig
        .heard(conn, 0)
        .into_iter()
        .find_map(|message| match message {
            Message::Have { alias, .. } => Some(alias),
            _ => None,
        });
    (rig, conn, segment, told.unwrap())
}

pub(super) fn request(alias: u32, first: u32, count: u32, want_leaves: bool) -> Message {
    Message::Request {
        alias,
        first,
        count,
        want_leaves,
        urgency_ms: 100,
        idle: 255,
    }
}

#[test]
fn nobody_can_queue_more_than_it_will_ever_take() {
    let (mut rig, conn, _, alias) = holder();
    let from = rig.done.len();
    for first in 0..200 {
        rig.say(conn, &request(alias, first, 1, false));
    }
    let rejected = rig.heard(conn, from).len();
    let sent = rig.done[from..].iter().map(|action| match action {
        Action::SendChunk { len, .. } => *len as usize,
        _ => 0,
    });
    let sent: usize = sent.sum();
    assert!(sent <= SEND_HIGH_WATER, "the channel's limit");
    assert_eq!(rejected, 200 - sent / LEAF as usize - MAX_QUEUE);
    // Far too much at once, and what was never announced.
    let from = rig.done.len();
    rig.say(conn, &request(alias, 0, 200, false));
    rig.say(conn, &request(alias + 7, 0, 1, false));
    assert_eq!(rig.heard(conn, from).len(), 2);
    assert!(!rig.is_gone(conn));
}

#[test]
fn leaf_hashes_are_not_sent_again_and_again() {
    let (mut rig, conn, _, alias) = holder();
    let from = rig.done.len();
    for _ in 0..20 {
        rig.say(conn, &request(alias, 0, 1, true));
    }
    let trees = rig.heard(conn, from);
    let trees = trees.iter().filter(|m| matches!(m, Message::Leaves { .. }));
    assert_eq!(trees.count(), usize::from(MAX_TREES));
}

#[test]
fn who_reads_nothing_is_dropped_before_much_has_piled_up() {
    let (mut rig, conn, _, alias) = holder();
    let from = rig.done.len();
    let mut waited = 0;
    while !rig.is_gone(conn) {
        rig.say(conn, &request(alias, waited * 7 % 190, 7, false));
        rig.wait(500);
        waited += 1;
        assert!(waited < 100, "half a minute is enough");
    }
    assert_eq!(rig.reason(conn), Some("slow"));
    let bytes = rig.done[from..].iter().map(|action| match action {
        Action::SendChunk { conn: to, len, .. } if *to == conn => CHUNK_HEADER + *len as usize,
        Action::Send { conn: to, bytes } if *to == conn => bytes.len(),
        _ => 0,
    });
    let bytes: usize = bytes.sum();
    assert!(bytes <= SEND_HIGH_WATER + 64 * 1024, "{bytes}");
}

#[test]
fn answers_do_not_pile_up_either() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    let from = rig.done.len();
    // It trades, so that it may talk; it never reads.
    for nonce in 0..400_000 {
        rig.now += Duration::from_millis(10);
        rig.say(conn, &Message::Ping { nonce });
        if rig.is_gone(conn) {
            break;
        }
    }
    let bytes = rig.done[from..].iter().map(|action| match action {
        Action::Send { bytes, .. } => bytes.len(),
        _ => 0,
    });
    assert!(bytes.sum::<usize>() <= MAX_BUFFERED);
    assert_eq!(rig.reason(conn), Some("slow"));
}

#[test]
fn a_neighbour_that_waits_in_vain_keeps_nobody_else_waiting() {
    let (mut rig, slow, _, alias) = holder();
    for first in 0..10 {
        rig.say(slow, &request(alias, first * 16, 16, false));
    }
    let other = rig.join(11);
    rig.wait(3_000);
    let from = rig.done.len();
    rig.say(other, &request(alias, 0, 1, false));
    let got = |action: &Action| matches!(action, Action::SendChunk { conn, .. } if *conn == other);
    assert!(rig.done[from..].iter().any(got));
}

#[test]
fn what_a_neighbour_makes_us_remember_is_bounded() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    // Larger than this viewer would ever ask for.
    let huge = Message::Have {
        alias: 1,
        hash: SegmentHash([7; 32]),
        short: 0,
        holding: Holding::Partial(Bitmap::new(wire::MAX_LEAVES)),
    };
    for _ in 0..200 {
        rig.say(conn, &huge);
    }
    assert!(!rig.is_gone(conn), "it is of no use, but no lie");
    let peer = format!("{:?}", rig.engine);
    assert!(!peer.contains("0707070707070707"), "and not kept");
}

#[test]
fn of_what_a_neighbour_announces_and_claims_only_so_much_is_remembered() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    let entries = |rig: &Rig| -> usize {
        let tables = rig.engine.tables();
        tables.iter().map(|(_, entries)| entries).sum()
    };
    let before = entries(&rig);
    let hash = |n: u32| {
        let mut hash = [7; 32];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        SegmentHash(hash)
    };
    for n in 1..=400 {
        rig.say(
            conn,
            &Message::Have {
                alias: n,
                hash: hash(n),
                short: 0,
                holding: Holding::Complete(1),
            },
        );
        rig.say(
            conn,
            &Message::Claim {
                hash: hash(1_000 + n),
                eta_ms: 500,
            },
        );
    }
    assert!(!rig.is_gone(conn));
    assert_eq!(entries(&rig) - before, MAX_HOLDINGS + MAX_CLAIMS);
}

#[test]
fn a_copy_that_the_player_has_left_is_finished_for_neighbours_or_they_are_told() {
    // At the rate assumed before one is known, 60 leaves take as long as they play.
    for (leaves, is_finished) in [(12, true), (60, false)] {
        let mut rig = Rig::new();
        let segment = segment(5, leaves, true);
        let conn = rig.join(10);
        rig.want(&segment);
        let fetch = rig.fetch();
        let told = |rig: &Rig, wanted: fn(&Message) -> bool| rig.heard(conn, 0).iter().any(wanted);
        assert!(told(&rig, |message| matches!(
            message,
            Message::Claim { .. }
        )));
        let load = LoadId(segment.info.sn as u32);
        rig.tell(Event::LoadAborted { load });
        let retracted = told(&rig, |message| matches!(message, Message::Unclaim { .. }));
        let aborted = rig.done.contains(&Action::AbortFetch { fetch });
        assert_eq!((retracted, aborted), (!is_finished, !is_finished));
    }
}
