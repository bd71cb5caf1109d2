//! The engine and the carrying out of its actions.

use super::{Ctx, Viewer};
use crate::core::action::{Action, DeliveryReport, Notice};
use crate::core::engine::{Engine, info_hash};
use crate::core::event::Event;
use crate::core::ids::{ConnId, LoadId, PeerId, SegKey};
use crate::core::time::{Duration, Time, micros};
use crate::core::wire::CHUNK_HEADER;
use crate::sim::buffer::{Buffer, Payload};
use crate::sim::chance::{Purpose, bytes32, mix, step};
use crate::sim::event::{Happening, Hashed};

/// A host's timers are no finer.
const TICK_US: u64 = 1_000;

/// So many wake-ups in a row that ask to be woken again at once are a loop.
const IDLE_WAKES: u32 = 200;

impl Viewer {
    pub(super) fn start_engine(&mut self, ctx: &mut Ctx<'_>) {
        let config = ctx.scenario.engine_config(&self.seat);
        let labels = [u64::from(self.id)];
        let seed = mix(ctx.scenario.seed, Purpose::Engine, &labels);
        let mut peer_id = [0; 20];
        let drawn = bytes32(seed, Purpose::Engine, &labels);
        for (place, byte) in peer_id.iter_mut().zip(drawn) {
            *place = byte;
        }
        // Every engine's clock shows another time, as in browsers.
        self.clock_zero = Time(ctx.now.0.saturating_sub(seed % 1_000_000));
        let now = self.engine_time(ctx.now);
        let hash = info_hash("simulated stream");
        match Engine::new(config, hash, PeerId(peer_id), seed, now) {
            Ok(engine) => self.engine = Some(Box::new(engine)),
            Err(error) => return self.violation(ctx, "configuration", error.to_string()),
        }
        self.feed(ctx, Event::Woke, None);
        self.brief_engine(ctx);
        self.begin_mischief(ctx);
        if let Some((load, segment)) = self.held.take() {
            self.load_by_engine(ctx, load, segment);
        }
    }

    fn engine_time(&self, now: Time) -> Time {
        Time(now.0.saturating_sub(self.clock_zero.0))
    }

    /// Tells the engine what happened and carries out what it answers; then reports send buffers, as
    /// after every batch of sends, until nothing more is sent.
    pub(super) fn feed(&mut self, ctx: &mut Ctx<'_>, event: Event<'_>, payload: Option<Payload>) {
        self.turn(ctx, event, payload);
        self.report_drained(ctx);
    }

    /// Reports send buffers, as after every batch of sends, until nothing more is sent.
    fn report_drained(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(conn) = self.sent_on.pop() {
            if let Some(buffered) = self.is_drained(ctx, conn) {
                self.turn(ctx, Event::SendDrained { conn, buffered }, None);
            }
        }
        self.rearm(ctx);
    }

    fn turn(&mut self, ctx: &mut Ctx<'_>, event: Event<'_>, payload: Option<Payload>) {
        let now = self.engine_time(ctx.now);
        let Some(engine) = self.engine.as_deref_mut() else {
            return;
        };
        let mut actions = std::mem::take(&mut ctx.spare.actions);
        let note = |what: &dyn std::fmt::Debug, sign| short(&format!("{sign} {what:?}"));
        ctx.ledger.note(ctx.now, self.id, || note(&event, '<'));
        ctx.ledger
            .engine_call(event, |event| engine.handle(now, event, &mut actions));
        for action in actions.drain(..) {
            ctx.ledger.note(ctx.now, self.id, || note(&action, '>'));
            self.carry_out(ctx, action, payload.as_ref());
        }
        ctx.spare.actions = actions;
        while let Some(hashed) = self.hashes.pop_front() {
            self.hash_known(ctx, hashed);
        }
    }

    /// Bytes arrived for the engine: counts, then feeds.
    pub(super) fn feed_bytes(
        &mut self,
        ctx: &mut Ctx<'_>,
        event: Event<'_>,
        payload: Payload,
        from_cdn: bool,
    ) {
        let held = self.holding.get(&payload.segment);
        let held = held.and_then(|seg| self.buffers.get(seg));
        let had = held.map_or(0, |buffer| buffer.count_written(payload.at, payload.len));
        if ctx.ledger.counts(ctx.now) {
            let bad = if payload.bad.is_some() {
                payload.len
            } else {
                0
            };
            self.tally.bad_bytes += u64::from(bad);
            self.tally.duplicate_bytes += u64::from(had);
            if from_cdn {
                self.tally.duplicate_cdn_bytes += u64::from(had);
            } else {
                self.tally.peer_bytes += u64::from(payload.len);
            }
        }
        self.feed(ctx, event, Some(payload));
    }

