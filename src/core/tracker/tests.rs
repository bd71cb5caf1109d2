//! The client against messages as real trackers write them, against time, and against nonsense.

use super::*;
use fastrand::Rng;
use proptest::collection::vec;
use proptest::prelude::*;
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
    let mut trackers = open(5);
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
        let outputs = trackers.message(T, &text);
        let warned = matches!(&outputs[..], [Output::Warning { tracker: T, message }]
            if !message.is_empty() && message.chars().count() <= 200);
        assert!(warned, "{outputs:?} for {:.80}", text);
    }
    assert_eq!(trackers.connected(), 1, "words close no socket");
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

#[test]
fn keep_alives_follow_the_interval_within_bounds() {
    for (asked, expected) in [(1, 15), (20, 20), (120, 120), (100_000, 120), (0, 30)] {
        let mut trackers = Trackers::new(1, HASH, ME);
        trackers.start(at(0));
        trackers.opened(at(0), T);
        let begun = grown(&mut trackers, asked);
        let due = begun + Duration::from_secs(expected);
        assert_eq!(trackers.next_deadline(), Some(due));
        let before = due.0 - 1;
        assert_eq!(trackers.tick(Time(before), &mut rng()), []);
        let alive = sent(&trackers.tick(due, &mut rng()));
        assert_eq!(alive.len(), 1);
        assert_eq!(alive[0].get("event"), None, "some servers refuse 'update'");
        assert_eq!(alive[0]["offers"], json!([]));
        assert_eq!(trackers.tick(due, &mut rng()), []);
    }
}

/// Lets a tracker's first announces go by, all answered; says when the last of them was.
fn grown(trackers: &mut Trackers, interval: u64) -> Time {
    let mut last = at(0);
    while last < at(600) {
        trackers.message(T, &response(interval, 0, 1));
        last = trackers.next_deadline().unwrap();
        assert_eq!(sent(&trackers.tick(last, &mut rng())).len(), 1);
    }
    trackers.message(T, &response(interval, 0, 1));
    last
}

#[test]
fn a_newcomer_asks_soon_how_many_there_are_and_then_less_and_less_often() {
    let mut trackers = open(2);
    let mut times = Vec::new();
    for _ in 0..6 {
        let next = trackers.next_deadline().unwrap();
        times.push(next.0 / 1_000_000);
        assert_eq!(sent(&trackers.tick(next, &mut rng())).len(), 1);
        trackers.message(T, &response(120, 0, 900));
    }
    assert_eq!(times, [20, 40, 80, 160, 280, 400]);
}

#[test]
fn a_swarm_that_lacks_peers_asks_more_often() {
    let mut trackers = open(1);
    let begun = grown(&mut trackers, 120);
    let after = |seconds| Some(begun + Duration::from_secs(seconds));
    assert_eq!(trackers.next_deadline(), after(120));
    trackers.seek(8, 0);
    assert_eq!(trackers.next_deadline(), after(30));
    trackers.seek(0, 8);
    assert_eq!(trackers.next_deadline(), after(120));
}

#[test]
fn offers_are_wished_only_for_peers_that_may_exist() {
    let most = |population, missing, connected| {
        let mut trackers = open(population);
        trackers.seek(missing, connected);
        trackers.wants_offers(at(1)).first().map(|wish| wish.most)
    };
    assert_eq!(most(1, 8, 0), None, "alone");
    assert_eq!(most(5, 0, 2), None, "nothing lacking");
    assert_eq!(most(5, 8, 4), None, "connected to everyone");
    assert_eq!(most(5, 8, 9), None, "more than this tracker knows");
    assert_eq!(most(2, 8, 0), Some(1));
    assert_eq!(most(5, 8, 1), Some(4), "one of four may be hit in vain");
    assert_eq!(most(100_000, 3, 5), Some(4));
    assert_eq!(most(100_000, 60, 0), Some(MAX_OFFERS));
    assert_eq!(most(u32::MAX, u32::MAX, 0), Some(MAX_OFFERS));
}

