//! CDN transfers, the engine's and the stock loader's.

use super::loads::Stocked;
use super::{Ctx, Viewer};
use crate::core::error::FetchError;
use crate::core::event::Event;
use crate::core::ids::{FetchId, LoadId};
use crate::core::time::{Time, micros};
use crate::sim::buffer::Payload;
use crate::sim::cdn::{Answer, Asker, Request, Transfer};
use crate::sim::event::{Happening, Step};
use crate::sim::ledger::Sent;
use crate::sim::network::{Link, Nat, http_bytes};
use crate::sim::stream::SegmentId;
use std::ops::Range;

/// The stock loader gives up a request that was not answered for so long.
const STOCK_TIME_OUT_US: u64 = 10_000_000;

/// A copy that the engine asks for so soon after the CDN has a segment is meant for others as well.
const EARLY_US: u64 = 1_000_000;

/// A viewer is joining for so long.
const JOINING_US: u64 = 10_000_000;

/// What is asked of the CDN.
pub(super) struct Ask {
    /// Bytes of the segment.
    pub(super) part: Range<u32>,
    /// Whether there is no Range header.
    pub(super) whole: bool,
    /// Whether to go past the HTTP cache.
    pub(super) bypass_cache: bool,
}

impl Viewer {
    /// The engine asks.
    pub(super) fn fetch(
        &mut self,
        ctx: &mut Ctx<'_>,
        fetch: FetchId,
        url: &str,
        range: Option<(u64, u64)>,
        bypass_cache: bool,
    ) {
        let start = range.map_or(0, |(first, _)| first);
        let Some((segment, at)) = ctx.stream.locate(url, start) else {
            return self.violation(ctx, "fetch of nothing", format!("{url} {range:?}"));
        };
        let truth = ctx.stream.segment(segment).map(|s| s.info.clone());
        let bytes = truth.as_ref().map_or(0, |info| info.bytes);
        let in_larger = truth.is_some_and(|info| info.offset.is_some());
        let end = range.map_or(u64::from(bytes), |(first, last)| {
            u64::from(at) + last.saturating_sub(first) + 1
        });
        if (range.is_none() && in_larger) || end > u64::from(bytes) {
            self.violation(ctx, "fetch past the segment", format!("{url} {range:?}"));
        }
        let end = u32::try_from(end).unwrap_or(bytes).min(bytes);
        self.fetches.insert(fetch, self.next_transfer);
        let ask = Ask {
            part: at..end,
            whole: range.is_none(),
            bypass_cache,
        };
        self.begin(ctx, Asker::Engine(fetch), segment, ask);
    }

    pub(super) fn abort_fetch(&mut self, fetch: FetchId) {
        if let Some(id) = self.fetches.remove(&fetch) {
            self.transfers.remove(&id);
        }
    }

    /// A request goes out.
    pub(super) fn begin(&mut self, ctx: &mut Ctx<'_>, asker: Asker, segment: SegmentId, ask: Ask) {
        let Some(truth) = ctx.stream.segment(segment) else {
            return;
        };
        let request = Request {
            asker,
            segment,
            bytes: truth.info.bytes,
            base: truth.info.offset.unwrap_or(0),
            part: ask.part,
            whole: ask.whole && truth.info.offset.is_none(),
            missing: truth.available > ctx.now,
            bypass_cache: ask.bypass_cache,
        };
        let (seed, spec) = (ctx.scenario.seed, &ctx.scenario.cdn);
        let (transfer, wait) = self.asked.begin(seed, self.id, spec, ctx.now, request);
        let id = self.next_transfer;
        self.next_transfer += 1;
        self.transfers.insert(id, transfer);
        if ctx.ledger.counts(ctx.now) {
            self.tally.requests += 1;
        }
        self.after(ctx, wait, Happening::Transfer(id, Step::Answer));
        if let Asker::Stock(_) = asker {
            self.after(
                ctx,
                STOCK_TIME_OUT_US,
                Happening::Transfer(id, Step::TimeOut),
            );
        }
    }

    pub(super) fn transfer(&mut self, ctx: &mut Ctx<'_>, id: u32, step: Step) {
        let Some(transfer) = self.transfers.get_mut(&id) else {
            return;
        };
        match step {
            Step::Answer => match transfer.answer() {
                None => {}
                Some(Answer::Failed(error)) => self.break_off(ctx, id, error),
                Some(Answer::Body(length)) => self.body_begins(ctx, id, length),
            },
            Step::TimeOut => {
                if transfer.first_byte.is_none() {
                    self.break_off(ctx, id, FetchError::Network);
                }
            }
            Step::Piece(payload) => {
                let wire = http_bytes(payload.len);
                let took = Link::new(transfer.rate(&ctx.scenario.cdn)).duration_us(wire);
                let began = Time(ctx.now.0.saturating_sub(took));
                let through = self.down.receive_since(began, ctx.now, wire);
                if through > ctx.now {
                    self.schedule(
                        ctx,
                        through,
                        Happening::Transfer(id, Step::PieceIn(payload)),
                    );
                } else {
                    self.piece(ctx, id, payload);
                }
            }
            Step::PieceIn(payload) => self.piece(ctx, id, payload),
        }
    }

