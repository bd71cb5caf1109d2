//! Any text, any identifiers, any history.

use super::*;
use fastrand::Rng;
use proptest::collection::vec;
use proptest::prelude::*;

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
