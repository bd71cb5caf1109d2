//! Looks at every action before it is carried out.

use super::host::{Host, ME, SPARE};
use super::ledger::{Conn, Fetch, Hashed, Held, Socket, Stage, Theirs};
use std::sync::Arc;
use swarmline::core::action::{Action, DeliveryReport, Notice};
use swarmline::core::config::{CHUNK_HEADER, LEAF, SEND_HIGH_WATER};
use swarmline::core::error::{FetchError, LoadError};
use swarmline::core::ids::{ConnId, FetchId, LoadId, SegKey, SegmentHash, TrackerId};
use swarmline::core::integrity::merkle;
use swarmline::core::tracker::MAX_SEND;
use swarmline::core::wire::{Bitmap, Holding, MAX_CHUNK_LEAVES, MAX_MESSAGE, Message, decode};
use swarmline::sim::buffer::{Buffer, Payload};
use swarmline::sim::stream::SegmentId;

/// Most requests to the CDN for one segment at a time: three early ones, and three when it is this viewer's turn.
const MOST_FETCHES: usize = 6;

/// Connections in the making beyond the peers there may be: offers live for at most 30 s.
const MOST_OFFERS: usize = 64;

impl Host {
    pub(super) fn carry_out(&mut self, action: Action, payload: Option<&Payload>) {
        match action {
            Action::Allocate { seg, bytes } => self.allocate(seg, bytes),
            Action::Free { seg } => {
                assert!(self.buffers.remove(&seg).is_some(), "{seg:?} was free");
            }
            Action::Write { seg, at, from, len } => self.write(seg, at, payload, (from, len)),
            Action::HashLeaves {
                seg,
                first,
                at,
                len,
            } => self.hash_leaves(seg, first, at, len),
            Action::HashSegment { seg } => {
                let stream = self.stream;
                let hash = self.held(seg).buffer.segment_hash(stream);
                self.hashes.push_back(Hashed::Segment { seg, hash });
            }
            Action::Deliver { load, seg, report } => self.deliver(load, seg, report),
            Action::Fail { load, error } => self.fail(load, error),
            Action::Progress {
                load,
                loaded,
                total,
                ..
            } => {
                assert!(self.loads.contains_key(&load), "{load:?} makes progress");
                assert!(loaded <= total && total > 0);
            }
            Action::Fetch {
                fetch, url, range, ..
            } => self.fetch(fetch, url, range),
            Action::AbortFetch { fetch } => {
                assert!(self.fetches.remove(&fetch).is_some(), "{fetch:?} is gone");
            }
            Action::OpenTracker { tracker } => {
                assert_eq!(*self.socket(tracker), Socket::Closed);
                *self.socket(tracker) = Socket::Opening;
            }
            Action::SendTracker { tracker, text } => self.send_tracker(tracker, &text),
            Action::CloseTracker { tracker } => {
                assert_ne!(*self.socket(tracker), Socket::Closed);
                *self.socket(tracker) = Socket::Closed;
            }
            Action::CreateOffer { conn } => self.connect(conn, Stage::Offering),
            Action::AcceptOffer { conn, .. } => self.connect(conn, Stage::Answering),
            Action::AcceptAnswer { conn, .. } => {
                assert_eq!(self.conn(conn).stage, Stage::Offered);
                self.conn(conn).stage = Stage::Connecting;
            }
            Action::CloseConn { conn } => {
                let gone = self.conns.remove(&conn);
                assert!(gone.is_some_and(|conn| conn.peer.is_none()), "{conn:?}");
            }
            Action::Send { conn, bytes } => self.sent(conn, &bytes),
            Action::SendChunk {
                conn,
                head,
                seg,
                at,
                len,
            } => self.sent_chunk(conn, &head, seg, (at, len)),
            Action::Notify(notice) => self.notified(&notice),
        }
    }

    fn held(&mut self, seg: SegKey) -> &mut Held {
        let held = self.buffers.get_mut(&seg);
        assert!(held.is_some(), "there is no {seg:?}");
        #[allow(clippy::unwrap_used, reason = "checked in the line above")]
        held.unwrap()
    }

