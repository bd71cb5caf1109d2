//! Bad bytes, whom they are blamed on, and for how long.

use crate::rig::{Rig, SDP, id};
use crate::stream::{Segment, WRONG, liar_and_honest, segment};
use swarmline::core::action::Action;
use swarmline::core::config::{Config, LEAF};
use swarmline::core::error::FetchError;
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::timeline::Playhead;
use swarmline::core::wire::{self, Bitmap, ByeReason, Holding, Message};

#[test]
fn one_wrong_leaf_and_its_sender_is_kept_away_but_nobody_else() {
    let segment = segment(5, 12, true);
    let (mut rig, liar, honest, seg) = liar_and_honest(Config::default(), &segment);
    rig.announce(honest, 1, &segment);
    rig.serve(honest, 1, seg, &segment, &[]);
    let other = self::segment(6, 12, true);
    rig.announce(liar, 1, &other);
    rig.announce(honest, 2, &other);
    let seg = rig.want(&other);
    let all: Vec<u32> = (0..12).collect();
    rig.serve(liar, 1, seg, &other, &all);
    assert_eq!(rig.reason(liar), Some("bad-hash"));
    assert!(!rig.is_gone(honest), "it forwarded what was right");
    assert_eq!(rig.engine.stats().bans, 1);
    assert_eq!(rig.open(id(10)), None, "not so soon");
    rig.wait(60_000);
    assert_eq!(rig.open(id(10)), None, "nor a minute later");
    let said = rig.heard(liar, 0);
    let reason = ByeReason::BadHash;
    assert_eq!(said.last(), Some(&Message::Bye { reason }));
    // Nobody is told about anybody else: no message has room for it, and none names him.
    let named = |action: &Action| matches!(action, Action::Send { conn, bytes } if *conn == honest && bytes.windows(20).any(|w| w == id(10).0));
    assert!(!rig.done.iter().any(named));
}

#[test]
fn a_second_ban_lasts_longer() {
    let mut rig = Rig::new();
    let mut lasted = Vec::new();
    for _ in 0..3 {
        let conn = rig.join(10);
        rig.bytes(conn, &[], 0);
        assert_eq!(rig.reason(conn), Some("protocol"));
        let since = rig.now;
        while rig.offer(id(10), SDP).is_none() {
            rig.wait(20_000);
        }
        lasted.push((rig.now - since).as_secs() / 60);
        // That connection comes to nothing.
        rig.wait(11_000);
    }
    assert_eq!(lasted, [10, 20, 40]);
}

#[test]
fn wrong_leaf_hashes_are_blamed_on_their_sender_and_not_on_who_completes_them() {
    let config = Config {
        max_segment_bytes: 64 << 20,
        ..Config::default()
    };
    let segment = segment(5, wire::MAX_HASHES as u32 + 100, true);
    let (mut rig, forger, honest, _) = liar_and_honest(config, &segment);
    for conn in [forger, honest] {
        rig.announce(conn, 1, &segment);
    }
    let (front, back) = segment.leaves.split_at(wire::MAX_HASHES);
    let part = |first: u32, hashes: Vec<TreeHash>| Message::Leaves {
        alias: 1,
        first,
        hashes,
    };
    rig.say(honest, &part(0, front.to_vec()));
    rig.say(forger, &part(0, vec![WRONG; front.len()]));
    rig.say(honest, &part(front.len() as u32, back.to_vec()));
    assert!(!rig.is_gone(honest), "its own hashes were right");
    let known = rig.engine.stats().hash_failures;
    rig.say(forger, &part(front.len() as u32, back.to_vec()));
    assert_eq!(known, 0);
    assert!(!rig.is_gone(honest));
}

#[test]
fn a_forged_tree_costs_its_sender_the_connection() {
    let mut rig = Rig::new();
    let forger = rig.join(10);
    let segment = segment(5, 12, true);
    rig.want(&segment);
    rig.announce(forger, 1, &segment);
    let hashes = vec![WRONG; 12];
    let (alias, first) = (1, 0);
    rig.say(
        forger,
        &Message::Leaves {
            alias,
            first,
            hashes,
        },
    );
    assert_eq!(rig.reason(forger), Some("bad-hash"));
}

