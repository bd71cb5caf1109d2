//! What a tracker says, usable or not.

use super::*;

#[test]
fn peers_are_handed_over_as_they_come() {
    let mut trackers = open(5);
    // As bittorrent-tracker and aquatic forward them.
    let offer = json!({"action": "announce", "offer": {"type": "offer", "sdp": "v=0"},
        "offer_id": latin1([200; 20]), "peer_id": latin1(SHE.0), "info_hash": latin1(HASH.0)});
    let expected = Output::Offer {
        tracker: T,
        peer: SHE,
        offer: OfferId([200; 20]),
        sdp: "v=0".to_owned(),
    };
    assert_eq!(trackers.message(T, &offer.to_string()), [expected]);
    // As wt-tracker forwards it: whatever the peer wrote, less to_peer_id.
    let answer = json!({"answer": {"type": "answer", "sdp": "v=1"}, "extra": [1, {"a": null}],
        "action": "announce", "offer_id": latin1([200; 20]), "peer_id": latin1(SHE.0),
        "offer": null, "info_hash": latin1(HASH.0)});
    let expected = Output::Answer {
        tracker: T,
        peer: SHE,
        offer: OfferId([200; 20]),
        sdp: "v=1".to_owned(),
    };
    for _ in 0..2 {
        let outputs = trackers.message(T, &answer.to_string());
        assert_eq!(
            outputs,
            std::slice::from_ref(&expected),
            "replays are not judged here"
        );
    }
}

#[test]
fn other_swarms_and_our_own_offers_are_ignored() {
    let mut trackers = open(5);
    let offer = |peer: PeerId, hash: [u8; 20]| {
        json!({"action": "announce", "offer": {"type": "offer", "sdp": "v=0"},
            "offer_id": latin1([2; 20]), "peer_id": latin1(peer.0), "info_hash": latin1(hash)})
        .to_string()
    };
    assert_eq!(trackers.message(T, &offer(ME, HASH.0)), []);
    assert_eq!(trackers.message(T, &offer(SHE, [1; 20])), []);
    let other = json!({"action": "announce", "info_hash": latin1([1; 20]), "complete": 99});
    assert_eq!(trackers.message(T, &other.to_string()), []);
    assert_eq!(trackers.population(), Some(5));
    let scrape = r#"{"action":"scrape","files":{}}"#;
    assert_eq!(trackers.message(T, scrape), []);
}

#[test]
fn refusals_and_garbage_are_warnings() {
    let long = "x".repeat(MAX_MESSAGE + 1);
    let unusable = |edit: fn(&mut Value)| {
        let mut offer = json!({"action": "announce", "offer": {"type": "offer", "sdp": "v=0"},
            "offer_id": latin1([2; 20]), "peer_id": latin1(SHE.0), "info_hash": latin1(HASH.0)});
        edit(&mut offer);
        offer.to_string()
    };
    let texts = [
        // aquatic_ws and bittorrent-tracker, on requests they cannot read
        r#"{"failure reason":"Invalid request"}"#.to_owned(),
        json!({"action": "announce", "failure reason": "no", "info_hash": latin1(HASH.0)})
            .to_string(),
        json!({"action": "announce", "warning message": "soon", "info_hash": latin1(HASH.0)})
            .to_string(),
        String::new(),
        "[]".to_owned(),
        "null".to_owned(),
        "[".repeat(60_000),
        r#"{"action":5}"#.to_owned(),
        long,
        unusable(|offer| offer["peer_id"] = json!("short")),
        unusable(|offer| offer["peer_id"] = json!("\u{100}".repeat(20))),
        unusable(|offer| offer["offer_id"] = json!("a".repeat(21))),
        unusable(|offer| offer["offer"] = json!("v=0")),
        unusable(|offer| offer["offer"]["sdp"] = json!(7)),
        unusable(|offer| offer["offer"]["sdp"] = json!("v".repeat(MAX_SDP + 1))),
        unusable(|offer| {
            offer.as_object_mut().unwrap().remove("info_hash");
        }),
    ];
    for text in texts {
        // What was told of this tracker before would not be told again.
        let mut trackers = open(5);
        let outputs = trackers.message(T, &text);
        assert_eq!(trackers.message(T, &text), [], "told once");
        let warned = matches!(&outputs[..], [Output::Warning { tracker: T, message }]
            if !message.is_empty() && message.chars().count() <= 200);
        assert!(warned, "{outputs:?} for {:.80}", text);
        assert_eq!(trackers.connected(), 1, "words close no socket");
    }
}

#[test]
fn odd_numbers_count_as_missing() {
    let mut trackers = Trackers::new(1, HASH, ME);
    trackers.start(at(0));
    trackers.opened(at(0), T);
    for (text, population) in [
        (r#""interval":"7","complete":"x""#, None),
        (r#""complete":-4,"incomplete":null"#, None),
        (r#""complete":2.5,"interval":1e308"#, Some(2)),
        (r#""complete":3,"incomplete":1e30"#, Some(u32::MAX)),
    ] {
        let text = format!(r#"{{"action":"announce",{text}}}"#);
        assert_eq!(trackers.message(T, &text), []);
        assert_eq!(trackers.population(), population);
    }
}
