//! When and how many offers are wished for.

use super::*;

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
fn offers_become_rarer_until_there_is_reason_to_hope() {
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
    // Behind some NATs, answers are all that ever comes.
    let answer = json!({"action": "announce", "answer": {"type": "answer", "sdp": "v=0"},
        "offer_id": latin1([2; 20]), "peer_id": latin1(SHE.0), "info_hash": latin1(HASH.0)});
    trackers.message(T, &answer.to_string());
    assert_eq!(trackers.wants_offers(at(206)).len(), 0);
    trackers.hopeful();
    assert_eq!(trackers.wants_offers(at(206)).len(), 1);
}
