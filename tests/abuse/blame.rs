//! Bad bytes, whom they are blamed on, and for how long.

use crate::rig::{Rig, SDP, id};
use crate::stream::{WRONG, liar_and_honest, segment};
use swarmline::core::action::Action;
use swarmline::core::config::{Config, LEAF};
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::time::Time;
use swarmline::core::wire::{self, ByeReason, Message};

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
    for conn in [liar, honest] {
        rig.announce(conn, 1, &segment);
    }
    // Each sends half; what was not asked of one counts all the same.
    for leaf in 0..12 {
        let from = if leaf < 6 { liar } else { honest };
        rig.chunk(from, 1, leaf, LEAF as usize);
    }
    assert!(rig.done.contains(&Action::HashSegment { seg }));
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
    let mut sent = segment.leaves.clone();
    sent[3] = WRONG;
    let first = 0;
    rig.tell(Event::LeavesHashed {
        seg,
        first,
        hashes: sent,
    });
    // The CDN brings the right ones.
    rig.now = Time(58_000_000);
    rig.tell(Event::Woke);
    let fetch = rig.done.iter().rev().find_map(|action| match action {
        Action::Fetch { fetch, .. } => Some(*fetch),
        _ => None,
    });
    let fetch = fetch.unwrap();
    rig.tell(Event::FetchStarted {
        fetch,
        length: None,
        offset: 0,
    });
    let len = segment.info.bytes as usize;
    rig.tell(Event::FetchBytes { fetch, len });
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