    /// Keeps the queue's wake-up in step with the engine's deadline.
    fn rearm(&mut self, ctx: &mut Ctx<'_>) {
        let Some(engine) = self.engine.as_deref() else {
            return;
        };
        let Some(deadline) = engine.next_deadline() else {
            return;
        };
        if self.loads.is_empty() && ctx.scenario.mode != crate::sim::scenario::Mode::Swarm {
            self.violation(ctx, "timer while idle", deadline.why.to_owned());
        }
        let at = Time(deadline.at.0.saturating_add(self.clock_zero.0));
        let at = at.max(Time(ctx.now.0 + TICK_US));
        if self.armed.is_none_or(|armed| at < armed) {
            self.armed = Some(at);
            self.schedule(ctx, at, Happening::Wakes);
        }
    }

    pub(super) fn wake(&mut self, ctx: &mut Ctx<'_>) {
        if self.armed != Some(ctx.now) {
            return;
        }
        self.armed = None;
        let now = self.engine_time(ctx.now);
        let due = |engine: &Engine| engine.next_deadline().filter(|d| d.at <= now);
        if self.engine.as_deref().and_then(due).is_none() {
            return self.rearm(ctx);
        }
        self.feed(ctx, Event::Woke, None);
        match self.engine.as_deref().and_then(due) {
            None => self.idle_wakes = 0,
            Some(deadline) => {
                self.idle_wakes += 1;
                if self.idle_wakes == IDLE_WAKES {
                    self.violation(ctx, "wakes without end", deadline.why.to_owned());
                }
            }
        }
    }

    fn carry_out(&mut self, ctx: &mut Ctx<'_>, action: Action, payload: Option<&Payload>) {
        match action {
            Action::Allocate { seg, bytes } => self.allocate(ctx, seg, bytes),
            Action::Free { seg } => self.free(ctx, seg),
            Action::Write { seg, at, from, len } => self.write(ctx, seg, at, payload, from, len),
            Action::HashLeaves {
                seg,
                first,
                at,
                len,
            } => self.hash_leaves(ctx, seg, first, at, len),
            Action::HashSegment { seg } => self.hash_segment(ctx, seg),
            Action::Deliver { load, seg, report } => self.deliver(ctx, load, seg, report),
            Action::Fail { load, error } => self.fail(ctx, load, error),
            Action::Progress {
                load,
                loaded,
                total,
                ..
            } => {
                self.progress(ctx, load, loaded, total);
            }
            Action::Fetch {
                fetch,
                url,
                range,
                bypass_cache,
            } => self.fetch(ctx, fetch, &url, range, bypass_cache),
            Action::AbortFetch { fetch } => self.abort_fetch(fetch),
            Action::OpenTracker { tracker } => self.open_tracker(ctx, tracker),
            Action::SendTracker { tracker, text } => self.send_tracker(ctx, tracker, text),
            Action::CloseTracker { tracker } => self.close_tracker(ctx, tracker),
            Action::CreateOffer { conn } => self.create_offer(ctx, conn),
            Action::AcceptOffer { conn, sdp } => self.accept_offer(ctx, conn, &sdp),
            Action::AcceptAnswer { conn, sdp } => self.accept_answer(ctx, conn, &sdp),
            Action::CloseConn { conn } => self.close_conn(ctx, conn),
            Action::Send { conn, bytes } => self.send(ctx, conn, bytes),
            Action::SendChunk {
                conn,
                head,
                seg,
                at,
                len,
            } => {
                self.send_chunk(ctx, conn, head, seg, (at, len));
            }
            Action::Notify(notice) => self.notified(ctx, &notice),
        }
    }

    fn notified(&mut self, ctx: &mut Ctx<'_>, notice: &Notice) {
        match notice {
            Notice::PeerConnected { .. } => {
                self.record.first_peer.get_or_insert(ctx.now);
            }
            Notice::TrackerWarning { message, .. } => {
                self.violation(ctx, "tracker warning", message.clone());
            }
            _ => {}
        }
        let word = match notice {
            Notice::Segment { sn, peer_bytes, .. } => sn ^ (u64::from(*peer_bytes) << 20),
            _ => 1,
        };
        self.record.trace = step(self.record.trace ^ word ^ ctx.now.0);
    }

