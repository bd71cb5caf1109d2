//! Heartbeat. WebRTC notices a crashed peer after ten seconds and more; promises made by the dead
//! must not block anyone for that long.

use crate::core::swarm::peer::Peer;
use crate::core::time::{Duration, Time};

/// A peer that was sent nothing for this long gets a ping. Hidden tabs run timers once a second.
pub const BEAT: Duration = Duration::from_secs(1);

/// A peer that was silent for this long is not counted on: its claims are void, nothing is asked of it.
pub const SILENT: Duration = Duration::from_millis(2_600);

/// A peer that was silent for this long is dropped.
pub const GONE: Duration = Duration::from_secs(8);

/// A gap between two calls of the engine that is longer than this was this machine's own sleep.
pub const OWN_SLEEP: Duration = Duration::from_millis(1_500);

/// How a peer's silence is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Heard of lately.
    Here,
    /// Not heard of lately.
    Silent,
    /// To be dropped.
    Gone,
}

impl Peer {
    /// Reads the silence.
    pub fn presence(&self, now: Time) -> Presence {
        match now - self.heard {
            silence if silence >= GONE => Presence::Gone,
            silence if silence >= SILENT => Presence::Silent,
            _ => Presence::Here,
        }
    }

    /// Whether it can be counted on.
    pub fn is_here(&self, now: Time) -> bool {
        self.presence(now) == Presence::Here
    }

    /// Whether it is owed a sign of life.
    pub fn wants_ping(&self, now: Time) -> bool {
        now - self.said >= BEAT
    }

    /// When its presence next changes, or a ping falls due.
    pub fn next_beat(&self, now: Time) -> Time {
        let next = if self.is_here(now) {
            self.heard + SILENT
        } else {
            self.heard + GONE
        };
        next.min(self.said + BEAT)
    }
}
