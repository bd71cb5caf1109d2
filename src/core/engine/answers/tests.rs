//! One viewer alone, and a CDN that does what a test says.

use crate::core::action::Action;
use crate::core::config::{Config, LEAF};
use crate::core::engine::Engine;
use crate::core::error::{FetchError, LoadError};
use crate::core::event::Event;
use crate::core::ids::{FetchId, InfoHash, LoadId, PeerId, RenditionId, SegKey};
use crate::core::integrity::digest::{Digests, hash_leaf, hash_segment};
use crate::core::integrity::proof::Proof;
use crate::core::time::{Duration, Time};
use crate::core::timeline::SegmentInfo;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Six leaves, the last one short.
const BYTES: usize = 5 * LEAF as usize + 1000;

/// A request that the engine made.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    fetch: FetchId,
    range: Option<(u64, u64)>,
    fresh: bool,
}

/// The engine, its buffers, and what it asked for.
struct Bench {
    engine: Engine,
    now: Time,
    segment: Vec<u8>,
    buffers: BTreeMap<SegKey, Vec<u8>>,
    asked: VecDeque<Asked>,
    aborted: Vec<FetchId>,
    delivered: Option<Vec<u8>>,
    failed: Option<LoadError>,
    /// What the player was told of the loads: so many bytes, in so much time.
    told: Vec<(u32, Duration)>,
}

impl Bench {
    /// A load has been asked for; of a part of a resource if it has an offset.
    fn new(offset: Option<u64>, root: bool) -> Self {
        let engine = Engine::new(
            Config::default(),
            InfoHash([1; 20]),
            PeerId([2; 20]),
            7,
            Time(0),
        );
        let segment: Vec<u8> = (0..BYTES as u32)
            .map(|i| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8)
            .collect();
        let mut bench = Self {
            engine: engine.unwrap(),
            now: Time(0),
            buffers: BTreeMap::new(),
            asked: VecDeque::new(),
            aborted: Vec::new(),
            delivered: None,
            failed: None,
            told: Vec::new(),
            segment,
        };
        bench.load(1, offset, root);
        bench
    }

    /// Asks for the segment as it is now, as a segment of this number.
    fn load(&mut self, sn: u32, offset: Option<u64>, root: bool) {
        let digests = Digests::of(&self.segment);
        let segment = Arc::new(SegmentInfo {
            hash: digests.hash,
            root: root.then_some(digests.root),
            bytes: self.segment.len() as u32,
            url: "https://cdn.example/1.m4s".into(),
            offset,
            rendition: RenditionId(0),
            track: 0,
            sn: sn.into(),
            start: 0.0,
            duration: 2.0,
            proof: Proof::default(),
        });
        let load = LoadId(sn);
        self.feed(Event::LoadRequested { load, segment }, &[]);
    }

    fn feed(&mut self, event: Event<'_>, payload: &[u8]) {
        let mut events = VecDeque::new();
        self.take(event, payload, &mut events);
        while let Some(event) = events.pop_front() {
            self.take(event, &[], &mut events);
        }
    }

    fn take(&mut self, event: Event<'_>, payload: &[u8], answers: &mut VecDeque<Event<'static>>) {
        let mut actions = Vec::new();
        self.engine.handle(self.now, event, &mut actions);
        for action in actions {
            answers.extend(self.carry_out(action, payload));
        }
    }

