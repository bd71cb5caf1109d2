//! When a tracker hears again that this viewer is there.

use super::*;

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
