//! The tracker and signalling.

use crate::rig::{Rig, SDP, T, id, latin1};
use swarmline::core::action::Action;
use swarmline::core::config::strangers::TRACKER_WARNINGS;
use swarmline::core::engine::info_hash;
use swarmline::core::event::Event;
use swarmline::core::wire::Message;

#[test]
fn a_flood_of_offers_takes_half_of_the_places_at_most() {
    let mut rig = Rig::new();
    let mut taken = |offers: std::ops::Range<u32>| {
        let hits = offers.filter(|n| rig.offer(id(*n), SDP).is_some());
        hits.count()
    };
    assert_eq!(taken(0..200), 8);
    // What is too much to be read is told once.
    assert_eq!(taken(200..2_000), 0);
    assert_eq!(rig.warnings(), 1);
    // Once those have come to nothing there is room again.
    rig.wait(30_000);
    rig.join(9_000);
}

#[test]
fn an_offer_is_taken_once() {
    let mut rig = Rig::new();
    let conn = rig.offer_of(id(10), 77, SDP).unwrap();
    rig.tell(Event::ConnClosed { conn });
    for _ in 0..100 {
        assert_eq!(rig.offer_of(id(10), 77, SDP), None);
    }
    assert_eq!(rig.warnings(), 1);
    assert!(rig.offer_of(id(10), 78, SDP).is_some(), "a new one is");
}

#[test]
fn only_data_channels_are_connected_to() {
    let mut rig = Rig::new();
    let floods = format!(
        "{SDP}{}",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n".repeat(100)
    );
    let audio = SDP.replace(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=audio 9 RTP/SAVPF 111",
    );
    let bare = SDP.replace("a=fingerprint", "a=x");
    let long = format!("{SDP}{}", "a=x:y\r\n".repeat(5_000));
    for sdp in [&floods, &audio, &bare, &long] {
        for _ in 0..20 {
            assert_eq!(rig.offer(id(10), sdp), None, "{sdp:.40}");
        }
    }
    assert_eq!(rig.warnings(), 4, "each kind once");
    assert!(rig.offer(id(10), SDP).is_some());
}

#[test]
fn one_address_block_is_not_a_neighbourhood() {
    let at = |address: &str| format!("{SDP}a=candidate:1 1 udp 1 {address} 9 typ srflx\r\n");
    let mut rig = Rig::new();
    let mut taken = |addresses: &dyn Fn(u32) -> String| {
        let hits = (0..12).filter(|n| {
            rig.offers += 1;
            let conn = rig.offer(id(rig.offers), &at(&addresses(*n)));
            // It opens, so that it is not merely pending.
            conn.is_some_and(|conn| {
                rig.tell(Event::AnswerCreated {
                    conn,
                    sdp: SDP.into(),
                });
                rig.tell(Event::ConnOpened { conn });
                true
            })
        });
        let count = hits.count();
        rig = Rig::new();
        count
    };
    assert_eq!(taken(&|n| format!("203.0.113.{n}")), 4);
    assert_eq!(taken(&|n| format!("2001:db8:1:{n}::1")), 4);
    assert_eq!(taken(&|n| format!("203.0.{n}.1")), 12);
    assert_eq!(
        taken(&|n| format!("192.168.1.{n}")),
        12,
        "tabs of one machine, one home"
    );
    assert_eq!(taken(&|n| format!("{n}.local")), 12);
}

#[test]
fn garbage_from_a_tracker_is_told_once_and_a_flood_of_it_ends_the_socket() {
    let mut rig = Rig::new();
    for text in ["", "{", "[]", "null", "{\"action\":7}", "\u{0}"] {
        (0..5).for_each(|_| rig.text(text));
    }
    assert!(rig.warnings() <= 3, "{}", rig.warnings());
    let deep = "[".repeat(60_000);
    rig.text(&deep);
    let close = Action::CloseTracker { tracker: T };
    let mut sent = 0;
    while !rig.done.contains(&close) {
        sent += 1;
        rig.text(&format!("{{\"failure reason\":\"{sent}\"}}"));
        assert!(sent < 10_000);
    }
    assert!(rig.warnings() <= TRACKER_WARNINGS);
    // It is tried again, later.
    let opens = |rig: &Rig| {
        rig.done
            .iter()
            .filter(|a| matches!(a, Action::OpenTracker { .. }))
            .count()
    };
    assert_eq!(opens(&rig), 1);
    rig.wait(120_000);
    assert!((2..12).contains(&opens(&rig)), "{}", opens(&rig));
}

#[test]
fn a_tracker_that_says_absurd_things_is_bounded() {
    let say = |rig: &mut Rig, interval: &str, count: &str| {
        let hash = serde_json::json!(latin1(&info_hash("x").0));
        rig.text(&format!(
            "{{\"action\":\"announce\",\"info_hash\":{hash},\"interval\":{interval},\"complete\":{count},\"incomplete\":0}}"
        ));
    };
    for (interval, count) in [
        ("0", "1"),
        ("1e300", "1e300"),
        ("-5", "-9"),
        ("0.0001", "18446744073709551615"),
    ] {
        let mut rig = Rig::new();
        let conn = rig.join(10);
        let from = rig.done.len();
        for _ in 0..600 {
            say(&mut rig, interval, count);
            rig.wait(1_000);
            rig.say(conn, &Message::Ping { nonce: 1 });
        }
        let sent = |action: &&Action| matches!(action, Action::SendTracker { .. });
        let announced = rig.done[from..].iter().filter(sent).count();
        assert!(
            (5..=120).contains(&announced),
            "{interval}: {announced} in ten minutes"
        );
        assert!(!rig.is_gone(conn), "neighbours stay");
    }
}