#[test]
fn without_a_root_the_guilty_one_of_several_is_found_once_the_right_bytes_are_here() {
    let segment = segment(5, 12, false);
    let (mut rig, liar, honest, seg) = liar_and_honest(Config::default(), &segment);
    let sent = halves(&mut rig, seg, &segment, liar, honest);
    let hash = SegmentHash([255; 32]);
    rig.tell(Event::SegmentHashed { seg, hash });
    let asked = |rig: &Rig| {
        let hashing = |action: &&Action| matches!(action, Action::HashLeaves { .. });
        rig.latest().iter().filter(hashing).count()
    };
    assert_eq!(asked(&rig), 1, "before anything is written over it");
    assert!(
        !rig.is_gone(liar) && !rig.is_gone(honest),
        "nobody knows yet"
    );
    let first = 0;
    let hashes = sent;
    rig.tell(Event::LeavesHashed { seg, first, hashes });
    // Nobody is asked any more, whatever he says he has, and what comes is not taken: the CDN brings the right ones.
    let asked_before = rig.asked(liar).len() + rig.asked(honest).len();
    let fetch = rig.fetch();
    for conn in [liar, honest] {
        rig.announce(conn, 2, &segment);
        rig.chunk(conn, 2, 11, LEAF as usize);
    }
    assert_eq!(
        rig.asked(liar).len() + rig.asked(honest).len(),
        asked_before
    );
    rig.bring(fetch, segment.info.bytes);
    rig.tell(Event::FetchEnded { fetch });
    let hash = segment.info.hash;
    rig.tell(Event::SegmentHashed { seg, hash });
    assert_eq!(asked(&rig), 1, "to compare");
    rig.tell(Event::LeavesHashed {
        seg,
        first,
        hashes: segment.leaves.clone(),
    });
    assert_eq!(rig.engine.stats().bans, 1);
    assert_eq!(rig.open(id(10)), None, "the liar");
    assert_ne!(rig.reason(honest), Some("bad-hash"));
}

/// Half of a segment comes from each, as it is asked for, and one leaf of the first is wrong: what its leaves hash to.
fn halves(
    rig: &mut Rig,
    seg: SegKey,
    segment: &Segment,
    liar: ConnId,
    honest: ConnId,
) -> Vec<TreeHash> {
    let mut sent = segment.leaves.clone();
    for conn in [liar, honest] {
        rig.announce(conn, 1, segment);
    }
    // One leaf each, when they were tried.
    let mut served = [liar, honest].map(|conn| rig.asked(conn).len().min(1));
    while !rig.done.contains(&Action::HashSegment { seg }) {
        rig.wait(100);
        for (conn, served) in [liar, honest].into_iter().zip(&mut served) {
            for leaf in rig.asked(conn).split_off(*served) {
                *served += 1;
                rig.chunk(conn, 1, leaf, LEAF as usize);
                if conn == liar && !sent.contains(&WRONG) {
                    sent[leaf as usize] = WRONG;
                }
            }
        }
    }
    assert!(served.iter().all(|count| *count > 1));
    sent
}

#[test]
fn without_a_root_what_was_not_asked_for_spoils_nothing() {
    let segment = segment(5, 12, false);
    let (mut rig, liar, _, seg) = liar_and_honest(Config::default(), &segment);
    let fetch = rig.fetch();
    rig.bring(fetch, segment.info.bytes / 2);
    rig.announce(liar, 1, &segment);
    rig.chunk(liar, 1, 11, LEAF as usize);
    let wrote = |action: &&Action| matches!(action, Action::Write { at, .. } if *at == 11 * LEAF);
    assert_eq!(rig.done.iter().filter(wrote).count(), 0);
    assert_eq!(rig.engine.stats().wasted_bytes, u64::from(LEAF));
    rig.bring(fetch, segment.info.bytes / 2);
    assert!(rig.done.contains(&Action::HashSegment { seg }));
}

