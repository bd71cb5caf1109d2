//! Steps: what the player does, what time does, and who else may do something.

use super::host::Host;
use super::ledger::{Conn, Hashed, Load};
use super::script::Step;
use std::sync::Arc;
use swarmline::core::event::Event;
use swarmline::core::ids::{ConnId, LoadId, RenditionId, TreeHash};
use swarmline::core::time::{Duration, Time};
use swarmline::core::timeline::{Playhead, Playlist, SegmentInfo};
use swarmline::sim::buffer::Payload;
use swarmline::sim::stream::SegmentId;

/// Kinds of steps. Those who can do more have more.
pub(super) const PLAYER: u8 = 0;
pub(super) const TIME: u8 = 8;
pub(super) const TRACKERS: u8 = 14;
pub(super) const LINKS: u8 = 20;
pub(super) const WORDS: u8 = 28;
pub(super) const CDN: u8 = 46;
pub(super) const HASHES: u8 = 54;
pub(super) const ALL: u8 = 58;

impl Host {
    /// Does one step. What cannot be, such as an answer of the CDN that nobody asked, does nothing.
    pub(super) fn step(&mut self, step: &Step) {
        match step.what % ALL {
            what if what < TIME => self.player(what - PLAYER, step),
            what if what < TRACKERS => self.time(what - TIME, step),
            what if what < LINKS => self.trackers(what - TRACKERS, step),
            what if what < WORDS => self.links(what - LINKS, step),
            what if what < CDN => self.words(what - WORDS, step),
            what if what < HASHES => self.cdn(what - CDN, step),
            HASHES | 55 => {
                if let Some(hashed) =
                    pick(self.hashes.len(), step.a).and_then(|at| self.hashes.remove(at))
                {
                    self.hashed(hashed);
                }
            }
            _ => self.answer_hashes(),
        }
    }

    fn player(&mut self, what: u8, step: &Step) {
        match what {
            0 | 1 => self.load(step),
            2 => {
                let load = pick(self.loads.len(), step.a)
                    .and_then(|at| self.loads.keys().nth(at).copied());
                if let Some(load) = load {
                    self.loads.remove(&load);
                    self.feed(Event::LoadAborted { load }, None);
                }
            }
            3 | 4 => self.playlist(step),
            5 => self.playhead(step),
            6 => self.inserted(step),
            _ => {
                let on = step.a.is_multiple_of(2);
                self.on = on && !self.sockets.is_empty();
                self.feed(Event::Switched { on }, None);
                if !on {
                    assert!(self.conns.is_empty(), "left open after switching off");
                }
            }
        }
    }

    fn load(&mut self, step: &Step) {
        let Some((id, segment, honest)) = self.segment(step) else {
            return;
        };
        let load = LoadId(self.next_load);
        self.next_load += 1;
        let honest = honest && segment.bytes <= self.config.max_segment_bytes;
        self.wanted.insert(id);
        self.loads.insert(load, Load { id, honest });
        self.feed(Event::LoadRequested { load, segment }, None);
    }

    fn playlist(&mut self, step: &Step) {
        let (live, count) = (!step.d.is_multiple_of(8), step.c % 8);
        let rendition = u32::from(step.a % 2);
        let segments = (0..count).filter_map(|n| {
            let step = Step {
                a: step.b.wrapping_add(n),
                d: if n == 0 { step.e } else { 0 },
                ..*step
            };
            Some(self.segment(&step)?.1)
        });
        let segments: Vec<Arc<SegmentInfo>> = segments.collect();
        let playlist = Playlist {
            rendition: RenditionId(rendition),
            live,
            segments: segments.into(),
        };
        self.feed(Event::PlaylistChanged(playlist), None);
    }

    fn playhead(&mut self, step: &Step) {
        let position = match step.b {
            0..20 => None,
            20 => Some(f64::NAN),
            21 => Some(f64::INFINITY),
            22 => Some(-1e300),
            _ => Some(f64::from(step.a) / 8.0),
        };
        let rate = match step.c % 8 {
            0 => 0.0,
            1 => 2.0,
            2 => f64::NAN,
            3 => -1.0,
            _ => 1.0,
        };
        self.feed(Event::PlayheadMoved(Playhead { position, rate }), None);
    }

