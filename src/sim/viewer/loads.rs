//! The player's side: playlists, loads, and the playhead.

use super::transfers::Ask;
use super::{Ctx, Viewer};
use crate::core::event::Event;
use crate::core::ids::LoadId;
use crate::core::time::{Duration, Time, micros};
use crate::core::timeline::{Playhead, SegmentInfo};
use crate::sim::buffer::Payload;
use crate::sim::cdn::Asker;
use crate::sim::chance::between;
use crate::sim::event::Happening;
use crate::sim::listings::Listing;
use crate::sim::player::{PlayerAction, PlayerEvent};
use crate::sim::scenario::Mode;
use crate::sim::stream::SegmentId;
use std::ops::Range;
use std::sync::Arc;

/// A load that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub(super) segment: SegmentId,
}

/// A segment that the stock loader brought, not yet given to the engine.
pub(super) struct Stocked {
    pub(super) info: Arc<SegmentInfo>,
    pub(super) payload: Payload,
    pub(super) first_byte: Duration,
    pub(super) transfer: Duration,
}

impl Viewer {
    pub(super) fn arrive(&mut self, ctx: &mut Ctx<'_>) {
        self.play(ctx, PlayerEvent::Opened);
    }

    /// Something happens to the player: does what it says.
    pub(super) fn play(&mut self, ctx: &mut Ctx<'_>, event: PlayerEvent) {
        let mut actions = std::mem::take(&mut ctx.spare.moves);
        self.player.handle(ctx.now, event, &mut actions);
        for action in actions.drain(..) {
            match action {
                PlayerAction::Poll => self.poll(ctx),
                PlayerAction::PollAt(at) => self.player_at(ctx, at, PlayerEvent::PollDue),
                PlayerAction::LookAt(at) => self.player_at(ctx, at, PlayerEvent::LookDue),
                PlayerAction::DryAt(at, ticket) => {
                    self.player_at(ctx, at, PlayerEvent::DryDue(ticket));
                }
                PlayerAction::Load {
                    load,
                    rendition,
                    sn,
                } => self.load(ctx, load, rendition, sn),
                PlayerAction::Abort(load) => self.abort_load(ctx, load),
                PlayerAction::Moved => self.moved(ctx),
            }
        }
        ctx.spare.moves = actions;
    }

    fn player_at(&self, ctx: &mut Ctx<'_>, at: Time, event: PlayerEvent) {
        self.schedule(ctx, at, Happening::Player(event));
    }

    /// Requests the playlist; the first time, the multivariant playlist before it.
    fn poll(&mut self, ctx: &mut Ctx<'_>) {
        let first_byte = &ctx.scenario.cdn.first_byte_us;
        let first = self.listing.zero.is_none();
        let trips = if first { 2 } else { 1 };
        // From a stream of its own, so that connections do not change when playlists come.
        let mut rng = crate::sim::chance::stream(
            ctx.scenario.seed,
            crate::sim::chance::Purpose::Cdn,
            &[u64::from(self.id), ctx.now.0, 1],
        );
        let wait: u64 = (0..trips).map(|_| between(&mut rng, first_byte)).sum();
        let at = Time(ctx.now.0 + wait);
        // The server looks half a round trip before the answer is here; close enough to its arrival.
        let listed = ctx.stream.listed(at);
        let rendition = self.player.rendition();
        self.schedule(ctx, at, Happening::Playlist { rendition, listed });
    }

    pub(super) fn playlist(&mut self, ctx: &mut Ctx<'_>, rendition: u32, listed: Range<u32>) {
        if rendition != self.player.rendition() {
            return;
        }
        let first = self.listing.zero.is_none();
        if rendition != self.listing.rendition || listed != self.listing.listed || first {
            self.renew_listing(ctx, rendition, listed.clone());
            self.tell_playlist(ctx);
        }
        let late = ctx.scenario.player.engine_after_first_frame;
        if first && !late && ctx.scenario.mode != Mode::Stock {
            let ready = micros(ctx.scenario.player.engine_ready);
            self.after(ctx, ready, Happening::EngineReady);
        }
        self.play(ctx, PlayerEvent::Listed(listed));
    }