    fn conn(&mut self, id: ConnId) -> &mut Conn {
        let conn = self.conns.get_mut(&id);
        assert!(conn.is_some(), "there is no {id:?}");
        #[allow(clippy::unwrap_used, reason = "checked in the line above")]
        conn.unwrap()
    }

    fn socket(&mut self, tracker: TrackerId) -> &mut Socket {
        let socket = self.sockets.get_mut(usize::from(tracker.0));
        assert!(socket.is_some(), "{tracker:?} was never configured");
        #[allow(clippy::unwrap_used, reason = "checked in the line above")]
        socket.unwrap()
    }

    fn allocate(&mut self, seg: SegKey, bytes: u32) {
        assert!(
            (1..=self.config.max_segment_bytes).contains(&bytes),
            "{bytes} bytes"
        );
        assert!(seg.0 >= self.next_seg, "{seg:?} is used twice");
        self.next_seg = seg.0 + 1;
        let id = self.sizes.get(&bytes).copied();
        assert!(id.is_some(), "nothing published has {bytes} bytes");
        let id = id.unwrap_or(SegmentId(0));
        let mut buffer = Buffer::new(bytes);
        // No bytes, but from where.
        let none = Payload {
            segment: id,
            at: 0,
            len: 0,
            bad: None,
        };
        assert!(buffer.write(0, &none, 0, 0).is_ok());
        let leaves = merkle::leaf_count(bytes);
        let held = Held {
            id,
            buffer,
            told: Bitmap::new(leaves),
            whole: false,
            announced: Bitmap::new(leaves),
        };
        self.buffers.insert(seg, held);
    }

    fn write(&mut self, seg: SegKey, at: u32, payload: Option<&Payload>, part: (u32, u32)) {
        assert!(payload.is_some(), "nothing to write");
        let (from, len) = part;
        let held = self.held(seg);
        let done = payload.map(|payload| held.buffer.write(at, payload, from, len));
        assert!(matches!(done, Some(Ok(_))), "{done:?}: {at}+{len}");
        let touched = at / LEAF..(at + len).div_ceil(LEAF);
        let fixed = held.announced.count_range(touched);
        assert!(
            fixed == 0 && !held.whole,
            "written over what is known to be right"
        );
    }

    fn hash_leaves(&mut self, seg: SegKey, first: u32, at: u32, len: u32) {
        let stream = self.stream;
        let held = self.held(seg);
        let bytes = held.buffer.bytes();
        assert!(len > 0 && at + len <= bytes && at == first * LEAF);
        assert!((at + len).is_multiple_of(LEAF) || at + len == bytes);
        assert!(
            held.buffer.is_written(at, len),
            "hashes what was never written"
        );
        let hashes = held.buffer.leaf_hashes(stream, at, len);
        self.hashes.push_back(Hashed::Leaves { seg, first, hashes });
    }

    /// Promise 2: what the player gets was shown to be what the publisher published.
    fn deliver(&mut self, load: LoadId, seg: SegKey, report: DeliveryReport) {
        let wanted = self.loads.remove(&load);
        assert!(wanted.is_some(), "nobody waits for {load:?}");
        let held = self.held(seg);
        let bytes = held.buffer.bytes();
        assert_eq!(wanted.map(|load| load.id), Some(held.id), "another segment");
        assert!(held.buffer.is_right(0, bytes), "delivers wrong bytes");
        assert!(held.whole, "delivers before it is known to be right");
        assert_eq!(report.bytes, bytes);
        assert!(report.rate.is_finite() && report.rate > 0.0, "{report:?}");
    }

    /// Only the CDN, or a publisher who contradicts itself, can make a load fail.
    fn fail(&mut self, load: LoadId, error: LoadError) {
        let wanted = self.loads.remove(&load);
        assert!(wanted.is_some(), "nobody waits for {load:?}");
        let honest = wanted.is_some_and(|load| load.honest);
        self.reached.insert("failed");
        let refused = error == LoadError::Cdn(FetchError::Request) && !honest;
        let faulty = self.faults.cdn || self.faults.publisher;
        assert!(
            refused || faulty,
            "{load:?} fails though the CDN is well: {error:?}"
        );
    }