#[test]
fn what_a_peer_wrote_over_the_cdns_bytes_is_not_blamed_on_the_cdn() {
    let segment = segment(5, 12, true);
    let (mut rig, liar, honest, seg) = liar_and_honest(Config::default(), &segment);
    let fetch = rig.fetch();
    rig.announce(honest, 1, &segment);
    rig.send_tree(honest, 1, &segment);
    rig.wait(2_000);
    rig.bring(fetch, 10_000);
    // The CDN is slow, so this one is asked for what it has.
    const LEAF_8: u32 = 8;
    let mut only = Bitmap::new(12);
    only.set(LEAF_8);
    let holding = Holding::Partial(only);
    let (alias, hash, short) = (1, segment.info.hash, 0);
    let have = Message::Have {
        alias,
        hash,
        short,
        holding,
    };
    rig.say(liar, &have);
    rig.wait(100);
    assert_eq!(rig.asked(liar), [LEAF_8]);
    // What nobody asked for does not take the place of what is coming.
    let (from, wasted) = (rig.done.len(), rig.engine.stats().wasted_bytes);
    rig.chunk(liar, 1, 0, LEAF as usize);
    let wrote = |action: &Action| matches!(action, Action::Write { .. });
    assert!(!rig.done[from..].iter().any(wrote));
    assert_eq!(rig.engine.stats().wasted_bytes - wasted, u64::from(LEAF));
    // What was asked for does, and is the neighbour's.
    rig.bring(fetch, LEAF_8 * LEAF);
    rig.chunk(liar, 1, LEAF_8, LEAF as usize);
    let (first, hashes) = (LEAF_8, vec![WRONG]);
    rig.tell(Event::LeavesHashed { seg, first, hashes });
    assert_eq!(rig.reason(liar), Some("bad-hash"));
    let hashes_from = |rig: &Rig, from: usize, leaf: u32| {
        let hashing =
            |action: &Action| matches!(action, Action::HashLeaves { first, .. } if *first == leaf);
        rig.done[from..].iter().any(hashing)
    };
    let from = rig.done.len();
    rig.bring(fetch, LEAF - 10_000);
    assert!(!hashes_from(&rig, from, LEAF_8), "half of it is the liar's");
    rig.bring(fetch, LEAF);
    assert!(hashes_from(&rig, from, LEAF_8 + 1));
    assert!(!rig.done.contains(&Action::AbortFetch { fetch }));
}

#[test]
fn all_that_is_wrong_of_one_neighbour_is_one_offence() {
    let segment = segment(5, 12, true);
    let (mut rig, liar, _, seg) = liar_and_honest(Config::default(), &segment);
    rig.announce(liar, 1, &segment);
    rig.send_tree(liar, 1, &segment);
    let mut sent = Vec::new();
    while sent.len() < 5 {
        rig.wait(100);
        for leaf in rig.asked(liar).split_off(sent.len()) {
            rig.chunk(liar, 1, leaf, LEAF as usize);
            sent.push(leaf);
        }
    }
    for leaf in sent {
        let (first, hashes) = (leaf, vec![WRONG]);
        rig.tell(Event::LeavesHashed { seg, first, hashes });
    }
    assert!(rig.engine.stats().hash_failures > 1);
    assert_eq!(rig.engine.stats().bans, 1);
    rig.wait(11 * 60_000);
    assert!(
        rig.open(id(10)).is_some(),
        "for ten minutes, as the first time"
    );
}

#[test]
fn what_a_neighbour_says_it_will_have_hides_no_refusal_from_a_player_that_waits() {
    for has in [false, true] {
        let segment = segment(5, 12, true);
        let (mut rig, other, _, _) = liar_and_honest(Config::default(), &segment);
        let (hash, eta_ms) = (segment.info.hash, 4_000);
        if has {
            rig.announce(other, 1, &segment);
        }
        rig.say(other, &Message::Claim { hash, eta_ms });
        // The player has nothing left.
        rig.tell(Event::PlayheadMoved(Playhead::default()));
        rig.wait(100);
        let asked = |action: &Action| match action {
            Action::Fetch { fetch, .. } => Some(*fetch),
            _ => None,
        };
        let fetch = rig.done.iter().rev().find_map(asked).unwrap();
        let error = FetchError::Status(404);
        rig.tell(Event::FetchFailed { fetch, error });
        let failed = |action: &Action| matches!(action, Action::Fail { .. });
        assert_eq!(rig.done.iter().any(failed), !has);
    }
}

#[test]
fn who_sends_wrong_bytes_and_leaves_before_they_are_hashed_is_kept_away_all_the_same() {
    let segment = segment(5, 12, true);
    let (mut rig, liar, _, seg) = liar_and_honest(Config::default(), &segment);
    rig.announce(liar, 1, &segment);
    rig.send_tree(liar, 1, &segment);
    rig.wait(100);
    let leaf = rig.asked(liar)[0];
    rig.chunk(liar, 1, leaf, LEAF as usize);
    rig.tell(Event::ConnClosed { conn: liar });
    let (first, hashes) = (leaf, vec![WRONG]);
    rig.tell(Event::LeavesHashed { seg, first, hashes });
    assert_eq!(rig.engine.stats().bans, 1);
    assert_eq!(rig.open(id(10)), None);
}

