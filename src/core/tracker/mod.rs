//! The client side of WebTorrent trackers: how viewers find each other.
//!
//! A pure state machine over any number of trackers used at once. It is told what happened to their
//! WebSockets and what they wrote; it answers with [`Output`]s. Which peers to connect to, and how
//! many offers to make, is not decided here: the swarm says what it lacks ([`Trackers::seek`]), and
//! is told when and how many offers a tracker will usefully take ([`Trackers::wants_offers`]).
//!
//! # A tracker's life
//! * On [`Trackers::start`] every socket is opened. Once open, an announce without offers makes us
//!   known and brings the size of the swarm; nobody gathers candidates for a swarm of one.
//! * An announce without offers follows at the tracker's interval, kept between [`MIN_INTERVAL`] and
//!   [`MAX_INTERVAL`], and at least every [`SEEK_INTERVAL`] while peers are lacking: trackers forget
//!   who falls silent. The first ones come sooner ([`NEWS_INTERVAL`]), for the count of viewers.
//! * Offers go out when the swarm lacks peers and the tracker has others than those we know, or does
//!   not say; not more often than every [`MIN_GAP`], and less and less often while nothing comes of it: answers are not
//!   enough, for behind some NATs they lead to no connection.
//! * A socket that does not open, or a tracker that does not answer an announce, within [`PATIENCE`]
//!   is closed. Whatever closes, for whatever reason, is tried again for ever, with back-off.
//!
//! # What is left to others
//! The same peer may come from two trackers, answers may name offers never made or come twice:
//! they are handed over as they came. Offers and answers for another swarm, and our own, are dropped.
//!
//! # What trackers want
//! Learnt from the sources of bittorrent-tracker, wt-tracker and aquatic_ws. wt-tracker closes the
//! socket on an unknown event, so a plain announce has none; it forwards offers only if `numwant` is
//! an integer; and it closes the socket of whoever answers a peer that has gone, so a close is no
//! sign of trouble. aquatic takes ten offers per announce, frames of 16 KiB, and needs `type` in a
//! session description. After a broken connection it ignores a peer id until it has noticed, so
//! silence is answered by trying again. All of them answer each announce, and count us in
//! `complete + incomplete`.

mod backoff;
mod codec;
mod json;
mod link;
mod parse;
mod session;
#[cfg(test)]
mod tests;

use crate::core::ids::{InfoHash, OfferId, PeerId, TrackerId};
use crate::core::list::List;
use crate::core::time::{Duration, Time};
use codec::Event;
use link::{Link, State};
use parse::Incoming;
use session::{Admission, Session};

/// Most offers in one announce.
pub const MAX_OFFERS: u32 = 10;
/// Longest message taken from a tracker, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Longest message sent to a tracker, in bytes; more offers go into further messages.
pub const MAX_SEND: usize = 16 * 1024 - 128;
/// Longest session description taken from a tracker, in bytes.
pub const MAX_SDP: usize = 16 * 1024;
/// Shortest time between announces without offers, whatever the tracker asks.
pub const MIN_INTERVAL: Duration = Duration::from_secs(15);
/// Longest time between announces, whatever the tracker asks.
pub const MAX_INTERVAL: Duration = Duration::from_secs(120);
/// Longest time between announces while peers are lacking, and as long as no interval is known.
pub const SEEK_INTERVAL: Duration = Duration::from_secs(30);
/// From the first announce to the second; each later gap may be as long as all before it together. Measured with 10,000
/// viewers who come within 20 s: two thirds of those who copied a segment for all had been told of far fewer viewers.
pub const NEWS_INTERVAL: Duration = Duration::from_secs(20);
/// Shortest time between two batches of offers to one tracker.
pub const MIN_GAP: Duration = Duration::from_secs(3);
/// How long a socket may take to open, and a tracker to answer an announce.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// A connection that lasted this long clears the memory of failures before it.
pub const STABLE: Duration = Duration::from_secs(30);
/// What is said of a tracker whose messages are no longer read.
const FLOOD: &str = "sends more than anybody could read";
/// Longest warning handed on, in characters.
const MAX_WARNING: usize = 200;