    fn inserted(&mut self, step: &Step) {
        let Some((id, segment, _)) = self.segment(step) else {
            return;
        };
        let bad = step.c < 32;
        self.faults.cdn |= bad;
        let payload = Payload {
            segment: id,
            at: 0,
            len: segment.bytes,
            bad: bad.then_some((0, 1)),
        };
        let event = Event::SegmentInserted {
            segment,
            first_byte: Duration::from_millis(step.b.into()),
            transfer: Duration::from_millis(u64::from(step.e) * 16),
        };
        self.feed(event, Some(payload));
    }

    /// A segment as the publisher describes it, mostly rightly.
    fn segment(&mut self, step: &Step) -> Option<(SegmentId, Arc<SegmentInfo>, bool)> {
        let at = pick(self.stream.len(), step.a)? as u32;
        let id = SegmentId(at);
        let truth = self.stream.segment(id)?.info.clone();
        let mut info = (*truth).clone();
        match step.d {
            0..240 => return Some((id, truth, true)),
            240..243 => {
                info.bytes += 1 + u32::from(step.e) * 512;
                if self
                    .sizes
                    .get(&info.bytes)
                    .is_some_and(|other| *other != id)
                {
                    return Some((id, truth, true));
                }
                self.sizes.insert(info.bytes, id);
            }
            243..246 => info.root = None,
            246..249 => info.root = Some(TreeHash([step.e; 32])),
            249 => info.start = f64::NAN,
            250 => info.start = f64::INFINITY,
            251 => info.duration = f64::NEG_INFINITY,
            252 => {
                info.rendition = RenditionId(u32::from(step.e) << 8);
                info.track = u32::from(step.e);
            }
            253 => info.bytes = 0,
            254 => info.bytes = u32::MAX,
            255 => info.start = -1e18,
        }
        self.faults.publisher = true;
        Some((id, Arc::new(info), false))
    }

    fn time(&mut self, what: u8, step: &Step) {
        match what {
            0 | 1 => {
                for _ in 0..=step.a % 8 {
                    if !self.wake() {
                        break;
                    }
                }
                return;
            }
            2 | 3 => self.pass(Duration::from_millis(
                u64::from(step.a) * u64::from(1 + step.b % 16),
            )),
            4 => self.pass(Duration::from_secs(1 << (step.a % 24))),
            // A host's clock is not always as monotonic as it says.
            _ => self.now = Time(self.now.0.saturating_sub(u64::from(step.a) << 12)),
        }
        self.feed(Event::Woke, None);
    }

    /// A hash is ready.
    fn hashed(&mut self, hashed: Hashed) {
        let stream = self.stream;
        match hashed {
            Hashed::Leaves { seg, first, hashes } => {
                if let Some(held) = self.buffers.get_mut(&seg) {
                    for (leaf, hash) in (first..).zip(&hashes) {
                        let (at, len) = swarmline::core::integrity::merkle::leaf_range(
                            held.buffer.bytes(),
                            leaf,
                        );
                        let truth = stream
                            .segment(held.id)
                            .and_then(|s| s.leaves.get(leaf as usize));
                        if truth == Some(hash) && held.buffer.is_right(at, len) {
                            held.told.set(leaf);
                        }
                    }
                }
                self.feed(Event::LeavesHashed { seg, first, hashes }, None);
            }
            Hashed::Segment { seg, hash } => {
                if let Some(held) = self.buffers.get_mut(&seg)
                    && stream.segment(held.id).is_some_and(|s| s.info.hash == hash)
                    && held.buffer.is_right(0, held.buffer.bytes())
                {
                    held.whole = true;
                }
                self.feed(Event::SegmentHashed { seg, hash }, None);
            }
        }
    }

    pub(super) fn answer_hashes(&mut self) {
        while let Some(hashed) = self.hashes.pop_front() {
            self.hashed(hashed);
        }
    }

    /// One of the connections that are as wanted.
    pub(super) fn pick_conn(&self, choice: u8, which: impl Fn(&Conn) -> bool) -> Option<ConnId> {
        let fit: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| which(conn))
            .map(|(id, _)| *id)
            .collect();
        fit.get(pick(fit.len(), choice)?).copied()
    }
}

/// An index, if there is any.
pub(super) fn pick(count: usize, choice: u8) -> Option<usize> {
    usize::from(choice).checked_rem(count)
}