#[test]
fn a_tracker_that_tells_no_numbers_gets_offers_a_little_later() {
    let mut trackers = Trackers::new(1, HASH, ME);
    trackers.start(at(0));
    trackers.opened(at(0), T);
    trackers.seek(4, 0);
    assert_eq!(trackers.wants_offers(at(1)), []);
    assert_eq!(trackers.next_deadline(), Some(at(2)));
    let wish = Wish {
        tracker: T,
        most: 4,
    };
    assert_eq!(trackers.wants_offers(at(2)), [wish]);
}

#[test]
fn unanswered_offers_become_rarer_until_somebody_answers_or_comes() {
    let mut trackers = open(50);
    trackers.seek(4, 0);
    let mut wishes = Vec::new();
    for second in 0..200 {
        if !trackers.wants_offers(at(second)).is_empty() {
            wishes.push(second);
        }
    }
    assert_eq!(wishes, [0, 3, 9, 21, 45, 93, 141, 189]);
    trackers.message(T, &response(120, 0, 51));
    assert_eq!(trackers.wants_offers(at(200)).len(), 1);
    assert_eq!(trackers.wants_offers(at(202)).len(), 0);
    assert_eq!(trackers.wants_offers(at(203)).len(), 1);
    let answer = json!({"action": "announce", "answer": {"type": "answer", "sdp": "v=0"},
        "offer_id": latin1([2; 20]), "peer_id": latin1(SHE.0), "info_hash": latin1(HASH.0)});
    trackers.message(T, &answer.to_string());
    assert_eq!(trackers.wants_offers(at(206)).len(), 1);
}

