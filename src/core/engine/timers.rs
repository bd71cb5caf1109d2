//! Time: what is due, and when the host should call again.

use super::Engine;
use crate::core::action::Action;
use crate::core::chance::below;
use crate::core::ids::{ConnId, SegKey};
use crate::core::list::List;
use crate::core::swarm::presence::{OWN_SLEEP, Presence};
use crate::core::swarm::{Offence, Peer};
use crate::core::time::{Duration, Time};
use crate::core::wire::Message;

/// When to call again at the latest, and why: for logs, and for whoever wonders what keeps a tab awake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// When.
    pub at: Time,
    /// A stable word.
    pub why: &'static str,
}

/// Shortest sleep: a timer that is due at once would spin.
const SHORTEST: Duration = Duration::from_millis(1);

/// What is due waits so long for an event that comes anyway: whatever brings the engine to run does what is due.
/// Only the CDN is asked to the minute: a player may be about to run dry.
const PATIENCE: Duration = Duration::from_millis(15);

/// Timers that are due one soon after the other are handled together.
const TICK: Duration = Duration::from_millis(50);

/// Neighbours are compared this often at first, and in the end: every connection that is made costs something.
const COMPARE: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// The time between comparisons grows by this part of the time that passes.
const SETTLED: u32 = 12;

/// While the CDN serves a segment that peers have too, the race is looked at this often.
pub(super) const RACE_CHECK: Duration = Duration::from_millis(100);

impl Engine {
    /// Moves the clock on. If this machine slept, peers are not to blame for the silence.
    pub(super) fn advance(&mut self, now: Time) {
        let gap = now - self.now;
        self.now = self.now.max(now);
        if gap > OWN_SLEEP {
            self.swarm
                .peers_mut()
                .for_each(|(_, peer)| peer.forgive(gap));
        }
    }

    /// Does what is due.
    pub(super) fn run_timers(&mut self, out: &mut Vec<Action>) {
        if self.now < self.timers_at {
            return;
        }
        self.run_trackers(out);
        for conn in self.swarm.overdue(self.now) {
            if self.swarm.peer(conn).is_some() {
                self.ban(conn, Offence::Mute, out);
            } else {
                self.drop_peer(conn, "silent", out);
            }
        }
        self.run_presence(out);
        self.replace_neighbours(out);
        self.run_requests(out);
        self.time_out_fetches(out);
        // Trust, claims and the race with the CDN change with time alone.
        self.refill_due = true;
        self.meter_due = true;
        self.review_turns();
        self.timers_at = self.next_timer().max(self.now + TICK);
    }

    /// Something happened that timers depend on.
    pub(super) fn review_timers(&mut self) {
        self.timers_at = self.now;
    }

    fn run_presence(&mut self, out: &mut Vec<Action>) {
        let now = self.now;
        let mut gone = Vec::new();
        let mut pings = Vec::new();
        let mut useless = Vec::new();
        for (conn, peer) in self.swarm.peers_mut() {
            peer.expire_claims(now);
            match peer.presence(now) {
                _ if peer.is_blocked(now) => useless.push((conn, Offence::Slow)),
                _ if peer.is_hopeless() => useless.push((conn, Offence::Unkept)),
                Presence::Gone => gone.push(conn),
                _ if peer.wants_ping(now) => pings.push(conn),
                _ => {}
            }
        }
        for conn in gone {
            self.drop_peer(conn, "silent", out);
        }
        for (conn, offence) in useless {
            self.ban(conn, offence, out);
        }
        for conn in pings {
            self.ping(conn, out);
        }
    }

