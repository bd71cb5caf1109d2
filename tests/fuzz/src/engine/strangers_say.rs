//! What strangers say: the truth, lies, and noise.

use super::host::Host;
use super::ledger::Theirs;
use super::script::Step;
use super::steps::pick;
use crate::input::Input;
use crate::targets::wire;
use swarmline::core::config::{CHUNK_HEADER, LEAF};
use swarmline::core::event::Event;
use swarmline::core::ids::{ConnId, SegKey, SegmentHash, TreeHash};
use swarmline::core::integrity::merkle;
use swarmline::core::wire::{
    Bitmap, ByeReason, CHUNK_TAG, Holding, MAX_HASHES, Message, RejectReason, encode_chunk_header,
};
use swarmline::sim::buffer::Payload;
use swarmline::sim::stream::SegmentId;

impl Host {
    pub(super) fn words(&mut self, what: u8, step: &Step) {
        let Some(conn) = self.neighbour(step.a) else {
            return;
        };
        match what {
            0 | 1 => self.says_have(conn, step),
            2 => self.says_more(conn, step),
            3 | 4 => self.serves(conn, step),
            5 => self.sends_chunk(conn, step),
            6 | 7 => self.tells_tree(conn, step),
            8 | 9 => self.asks(conn, step),
            10 => self.says_noise(conn, step),
            _ => {
                if let Some(message) = self.remark(conn, what, step) {
                    self.hear(conn, &message);
                }
            }
        }
    }

    /// A control message arrives.
    pub(super) fn hear(&mut self, conn: ConnId, message: &Message) {
        self.believe(conn, message);
        let head = message.encode();
        let event = Event::PeerMessage {
            conn,
            head: &head,
            payload: 0,
        };
        self.feed(event, None);
    }

