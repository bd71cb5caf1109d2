//! Tracker sockets, this end.

use super::{Ctx, Viewer};
use crate::core::event::Event;
use crate::core::ids::TrackerId;
use crate::core::time::Time;
use crate::sim::event::{FromTracker, Scheduled, ToTracker};
use crate::sim::post::tracker_place;

/// A socket to one tracker; a new number each time it is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    number: u32,
    used: bool,
    open: bool,
}

impl Socket {
    /// Whether it is open or being opened.
    pub(super) fn is_used(&self) -> bool {
        self.used
    }
}

impl Viewer {
    fn socket(&mut self, tracker: TrackerId) -> Option<&mut Socket> {
        self.sockets.get_mut(usize::from(tracker.0))
    }

    pub(super) fn open_tracker(&mut self, ctx: &mut Ctx<'_>, tracker: TrackerId) {
        let Some(socket) = self.socket(tracker).filter(|socket| !socket.used) else {
            return self.violation(ctx, "tracker opened twice", format!("{tracker:?}"));
        };
        socket.used = true;
        socket.number += 1;
        let number = socket.number;
        // TCP, TLS and the upgrade take three round trips.
        self.tell_tracker(ctx, tracker, 5, ToTracker::Open(number));
    }

    pub(super) fn send_tracker(&mut self, ctx: &mut Ctx<'_>, tracker: TrackerId, text: String) {
        let Some(socket) = self.socket(tracker).filter(|socket| socket.open) else {
            return self.violation(ctx, "text to a closed tracker", text);
        };
        let number = socket.number;
        let text = self.masked(ctx, text);
        self.tell_tracker(ctx, tracker, 1, ToTracker::Text(number, text));
    }

    pub(super) fn close_tracker(&mut self, ctx: &mut Ctx<'_>, tracker: TrackerId) {
        let Some(socket) = self.socket(tracker).filter(|socket| socket.used) else {
            return self.violation(ctx, "close of a closed tracker", format!("{tracker:?}"));
        };
        socket.used = false;
        socket.open = false;
        let number = socket.number;
        self.tell_tracker(ctx, tracker, 1, ToTracker::Close(number));
    }

    fn tell_tracker(&self, ctx: &mut Ctx<'_>, tracker: TrackerId, ways: u64, news: ToTracker) {
        let at = Time(ctx.now.0 + ways * ctx.scenario.tracker.one_way_us);
        ctx.send(at, tracker_place(tracker), Scheduled::Tracker(news));
    }

    pub(super) fn heard_tracker(
        &mut self,
        ctx: &mut Ctx<'_>,
        tracker: TrackerId,
        number: u32,
        news: FromTracker,
    ) {
        let Some(socket) = self.socket(tracker) else {
            return;
        };
        if !socket.used || socket.number != number {
            return;
        }
        match news {
            FromTracker::Opened => {
                socket.open = true;
                self.feed(ctx, Event::TrackerOpened { tracker }, None);
            }
            FromTracker::Closed => {
                socket.used = false;
                socket.open = false;
                self.feed(ctx, Event::TrackerClosed { tracker }, None);
            }
            FromTracker::Text(text) => {
                let text = text.as_str();
                self.feed(ctx, Event::TrackerMessage { tracker, text }, None);
            }
        }
    }

    /// This viewer vanished: trackers notice when the socket times out.
    pub(super) fn abandon_sockets(&mut self, ctx: &mut Ctx<'_>) {
        for (number, socket) in self.sockets.iter().enumerate() {
            if socket.used {
                let tracker = TrackerId(u16::try_from(number).unwrap_or(u16::MAX));
                let at = Time(ctx.now.0 + ctx.scenario.tracker.dead_socket_us);
                let news = ToTracker::Close(socket.number);
                ctx.send(at, tracker_place(tracker), Scheduled::Tracker(news));
            }
        }
    }
}