    fn body_begins(&mut self, ctx: &mut Ctx<'_>, id: u32, length: u32) {
        let Some(transfer) = self.transfers.get_mut(&id) else {
            return;
        };
        transfer.first_byte = Some(ctx.now);
        let offset = transfer.offset;
        if let Asker::Engine(fetch) = transfer.asker {
            let length = Some(u64::from(length));
            let event = Event::FetchStarted {
                fetch,
                length,
                offset,
            };
            self.feed(ctx, event, None);
        }
        self.next_piece(ctx, id);
    }

    fn next_piece(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        let spec = &ctx.scenario.cdn;
        let Some(transfer) = self.transfers.get_mut(&id) else {
            return;
        };
        let Some(payload) = transfer.take(spec.piece) else {
            return;
        };
        let wire = http_bytes(payload.len);
        let paced = self.cdn.send(ctx.now, wire);
        let slowed = Link::new(transfer.rate(spec)).send(ctx.now, wire);
        let (asked, by_engine) = (transfer.asked, matches!(transfer.asker, Asker::Engine(_)));
        if ctx.ledger.counts(ctx.now) {
            self.tally.cdn_bytes += u64::from(payload.len);
            if let Asker::Stock(_) = transfer.asker {
                self.tally.stock_bytes += u64::from(payload.len);
            }
        }
        let available = ctx.stream.segment(payload.segment).map(|s| s.available);
        let early = available.is_some_and(|at| asked.0 <= at.0 + EARLY_US);
        ctx.ledger.origin(Sent {
            now: ctx.now,
            segment: payload.segment,
            bytes: payload.len,
            early: by_engine && early && self.can_have_peers(),
            joining: self.is_joining(ctx.now),
        });
        let at: Time = paced.max(slowed);
        self.schedule(ctx, at, Happening::Transfer(id, Step::Piece(payload)));
    }

    /// Whether this is a newcomer who can have peers.
    fn is_joining(&self, now: Time) -> bool {
        self.can_have_peers() && now.0 < self.seat.arrives.0 + JOINING_US
    }

    fn can_have_peers(&self) -> bool {
        self.seat.access.nat != Nat::Blocked
    }

    fn piece(&mut self, ctx: &mut Ctx<'_>, id: u32, payload: Payload) {
        let Some(transfer) = self.transfers.get_mut(&id) else {
            return;
        };
        transfer.note(&payload);
        let asker = transfer.asker;
        if let Asker::Engine(fetch) = asker {
            let len = payload.len as usize;
            self.feed_bytes(ctx, Event::FetchBytes { fetch, len }, payload, true);
        }
        let Some(transfer) = self.transfers.get(&id) else {
            return;
        };
        if transfer.is_broken() {
            self.break_off(ctx, id, FetchError::Network);
        } else if transfer.is_done() {
            self.body_ends(ctx, id);
        } else {
            self.next_piece(ctx, id);
        }
    }

    fn body_ends(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        let Some(transfer) = self.transfers.remove(&id) else {
            return;
        };
        match transfer.asker {
            Asker::Engine(fetch) => {
                self.fetches.remove(&fetch);
                self.feed(ctx, Event::FetchEnded { fetch }, None);
            }
            Asker::Stock(load) => self.stock_done(ctx, load, &transfer),
        }
    }

    fn break_off(&mut self, ctx: &mut Ctx<'_>, id: u32, error: FetchError) {
        let Some(transfer) = self.transfers.remove(&id) else {
            return;
        };
        match transfer.asker {
            Asker::Engine(fetch) => {
                self.fetches.remove(&fetch);
                self.feed(ctx, Event::FetchFailed { fetch, error }, None);
            }
            Asker::Stock(load) => self.after(ctx, 0, Happening::Failed(load)),
        }
    }

    /// The stock loader has a segment: the player first, then the engine.
    fn stock_done(&mut self, ctx: &mut Ctx<'_>, load: LoadId, transfer: &Transfer) {
        let Some(info) = self.info_of(ctx, transfer.segment) else {
            return;
        };
        if ctx.ledger.counts(ctx.now) {
            self.tally.delivered_bytes += u64::from(info.bytes);
        }
        ctx.ledger.delivered(ctx.now, info.bytes);
        self.stock_took_us = micros(ctx.now - transfer.asked);
        let append = micros(ctx.scenario.player.append);
        self.after(ctx, append, Happening::Delivered(load));
        let first_byte = transfer.first_byte.unwrap_or(ctx.now);
        let payload = Payload {
            segment: transfer.segment,
            at: 0,
            len: info.bytes,
            bad: transfer.seen_bad(),
        };
        let stocked = Stocked {
            info,
            payload,
            first_byte: first_byte - transfer.asked,
            transfer: ctx.now - first_byte,
        };
        self.insert(ctx, stocked);
    }
}