#[test]
fn what_is_due_is_due_once() {
    let mut trackers = open(50);
    trackers.seek(4, 0);
    let mut steps = 0;
    while let Some(due) = trackers.next_deadline().filter(|due| *due < at(3600)) {
        trackers.tick(due, &mut rng());
        trackers.wants_offers(due);
        trackers.message(T, &response(15, 0, 50));
        assert!(trackers.next_deadline() > Some(due));
        steps += 1;
    }
    assert!((200..400).contains(&steps), "{steps}");
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

/// Anything JSON-like, with the field names that matter.
fn jsonish() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "action",
        "info_hash",
        "peer_id",
        "offer_id",
        "offer",
        "answer",
        "sdp",
        "type",
        "interval",
        "min interval",
        "complete",
        "incomplete",
        "failure reason",
        "warning message",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
        Just(json!("announce")),
        Just(json!(latin1(HASH.0))),
        Just(json!(latin1(SHE.0))),
    ];
    leaf.prop_recursive(3, 32, 8, move |inner| {
        let fields = vec((key.clone(), inner.clone()), 0..10);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_gives_at_most_one_small_output(text in prop_oneof![
        ".{0,200}".boxed(),
        jsonish().prop_map(|value| value.to_string()).boxed(),
    ]) {
        let mut trackers = open(5);
        let outputs = trackers.message(T, &text);
        prop_assert!(outputs.len() <= 1);
        if let Some(Output::Warning { message, .. }) = outputs.first() {
            prop_assert!(message.chars().count() <= 200);
        }
        prop_assert_eq!(trackers.connected(), 1);
    }

    #[test]
    fn what_one_viewer_sends_another_reads(
        me: [u8; 20], she: [u8; 20], hash: [u8; 20], id: [u8; 20], sdp in ".{1,300}",
    ) {
        prop_assume!(me != she);
        let mut mine = Trackers::new(1, InfoHash(hash), PeerId(me));
        let mut hers = Trackers::new(1, InfoHash(hash), PeerId(she));
        for trackers in [&mut mine, &mut hers] {
            trackers.start(at(0));
            trackers.opened(at(0), T);
        }
        let outputs = mine.announce(at(1), T, &[(OfferId(id), sdp.clone())], Totals::default());
        let announce = sent(&outputs).remove(0);
        // What all three servers make of it.
        let mut forwarded = announce["offers"][0].clone();
        for field in ["action", "info_hash", "peer_id"] {
            forwarded[field] = announce[field].clone();
        }
        let expected = Output::Offer { tracker: T, peer: PeerId(me), offer: OfferId(id), sdp: sdp.clone() };
        prop_assert_eq!(hers.message(T, &forwarded.to_string()), vec![expected]);
        let reply = sent(&hers.answer(T, PeerId(me), OfferId(id), &sdp)).remove(0);
        let expected = Output::Answer { tracker: T, peer: PeerId(she), offer: OfferId(id), sdp };
        prop_assert_eq!(mine.message(T, &reply.to_string()), vec![expected]);
    }

    #[test]
    fn no_offer_is_lost_whatever_the_ids(lengths in vec(1..15_000usize, 1..12)) {
        // Control characters take six bytes each.
        let mut trackers = Trackers::new(1, InfoHash([0; 20]), PeerId([1; 20]));
        trackers.start(at(0));
        trackers.opened(at(0), T);
        let offers: Vec<_> = lengths.iter().map(|n| (OfferId([2; 20]), "v".repeat(*n))).collect();
        let totals = Totals { uploaded: u64::MAX, downloaded: u64::MAX };
        let outputs = trackers.announce(at(1), T, &offers, totals);
        let sent: usize = sent(&outputs).iter().map(|m| m["offers"].as_array().unwrap().len()).sum();
        prop_assert_eq!(sent, offers.len());
    }

    #[test]
    fn any_history_keeps_its_bounds_and_repeats(
        steps in vec((0..9u8, 0..3u16, 0..20_000_000u64, any::<u8>()), 1..80),
        seed: u64,
    ) {
        prop_assert_eq!(history(&steps, seed)?, history(&steps, seed)?);
    }
}

/// Drives three trackers (one id too many) through arbitrary calls; every output must fit the
/// socket's state as the host sees it.
fn history(steps: &[(u8, u16, u64, u8)], seed: u64) -> Result<Vec<Output>, TestCaseError> {
    let (mut trackers, mut rng) = (Trackers::new(2, HASH, ME), Rng::with_seed(seed));
    let (mut now, mut trace) = (at(0), Vec::new());
    let mut alive = [false; 3];
    let mut told = [None; 3];
    for (call, t, pause, n) in steps {
        now += Duration::from_micros(*pause);
        let tracker = TrackerId(*t);
        let outputs = match call {
            0 => trackers.start(now),
            1 if *n < 60 => trackers.stop(),
            2 | 3 if alive[usize::from(*t)] => trackers.opened(now, tracker),
            4 if alive[usize::from(*t)] => {
                alive[usize::from(*t)] = false;
                trackers.closed(now, tracker, &mut rng)
            }
            5 => trackers.message(tracker, &response(u64::from(*n), 1, u32::from(*n))),
            6 => trackers.announce(now, tracker, &offers(n % 12, 50), Totals::default()),
            7 => trackers.answer(tracker, SHE, OfferId([*n; 20]), "v=0"),
            _ => {
                trackers.seek(u32::from(*n), u32::from(n % 5));
                let wishes = trackers.wants_offers(now);
                prop_assert!(wishes.iter().all(|w| (1..=MAX_OFFERS).contains(&w.most)));
                trackers.tick(now, &mut rng)
            }
        };
        for output in &outputs {
            let flag = |t: &TrackerId| usize::from(t.0);
            match output {
                Output::Open(t) => prop_assert!(!std::mem::replace(&mut alive[flag(t)], true)),
                Output::Close(t) => prop_assert!(std::mem::replace(&mut alive[flag(t)], false)),
                Output::Send(t, _) => prop_assert!(alive[flag(t)] && told[flag(t)] == Some(true)),
                Output::Connected(t, on) => {
                    prop_assert!(told[flag(t)].replace(*on) != Some(*on));
                }
                _ => {}
            }
        }
        trace.extend(outputs);
    }
    Ok(trace)
}