/// What to do, or to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Open this tracker's socket.
    Open(TrackerId),
    /// Close it, after what was sent before has left.
    Close(TrackerId),
    /// Send it a text message.
    Send(TrackerId, String),
    /// Its socket is open (true), or no longer open, or cannot be opened (false). Told when it
    /// changes, not at every attempt.
    Connected(TrackerId, bool),
    /// A peer offers a connection; reply with [`Trackers::answer`].
    Offer {
        /// By way of this tracker.
        tracker: TrackerId,
        /// Who offers.
        peer: PeerId,
        /// The peer's number for the offer.
        offer: OfferId,
        /// Session description.
        sdp: String,
    },
    /// A peer takes up an offer, supposedly one of ours.
    Answer {
        /// By way of this tracker.
        tracker: TrackerId,
        /// Who answers.
        peer: PeerId,
        /// Which offer.
        offer: OfferId,
        /// Session description.
        sdp: String,
    },
    /// The tracker refused something, wants something to be known, or wrote what cannot be read. The same words come once.
    Warning {
        /// Which.
        tracker: TrackerId,
        /// In words, at most 200 characters.
        message: String,
    },
}

/// A tracker would usefully take offers now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Which.
    pub tracker: TrackerId,
    /// How many at most, 1 to [`MAX_OFFERS`].
    pub most: u32,
}

/// Byte counts for a tracker's own statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Bytes sent to peers so far.
    pub uploaded: u64,
    /// Bytes received from peers so far.
    pub downloaded: u64,
}

/// What the swarm lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Need {
    missing: u32,
    connected: u32,
}

/// Who we are, in which swarm.
#[derive(Clone, Copy, Debug)]
struct Identity {
    info_hash: InfoHash,
    peer_id: PeerId,
}

/// All configured trackers.
#[derive(Clone, Debug)]
pub struct Trackers {
    identity: Identity,
    links: Vec<Link>,
    need: Need,
    totals: Totals,
    on: bool,
}

impl Trackers {
    /// `count` trackers, all idle.
    pub fn new(count: usize, info_hash: InfoHash, peer_id: PeerId) -> Self {
        Self {
            identity: Identity { info_hash, peer_id },
            links: vec![Link::default(); count],
            need: Need::default(),
            totals: Totals::default(),
            on: false,
        }
    }

    /// P2P was switched on: opens every socket. Does nothing if it is on already.
    pub fn start(&mut self, now: Time) -> Vec<Output> {
        let mut out = Vec::new();
        if !self.on {
            self.on = true;
            for (tracker, link) in numbered(&mut self.links) {
                link.open(now, tracker, &mut out);
            }
        }
        out
    }

    /// P2P was switched off: says goodbye and closes every socket. Nothing is due until the next start.
    pub fn stop(&mut self) -> Vec<Output> {
        self.on = false;
        let mut out = Vec::new();
        for (tracker, link) in numbered(&mut self.links) {
            match std::mem::take(&mut link.state) {
                State::Idle | State::Waiting { .. } => {}
                State::Opening { .. } => out.push(Output::Close(tracker)),
                State::Open(_) => {
                    let goodbye = codec::announces(self.identity, Event::Stopped, &[], self.totals);
                    out.extend(send(tracker, goodbye));
                    out.push(Output::Close(tracker));
                    link.tell(tracker, false, &mut out);
                }
            }
        }
        out
    }

    /// A socket opened. Ignored unless it was asked for.
    pub fn opened(&mut self, now: Time, tracker: TrackerId) -> Vec<Output> {
        let mut out = Vec::new();
        let (identity, totals) = (self.identity, self.totals);
        let Some(link) = self.link(tracker) else {
            return out;
        };
        if matches!(link.state, State::Opening { .. }) {
            link.state = State::Open(Session::new(now));
            link.tell(tracker, true, &mut out);
            let hello = codec::announces(identity, Event::Started, &[], totals);
            out.extend(send(tracker, hello));
        }
        out
    }