    /// The CDN is asked for bytes of a segment that is being got, no others.
    fn fetch(&mut self, fetch: FetchId, url: Arc<str>, range: Option<(u64, u64)>) {
        assert!(fetch.0 >= self.next_fetch, "{fetch:?} is used twice");
        self.next_fetch = fetch.0 + 1;
        let (first, last) = range.unwrap_or((0, u64::MAX));
        let inside = |held: &&Held| {
            let info = self.stream.segment(held.id).map(|segment| &segment.info);
            let from = info.and_then(|info| info.offset).unwrap_or(0);
            let end = from + u64::from(held.buffer.bytes());
            let part = from..end;
            let fits = range.is_none_or(|(_, last)| first <= last && part.contains(&last));
            info.is_some_and(|info| *info.url == *url) && part.contains(&first) && fits
        };
        let held = self.buffers.values().find(inside);
        assert!(held.is_some(), "nobody has use for {url} {range:?}");
        let Some(held) = held else { return };
        let (id, bytes) = (held.id, held.buffer.bytes());
        let truth = self
            .stream
            .segment(id)
            .and_then(|segment| segment.info.offset);
        assert!(
            range.is_some() || truth.is_none(),
            "all of a file for a part of it"
        );
        let end = truth.unwrap_or(0) + u64::from(bytes);
        let last = last.min(end - 1);
        let same = |fetch: &&Fetch| {
            fetch.url == url && self.stream.locate(&url, fetch.first).map(|(id, _)| id) == Some(id)
        };
        let count = self.fetches.values().filter(same).count() + 1;
        assert!(count <= MOST_FETCHES, "{count} requests for one segment");
        let new = Fetch {
            url,
            first,
            last,
            at: None,
            heard: self.now,
        };
        self.fetches.insert(fetch, new);
    }

    fn send_tracker(&mut self, tracker: TrackerId, text: &str) {
        assert_eq!(*self.socket(tracker), Socket::Open);
        assert!(text.len() <= MAX_SEND);
        let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        assert!(json.is_object(), "{text}");
        let offers = json.get("offers").and_then(serde_json::Value::as_array);
        let names = offers.into_iter().flatten();
        let names = names.filter_map(|offer| Some(offer.get("offer_id")?.as_str()?.to_owned()));
        self.offers.extend(names);
    }

    fn connect(&mut self, conn: ConnId, stage: Stage) {
        assert!(conn.0 >= self.next_conn, "{conn:?} is used twice");
        self.next_conn = conn.0 + 1;
        self.conns.insert(conn, Conn::new(stage));
        let most = (self.config.max_peers + SPARE) as usize;
        let theirs = |conn: &&Conn| !matches!(conn.stage, Stage::Offering | Stage::Offered);
        assert!(self.conns.len() <= most + MOST_OFFERS);
        let taken = self.conns.values().filter(theirs).count();
        assert!(
            stage == Stage::Offering || taken <= most,
            "{taken} of {most} connections"
        );
    }

    fn notified(&mut self, notice: &Notice) {
        match notice {
            Notice::PeerConnected { conn, peer } => {
                assert!(self.conn(*conn).peer.is_none());
                assert!(*peer != ME);
                self.conn(*conn).peer = Some(*peer);
                self.reached.insert("met");
                let same = |conn: &&Conn| conn.peer == Some(*peer);
                assert!(self.conns.values().filter(same).count() <= 2);
            }
            Notice::PeerDisconnected { conn, peer, reason } => {
                self.reached.insert(reason);
                // What the host closed is gone here already.
                if let Some(conn) = self.conns.get_mut(conn) {
                    assert_eq!(conn.peer.take(), Some(*peer));
                    let guilty = conn.lied || self.faults.publisher;
                    assert!(
                        guilty || *reason != "bad-hash",
                        "{peer:?} is blamed for what others sent"
                    );
                }
            }
            Notice::TrackerWarning { message, .. } => assert!(message.chars().count() <= 200),
            Notice::HashFailure { from_cdn, .. } => {
                self.reached.insert("wrong");
                let (cdn, peers) = (self.faults.cdn, self.faults.peers);
                let guilty = if *from_cdn { cdn } else { peers || cdn };
                assert!(
                    guilty || self.faults.publisher,
                    "wrong bytes that nobody sent; of the CDN's: {from_cdn}"
                );
            }
            Notice::Segment { peer_bytes, .. } => {
                self.reached.insert("delivered");
                if *peer_bytes > 0 {
                    self.reached.insert("from peers");
                }
            }
            Notice::Tracker { .. } => {}
        }
    }