    fn carry_out(&mut self, action: Action, payload: &[u8]) -> Option<Event<'static>> {
        match action {
            Action::Allocate { seg, bytes } => {
                self.buffers.insert(seg, vec![0; bytes as usize]);
            }
            Action::Free { seg } => drop(self.buffers.remove(&seg)),
            Action::Write { seg, at, from, len } => {
                let (at, from, len) = (at as usize, from as usize, len as usize);
                let buffer = self.buffers.get_mut(&seg).unwrap();
                buffer[at..at + len].copy_from_slice(&payload[from..from + len]);
            }
            Action::HashLeaves {
                seg,
                first,
                at,
                len,
            } => {
                let bytes = &self.buffers[&seg][at as usize..(at + len) as usize];
                let hashes = bytes.chunks(LEAF as usize).map(hash_leaf).collect();
                return Some(Event::LeavesHashed { seg, first, hashes });
            }
            Action::HashSegment { seg } => {
                let hash = hash_segment(&self.buffers[&seg]);
                return Some(Event::SegmentHashed { seg, hash });
            }
            Action::Fetch {
                fetch,
                range,
                bypass_cache: fresh,
                ..
            } => self.asked.push_back(Asked {
                fetch,
                range,
                fresh,
            }),
            Action::AbortFetch { fetch } => self.aborted.push(fetch),
            Action::Deliver { seg, .. } => self.delivered = Some(self.buffers[&seg].clone()),
            Action::Fail { error, .. } => self.failed = Some(error),
            Action::Progress { loaded, active, .. } => self.told.push((loaded, active)),
            _ => {}
        }
        None
    }

    /// The next request, within 20 s.
    #[track_caller]
    fn request(&mut self) -> Asked {
        for _ in 0..200 {
            if let Some(asked) = self.asked.pop_front() {
                return asked;
            }
            self.now += Duration::from_millis(100);
            self.feed(Event::Woke, &[]);
        }
        panic!("nothing was asked for");
    }

    /// An answer: where it begins, its length if it is told, its bytes, whether it ends by itself.
    fn answer(&mut self, fetch: FetchId, offset: u64, length: Option<u64>, body: &[u8]) {
        self.now += Duration::from_millis(20);
        self.feed(
            Event::FetchStarted {
                fetch,
                length,
                offset,
            },
            &[],
        );
        for piece in body.chunks(10_000) {
            if self.aborted.contains(&fetch) {
                return;
            }
            let len = piece.len();
            self.feed(Event::FetchBytes { fetch, len }, piece);
        }
        if !self.aborted.contains(&fetch) {
            self.feed(Event::FetchEnded { fetch }, &[]);
        }
    }

    fn fail(&mut self, fetch: FetchId, error: FetchError) {
        self.feed(Event::FetchFailed { fetch, error }, &[]);
    }

    /// The connection breaks after so many bytes; the rest is what is asked for next.
    fn half(&mut self, bytes: usize) -> Asked {
        let first = self.request();
        assert_eq!(first.range, None);
        let body = self.segment[..bytes].to_vec();
        let fetch = first.fetch;
        self.feed(
            Event::FetchStarted {
                fetch,
                length: None,
                offset: 0,
            },
            &[],
        );
        let len = body.len();
        self.feed(Event::FetchBytes { fetch, len }, &body);
        self.fail(fetch, FetchError::Network);
        let rest = self.request();
        assert_eq!(rest.range, Some((2 * 16384, BYTES as u64 - 1)));
        rest
    }

    #[track_caller]
    fn has_all(&self) {
        assert_eq!(self.delivered.as_ref(), Some(&self.segment));
        assert_eq!(self.failed, None);
    }
}

const LEAVES_2: usize = 2 * LEAF as usize;

#[test]
fn a_body_that_breaks_off_is_continued_where_it_was_whole() {
    for root in [true, false] {
        let mut bench = Bench::new(None, root);
        let rest = bench.half(LEAVES_2 + 500);
        let body = bench.segment[LEAVES_2..].to_vec();
        bench.answer(rest.fetch, LEAVES_2 as u64, None, &body);
        bench.has_all();
        // Only what the break cost came twice.
        assert_eq!(bench.engine.stats().cdn_bytes, BYTES as u64 + 500);
    }
}

#[test]
fn the_whole_instead_of_the_part_is_read_past_and_not_beyond() {
    let mut bench = Bench::new(None, true);
    let rest = bench.half(LEAVES_2);
    let mut body = bench.segment.clone();
    body.extend([9; 50_000]);
    bench.answer(rest.fetch, 0, Some(body.len() as u64), &body);
    bench.has_all();
    assert!(
        bench.aborted.contains(&rest.fetch),
        "it would go on for ever"
    );
}

