//! Segments, and what the player and neighbours do with them.

use crate::rig::Rig;
use std::sync::Arc;
use std::time::Duration;
use swarmline::core::action::Action;
use swarmline::core::config::{Config, LEAF};
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::integrity::merkle;
use swarmline::core::time::Time;
use swarmline::core::timeline::{Playhead, Playlist, SegmentInfo};
use swarmline::core::wire::{Holding, Message};

/// What hashing a leaf gives that somebody has changed.
pub(super) const WRONG: TreeHash = TreeHash([255; 32]);

/// A published segment: its hashes, for nobody looks at bytes here.
pub(super) struct Segment {
    pub(super) info: Arc<SegmentInfo>,
    pub(super) leaves: Vec<TreeHash>,
}

pub(super) fn segment(n: u8, leaves: u32, rooted: bool) -> Segment {
    let hashes: Vec<_> = (0..leaves)
        .map(|leaf| {
            let mut hash = [n; 32];
            hash[..4].copy_from_slice(&leaf.to_be_bytes());
            TreeHash(hash)
        })
        .collect();
    let info = SegmentInfo {
        hash: SegmentHash([n; 32]),
        root: rooted.then(|| merkle::pieces_root(&hashes)),
        bytes: leaves * LEAF,
        url: "https://cdn.example/s".into(),
        offset: None,
        rendition: RenditionId(0),
        track: 0,
        sn: u64::from(n),
        start: 60.0,
        duration: 2.0,
        proof: Default::default(),
    };
    Segment {
        info: Arc::new(info),
        leaves: hashes,
    }
}

impl Rig {
    /// The playhead is where it was: what was wanted still is, and there is time.
    pub(super) fn stand_still(&mut self) {
        self.tell(Event::PlayheadMoved(Playhead {
            position: Some(1.0),
            rate: 1.0,
        }));
    }

    /// The player wants a segment, and has time.
    pub(super) fn want(&mut self, segment: &Segment) -> SegKey {
        self.stand_still();
        let segments: Arc<[_]> = vec![segment.info.clone()].into();
        self.tell(Event::PlaylistChanged(Playlist {
            rendition: RenditionId(0),
            live: true,
            segments,
        }));
        self.tell(Event::LoadRequested {
            load: LoadId(segment.info.sn as u32),
            segment: segment.info.clone(),
        });
        let allocated = self.done.iter().rev().find_map(|action| match action {
            Action::Allocate { seg, .. } => Some(*seg),
            _ => None,
        });
        allocated.unwrap()
    }

    pub(super) fn announce(&mut self, conn: ConnId, alias: u32, segment: &Segment) {
        let holding = Holding::Complete(segment.leaves.len() as u32);
        self.say(
            conn,
            &Message::Have {
                alias,
                hash: segment.info.hash,
                short: 0,
                holding,
            },
        );
    }

    pub(super) fn send_tree(&mut self, conn: ConnId, alias: u32, segment: &Segment) {
        self.say(
            conn,
            &Message::Leaves {
                alias,
                first: 0,
                hashes: segment.leaves.clone(),
            },
        );
    }

    /// The CDN's turn comes; its newest request, of which the body begins.
    pub(super) fn fetch(&mut self) -> FetchId {
        let newest = |done: &[Action]| {
            done.iter().rev().find_map(|action| match action {
                Action::Fetch { fetch, range, .. } => Some((*fetch, *range)),
                _ => None,
            })
        };
        let before = newest(&self.done);
        let aborted = |(fetch, _)| self.done.contains(&Action::AbortFetch { fetch });
        if before.is_none_or(aborted) {
            self.now = self.now.max(Time(58_000_000));
            self.tell(Event::Woke);
        }
        let (fetch, range) = newest(&self.done).unwrap();
        self.now += Duration::from_millis(20);
        self.tell(Event::FetchStarted {
            fetch,
            length: None,
            offset: range.map_or(0, |(first, _)| first),
        });
        fetch
    }

    /// So many more bytes of a body come.
    pub(super) fn bring(&mut self, fetch: FetchId, bytes: u32) {
        self.now += Duration::from_millis(10);
        let len = bytes as usize;
        self.tell(Event::FetchBytes { fetch, len });
    }

    /// A neighbour brings a segment that only has a hash as a whole, and is relied on from then on.
    pub(super) fn try_out(&mut self, conn: ConnId, n: u8) {
        let segment = segment(n, 1, false);
        let seg = self.want(&segment);
        let alias = 100 + u32::from(n);
        let before = self.asked(conn).len();
        self.announce(conn, alias, &segment);
        self.wait(100);
        assert_eq!(self.asked(conn).len(), before + 1);
        self.chunk(conn, alias, 0, LEAF as usize);
        let hash = segment.info.hash;
        self.tell(Event::SegmentHashed { seg, hash });
    }

    /// Answers what is asked of a neighbour from now on until nothing more is; `lies` says which leaves are wrong.
    pub(super) fn serve(
        &mut self,
        conn: ConnId,
        alias: u32,
        seg: SegKey,
        segment: &Segment,
        lies: &[u32],
    ) {
        let mut served = 0;
        self.send_tree(conn, alias, segment);
        while !self.is_gone(conn) {
            self.now += Duration::from_millis(25);
            self.tell(Event::Woke);
            let asked = self.asked(conn);
            let Some(leaf) = asked.get(served) else { break };
            served += 1;
            let len = merkle::leaf_range(segment.info.bytes, *leaf).1;
            self.chunk(conn, alias, *leaf, len as usize);
            let right = segment.leaves[*leaf as usize];
            let hash = if lies.contains(leaf) { WRONG } else { right };
            if segment.info.root.is_some() {
                let (first, hashes) = (*leaf, vec![hash]);
                self.tell(Event::LeavesHashed { seg, first, hashes });
            }
        }
    }
}

/// A viewer who wants a segment, a neighbour that will lie and one that will not.
pub(super) fn liar_and_honest(config: Config, segment: &Segment) -> (Rig, ConnId, ConnId, SegKey) {
    let mut rig = Rig::with(config);
    let (liar, honest) = (rig.join(10), rig.join(11));
    if segment.info.root.is_none() {
        rig.try_out(liar, 1);
        rig.try_out(honest, 2);
    }
    let seg = rig.want(segment);
    (rig, liar, honest, seg)
}