    fn renew_listing(&mut self, ctx: &mut Ctx<'_>, rendition: u32, listed: Range<u32>) {
        let own = ctx.scenario.player.own_timeline && ctx.stream.spec().live;
        let start = u64::from(listed.start) * micros(ctx.stream.spec().segment);
        let zero = *self.listing.zero.get_or_insert(if own { start } else { 0 });
        let segments = ctx.listings.get(ctx.stream, rendition, &listed, zero);
        let known = listed.clone().map(|sn| {
            let at = sn.checked_sub(self.listing.listed.start);
            let before = at.and_then(|at| self.listing.known.get(at as usize));
            before.copied().unwrap_or(ctx.now)
        });
        self.listing = Listing {
            rendition,
            zero: Some(zero),
            known: known.collect(),
            listed,
            segments,
        };
    }

    /// As the façade does, withholds what the stock loader is at: the engine would fetch it a second time.
    fn tell_playlist(&mut self, ctx: &mut Ctx<'_>) {
        let at_it = |asker| matches!(asker, Asker::Stock(_));
        let stock = self.transfers.values().filter(|t| at_it(t.asker));
        let withheld: Vec<_> = stock
            .filter_map(|transfer| ctx.stream.segment(transfer.segment))
            .map(|segment| segment.info.hash)
            .collect();
        let live = ctx.stream.spec().live;
        let playlist = self.listing.playlist(live, &withheld);
        let newest = playlist.segments.last().cloned();
        self.feed(ctx, Event::PlaylistChanged(playlist), None);
        if let Some(newest) = newest {
            self.lie(ctx, &newest);
        }
    }

    /// A new engine hears what it has missed: first what it need not fetch, then what there is.
    pub(super) fn brief_engine(&mut self, ctx: &mut Ctx<'_>) {
        for stocked in std::mem::take(&mut self.stocked) {
            self.insert(ctx, stocked);
        }
        self.tell_playlist(ctx);
        self.tell_playhead(ctx);
    }

    pub(super) fn insert(&mut self, ctx: &mut Ctx<'_>, stocked: Stocked) {
        if ctx.scenario.mode == crate::sim::scenario::Mode::Stock {
            return;
        }
        if self.engine.is_none() {
            return self.stocked.push(stocked);
        }
        let event = Event::SegmentInserted {
            segment: stocked.info,
            first_byte: stocked.first_byte,
            transfer: stocked.transfer,
        };
        self.feed(ctx, event, Some(stocked.payload));
    }

    pub(super) fn info_of(&self, ctx: &Ctx<'_>, segment: SegmentId) -> Option<Arc<SegmentInfo>> {
        let truth = &ctx.stream.segment(segment)?.info;
        let sn = u32::try_from(truth.sn).ok()?;
        let listed = self.listing.info(truth.rendition.0, sn);
        let zero = self.listing.zero.unwrap_or(0);
        listed.or_else(|| ctx.listings.segment(ctx.stream, segment, zero))
    }

    fn load(&mut self, ctx: &mut Ctx<'_>, load: LoadId, rendition: u32, sn: u32) {
        let Some(segment) = ctx.stream.id(rendition, sn) else {
            return;
        };
        let Some(info) = self.info_of(ctx, segment) else {
            return;
        };
        if self.engine.is_some() {
            return self.load_by_engine(ctx, load, segment);
        }
        let wait = self.may_wait_us(ctx);
        if wait > 0 {
            self.held = Some((load, segment));
            return self.after(ctx, wait, Happening::HoldExpires(load));
        }
        self.load_from_stock(ctx, load, segment, &info);
    }