    fn allocate(&mut self, ctx: &mut Ctx<'_>, seg: SegKey, bytes: u32) {
        if bytes == 0 || bytes > ctx.scenario.engine.max_segment_bytes {
            self.violation(ctx, "buffer size", format!("{bytes} bytes"));
        }
        self.buffer_bytes += u64::from(bytes);
        self.record.most_buffered = self.record.most_buffered.max(self.buffer_bytes);
        if self.buffers.insert(seg, Buffer::new(bytes)).is_some() {
            self.violation(ctx, "buffer allocated twice", format!("{seg:?}"));
        }
    }

    fn free(&mut self, ctx: &mut Ctx<'_>, seg: SegKey) {
        match self.buffers.remove(&seg) {
            Some(buffer) => {
                self.buffer_bytes -= u64::from(buffer.bytes());
                if let Some(segment) = buffer.segment()
                    && self.holding.get(&segment) == Some(&seg)
                {
                    self.holding.remove(&segment);
                }
            }
            None => self.violation(ctx, "free of an unknown buffer", format!("{seg:?}")),
        }
    }

    fn write(
        &mut self,
        ctx: &mut Ctx<'_>,
        seg: SegKey,
        at: u32,
        payload: Option<&Payload>,
        from: u32,
        len: u32,
    ) {
        let Some(payload) = payload else {
            return self.violation(ctx, "write without payload", format!("{seg:?}"));
        };
        let Some(buffer) = self.buffers.get_mut(&seg) else {
            return self.violation(ctx, "write to an unknown buffer", format!("{seg:?}"));
        };
        let was_right = buffer.is_right(0, buffer.bytes());
        match buffer.write(at, payload, from, len) {
            Err(fault) => {
                self.violation(ctx, "write out of range", format!("{fault:?} {at}+{len}"));
            }
            Ok(new) => {
                if !self.holding.contains_key(&payload.segment) {
                    self.holding.insert(payload.segment, seg);
                }
                let is_right = buffer.is_right(0, buffer.bytes());
                if ctx.ledger.counts(ctx.now) {
                    self.tally.useful_bytes += u64::from(new);
                }
                if is_right && !was_right {
                    let truth = ctx.stream.segment(payload.segment);
                    let available = truth.map_or(ctx.now, |segment| segment.available);
                    let known = self.listing.known_at(ctx.stream, payload.segment);
                    let known = known.unwrap_or(self.seat.arrives);
                    ctx.ledger
                        .spread(ctx.now, available, known, self.seat.arrives);
                }
            }
        }
    }

    fn hash_leaves(&mut self, ctx: &mut Ctx<'_>, seg: SegKey, first: u32, at: u32, len: u32) {
        let Some(buffer) = self.buffers.get(&seg) else {
            return self.violation(ctx, "hash of an unknown buffer", format!("{seg:?}"));
        };
        let hashes = buffer.leaf_hashes(ctx.stream, at, len);
        let answer = Hashed::Leaves {
            seg,
            first,
            at,
            len,
            hashes,
        };
        self.answer_hash(ctx, answer);
    }

    /// At once, or after the time that hashing takes.
    fn answer_hash(&mut self, ctx: &mut Ctx<'_>, answer: Hashed) {
        if ctx.scenario.hash_us == 0 {
            self.hashes.push_back(answer);
        } else {
            self.after(
                ctx,
                ctx.scenario.hash_us,
                Happening::Hashed(Box::new(answer)),
            );
        }
    }

    fn hash_segment(&mut self, ctx: &mut Ctx<'_>, seg: SegKey) {
        let Some(buffer) = self.buffers.get(&seg) else {
            return self.violation(ctx, "hash of an unknown buffer", format!("{seg:?}"));
        };
        let hash = buffer.segment_hash(ctx.stream);
        let answer = Hashed::Segment { seg, hash };
        self.answer_hash(ctx, answer);
    }

    pub(super) fn hashed(&mut self, ctx: &mut Ctx<'_>, hashed: Hashed) {
        self.hash_known(ctx, hashed);
        self.report_drained(ctx);
    }