#[test]
fn claims_that_are_renewed_or_taken_back_keep_nobody_waiting() {
    for takes_back in [false, true] {
        let segment = segment(5, 12, true);
        let (mut rig, liar, _, _) = liar_and_honest(Config::default(), &segment);
        let hash = segment.info.hash;
        let (fetched, mut waited) = (
            |rig: &Rig| rig.done.iter().any(|a| matches!(a, Action::Fetch { .. })),
            0,
        );
        while !fetched(&rig) {
            if takes_back {
                rig.say(liar, &Message::Unclaim { hash });
            }
            let eta_ms = 60_000;
            rig.say(liar, &Message::Claim { hash, eta_ms });
            rig.wait(2_000);
            rig.stand_still();
            waited += 2;
            assert!(waited <= 16, "renewed for ever, {takes_back}");
        }
    }
}

#[test]
fn whatever_is_wrong_in_one_answer_of_the_cdn_it_is_asked_once_more() {
    let segment = segment(5, 12, true);
    let (mut rig, _, honest, seg) = liar_and_honest(Config::default(), &segment);
    let first = rig.fetch();
    rig.announce(honest, 1, &segment);
    rig.send_tree(honest, 1, &segment);
    // Their hashes take a while.
    rig.bring(first, LEAF);
    rig.bring(first, LEAF);
    let wrong = |first| Event::LeavesHashed {
        seg,
        first,
        hashes: vec![WRONG],
    };
    rig.tell(wrong(0));
    assert!(rig.done.contains(&Action::AbortFetch { fetch: first }));
    let second = rig.fetch();
    assert_ne!(second, first);
    rig.tell(wrong(1));
    assert!(!rig.done.contains(&Action::AbortFetch { fetch: second }));
    assert!(
        !rig.done
            .iter()
            .any(|action| matches!(action, Action::Fail { .. }))
    );
    // What is wrong in the second is the end of it.
    rig.bring(second, LEAF);
    rig.tell(wrong(0));
    assert!(
        rig.done
            .iter()
            .any(|action| matches!(action, Action::Fail { .. }))
    );
}

#[test]
fn who_sends_leaves_without_their_hashes_is_no_use_and_soon_gone() {
    let segment = segment(5, 12, true);
    let (mut rig, rude, _, _) = liar_and_honest(Config::default(), &segment);
    rig.announce(rude, 1, &segment);
    let mut served = 0;
    for _ in 0..60 {
        for leaf in rig.asked(rude).split_off(served) {
            served += 1;
            rig.chunk(rude, 1, leaf, LEAF as usize);
        }
        rig.wait(500);
        rig.stand_still();
        rig.say(rude, &Message::Pong { nonce: 0 });
    }
    assert_eq!(rig.reason(rude), Some("unkept"));
    assert_eq!(rig.engine.stats().peer_bytes, 3 * u64::from(LEAF));
}

#[test]
fn what_nobody_asked_for_makes_no_line_look_faster() {
    let rate = |unasked: u32| {
        let segment = segment(5, 12, true);
        let (mut rig, pushy, _, seg) = liar_and_honest(Config::default(), &segment);
        let fetch = rig.fetch();
        rig.announce(pushy, 1, &segment);
        rig.send_tree(pushy, 1, &segment);
        for leaf in 0..12 {
            rig.bring(fetch, LEAF);
            let (first, hashes) = (leaf, vec![segment.leaves[leaf as usize]]);
            rig.tell(Event::LeavesHashed { seg, first, hashes });
            if leaf < unasked {
                rig.chunk(pushy, 1, leaf, LEAF as usize);
            }
        }
        let hash = segment.info.hash;
        rig.tell(Event::SegmentHashed { seg, hash });
        let rate = rig.latest().iter().find_map(|action| match action {
            Action::Deliver { report, .. } => Some(report.rate),
            _ => None,
        });
        rate.unwrap()
    };
    assert_eq!(rate(0), rate(11));
}

#[test]
fn who_goes_by_another_name_than_at_the_tracker_has_nobody_else_banned() {
    let mut rig = Rig::new();
    let conn = rig.open(id(10)).unwrap();
    rig.hello(conn, id(11));
    assert!(rig.is_gone(conn));
    assert_eq!(rig.open(id(10)), None, "who did it");
    rig.join(11);
}

#[test]
fn another_version_is_refused_with_a_reason_and_not_met_again_at_once() {
    let mut rig = Rig::new();
    let conn = rig.open(id(10)).unwrap();
    let from = rig.done.len();
    rig.bytes(conn, &[1, 2, 0, 0], 0);
    let reason = ByeReason::Version;
    assert_eq!(rig.heard(conn, from), [Message::Bye { reason }]);
    assert!(rig.is_gone(conn));
    rig.wait(600_000);
    assert_eq!(rig.open(id(10)), None);
}
