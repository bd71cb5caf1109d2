//! One tracker's socket, from opening to opening again.

use super::backoff::Backoff;
use super::session::Session;
use super::{Need, Output, PATIENCE, STABLE};
use crate::core::config::strangers::TRACKER_WARNINGS;
use crate::core::ids::TrackerId;
use crate::core::time::Time;

/// One tracker's socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) state: State,
    backoff: Backoff,
    /// What was last said about the socket being open.
    told: Option<bool>,
    /// Warnings that were handed on.
    warned: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) enum State {
    #[default]
    /// Not wanted.
    Idle,
    /// To be opened again.
    Waiting { until: Time },
    /// Being opened.
    Opening { until: Time },
    /// Open.
    Open(Session),
}

impl Link {
    /// The open connection, if there is one.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            State::Open(session) => Some(session),
            _ => None,
        }
    }

    pub(super) fn open(&mut self, now: Time, tracker: TrackerId, out: &mut Vec<Output>) {
        let until = now + PATIENCE;
        self.state = State::Opening { until };
        out.push(Output::Open(tracker));
    }

    /// Says whether the socket is open, unless that is known.
    pub(super) fn tell(&mut self, tracker: TrackerId, open: bool, out: &mut Vec<Output>) {
        if self.told.replace(open) != Some(open) {
            out.push(Output::Connected(tracker, open));
        }
    }

    /// A warning, if it is new and there were not too many.
    pub(super) fn warn(&mut self, tracker: TrackerId, message: String) -> Option<Output> {
        if self.warned.contains(&message) || self.warned.len() >= TRACKER_WARNINGS {
            return None;
        }
        self.warned.push(message.clone());
        Some(Output::Warning { tracker, message })
    }

    /// The socket is gone, by whomever; try again later.
    pub(super) fn lost(
        &mut self,
        now: Time,
        tracker: TrackerId,
        rng: &mut fastrand::Rng,
        out: &mut Vec<Output>,
    ) {
        if let State::Open(session) = &self.state
            && now.since(session.opened) >= STABLE
            && !session.is_flooding()
        {
            self.backoff.reset();
        }
        self.tell(tracker, false, out);
        let until = now + self.backoff.next(rng);
        self.state = State::Waiting { until };
    }

    pub(super) fn next_deadline(&self, need: Need) -> Option<Time> {
        match &self.state {
            State::Idle => None,
            State::Waiting { until } | State::Opening { until } => Some(*until),
            State::Open(session) => Some(session.next_deadline(need)),
        }
    }
}