#[test]
fn a_part_of_the_part_is_taken_and_the_rest_asked_for_at_once() {
    let mut bench = Bench::new(None, true);
    let rest = bench.half(LEAVES_2);
    let body = bench.segment[LEAVES_2..2 * LEAVES_2].to_vec();
    let before = bench.now;
    bench.answer(rest.fetch, LEAVES_2 as u64, None, &body);
    let last = bench.request();
    assert!(bench.now - before < Duration::from_millis(200));
    assert_eq!(last.range, Some((2 * LEAVES_2 as u64, BYTES as u64 - 1)));
    assert!(last.fresh, "a cache may hold a body that was cut");
    let body = bench.segment[2 * LEAVES_2..].to_vec();
    bench.answer(last.fetch, 2 * LEAVES_2 as u64, None, &body);
    bench.has_all();
}

#[test]
fn byte_ranges_that_do_not_work_are_given_up_at_once() {
    for error in [FetchError::Range, FetchError::Status(416)] {
        let mut bench = Bench::new(None, true);
        let rest = bench.half(LEAVES_2);
        let before = bench.now;
        bench.fail(rest.fetch, error);
        let whole = bench.request();
        assert_eq!(whole.range, None, "{error}");
        assert!(bench.now - before < Duration::from_millis(200), "{error}");
        let body = bench.segment.clone();
        bench.answer(whole.fetch, 0, Some(BYTES as u64), &body);
        bench.has_all();
    }
}

#[test]
fn a_part_from_further_on_is_not_taken_for_the_right_one() {
    let mut bench = Bench::new(None, true);
    let rest = bench.half(LEAVES_2);
    let body = bench.segment[LEAVES_2 + 1..].to_vec();
    bench.answer(rest.fetch, LEAVES_2 as u64 + 1, None, &body);
    assert!(bench.aborted.contains(&rest.fetch));
    assert_eq!(bench.request().range, None);
}

#[test]
fn a_part_that_is_another_one_and_does_not_say_so_is_followed_by_the_whole_past_the_caches() {
    for root in [true, false] {
        let mut bench = Bench::new(None, root);
        let rest = bench.half(LEAVES_2);
        let body = bench.segment[..BYTES - LEAVES_2].to_vec();
        bench.answer(rest.fetch, LEAVES_2 as u64, None, &body);
        let whole = bench.request();
        assert_eq!((whole.range, whole.fresh), (None, true));
        let body = bench.segment.clone();
        bench.answer(whole.fetch, 0, None, &body);
        bench.has_all();
        assert!(bench.engine.stats().hash_failures > 0);
    }
}

#[test]
fn the_same_where_each_leaf_is_known_by_its_hash() {
    let mut bench = Bench::new(None, true);
    let rest = bench.half(LEAVES_2);
    let leaves: Vec<_> = bench.segment.chunks(LEAF as usize).map(hash_leaf).collect();
    let seg = *bench.buffers.keys().next().unwrap();
    let entry = bench.engine.cache.get_mut(seg).unwrap();
    assert_eq!(
        entry.tree_received(&leaves).map_err(|_| ()),
        Ok(Some(vec![]))
    );
    let body = bench.segment[..BYTES - LEAVES_2].to_vec();
    bench.answer(rest.fetch, LEAVES_2 as u64, None, &body);
    assert_eq!(bench.engine.stats().hash_failures, 1, "one leaf is enough");
    let whole = bench.request();
    assert_eq!((whole.range, whole.fresh), (None, true));
    let body = bench.segment.clone();
    bench.answer(whole.fetch, 0, None, &body);
    bench.has_all();
}

#[test]
fn ranges_of_a_shared_resource_that_do_not_work_are_for_the_players_own_loader() {
    for error in [FetchError::Range, FetchError::Status(416)] {
        let mut bench = Bench::new(Some(5000), true);
        let first = bench.request();
        assert_eq!(first.range, Some((5000, 5000 + BYTES as u64 - 1)));
        bench.fail(first.fetch, error);
        assert_eq!(bench.failed, Some(LoadError::Cdn(error)));
    }
}

#[test]
fn after_three_that_failed_no_range_is_asked_for() {
    let mut bench = Bench::new(None, true);
    bench.engine.ranges_failed = 3;
    let first = bench.request();
    let body = bench.segment[..LEAVES_2].to_vec();
    let (fetch, len) = (first.fetch, body.len());
    bench.feed(Event::FetchBytes { fetch, len }, &body);
    bench.fail(first.fetch, FetchError::Network);
    assert_eq!(bench.request().range, None);
}