    /// A socket closed, or could not be opened. Ignored if it was given up before.
    pub fn closed(
        &mut self,
        now: Time,
        tracker: TrackerId,
        rng: &mut fastrand::Rng,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        if let Some(link) = self.link(tracker)
            && matches!(link.state, State::Opening { .. } | State::Open(_))
        {
            link.lost(now, tracker, rng, &mut out);
        }
        out
    }

    /// A tracker wrote: whether its message is to be read. One that writes too much is not read, and at last left.
    ///
    /// # Errors
    /// It is not; what to do instead.
    pub fn admit(
        &mut self,
        now: Time,
        tracker: TrackerId,
        rng: &mut fastrand::Rng,
    ) -> Result<(), Vec<Output>> {
        let Some(link) = self.link(tracker) else {
            return Err(Vec::new());
        };
        match link.session().map(|session| session.admit(now)) {
            None | Some(Admission::Read) => Ok(()),
            Some(Admission::Skip) => Err(Vec::new()),
            Some(Admission::Tell) => Err(link.warn(tracker, FLOOD.to_owned()).into_iter().list()),
            Some(Admission::Leave) => {
                let mut out = vec![Output::Close(tracker)];
                link.lost(now, tracker, rng, &mut out);
                Err(out)
            }
        }
    }

    /// A warning about a tracker, unless the same was handed on before, or enough of them.
    pub fn warn(&mut self, tracker: TrackerId, message: String) -> Option<String> {
        match self.link(tracker)?.warn(tracker, message)? {
            Output::Warning { message, .. } => Some(message),
            _ => None,
        }
    }

    /// A tracker wrote. Whatever it wrote gives at most one output.
    pub fn message(&mut self, tracker: TrackerId, text: &str) -> Vec<Output> {
        let identity = self.identity;
        let Some(link) = self.link(tracker) else {
            return Vec::new();
        };
        let Some(session) = link.session() else {
            return Vec::new();
        };
        session.heard();
        let output = match parse::parse(text, identity) {
            Err(error) => Some(warning(tracker, &error.to_string())),
            Ok(incoming) => take(session, tracker, incoming),
        };
        // Each kind is told once.
        let told = output.and_then(|output| match output {
            Output::Warning { message, .. } => link.warn(tracker, message),
            other => Some(other),
        });
        told.into_iter().list()
    }

    /// What the swarm lacks now: `missing` peers, with `connected` ones there or on their way. To be
    /// told whenever it changes.
    pub fn seek(&mut self, missing: u32, connected: u32) {
        self.need = Need { missing, connected };
    }

    /// A neighbour was found, or one has gone: whoever looks for others need not wait as long as one whose offers lead nowhere.
    pub fn hopeful(&mut self) {
        for link in &mut self.links {
            if let Some(session) = link.session() {
                session.hopeful();
            }
        }
    }

    /// Trackers that would usefully take offers now, each named once per [`MIN_GAP`] at most. To be
    /// asked after every [`Self::tick`] and [`Self::message`]; make the offers, then [`Self::announce`]
    /// them.
    pub fn wants_offers(&mut self, now: Time) -> Vec<Wish> {
        let need = self.need;
        let links = numbered(&mut self.links);
        let wishes = links.filter_map(|(tracker, link)| {
            let most = link.session()?.wish(now, need)?;
            Some(Wish { tracker, most })
        });
        wishes.list()
    }

    /// Sends offers by way of a tracker. No output: its socket is not open, nothing is sent.
    ///
    /// An offer too long for any message is left out; its connection will time out.
    pub fn announce(
        &mut self,
        now: Time,
        tracker: TrackerId,
        offers: &[(OfferId, String)],
        totals: Totals,
    ) -> Vec<Output> {
        self.totals = totals;
        let identity = self.identity;
        let Some(session) = self.link(tracker).and_then(Link::session) else {
            return Vec::new();
        };
        session.announced(now);
        let texts = codec::announces(identity, Event::Update, offers, totals);
        send(tracker, texts).list()
    }

