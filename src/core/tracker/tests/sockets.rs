//! Sockets that open, fall silent, close and are opened again.

use super::*;

#[test]
fn starting_opens_all_and_opening_announces_without_offers() {
    let mut trackers = Trackers::new(2, HASH, ME);
    assert_eq!(trackers.next_deadline(), None);
    let opens = vec![Output::Open(T), Output::Open(TrackerId(1))];
    assert_eq!(trackers.start(at(0)), opens);
    assert_eq!(trackers.start(at(0)), [], "starting twice is starting once");
    let outputs = trackers.opened(at(1), T);
    assert_eq!(outputs.first(), Some(&Output::Connected(T, true)));
    let expected = json!({"action": "announce", "event": "started", "info_hash": latin1(HASH.0),
        "peer_id": latin1(ME.0), "numwant": 0, "offers": [], "left": 1, "uploaded": 0, "downloaded": 0});
    assert_eq!(sent(&outputs), [expected]);
    assert_eq!(trackers.opened(at(1), T), [], "it was open");
    assert_eq!(trackers.connected(), 1);
}

#[test]
fn stopping_says_goodbye_and_leaves_nothing_due() {
    let mut trackers = Trackers::new(3, HASH, ME);
    trackers.start(at(0));
    trackers.opened(at(0), T);
    trackers.closed(at(0), TrackerId(2), &mut rng());
    let outputs = trackers.stop();
    let goodbye = sent(&outputs);
    assert_eq!(goodbye[0]["event"], "stopped");
    assert_eq!(goodbye[0].get("offers"), None);
    let closes = [
        Output::Close(T),
        Output::Connected(T, false),
        Output::Close(TrackerId(1)),
    ];
    assert_eq!(outputs[1..], closes);
    assert_eq!(trackers.next_deadline(), None);
    assert_eq!(trackers.tick(at(1000), &mut rng()), []);
    assert_eq!(trackers.start(at(1000)).len(), 3);
}

#[test]
fn a_refused_connection_is_retried_for_ever_ever_more_patiently() {
    let mut trackers = Trackers::new(1, HASH, ME);
    let (mut rng, mut now, mut told) = (rng(), at(0), Vec::new());
    trackers.start(now);
    for attempt in 0..200 {
        told.extend(trackers.closed(now, T, &mut rng));
        let due = trackers.next_deadline().unwrap();
        let wait = due.since(now);
        assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(60));
        if attempt > 4 {
            assert!(wait >= Duration::from_secs(15));
        }
        now = due;
        assert_eq!(trackers.tick(now, &mut rng), [Output::Open(T)]);
    }
    assert_eq!(
        told,
        [Output::Connected(T, false)],
        "once, not at every attempt"
    );
    assert!(!trackers.opened(now, T).is_empty());
}

#[test]
fn a_stable_connection_clears_the_backoff_and_a_short_one_does_not() {
    let wait_after = |lifetime: u64| {
        let mut trackers = Trackers::new(1, HASH, ME);
        let (mut rng, mut now) = (rng(), at(0));
        trackers.start(now);
        for _ in 0..8 {
            trackers.closed(now, T, &mut rng);
            now = trackers.next_deadline().unwrap();
            trackers.tick(now, &mut rng);
        }
        trackers.opened(now, T);
        now += Duration::from_secs(lifetime);
        let outputs = trackers.closed(now, T, &mut rng);
        assert_eq!(outputs, [Output::Connected(T, false)]);
        trackers.next_deadline().unwrap().since(now)
    };
    assert!(wait_after(30) <= Duration::from_secs(4));
    assert!(wait_after(29) >= Duration::from_secs(15));
}

#[test]
fn silence_at_connect_and_silence_after_an_announce_end_the_socket() {
    let mut trackers = Trackers::new(1, HASH, ME);
    let mut rng = rng();
    trackers.start(at(0));
    assert_eq!(trackers.next_deadline(), Some(at(15)));
    let outputs = trackers.tick(at(15), &mut rng);
    assert_eq!(outputs, [Output::Close(T), Output::Connected(T, false)]);
    assert_eq!(trackers.closed(at(15), T, &mut rng), [], "given up before");
    let due = trackers.next_deadline().unwrap();
    trackers.tick(due, &mut rng);
    trackers.opened(due, T);
    let silent = due + PATIENCE;
    assert_eq!(trackers.next_deadline(), Some(silent));
    let outputs = trackers.tick(silent, &mut rng);
    assert_eq!(outputs, [Output::Close(T), Output::Connected(T, false)]);
}

#[test]
fn trackers_stand_alone() {
    let mut trackers = Trackers::new(2, HASH, ME);
    let mut rng = rng();
    trackers.start(at(0));
    trackers.opened(at(0), TrackerId(1));
    trackers.closed(at(0), T, &mut rng);
    trackers.message(TrackerId(1), &response(120, 1, 8));
    trackers.seek(2, 0);
    let wish = Wish {
        tracker: TrackerId(1),
        most: 2,
    };
    assert_eq!(trackers.wants_offers(at(1)), [wish]);
    assert_eq!(trackers.population(), Some(9));
    assert_eq!(trackers.connected(), 1);
}
