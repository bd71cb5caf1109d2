//! Trackers and connections: how neighbours are found, and what happens when they go.

use super::Engine;
use crate::core::action::{Action, Notice};
use crate::core::ids::{ConnId, InfoHash, TrackerId};
use crate::core::swarm::{Offence, Refusal};
use crate::core::time::{Duration, Time};
use crate::core::tracker::{Output, Totals};
use crate::core::wire::{ByeReason, Message, VERSION};
use sha2::{Digest, Sha256};

/// How long an announce waits for the last of its offers once the first is ready.
const OFFER_PATIENCE: Duration = Duration::from_millis(300);

/// The swarm's name at a tracker: the first 20 bytes of SHA-256 over `swarmline/`, the protocol version, `/` and the key.
pub fn info_hash(swarm_key: &str) -> InfoHash {
    let digest = Sha256::digest(format!("swarmline/{VERSION}/{swarm_key}"));
    let mut id = [0; 20];
    id.iter_mut()
        .zip(digest.iter())
        .for_each(|(to, from)| *to = *from);
    InfoHash(id)
}

/// An upload ceiling as neighbours are told of it, in kbit/s.
pub(super) fn kbps(bits_per_second: u64) -> u32 {
    u32::try_from(bits_per_second / 1000).unwrap_or(u32::MAX)
}

impl Engine {
    /// P2P was switched on or off.
    pub(super) fn switch(&mut self, on: bool, out: &mut Vec<Action>) {
        let on = on && !self.config.trackers.is_empty();
        if on == self.on {
            return;
        }
        self.on = on;
        self.batch = None;
        self.review_timers();
        if on {
            self.joined = self.now;
            self.settled = false;
            return;
        }
        for conn in self.swarm.conns() {
            self.send(
                conn,
                &Message::Bye {
                    reason: ByeReason::SwitchedOff,
                },
                out,
            );
            self.drop_link(conn, "off", out);
        }
    }

    fn drop_link(&mut self, conn: ConnId, reason: &'static str, out: &mut Vec<Action>) {
        if self.conn_lost(conn, reason, out) {
            out.push(Action::CloseConn { conn });
        }
    }

    /// Ends a connection for a reason that shows in the notices.
    pub(super) fn drop_peer(&mut self, conn: ConnId, reason: &'static str, out: &mut Vec<Action>) {
        let goodbye = match reason {
            "duplicate" => Some(ByeReason::Duplicate),
            "replaced" => Some(ByeReason::Replaced),
            _ => None,
        };
        if let Some(reason) = goodbye {
            self.send(conn, &Message::Bye { reason }, out);
        }
        self.drop_link(conn, reason, out);
    }

    /// Ends a connection for good reason, and keeps the other end away for a while. Nobody else is told.
    pub(super) fn ban(&mut self, conn: ConnId, offence: Offence, out: &mut Vec<Action>) {
        self.stats.bans += u32::from(self.swarm.ban(self.now, conn, offence));
        let goodbye = match offence {
            Offence::BadHash => Some(ByeReason::BadHash),
            Offence::Protocol => Some(ByeReason::Protocol),
            Offence::Flood => Some(ByeReason::Flood),
            Offence::Version => Some(ByeReason::Version),
            Offence::Unkept => Some(ByeReason::Unkept),
            Offence::Mute => Some(ByeReason::Silent),
            // It would not read that either.
            Offence::Slow => None,
        };
        if let Some(reason) = goodbye {
            self.send(conn, &Message::Bye { reason }, out);
        }
        self.drop_link(conn, offence.word(), out);
    }

    /// Ends a connection without a word.
    pub(super) fn close(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        self.drop_link(conn, "closed", out);
    }

    /// A connection is gone. False if it was not there any more.
    pub(super) fn conn_lost(
        &mut self,
        conn: ConnId,
        reason: &'static str,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(peer) = self.swarm.remove(conn) else {
            return false;
        };
        self.review_timers();
        if let Some(peer) = peer.filter(|peer| peer.ready) {
            self.trackers.hopeful();
            self.reopen(peer.asked.iter().copied());
            self.notify(
                Notice::PeerDisconnected {
                    conn,
                    peer: peer.id,
                    reason,
                },
                out,
            );
        }
        true
    }

    /// A data channel opened: say hello.
    pub(super) fn conn_opened(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        if !self.swarm.opened(self.now, conn) {
            return;
        }
        self.review_timers();
        let upload_kbps = kbps(self.config.max_upload_bitrate);
        self.send(
            conn,
            &Message::Hello {
                peer: self.swarm.me,
                upload_kbps,
            },
            out,
        );
    }
}

/// Offers that are being made for one tracker's next announce.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    tracker: TrackerId,
    begun: Time,
}

/// Trackers.
impl Engine {
    /// A tracker's socket opened.
    pub(super) fn tracker_opened(&mut self, tracker: TrackerId, out: &mut Vec<Action>) {
        self.review_timers();
        let outputs = self.trackers.opened(self.now, tracker);
        self.carry_out(outputs, out);
    }

    /// A tracker's socket closed.
    pub(super) fn tracker_closed(&mut self, tracker: TrackerId, out: &mut Vec<Action>) {
        self.review_timers();
        let outputs = self.trackers.closed(self.now, tracker, &mut self.rng);
        self.carry_out(outputs, out);
    }