    /// A hash was computed: the engine is told.
    fn hash_known(&mut self, ctx: &mut Ctx<'_>, hashed: Hashed) {
        match hashed {
            Hashed::Leaves {
                seg,
                first,
                at,
                len,
                hashes,
            } => {
                if let Some(buffer) = self.buffers.get_mut(&seg) {
                    buffer.learn_leaves(ctx.stream, at, len, &hashes);
                }
                let event = Event::LeavesHashed { seg, first, hashes };
                self.turn(ctx, event, None);
            }
            Hashed::Segment { seg, hash } => {
                if let Some(buffer) = self.buffers.get_mut(&seg)
                    && buffer.segment_hash(ctx.stream) == hash
                {
                    buffer.learn(0, buffer.bytes());
                }
                self.turn(ctx, Event::SegmentHashed { seg, hash }, None);
            }
        }
    }

    fn deliver(&mut self, ctx: &mut Ctx<'_>, load: LoadId, seg: SegKey, report: DeliveryReport) {
        let Some(want) = self.loads.remove(&load) else {
            return self.violation(ctx, "delivery nobody waits for", format!("{load:?}"));
        };
        let Some(buffer) = self.buffers.get(&seg) else {
            return self.violation(ctx, "delivery of an unknown buffer", format!("{seg:?}"));
        };
        let bytes = buffer.bytes();
        let (right, known) = (buffer.is_right(0, bytes), buffer.is_known_right(0, bytes));
        self.tally.bad_deliveries += u64::from(!right || !known);
        if !right || buffer.segment() != Some(want.segment) {
            self.violation(ctx, "delivery of wrong bytes", format!("{load:?} {seg:?}"));
        } else if !known {
            self.violation(
                ctx,
                "delivery before verification",
                format!("{load:?} {seg:?}"),
            );
        }
        if report.bytes != bytes || !report.rate.is_finite() || report.rate <= 0.0 {
            self.violation(ctx, "delivery report", format!("{report:?}"));
        }
        if ctx.ledger.counts(ctx.now) {
            self.tally.delivered_bytes += u64::from(bytes);
        }
        ctx.ledger.delivered(ctx.now, bytes);
        let append = micros(ctx.scenario.player.append);
        self.after(ctx, append, Happening::Delivered(load));
    }

    fn fail(&mut self, ctx: &mut Ctx<'_>, load: LoadId, error: crate::core::error::LoadError) {
        if self.loads.remove(&load).is_none() {
            return self.violation(ctx, "failure nobody waits for", format!("{load:?}"));
        }
        self.record.failures.push(error);
        self.after(ctx, 0, Happening::Failed(load));
    }

    fn progress(&mut self, ctx: &mut Ctx<'_>, load: LoadId, loaded: u32, total: u32) {
        if !self.loads.contains_key(&load) || loaded > total {
            let detail = format!("{load:?} {loaded} of {total}");
            self.violation(ctx, "progress report", detail);
        }
    }

    fn send_chunk(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        head: [u8; CHUNK_HEADER],
        seg: SegKey,
        (at, len): (u32, u32),
    ) {
        let Some(buffer) = self.buffers.get(&seg) else {
            return self.violation(ctx, "chunk of an unknown buffer", format!("{seg:?}"));
        };
        let inside = at.checked_add(len).is_some_and(|end| end <= buffer.bytes());
        let payload = buffer.view(at, len).filter(|_| inside && len > 0);
        let Some(payload) = payload else {
            return self.violation(ctx, "chunk out of range", format!("{seg:?} {at}+{len}"));
        };
        if payload.bad.is_some() {
            self.violation(ctx, "chunk of wrong bytes", format!("{seg:?} {at}+{len}"));
        } else if !buffer.is_known_right(at, len) {
            self.violation(
                ctx,
                "chunk before verification",
                format!("{seg:?} {at}+{len}"),
            );
        }
        self.transmit_chunk(ctx, conn, head, payload);
    }

    /// Loads that wait for longer than any limit allows.
    pub(super) fn check_unanswered(&mut self, ctx: &mut Ctx<'_>) {
        let limit = Duration::from_millis(u64::from(ctx.scenario.engine.cdn_timeout_ms) * 3);
        if let Some((load, since)) = self.player.pending()
            && self.loads.contains_key(&load)
            && ctx.now - since > limit
        {
            self.violation(
                ctx,
                "load unanswered",
                format!("{load:?} for {:?}", ctx.now - since),
            );
        }
    }
}

/// A line of the log that can be read.
fn short(line: &str) -> String {
    line.chars().take(400).collect()
}
