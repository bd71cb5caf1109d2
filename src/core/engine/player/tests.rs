//! What a viewer who has nobody yet asks of the CDN ahead of its player, on a line of a given width.

use crate::core::action::Action;
use crate::core::config::{Config, LEAF};
use crate::core::engine::Engine;
use crate::core::error::FetchError;
use crate::core::event::Event;
use crate::core::ids::{FetchId, InfoHash, LoadId, PeerId, RenditionId, SegmentHash};
use crate::core::integrity::proof::Proof;
use crate::core::time::{Duration, Time};
use crate::core::timeline::{Playhead, Playlist, SegmentInfo};
use std::sync::Arc;

/// 13 leaves in 2 s are 852 kbit/s.
const LEAVES: u32 = 13;
const NARROW: u64 = 160_000;
const WIDE: u64 = 5_000_000;

/// A segment of 2 s; the first byte of its hash is its number, the second its rendition. The third rendition is sound.
fn segment(rendition: u32, sn: u8) -> Arc<SegmentInfo> {
    Arc::new(SegmentInfo {
        hash: SegmentHash([sn, rendition as u8, 0, 0].repeat(8).try_into().unwrap()),
        root: None,
        bytes: LEAVES * LEAF,
        url: format!("{rendition}/{sn}").into(),
        offset: None,
        rendition: RenditionId(rendition),
        track: u32::from(rendition == 2),
        sn: sn.into(),
        start: f64::from(sn) * 2.0,
        duration: 2.0,
        proof: Proof::default(),
    })
}

fn playlist(rendition: u32) -> Playlist {
    Playlist {
        rendition: RenditionId(rendition),
        live: true,
        segments: (9..14).map(|sn| segment(rendition, sn)).collect(),
    }
}

/// A viewer that has looked for others for 1 s, plays at 14 s, and has had a segment come at this rate in byte/s.
struct Viewer {
    engine: Engine,
    now: Time,
    /// Requests under way: which, and of what.
    asked: Vec<(FetchId, String)>,
}

impl Viewer {
    fn on(rate: u64) -> Self {
        let config = Config {
            trackers: vec!["wss://tracker.example/".into()],
            ..Config::default()
        };
        let engine = Engine::new(config, InfoHash([1; 20]), PeerId([2; 20]), 7, Time(0));
        let mut viewer = Self {
            engine: engine.unwrap(),
            now: Time(0),
            asked: Vec::new(),
        };
        let bytes = u64::from(LEAVES * LEAF);
        viewer.feed(Event::SegmentInserted {
            segment: segment(0, 10),
            first_byte: Duration::from_millis(30),
            transfer: Duration::from_micros(bytes * 1_000_000 / rate),
        });
        viewer.pass(10);
        viewer.play(14.0);
        for rendition in 0..2 {
            viewer.feed(Event::PlaylistChanged(playlist(rendition)));
        }
        viewer
    }

    fn feed(&mut self, event: Event<'_>) {
        let mut actions = Vec::new();
        self.engine.handle(self.now, event, &mut actions);
        for action in actions {
            match action {
                Action::Fetch { fetch, url, .. } => self.asked.push((fetch, url.to_string())),
                Action::AbortFetch { fetch } => self.asked.retain(|(id, _)| *id != fetch),
                _ => {}
            }
        }
    }

    fn play(&mut self, position: f64) {
        self.feed(Event::PlayheadMoved(Playhead {
            position: Some(position),
            rate: 1.0,
        }));
    }

    /// So many tenths of a second pass.
    fn pass(&mut self, tenths: u32) {
        for _ in 0..tenths {
            self.now += Duration::from_millis(100);
            self.feed(Event::Woke);
        }
    }

    fn load(&mut self, rendition: u32, sn: u8) {
        self.feed(Event::LoadRequested {
            load: LoadId(sn.into()),
            segment: segment(rendition, sn),
        });
    }

    /// What is under way.
    fn under_way(&self) -> Vec<&str> {
        let mut urls: Vec<_> = self.asked.iter().map(|(_, url)| url.as_str()).collect();
        urls.sort_unstable();
        urls
    }
}

#[test]
fn on_a_narrow_line_nothing_comes_beside_what_the_player_waits_for() {
    for (rate, beside) in [(NARROW, &[][..]), (WIDE, &["0/12", "0/13"][..])] {
        let mut viewer = Viewer::on(rate);
        viewer.load(0, 11);
        viewer.pass(45);
        let mut expected = vec!["0/11"];
        expected.extend(beside);
        assert_eq!(viewer.under_way(), expected, "{rate} byte/s");
    }
}

#[test]
fn what_the_player_has_left_is_not_got_ahead_of_it() {
    for rate in [NARROW, WIDE] {
        let mut viewer = Viewer::on(rate);
        viewer.load(0, 11);
        viewer.pass(45);
        viewer.feed(Event::LoadAborted { load: LoadId(11) });
        viewer.load(1, 11);
        viewer.pass(45);
        let left = viewer
            .under_way()
            .into_iter()
            .any(|url| url.starts_with("0/"));
        assert!(!left, "{rate} byte/s: {:?}", viewer.under_way());
        assert!(viewer.under_way().contains(&"1/11"));
    }
}

#[test]
fn a_switch_of_the_picture_leaves_the_sound_alone() {
    let mut viewer = Viewer::on(WIDE);
    viewer.feed(Event::PlaylistChanged(playlist(2)));
    viewer.load(2, 11);
    viewer.pass(45);
    viewer.load(0, 10);
    viewer.load(1, 11);
    let sound = viewer.under_way().into_iter();
    let sound: Vec<_> = sound.filter(|url| url.starts_with("2/")).collect();
    assert_eq!(sound, ["2/11", "2/12", "2/13"]);
}

#[test]
fn what_is_not_got_beside_something_comes_when_the_line_is_free() {
    let mut viewer = Viewer::on(NARROW);
    viewer.load(0, 11);
    viewer.pass(45);
    let (fetch, _) = viewer.asked.pop().unwrap();
    let error = FetchError::Status(404);
    viewer.feed(Event::FetchFailed { fetch, error });
    viewer.feed(Event::LoadAborted { load: LoadId(11) });
    viewer.pass(5);
    assert_eq!(viewer.under_way(), ["0/12"]);
}
