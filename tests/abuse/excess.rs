//! Too much, too little, too late.

use crate::rig::{Rig, id};
use crate::stream::segment;
use std::time::Duration;
use swarmline::core::config::LEAF;
use swarmline::core::config::strangers::*;
use swarmline::core::ids::*;
use swarmline::core::wire::{self, Message};

#[test]
fn whoever_talks_without_end_is_sent_away_and_whoever_trades_is_not() {
    let mut rig = Rig::new();
    let (flooder, quiet) = (rig.join(10), rig.join(11));
    let mut said = 0;
    while !rig.is_gone(flooder) && said < 10_000 {
        said += 1;
        rig.now += Duration::from_millis(1);
        rig.say(flooder, &Message::Pong { nonce: said });
    }
    assert!(
        (MESSAGE_BURST - 50..MESSAGE_BURST + 500).contains(&said),
        "{said}"
    );
    assert_eq!(rig.reason(flooder), Some("flood"));
    for nonce in 0..3_000 {
        rig.now += Duration::from_millis(15);
        rig.say(quiet, &Message::Ping { nonce });
    }
    assert!(!rig.is_gone(quiet));
}

#[test]
fn unknown_messages_are_skipped_and_counted() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    rig.bytes(conn, &[99, 1, 2, 3], 0);
    assert!(!rig.is_gone(conn), "an addition to this version");
    let sent = (0..2_000).take_while(|_| {
        rig.bytes(conn, &[99; 30_000], 0);
        !rig.is_gone(conn)
    });
    assert!(sent.count() < 40);
    assert_eq!(rig.reason(conn), Some("flood"));
}

#[test]
fn media_that_nobody_asked_for_is_borne_for_a_while() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    let segment = segment(5, 12, true);
    rig.announce(conn, 1, &segment);
    let mut bytes = 0;
    while !rig.is_gone(conn) {
        rig.chunk(conn, 1, 0, LEAF as usize);
        bytes += LEAF;
        assert!(bytes < 2 * UNASKED_BURST);
    }
    assert!(
        bytes > UNASKED_BURST / 2,
        "a request may just have been withdrawn"
    );
    assert_eq!(rig.reason(conn), Some("flood"));
    assert_eq!(rig.engine.stats().wasted_bytes, u64::from(bytes));
}

#[test]
fn who_announces_and_never_delivers_loses_its_place() {
    let mut rig = Rig::new();
    let (liar, claimer, idle) = (rig.join(10), rig.join(11), rig.join(12));
    let segment = segment(5, 12, true);
    rig.want(&segment);
    let mut claim = SegmentHash([0; 32]);
    for round in 0..600 {
        if !rig.is_gone(liar) {
            rig.announce(liar, 1, &segment);
        }
        if !rig.is_gone(claimer) && round % 10 == 0 {
            claim.0[..4].copy_from_slice(&(round as u32).to_be_bytes());
            let (hash, eta_ms) = (claim, 100);
            rig.say(claimer, &Message::Claim { hash, eta_ms });
        }
        for conn in [liar, claimer, idle] {
            if !rig.is_gone(conn) {
                rig.say(conn, &Message::Ping { nonce: 1 });
            }
        }
        rig.wait(100);
        // A frozen playhead keeps the segment wanted.
        rig.stand_still();
    }
    assert_eq!(rig.reason(liar), Some("unkept"));
    assert_eq!(
        rig.reason(claimer),
        None,
        "the CDN may have failed; it is not believed for a while"
    );
    assert_eq!(rig.reason(idle), None, "it promised nothing");
    let asked = rig.asked(liar).len();
    assert!(
        asked <= MAX_BROKEN as usize,
        "{asked} leaves were asked of it"
    );
}

#[test]
fn who_refuses_everything_it_announces_loses_its_place_too() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    let segment = segment(5, 12, true);
    rig.want(&segment);
    let mut from = 0;
    for _ in 0..1_200 {
        if rig.is_gone(conn) {
            break;
        }
        rig.announce(conn, 1, &segment);
        for message in rig.heard(conn, from) {
            if let Message::Request {
                alias,
                first,
                count,
                ..
            } = message
            {
                let reason = wire::RejectReason::Busy;
                rig.say(
                    conn,
                    &Message::Reject {
                        alias,
                        first,
                        count,
                        reason,
                    },
                );
            }
        }
        from = rig.done.len();
        rig.wait(100);
        rig.stand_still();
    }
    assert_eq!(rig.reason(conn), Some("unkept"));
}

#[test]
fn who_never_says_hello_is_closed_and_not_let_in_again_at_once() {
    let mut rig = Rig::new();
    let conn = rig.open(id(10)).unwrap();
    rig.wait(6_000);
    assert!(rig.is_gone(conn));
    assert_eq!(rig.open(id(10)), None);
    rig.wait(61_000);
    assert!(rig.open(id(10)).is_some());
}

/// What was announced before the segment was known here, or before the publisher changed its mind, may have another size.
#[test]
fn nobody_is_asked_for_leaves_beyond_what_it_said_there_are() {
    let mut rig = Rig::new();
    let conn = rig.join(10);
    let (small, large) = (segment(5, 1, true), segment(5, 12, true));
    assert_eq!(small.info.hash, large.info.hash);
    rig.announce(conn, 1, &small);
    rig.want(&large);
    rig.wait(3_000);
    assert_eq!(rig.asked(conn), Vec::<u32>::new());
    assert!(!rig.is_gone(conn));
    // Nor is it sent away for saying so now: either may have been told so by the publisher.
    rig.announce(conn, 2, &small);
    rig.wait(1_000);
    assert_eq!(rig.asked(conn), Vec::<u32>::new());
    assert!(!rig.is_gone(conn));
}