    /// Neighbours that are of little use make room for others, where there are others.
    fn replace_neighbours(&mut self, out: &mut Vec<Action>) {
        if self.now < self.compare_at {
            return;
        }
        let jitter = Duration::from_millis(below(&mut self.rng, 2_000));
        let [first, most] = COMPARE;
        let usual = first + (self.now - self.joined) / SETTLED;
        self.compare_at = self.now + usual.min(most) + jitter;
        let useless = self.swarm.useless(self.now);
        if !self.swarm.has_choice() || self.trackers.connected() == 0 {
            return;
        }
        for conn in useless {
            self.drop_peer(conn, "replaced", out);
        }
    }

    fn ping(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        self.nonce = self.nonce.wrapping_add(1);
        let (nonce, now) = (self.nonce, self.now);
        if let Some(peer) = self.swarm.peer_mut(conn) {
            peer.pinged = Some((nonce, now));
        }
        self.send(conn, &Message::Ping { nonce }, out);
    }

    /// Requests that a peer lets run out are open to others again.
    fn run_requests(&mut self, out: &mut Vec<Action>) {
        let now = self.now;
        let mut late: Vec<(ConnId, SegKey, u32)> = Vec::new();
        for (conn, peer) in self.swarm.peers_mut() {
            if peer.late_at().is_some_and(|at| now >= at) || !peer.is_here(now) {
                late.extend(peer.asked.iter().map(|(seg, leaf)| (conn, *seg, *leaf)));
                if !peer.asked.is_empty() {
                    peer.let_down(now);
                }
                peer.asked.clear();
            }
        }
        self.reopen(late.iter().map(|(_, seg, leaf)| (*seg, *leaf)).list());
        for (conn, seg, leaf) in late {
            let Some(hash) = self.cache.get(seg).map(|entry| entry.info.hash) else {
                continue;
            };
            let alias = self
                .swarm
                .peer(conn)
                .and_then(|peer| peer.holding(&hash))
                .map(|(alias, _)| alias);
            if let Some(alias) = alias {
                self.send(
                    conn,
                    &Message::Cancel {
                        alias,
                        first: leaf,
                        count: 1,
                    },
                    out,
                );
            }
        }
    }

    /// When presence, requests, connections, trackers or time-outs need attention.
    fn next_timer(&self) -> Time {
        let now = self.now;
        let peers = || self.swarm.peers().map(|(_, peer)| peer);
        let beats = peers().map(|peer| peer.next_beat(now)).min();
        let late = peers().filter_map(Peer::late_at).min();
        let limit = Duration::from_millis(u64::from(self.config.cdn_timeout_ms));
        let silent = self.fetches.values().map(|fetch| fetch.heard + limit).min();
        let racing = !self.fetches.is_empty() && beats.is_some();
        let race = racing.then(|| now + RACE_CHECK);
        let due = [
            beats,
            late,
            silent,
            race,
            self.swarm.next_overdue(),
            self.trackers_due(),
        ];
        due.into_iter().flatten().min().unwrap_or(Time::NEVER)
    }

    /// Settles when to be called again.
    pub(super) fn find_deadline(&mut self) {
        let due = [
            (self.timers_at + PATIENCE, "timer"),
            (self.turns_at, "cdn"),
            (
                self.announce_at.unwrap_or(Time::NEVER) + PATIENCE,
                "announce",
            ),
            (self.upload_at.unwrap_or(Time::NEVER) + PATIENCE, "upload"),
            (self.refill_at().unwrap_or(Time::NEVER) + PATIENCE, "refill"),
        ];
        let next = due.into_iter().min_by_key(|(at, _)| *at);
        self.deadline = next
            .filter(|(at, _)| *at < Time::NEVER)
            .map(|(at, why)| Deadline {
                at: at.max(self.now + SHORTEST),
                why,
            });
    }

    /// Whether anything is being transferred now; time without transfers is not measured.
    pub(super) fn update_meter(&mut self) {
        let asked = self
            .swarm
            .peers()
            .any(|(_, peer)| !peer.asked.is_empty() && !peer.late);
        let fetching = self.fetches.values().any(|fetch| fetch.started.is_some());
        self.meter.set_running(self.now, asked || fetching);
    }
}