    /// A tracker wrote.
    pub(super) fn tracker_message(
        &mut self,
        tracker: TrackerId,
        text: &str,
        out: &mut Vec<Action>,
    ) {
        self.review_timers();
        let outputs = match self.trackers.admit(self.now, tracker, &mut self.rng) {
            Ok(()) => self.trackers.message(tracker, text),
            Err(outputs) => outputs,
        };
        self.carry_out(outputs, out);
    }

    /// The host made an offer.
    pub(super) fn offer_created(&mut self, conn: ConnId, sdp: String) {
        self.review_timers();
        self.swarm.offer_created(self.now, conn, sdp);
    }

    /// The host made an answer: it goes back the way the offer came.
    pub(super) fn answer_created(&mut self, conn: ConnId, sdp: String, out: &mut Vec<Action>) {
        self.review_timers();
        let Some((tracker, to, offer)) = self.swarm.answer_created(self.now, conn) else {
            return;
        };
        let outputs = self.trackers.answer(tracker, to, offer, &sdp);
        if outputs.is_empty() {
            return self.close(conn, out);
        }
        self.carry_out(outputs, out);
    }

    /// Keeps trackers going, and gives them offers when they have use for them.
    pub(super) fn run_trackers(&mut self, out: &mut Vec<Action>) {
        let outputs = if self.on {
            self.trackers.start(self.now)
        } else {
            self.trackers.stop()
        };
        self.carry_out(outputs, out);
        let outputs = self.trackers.tick(self.now, &mut self.rng);
        self.carry_out(outputs, out);
        let (missing, connected) = self.swarm.vacancies(self.now);
        self.trackers.seek(missing, connected);
        if let Some(population) = self.trackers.population() {
            self.swarm.set_population(population);
            self.settled |= population == 1;
        }
        if self.on {
            self.begin_batches(out);
            self.announce_batch(out);
        }
    }

    fn begin_batches(&mut self, out: &mut Vec<Action>) {
        for wish in self.trackers.wants_offers(self.now) {
            let count = self.swarm.wanted(self.now).min(wish.most as usize);
            if self.batch.is_none() && count > 0 {
                self.batch = Some(Batch {
                    tracker: wish.tracker,
                    begun: self.now,
                });
                self.swarm.make_offers(self.now, count, &mut self.rng, out);
            }
        }
    }

    /// Announces the offers of the current batch once they are all made, or the slow ones have been waited for.
    fn announce_batch(&mut self, out: &mut Vec<Action>) {
        let Some(batch) = self.batch else { return };
        let late = batch.begun + OFFER_PATIENCE;
        if self.swarm.is_gathering() && self.now < late {
            return;
        }
        if !self.swarm.has_offers() {
            if !self.swarm.is_gathering() {
                self.batch = None;
            }
            return;
        }
        self.batch = None;
        let offers = self.swarm.take_offers(self.now);
        let totals = Totals {
            uploaded: self.stats.uploaded_bytes,
            downloaded: self.stats.peer_bytes,
        };
        let outputs = self
            .trackers
            .announce(self.now, batch.tracker, &offers, totals);
        self.carry_out(outputs, out);
    }

    /// When trackers, or offers on their way to one, next need attention.
    pub(super) fn trackers_due(&self) -> Option<Time> {
        let batch = self
            .batch
            .map(|batch| batch.begun + OFFER_PATIENCE)
            .filter(|at| *at > self.now);
        batch.into_iter().chain(self.trackers.next_deadline()).min()
    }

    fn carry_out(&mut self, outputs: Vec<Output>, out: &mut Vec<Action>) {
        for output in outputs {
            match output {
                Output::Open(tracker) => out.push(Action::OpenTracker { tracker }),
                Output::Close(tracker) => out.push(Action::CloseTracker { tracker }),
                Output::Send(tracker, text) => out.push(Action::SendTracker { tracker, text }),
                Output::Offer {
                    tracker,
                    peer,
                    offer,
                    sdp,
                } if self.on => {
                    let from = (tracker, peer, offer);
                    let taken = self.swarm.remote_offer(self.now, from, sdp, out);
                    self.refused(tracker, taken, out);
                }
                Output::Answer {
                    tracker,
                    peer,
                    offer,
                    sdp,
                } if self.on => {
                    let taken = self.swarm.remote_answer(self.now, peer, offer, sdp, out);
                    self.refused(tracker, taken, out);
                }
                Output::Offer { .. } | Output::Answer { .. } => {}
                Output::Connected(tracker, connected) => self.tracker_news(tracker, connected, out),
                Output::Warning { tracker, message } => {
                    self.notify(Notice::TrackerWarning { tracker, message }, out);
                }
            }
        }
    }

    /// What came by way of a tracker and should not exist is told of, once for each kind.
    fn refused(&mut self, tracker: TrackerId, taken: Result<(), Refusal>, out: &mut Vec<Action>) {
        if let Err(Refusal::Strange(word)) = taken
            && let Some(message) = self.trackers.warn(tracker, format!("passed on {word}"))
        {
            self.notify(Notice::TrackerWarning { tracker, message }, out);
        }
    }

    fn tracker_news(&mut self, tracker: TrackerId, connected: bool, out: &mut Vec<Action>) {
        self.stats.trackers_connected = self.trackers.connected() as u32;
        // Nobody will come by a tracker that cannot be reached.
        self.settled |= !connected && self.trackers.connected() == 0;
        self.notify(Notice::Tracker { tracker, connected }, out);
    }
}
