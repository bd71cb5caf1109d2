use super::*;
use crate::core::ids::RenditionId;

const LEAVES: u32 = 40;
const ONE: Source = Source::Peer(ConnId(1));
const TWO: Source = Source::Peer(ConnId(2));

fn hash(leaf: u32) -> TreeHash {
    let mut hash = TreeHash([0; 32]);
    hash.0[..4].copy_from_slice(&leaf.to_be_bytes());
    hash
}

fn tree() -> Vec<TreeHash> {
    (0..LEAVES).map(hash).collect()
}

/// A segment of which nothing is there.
fn entry() -> Entry {
    let info = SegmentInfo {
        hash: SegmentHash([1; 32]),
        root: Some(merkle::pieces_root(&tree())),
        bytes: LEAVES * LEAF,
        url: "https://cdn.example/".into(),
        offset: None,
        rendition: RenditionId(0),
        track: 0,
        sn: 0,
        start: 0.0,
        duration: 2.0,
        proof: Default::default(),
    };
    Entry::new(Arc::new(info), Time(0))
}

/// Leaves come from three sources, are hashed last to first, and so many of them are wrong; the last step.
fn filled(entry: &mut Entry, wrong: u32) -> Step {
    let source = |leaf: u32| match leaf % 3 {
        0 => TWO,
        1 => Source::Cdn(0),
        _ => ONE,
    };
    for leaf in 0..LEAVES {
        assert_eq!(entry.arrived(leaf, source(leaf)), Step::HashLeaf);
    }
    for leaf in (1..LEAVES).rev() {
        assert_eq!(entry.leaf_hashed(leaf, hash(leaf)), Step::Wait);
        assert_eq!(entry.check_whole(), Step::Wait);
    }
    entry.leaf_hashed(0, hash(wrong))
}

#[test]
fn who_sent_a_wrong_segment_is_named_once_and_it_can_be_got_again() {
    let mut entry = entry();
    let all = vec![Source::Cdn(0), ONE, TWO];
    assert_eq!(filled(&mut entry, 9), Step::BadSegment(all.clone()));
    assert_eq!(entry.missing(), LEAVES);
    assert_eq!(filled(&mut entry, 9), Step::BadSegment(all.clone()));
    assert_eq!(filled(&mut entry, 0), Step::TreeVerified);
    assert_eq!(entry.check_whole(), Step::HashSegment);
    let right = SegmentHash([1; 32]);
    let before = entry.segment_hashed(SegmentHash([2; 32]), Time(0));
    assert_eq!(before, Step::BadSegment(all));
    assert_eq!(filled(&mut entry, 0), Step::TreeVerified);
    assert_eq!(entry.check_whole(), Step::HashSegment);
    assert_eq!(entry.segment_hashed(right, Time(0)), Step::Verified);
}

#[test]
fn a_leaf_that_a_received_tree_contradicts_is_got_again_before_the_whole_is_hashed() {
    let mut entry = entry();
    for leaf in 0..LEAVES - 1 {
        assert_eq!(entry.arrived(leaf, ONE), Step::HashLeaf);
        let found = if leaf == 3 { hash(1_000) } else { hash(leaf) };
        assert_eq!(entry.leaf_hashed(leaf, found), Step::Wait);
    }
    assert_eq!(entry.arrived(LEAVES - 1, TWO), Step::HashLeaf);
    assert_eq!(entry.tree_received(&tree()), Ok(Some(vec![ONE])));
    assert_eq!((entry.missing(), entry.verified()), (1, LEAVES - 2));
    assert_eq!(entry.arrived(3, TWO), Step::HashLeaf);
    for leaf in [LEAVES - 1, 3] {
        assert_eq!(entry.check_whole(), Step::Wait);
        assert_eq!(entry.leaf_hashed(leaf, hash(leaf)), Step::Verified);
    }
    assert_eq!(entry.check_whole(), Step::HashSegment);
}

#[test]
fn two_answers_of_the_cdn_make_no_inquest_and_peers_are_still_of_use() {
    for (other, is_held) in [(Source::Cdn(1), false), (ONE, true)] {
        let mut entry = entry();
        let info = SegmentInfo {
            root: None,
            ..SegmentInfo::clone(&entry.info)
        };
        entry = Entry::new(Arc::new(info), Time(0));
        for leaf in 0..LEAVES {
            entry.arrived(leaf, if leaf < 9 { Source::Cdn(0) } else { other });
        }
        let sources = vec![Source::Cdn(0), other];
        let step = entry.segment_hashed(SegmentHash([2; 32]), Time(0));
        assert_eq!(step, Step::BadSegment(sources));
        assert_eq!(
            (entry.inquest.is_some(), entry.shuns_peers),
            (is_held, is_held)
        );
    }
}

#[test]
fn of_a_wrong_segment_with_leaves_of_peers_those_of_the_cdn_stay() {
    let info = SegmentInfo {
        root: None,
        ..SegmentInfo::clone(&entry().info)
    };
    let mut entry = Entry::new(Arc::new(info), Time(0));
    for leaf in 0..LEAVES {
        entry.arrived(leaf, if leaf < 9 { ONE } else { Source::Cdn(0) });
    }
    assert_eq!(entry.at_stake_again(), u64::from(LEAVES * LEAF));
    let wrong = SegmentHash([2; 32]);
    let step = entry.segment_hashed(wrong, Time(0));
    assert!(matches!(step, Step::BadSegment(_)));
    assert_eq!((entry.missing(), entry.peer_bytes), (9, 0));
    assert_eq!(entry.at_stake_again(), 0);
    // The CDN's are as wrong: all of them are missing, and who sent the others is still to be found out.
    for leaf in 0..9 {
        entry.arrived(leaf, Source::Cdn(0));
    }
    assert_eq!(
        entry.segment_hashed(wrong, Time(0)),
        Step::BadSegment(vec![Source::Cdn(0)])
    );
    assert_eq!(entry.missing(), LEAVES);
    assert!(entry.shuns_peers && entry.inquest.is_some());
    let right = entry.info.hash;
    for leaf in 0..LEAVES {
        entry.arrived(leaf, Source::Cdn(1));
    }
    assert_eq!(entry.segment_hashed(right, Time(0)), Step::Verified);
}
