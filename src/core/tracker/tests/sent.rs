//! What a tracker is sent.

use super::*;

#[test]
fn offers_go_out_in_the_reference_format() {
    let mut trackers = open(5);
    let totals = Totals {
        uploaded: 3,
        downloaded: u64::MAX,
    };
    let outputs = trackers.announce(at(1), T, &offers(2, 3), totals);
    let offer = |n| json!({"offer_id": latin1([n; 20]), "offer": {"type": "offer", "sdp": "vvv"}});
    let expected = json!({"action": "announce", "info_hash": latin1(HASH.0), "peer_id": latin1(ME.0),
        "numwant": 2, "offers": [offer(0), offer(1)], "left": 1, "uploaded": 3,
        "downloaded": (1u64 << 53) - 1});
    assert_eq!(sent(&outputs), [expected]);
    let outputs = trackers.answer(T, SHE, OfferId([9; 20]), "v=0");
    let expected = json!({"action": "announce", "info_hash": latin1(HASH.0), "peer_id": latin1(ME.0),
        "to_peer_id": latin1(SHE.0), "offer_id": latin1([9; 20]),
        "answer": {"type": "answer", "sdp": "v=0"}});
    assert_eq!(sent(&outputs), [expected]);
}

#[test]
fn many_or_long_offers_are_spread_over_messages() {
    let mut trackers = open(100);
    let batch = |message: &Value| message["offers"].as_array().unwrap().len();
    for (offers, expected) in [
        (offers(25, 10), vec![10, 10, 5]),
        (offers(6, 5000), vec![3, 3]),
        ([offers(1, MAX_SEND), offers(1, 5)].concat(), vec![1]),
    ] {
        let outputs = trackers.announce(at(1), T, &offers, Totals::default());
        let messages = sent(&outputs);
        assert_eq!(messages.iter().map(batch).collect::<Vec<_>>(), expected);
        for (message, output) in messages.iter().zip(&outputs) {
            assert_eq!(message["numwant"], batch(message));
            assert!(matches!(output, Output::Send(_, text) if text.len() <= MAX_SEND));
        }
    }
    assert_eq!(
        trackers.answer(T, SHE, OfferId([9; 20]), &"v".repeat(MAX_SEND)),
        []
    );
}

#[test]
fn nothing_is_sent_to_a_tracker_that_is_not_open() {
    let mut trackers = Trackers::new(1, HASH, ME);
    trackers.start(at(0));
    for tracker in [T, TrackerId(9)] {
        let none = trackers.announce(at(1), tracker, &offers(1, 5), Totals::default());
        assert_eq!(none, []);
        assert_eq!(trackers.answer(tracker, SHE, OfferId([1; 20]), "v=0"), []);
    }
    assert_eq!(trackers.message(T, &response(60, 0, 9)), []);
    assert_eq!(trackers.opened(at(1), TrackerId(9)), []);
    assert_eq!(trackers.closed(at(1), TrackerId(9), &mut rng()), []);
}