    fn sent(&mut self, id: ConnId, bytes: &[u8]) {
        assert!(bytes.len() <= MAX_MESSAGE);
        let conn = self.conn(id);
        assert_eq!(conn.stage, Stage::Open, "speaks before the channel is open");
        assert!(!conn.parted, "speaks after goodbye");
        conn.buffered += bytes.len();
        let message = decode(bytes);
        assert!(matches!(message, Ok(Some(_))), "nobody reads {bytes:?}");
        let Ok(Some(message)) = message else { return };
        let hello = matches!(message, Message::Hello { .. });
        assert_eq!(hello, !self.conn(id).greeted, "{message:?}");
        self.said(id, message);
    }

    fn said(&mut self, id: ConnId, message: Message) {
        match message {
            Message::Hello { peer, .. } => {
                assert_eq!(peer, ME);
                self.conn(id).greeted = true;
            }
            Message::Have {
                alias,
                hash,
                holding,
                ..
            } => {
                let seg = SegKey(alias);
                assert_eq!(self.name(seg), Some(hash), "names a segment wrongly");
                self.conn(id).told.insert(seg);
                self.announced(seg, &holding);
            }
            Message::HaveMore { alias, first, bits } => {
                let seg = SegKey(alias);
                assert!(
                    self.conn(id).told.contains(&seg),
                    "more of what was not named"
                );
                let mut all = Bitmap::new(self.held(seg).told.size());
                for run in bits.runs(0..bits.size()) {
                    all.set_range(first + run.start..first + run.end);
                }
                assert_eq!(all.count(), bits.count(), "leaves beyond the end");
                self.announced(seg, &Holding::Partial(all));
            }
            Message::Drop { alias } => {
                let conn = self.conn(id);
                assert!(conn.told.remove(&SegKey(alias)), "drops what was not named");
                conn.wants.retain(|(seg, _), _| seg.0 != alias);
            }
            Message::Claim { hash, .. } | Message::Unclaim { hash } => {
                let names: Vec<_> = self.buffers.keys().copied().collect();
                let ours = names.into_iter().any(|seg| self.name(seg) == Some(hash));
                assert!(ours, "claims what the publisher never named");
            }
            Message::Request {
                alias,
                first,
                count,
                ..
            } => self.requested(id, alias, first, count),
            Message::Leaves {
                alias,
                first,
                hashes,
            } => {
                assert!(self.conn(id).told.contains(&SegKey(alias)));
                let segment = self
                    .buffers
                    .get(&SegKey(alias))
                    .and_then(|held| self.stream.segment(held.id));
                let truth = segment
                    .and_then(|s| s.leaves.get(first as usize..first as usize + hashes.len()));
                assert_eq!(truth, Some(hashes.as_slice()), "passes on a wrong tree");
            }
            Message::Reject { .. } | Message::Cancel { .. } | Message::Pong { .. } => {}
            Message::Ping { nonce } => self.conn(id).ping = nonce,
            Message::Bye { .. } => self.conn(id).parted = true,
            Message::Chunk { .. } => assert_eq!(id, ConnId(u32::MAX), "a chunk without bytes"),
        }
    }

    fn name(&self, seg: SegKey) -> Option<SegmentHash> {
        let held = self.buffers.get(&seg)?;
        Some(self.stream.segment(held.id)?.info.hash)
    }