#[test]
fn a_resource_that_is_too_short_is_asked_for_once_more_and_then_wrong() {
    for told in [true, false] {
        let mut bench = Bench::new(None, true);
        let body = bench.segment[..BYTES - 100].to_vec();
        let length = told.then_some(body.len() as u64);
        let first = bench.request();
        assert!(!first.fresh);
        bench.answer(first.fetch, 0, length, &body);
        assert_eq!(bench.failed, None);
        // What is told beforehand need not come first.
        assert_eq!(bench.engine.stats().cdn_bytes == 0, told);
        let again = bench.request();
        assert_eq!((again.range, again.fresh), (None, true));
        bench.answer(again.fetch, 0, length, &body);
        assert_eq!(bench.failed, Some(LoadError::HashMismatch));
        assert_eq!(bench.engine.stats().hash_failures, 2);
        assert_eq!(bench.delivered, None);
    }
}

#[test]
fn wrong_bytes_are_asked_for_once_more_past_the_caches_and_then_wrong() {
    for (root, second_is_right) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut bench = Bench::new(None, root);
        let right = bench.segment.clone();
        let wrong: Vec<u8> = right.iter().map(|byte| byte ^ 1).collect();
        let first = bench.request();
        bench.answer(first.fetch, 0, None, &wrong);
        let again = bench.request();
        assert!(!first.fresh && again.fresh);
        let body = if second_is_right { right } else { wrong };
        bench.answer(again.fetch, 0, None, &body);
        if second_is_right {
            bench.has_all();
        } else {
            assert_eq!(bench.failed, Some(LoadError::HashMismatch));
            assert_eq!(bench.delivered, None);
        }
    }
}

#[test]
fn a_range_that_brings_nothing_twice_is_followed_by_the_whole() {
    let mut bench = Bench::new(None, true);
    let rest = bench.half(LEAVES_2);
    bench.fail(rest.fetch, FetchError::Network);
    let next = bench.request();
    assert_eq!(next.range, None);
}

#[test]
fn a_machine_that_slept_for_a_night_asks_again_and_plays_on() {
    let mut bench = Bench::new(None, true);
    let first = bench.request();
    let (fetch, length) = (first.fetch, None);
    bench.feed(
        Event::FetchStarted {
            fetch,
            length,
            offset: 0,
        },
        &[],
    );
    bench.now += Duration::from_secs(8 * 3600);
    bench.feed(Event::Woke, &[]);
    assert!(
        bench.aborted.contains(&first.fetch),
        "its connection is long gone"
    );
    assert_eq!(bench.failed, None);
    let again = bench.request();
    let body = bench.segment.clone();
    bench.answer(again.fetch, 0, None, &body);
    bench.has_all();
}

#[test]
fn of_two_segments_that_share_a_line_each_tells_the_rate_of_the_line() {
    let mut bench = Bench::new(None, true);
    let one = bench.request();
    bench.segment.reverse();
    bench.load(2, None, true);
    let two = bench.request();
    for Asked { fetch, .. } in [&one, &two] {
        let started = Event::FetchStarted {
            fetch: *fetch,
            length: None,
            offset: 0,
        };
        bench.feed(started, &[]);
    }
    let second = bench.segment.clone();
    let first: Vec<u8> = second.iter().rev().copied().collect();
    // 10 kB in 20 ms: a line of 4 Mbit/s.
    for (one_piece, two_piece) in first.chunks(10_000).zip(second.chunks(10_000)) {
        for (asked, piece) in [(&one, one_piece), (&two, two_piece)] {
            bench.now += Duration::from_millis(20);
            let (fetch, len) = (asked.fetch, piece.len());
            bench.feed(Event::FetchBytes { fetch, len }, piece);
        }
    }
    assert!(bench.told.len() >= 4, "{:?}", bench.told);
    for (loaded, active) in &bench.told {
        let rate = f64::from(*loaded) * 8.0 / active.as_secs_f64();
        assert!((3.6e6..=4.4e6).contains(&rate), "{rate} of {loaded} bytes");
    }
}