    fn load_from_stock(
        &mut self,
        ctx: &mut Ctx<'_>,
        load: LoadId,
        segment: SegmentId,
        info: &SegmentInfo,
    ) {
        let ask = Ask {
            part: 0..info.bytes,
            whole: info.offset.is_none(),
            bypass_cache: false,
        };
        self.begin(ctx, Asker::Stock(load), segment, ask);
    }

    /// How long the load of the second segment may wait for the engine, in µs: the buffer must outlast what
    /// the CDN needs, taken as twice what it took for the first segment and half a second.
    fn may_wait_us(&self, ctx: &Ctx<'_>) -> u64 {
        let spec = &ctx.scenario.player;
        let awaited = spec.engine_after_first_frame && ctx.scenario.mode != Mode::Stock;
        if !awaited || !self.player.is_playing() {
            return 0;
        }
        let need = self.stock_took_us * 2 + 500_000;
        let spare = self.player.ahead_us(ctx.now).saturating_sub(need);
        spare.min(micros(spec.hold))
    }

    /// The engine is not there yet, and there is no more time to wait for it.
    pub(super) fn hold_expires(&mut self, ctx: &mut Ctx<'_>, load: LoadId) {
        let Some((load, segment)) = self.held.take_if(|held| held.0 == load) else {
            return;
        };
        if let Some(info) = self.info_of(ctx, segment) {
            self.load_from_stock(ctx, load, segment, &info);
        }
    }

    pub(super) fn load_by_engine(&mut self, ctx: &mut Ctx<'_>, load: LoadId, segment: SegmentId) {
        let Some(info) = self.info_of(ctx, segment) else {
            return;
        };
        self.loads.insert(load, Want { segment });
        let event = Event::LoadRequested {
            load,
            segment: info,
        };
        self.feed(ctx, event, None);
    }

    fn abort_load(&mut self, ctx: &mut Ctx<'_>, load: LoadId) {
        if self.loads.remove(&load).is_some() {
            self.feed(ctx, Event::LoadAborted { load }, None);
        }
        self.held.take_if(|held| held.0 == load);
        self.transfers
            .retain(|transfer| transfer.asker != Asker::Stock(load));
    }

    pub(super) fn delivered(&mut self, ctx: &mut Ctx<'_>, load: LoadId) {
        self.play(ctx, PlayerEvent::Appended(load));
        let spec = &ctx.scenario.player;
        let awaited = spec.engine_after_first_frame && ctx.scenario.mode != Mode::Stock;
        if awaited && !self.engine_due {
            self.engine_due = true;
            let ready = micros(spec.engine_ready);
            self.after(ctx, ready, Happening::EngineReady);
        }
    }

    pub(super) fn failed(&mut self, ctx: &mut Ctx<'_>, load: LoadId) {
        self.play(ctx, PlayerEvent::Failed(load));
    }

    /// The playhead started, stopped or jumped.
    fn moved(&mut self, ctx: &mut Ctx<'_>) {
        self.tell_playhead(ctx);
        if self.player.is_playing() && !self.reporting && ctx.scenario.mode != Mode::Stock {
            self.reporting = true;
            let every = micros(ctx.scenario.player.report_every);
            self.after(ctx, every, Happening::Report);
        }
    }

    pub(super) fn report_playhead(&mut self, ctx: &mut Ctx<'_>) {
        self.reporting = self.player.is_playing();
        if self.reporting {
            self.tell_playhead(ctx);
            let every = micros(ctx.scenario.player.report_every);
            self.after(ctx, every, Happening::Report);
        }
    }

    fn tell_playhead(&mut self, ctx: &mut Ctx<'_>) {
        let position = self.player.position_us(ctx.now);
        if ctx.scenario.mode == Mode::Stock {
            return;
        }
        let playhead = Playhead {
            position: position.map(|media| self.listing.local(media)),
            rate: 1.0,
        };
        self.feed(ctx, Event::PlayheadMoved(playhead), None);
    }
}