    /// Whether a leaf was shown to be the publisher's.
    fn proved(&self, seg: SegKey, leaf: u32) -> bool {
        self.buffers.get(&seg).is_some_and(|held| {
            let (at, len) = merkle::leaf_range(held.buffer.bytes(), leaf);
            let tree =
                self.proofs.get(&held.id).is_some_and(Bitmap::is_full) || held.told.is_full();
            len > 0
                && held.buffer.is_right(at, len)
                && (held.whole || (held.told.get(leaf) && tree))
        })
    }

    /// Only leaves that were shown to be right are announced.
    fn announced(&mut self, seg: SegKey, holding: &Holding) {
        let leaves = holding.clone().into_bitmap();
        assert_eq!(leaves.size(), self.held(seg).told.size());
        for leaf in leaves.ones() {
            assert!(self.proved(seg, leaf), "announces leaf {leaf} of {seg:?}");
            self.held(seg).announced.set(leaf);
        }
    }

    /// A peer is asked for nothing but what it said it has, of a segment that is being got.
    fn requested(&mut self, id: ConnId, alias: u32, first: u32, count: u32) {
        let conn = self.conn(id);
        assert!(conn.peer.is_some());
        conn.asked.push((alias, first, count));
        let theirs = conn.theirs.get(&alias);
        assert!(theirs.is_some(), "asks for what was never offered");
        let Some(Theirs { hash, has }) = theirs else {
            return;
        };
        assert!(
            has.contains_range(first..first + count),
            "asks for leaves that were not offered"
        );
        let hash = *hash;
        let getting = |(seg, held): (&SegKey, &Held)| {
            self.name(*seg) == Some(hash) && !held.whole && first + count <= held.told.size()
        };
        assert!(
            self.buffers.iter().any(getting),
            "asks for an unknown segment"
        );
    }

    /// Promise 2, towards others: what is uploaded was shown to be right, was offered and was asked for.
    fn sent_chunk(&mut self, id: ConnId, head: &[u8; CHUNK_HEADER], seg: SegKey, part: (u32, u32)) {
        let (at, len) = part;
        let message = decode(head);
        let leaf = at / LEAF;
        assert_eq!(message, Ok(Some(Message::Chunk { alias: seg.0, leaf })));
        let bytes = self.held(seg).buffer.bytes();
        let end = at + len;
        assert!(at.is_multiple_of(LEAF) && len > 0 && end <= bytes);
        assert!(end.is_multiple_of(LEAF) || end == bytes);
        let leaves = leaf..end.div_ceil(LEAF);
        assert!(leaves.len() <= MAX_CHUNK_LEAVES);
        for leaf in leaves {
            assert!(self.proved(seg, leaf), "uploads leaf {leaf} of {seg:?}");
            let asked = self.conn(id).wants.get_mut(&(seg, leaf));
            assert!(
                asked.as_ref().is_some_and(|count| **count > 0),
                "uploads what nobody asked for"
            );
            if let Some(count) = asked {
                *count -= 1;
            }
        }
        let conn = self.conn(id);
        assert!(conn.greeted && conn.peer.is_some() && !conn.parted);
        assert!(conn.told.contains(&seg));
        conn.buffered += CHUNK_HEADER + len as usize;
        assert!(
            conn.buffered <= SEND_HIGH_WATER,
            "{} bytes wait",
            conn.buffered
        );
        self.uploaded += u64::from(len);
        self.reached.insert("upload");
        assert!(self.on);
        self.check_ceiling();
    }

    /// The ceiling holds over any time from the start on; at once, a quarter of a second of it or four leaves.
    fn check_ceiling(&self) {
        let rate = self.config.max_upload_bitrate as f64 / 8.0;
        let span = (self.latest - self.begun).as_secs_f64();
        let most = rate * span + (rate / 4.0).max(f64::from(4 * LEAF));
        assert!(
            self.uploaded as f64 <= most + 1.0,
            "{} bytes uploaded in {span} s",
            self.uploaded
        );
    }
}