    /// Answers a peer's offer by way of the tracker it came from. No output: its socket is not open,
    /// or the description is longer than any message may be.
    pub fn answer(
        &mut self,
        tracker: TrackerId,
        to: PeerId,
        offer: OfferId,
        sdp: &str,
    ) -> Vec<Output> {
        let identity = self.identity;
        if self.link(tracker).and_then(Link::session).is_none() {
            return Vec::new();
        }
        let text = codec::answer(identity, to, offer, sdp);
        send(tracker, text).list()
    }

    /// How many sockets are open.
    pub fn connected(&self) -> usize {
        let open = |link: &&Link| matches!(link.state, State::Open(_));
        self.links.iter().filter(open).count()
    }

    /// Viewers in the swarm, ourselves included, as the tracker with the highest count says; `None`
    /// if none says.
    pub fn population(&self) -> Option<u32> {
        let counts = self.links.iter().filter_map(|link| match &link.state {
            State::Open(session) => session.population,
            _ => None,
        });
        counts.max()
    }

    /// When [`Self::tick`] and [`Self::wants_offers`] should be called next; `None` while nothing is
    /// going on. Never due twice for the same thing.
    pub fn next_deadline(&self) -> Option<Time> {
        let deadlines = self.links.iter();
        deadlines
            .filter_map(|link| link.next_deadline(self.need))
            .min()
    }

    /// Does what is due. Early and late calls do no harm.
    pub fn tick(&mut self, now: Time, rng: &mut fastrand::Rng) -> Vec<Output> {
        let mut out = Vec::new();
        let (identity, totals, need) = (self.identity, self.totals, self.need);
        for (tracker, link) in numbered(&mut self.links) {
            match &mut link.state {
                State::Waiting { until } if now >= *until => link.open(now, tracker, &mut out),
                State::Opening { until } if now >= *until => {
                    out.push(Output::Close(tracker));
                    link.lost(now, tracker, rng, &mut out);
                }
                State::Open(session) if session.is_silent(now) => {
                    out.push(Output::Close(tracker));
                    link.lost(now, tracker, rng, &mut out);
                }
                State::Open(session) if session.is_due(now, need) => {
                    session.announced(now);
                    let texts = codec::announces(identity, Event::Update, &[], totals);
                    out.extend(send(tracker, texts));
                }
                _ => {}
            }
        }
        out
    }

    fn link(&mut self, tracker: TrackerId) -> Option<&mut Link> {
        self.links.get_mut(usize::from(tracker.0))
    }
}

/// What a readable message means for the session, and for whoever listens.
fn take(session: &mut Session, tracker: TrackerId, incoming: Incoming) -> Option<Output> {
    match incoming {
        Incoming::Unrelated => None,
        Incoming::Refused(reason) => Some(warning(tracker, &reason)),
        Incoming::Response(response) => {
            session.responded(response.interval, response.population);
            response.warning.map(|text| warning(tracker, &text))
        }
        Incoming::Offer(said) => Some(Output::Offer {
            tracker,
            peer: said.peer,
            offer: said.offer,
            sdp: said.sdp,
        }),
        Incoming::Answer(said) => Some(Output::Answer {
            tracker,
            peer: said.peer,
            offer: said.offer,
            sdp: said.sdp,
        }),
    }
}

fn numbered(links: &mut [Link]) -> impl Iterator<Item = (TrackerId, &mut Link)> {
    (0..).map(TrackerId).zip(links)
}

fn send(
    tracker: TrackerId,
    texts: impl IntoIterator<Item = String>,
) -> impl Iterator<Item = Output> {
    let texts = texts.into_iter();
    texts.map(move |text| Output::Send(tracker, text))
}

fn warning(tracker: TrackerId, text: &str) -> Output {
    let message = text.chars().take(MAX_WARNING).collect();
    Output::Warning { tracker, message }
}