    /// What the engine may believe from now on.
    fn believe(&mut self, id: ConnId, message: &Message) {
        let segments = 0..self.stream.len() as u32;
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.peer.is_some()) else {
            return;
        };
        match message {
            Message::Have {
                alias,
                hash,
                holding,
                ..
            } => {
                conn.theirs.retain(|_, theirs| theirs.hash != *hash);
                let has = holding.clone().into_bitmap();
                conn.theirs.insert(*alias, Theirs { hash: *hash, has });
            }
            Message::HaveMore { alias, first, bits } => {
                if let Some(theirs) = conn.theirs.get_mut(alias) {
                    for run in bits.runs(0..bits.size()) {
                        theirs.has.set_range(
                            first.saturating_add(run.start)..first.saturating_add(run.end),
                        );
                    }
                }
            }
            Message::Drop { alias } => drop(conn.theirs.remove(alias)),
            Message::Request {
                alias,
                first,
                count,
                ..
            } => {
                for leaf in (*first..first + count).take(512) {
                    *conn.wants.entry((SegKey(*alias), leaf)).or_default() += 1;
                }
            }
            Message::Leaves {
                alias,
                first,
                hashes,
            } => {
                let named = conn.theirs.get(alias).map(|theirs| theirs.hash);
                let truth = segments
                    .filter_map(|id| Some((SegmentId(id), self.stream.segment(SegmentId(id))?)));
                let mut right = false;
                for (id, segment) in truth.filter(|(_, segment)| Some(segment.info.hash) == named) {
                    let from = *first as usize;
                    let part = segment.leaves.get(from..from.saturating_add(hashes.len()));
                    right |= part == Some(hashes);
                    let known = self
                        .proofs
                        .entry(id)
                        .or_insert_with(|| Bitmap::new(segment.leaves.len() as u32));
                    for (leaf, hash) in (*first..).zip(hashes) {
                        if segment.leaves.get(leaf as usize) == Some(hash) {
                            known.set(leaf);
                        }
                    }
                }
                conn.lied |= !right;
                self.faults.peers |= !right;
            }
            _ => {}
        }
    }

    fn says_have(&mut self, conn: ConnId, step: &Step) {
        let Some(segment) = self.truth(step.b) else {
            return;
        };
        let (mut hash, mut leaves) = segment;
        match step.d {
            0..230 => {}
            230..240 => hash = SegmentHash([step.e; 32]),
            _ => leaves += 1 + u32::from(step.e),
        }
        let holding = match step.c % 4 {
            0 | 1 => Holding::Complete(leaves),
            _ => {
                let mut bits = Bitmap::new(leaves);
                bits.set_range(u32::from(step.e)..u32::from(step.e) + u32::from(step.c));
                Holding::Partial(bits)
            }
        };
        let have = Message::Have {
            alias: u32::from(step.b) + 1_000 * u32::from(step.c >> 6),
            hash,
            short: step.e,
            holding,
        };
        self.hear(conn, &have);
    }

    fn says_more(&mut self, conn: ConnId, step: &Step) {
        let size = 1 + u32::from(step.e);
        let mut bits = Bitmap::new(size);
        bits.set_range(0..1 + u32::from(step.d));
        let more = Message::HaveMore {
            alias: self.alias_of(conn, step.b),
            first: u32::from(step.c % 64),
            bits,
        };
        self.hear(conn, &more);
    }

    /// Sends what was asked of it, rightly or not.
    fn serves(&mut self, id: ConnId, step: &Step) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let Some(at) = pick(conn.asked.len(), step.b) else {
            return;
        };
        let (alias, first, count) = conn.asked.remove(at);
        let hash = conn.theirs.get(&alias).map(|theirs| theirs.hash);
        let Some(segment) = hash.and_then(|hash| self.named(hash)) else {
            return;
        };
        if step.c.is_multiple_of(2) {
            self.tell_all_leaves(id, alias, segment);
        }
        for leaf in first..first + count {
            self.chunk(id, (alias, leaf, 1), segment, step.d >= 220);
        }
    }

    fn sends_chunk(&mut self, conn: ConnId, step: &Step) {
        let alias = self.alias_of(conn, step.b);
        let at = u32::from(step.b) % self.stream.len() as u32;
        let count = 1 + u32::from(step.e % 4);
        self.chunk(
            conn,
            (alias, step.c.into(), count),
            SegmentId(at),
            step.d >= 128,
        );
    }

    /// A chunk message with the bytes of so many leaves.
    fn chunk(&mut self, conn: ConnId, what: (u32, u32, u32), segment: SegmentId, bad: bool) {
        let (alias, leaf, count) = what;
        let bytes = self
            .stream
            .segment(segment)
            .map_or(0, |segment| segment.info.bytes);
        let at = leaf.saturating_mul(LEAF);
        let len = (count * LEAF).min(bytes.saturating_sub(at)).max(1);
        let payload = Payload {
            segment,
            at,
            len,
            bad: bad.then_some((len - 1, len)),
        };
        let head = encode_chunk_header(alias, leaf);
        let event = Event::PeerMessage {
            conn,
            head: &head,
            payload: len as usize,
        };
        self.judge(conn, alias, leaf, &payload);
        self.feed(event, Some(payload));
    }

    /// Whether these are the bytes that the chunk's head says they are.
    fn judge(&mut self, id: ConnId, alias: u32, leaf: u32, payload: &Payload) {
        let said = self
            .conns
            .get(&id)
            .and_then(|conn| conn.theirs.get(&alias))
            .and_then(|theirs| self.named(theirs.hash));
        let inside = self
            .stream
            .segment(payload.segment)
            .is_some_and(|segment| payload.at.saturating_add(payload.len) <= segment.info.bytes);
        let right = inside
            && said == Some(payload.segment)
            && leaf.checked_mul(LEAF) == Some(payload.at)
            && payload.bad.is_none();
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.lied |= !right;
        }
        self.faults.peers |= !right;
    }

    fn tells_tree(&mut self, conn: ConnId, step: &Step) {
        let alias = self.alias_of(conn, step.b);
        let hash = self
            .conns
            .get(&conn)
            .and_then(|conn| conn.theirs.get(&alias))
            .map(|theirs| theirs.hash);
        let Some(segment) = hash.and_then(|hash| self.named(hash)) else {
            return;
        };
        if step.d < 200 {
            return self.tell_all_leaves(conn, alias, segment);
        }
        let leaves = Message::Leaves {
            alias,
            first: u32::from(step.c % 4),
            hashes: vec![TreeHash([step.e; 32]); 1 + usize::from(step.e % 32)],
        };
        self.hear(conn, &leaves);
    }

    fn tell_all_leaves(&mut self, conn: ConnId, alias: u32, segment: SegmentId) {
        let Some(truth) = self.stream.segment(segment) else {
            return;
        };
        for (part, hashes) in truth.leaves.chunks(MAX_HASHES).enumerate() {
            let leaves = Message::Leaves {
                alias,
                first: (part * MAX_HASHES) as u32,
                hashes: hashes.to_vec(),
            };
            self.hear(conn, &leaves);
        }
    }

    /// Asks for what the engine has told of, mostly.
    fn asks(&mut self, conn: ConnId, step: &Step) {
        let told = self.conns.get(&conn).map(|conn| &conn.told);
        let alias = told
            .and_then(|told| told.iter().nth(pick(told.len(), step.b)?))
            .map(|seg| seg.0);
        let leaves = alias
            .and_then(|alias| self.buffers.get(&SegKey(alias)))
            .map_or(40, |held| held.told.size());
        let whole = step.c < 64;
        let request = Message::Request {
            alias: alias.unwrap_or(step.b.into()),
            first: if whole { 0 } else { u32::from(step.c) % leaves },
            count: if whole {
                leaves
            } else {
                1 + u32::from(step.d % 8)
            },
            want_leaves: step.d.is_multiple_of(2),
            urgency_ms: u16::from(step.e) << 8,
            idle: step.e,
        };
        self.hear(conn, &request);
    }

    /// Bytes that are a message only by chance.
    fn says_noise(&mut self, conn: ConnId, step: &Step) {
        let seed = [step.b, step.c, step.d, step.e];
        let noise: Vec<u8> = seed
            .iter()
            .cycle()
            .take(usize::from(step.c))
            .copied()
            .collect();
        let mut message = wire::message(&mut Input::new(&noise));
        if let Message::Chunk { .. } = message {
            message = Message::Ping { nonce: 0 };
        }
        if step.e.is_multiple_of(2) {
            return self.hear(conn, &message);
        }
        let is_chunk = noise.first() == Some(&CHUNK_TAG);
        let head = noise
            .get(..CHUNK_HEADER)
            .filter(|_| is_chunk)
            .unwrap_or(&noise);
        if let Ok(Some(message)) = swarmline::core::wire::decode(head) {
            self.believe(conn, &message);
        }
        let payload = if is_chunk {
            noise.len() - head.len()
        } else {
            usize::from(step.d % 2)
        };
        let bytes = Payload {
            segment: SegmentId(0),
            at: 0,
            len: payload as u32,
            bad: None,
        };
        if let Ok(Some(Message::Chunk { alias, leaf })) = swarmline::core::wire::decode(head) {
            self.judge(conn, alias, leaf, &bytes);
        }
        let event = Event::PeerMessage {
            conn,
            head,
            payload,
        };
        self.feed(event, Some(bytes));
    }

    fn remark(&self, conn: ConnId, what: u8, step: &Step) -> Option<Message> {
        let alias = self.alias_of(conn, step.b);
        let (hash, _) = self.truth(step.b)?;
        let (first, count) = (u32::from(step.c), 1 + u32::from(step.d));
        Some(match what {
            11 => Message::Drop { alias },
            12 => Message::Claim {
                hash,
                eta_ms: u32::from(step.c) << (step.d % 24),
            },
            13 => Message::Unclaim { hash },
            14 => Message::Reject {
                alias,
                first,
                count,
                reason: RejectReason::from_byte(step.e % 6),
            },
            15 => Message::Cancel {
                alias: step.b.into(),
                first,
                count,
            },
            16 if step.b < 250 => {
                let nonce = self.conns.get(&conn)?.ping;
                if step.c.is_multiple_of(2) {
                    Message::Pong { nonce }
                } else {
                    Message::Ping { nonce }
                }
            }
            17 if step.b < 64 => Message::Bye {
                reason: ByeReason::from_byte(step.c),
            },
            _ => return None,
        })
    }

    fn truth(&self, choice: u8) -> Option<(SegmentHash, u32)> {
        let at = pick(self.stream.len(), choice)?;
        let info = &self.stream.segment(SegmentId(at as u32))?.info;
        Some((info.hash, merkle::leaf_count(info.bytes)))
    }

    fn named(&self, hash: SegmentHash) -> Option<SegmentId> {
        let mut all = (0..self.stream.len() as u32).map(SegmentId);
        all.find(|id| {
            self.stream
                .segment(*id)
                .is_some_and(|segment| segment.info.hash == hash)
        })
    }
}
