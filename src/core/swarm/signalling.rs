//! Connections from the first offer to the open channel.
//!
//! The tracker deals offers out to strangers, so an offer has no addressee until it is answered. Two
//! viewers may answer each other's offers at once; both then keep the connection that the lower peer
//! id began. Offers that nobody answered are closed after a while, and new ones are made for as long
//! as the tracker knows of more viewers than this one is connected to.
//!
//! In an audience larger than one neighbourhood a viewer looks for fewer neighbours than it accepts. If
//! everyone took as many as it can have, those who come late, or whom a NAT keeps from most others,
//! would find every door closed: measured with 15 % symmetric NATs, they used a quarter of their uplinks.

use crate::core::action::Action;
use crate::core::ids::{ConnId, OfferId, PeerId, TrackerId};
use crate::core::sorted::Map;
use crate::core::swarm::peer::Peer;
use crate::core::time::{Duration, Time};

/// Longest session description accepted from a stranger.
const MAX_SDP: usize = 16 * 1024;

/// Offers per announce; each costs a peer connection that gathers candidates.
const OFFERS: usize = 6;

/// How long a viewer who sent wrong bytes or broke the protocol is kept away.
const BAN: Duration = Duration::from_secs(600);

/// Bans remembered; the oldest goes first.
const MAX_BANS: usize = 256;

/// Neighbours looked for, of so many accepted, in a large audience.
const SOUGHT: usize = 5;
const ACCEPTED: usize = 8;

/// In an audience of more than so many neighbourhoods, neighbours can be chosen.
const CHOICE: usize = 3;

/// Offers that were sent this long ago no longer count as likely to be answered.
const HOPE: Duration = Duration::from_secs(3);

/// State of a connection. All peers are looked at many times a second, so they lie together.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum State {
    /// The local offer is being made.
    Gathering,
    /// The local offer waits for the next announce.
    Offerable(String),
    /// The local offer is out.
    Offered,
    /// A local answer to a remote offer is being made.
    Answering {
        /// Where the offer came from, and where the answer goes.
        tracker: TrackerId,
    },
    /// Both descriptions are exchanged.
    Connecting,
    /// The data channel is open.
    Open(Peer),
}

/// One RTCPeerConnection.
#[derive(Debug)]
pub struct Link {
    /// Where it is.
    pub state: State,
    /// Its offer at the tracker.
    pub offer: OfferId,
    /// The other end, once known.
    pub remote: Option<PeerId>,
    /// Whether this viewer made the offer.
    pub initiated: bool,
    /// When the state began.
    pub since: Time,
}

impl Link {
    /// How long this state may last.
    fn patience(&self) -> Duration {
        Duration::from_secs(match &self.state {
            State::Gathering | State::Answering { .. } => 5,
            State::Offerable(_) => 30,
            State::Offered => 15,
            State::Connecting => 10,
            State::Open(peer) if !peer.ready => 5,
            State::Open(_) => u64::MAX / 2_000_000,
        })
    }

    fn is_ours(&self) -> bool {
        matches!(
            self.state,
            State::Gathering | State::Offerable(_) | State::Offered
        )
    }
}

/// All connections of this viewer.
#[derive(Debug)]
pub struct Swarm {
    /// This viewer.
    pub me: PeerId,
    max: usize,
    /// How many neighbours this viewer looks for.
    target: usize,
    /// As last told, this viewer included; 0: not known.
    population: u32,
    links: Map<ConnId, Link>,
    /// When neighbours were last compared.
    pub(super) compared: Time,
    next: u32,
    /// Viewers kept away, and until when.
    banned: Vec<(PeerId, Time)>,
}

impl Swarm {
    /// No connections yet, at most `max` later.
    pub fn new(me: PeerId, max: u32) -> Self {
        Self {
            me,
            max: max as usize,
            target: max as usize,
            population: 0,
            links: Map::new(),
            compared: Time(0),
            next: 0,
            banned: Vec::new(),
        }
    }

    /// Open connections whose hello has come, lowest number first.
    pub fn peers(&self) -> impl Iterator<Item = (ConnId, &Peer)> {
        self.links
            .iter()
            .filter_map(|(conn, link)| match &link.state {
                State::Open(peer) if peer.ready => Some((*conn, peer)),
                _ => None,
            })
    }

    /// As [`Swarm::peers`], to change.
    pub fn peers_mut(&mut self) -> impl Iterator<Item = (ConnId, &mut Peer)> {
        self.links
            .iter_mut()
            .filter_map(|(conn, link)| match &mut link.state {
                State::Open(peer) if peer.ready => Some((*conn, peer)),
                _ => None,
            })
    }

    /// An open connection's peer, whether it said hello or not.
    pub fn peer_mut(&mut self, conn: ConnId) -> Option<&mut Peer> {
        match &mut self.links.get_mut(&conn)?.state {
            State::Open(peer) => Some(peer),
            _ => None,
        }
    }

    /// As [`Swarm::peer_mut`], to read.
    pub fn peer(&self, conn: ConnId) -> Option<&Peer> {
        match &self.links.get(&conn)?.state {
            State::Open(peer) => Some(peer),
            _ => None,
        }
    }

    /// Keeps a viewer away for a while. Others judge for themselves: nothing is passed on.
    pub fn ban(&mut self, now: Time, peer: PeerId) {
        self.banned
            .retain(|(other, until)| *other != peer && *until > now);
        if self.banned.len() >= MAX_BANS {
            self.banned.remove(0);
        }
        self.banned.push((peer, now + BAN));
    }

    /// Whether a viewer is kept away.
    pub fn is_banned(&self, now: Time, peer: PeerId) -> bool {
        self.banned
            .iter()
            .any(|(other, until)| *other == peer && *until > now)
    }

    /// Connections that have been open since before `then`.
    pub(super) fn open_before(&self, then: Time) -> impl Iterator<Item = ConnId> {
        let open = self
            .links
            .iter()
            .filter(move |(_, link)| matches!(link.state, State::Open(_)) && link.since <= then);
        open.map(|(conn, _)| *conn)
    }

    /// How many viewers there are, as last told, this one included; 0: not known.
    pub fn population(&self) -> u32 {
        self.population
    }

    /// Whether there are many more viewers than this one can have as neighbours.
    pub fn has_choice(&self) -> bool {
        self.population as usize > self.max * CHOICE
    }

    /// Every connection in whatever state.
    pub fn conns(&self) -> Vec<ConnId> {
        self.links.keys().copied().collect()
    }

    /// Connections that are open, or may become so.
    fn degree(&self) -> usize {
        self.links.values().filter(|link| !link.is_ours()).count()
    }

    /// Connections that are, or will probably be, open.
    fn likely(&self, now: Time) -> usize {
        let likely = self.links.values().filter(|link| match link.state {
            State::Open(_) => true,
            State::Answering { .. } | State::Connecting => now - link.since < HOPE,
            _ => false,
        });
        likely.count()
    }

    /// How many viewers there are, this one included; 0: not known.
    pub fn set_population(&mut self, population: u32) {
        self.population = population;
        let one_neighbourhood = population as usize <= self.max + 1;
        self.target = if one_neighbourhood {
            self.max
        } else {
            (self.max * SOUGHT).div_ceil(ACCEPTED)
        };
    }

    /// How many more neighbours are looked for, and how many there are.
    pub fn vacancies(&self, now: Time) -> (u32, u32) {
        let likely = self.likely(now);
        (self.target.saturating_sub(likely) as u32, likely as u32)
    }

    /// How many more offers make sense now: room that no recent offer is likely to fill.
    pub fn wanted(&self, now: Time) -> usize {
        let hopeful = self.links.values().filter(|link| match link.state {
            State::Gathering | State::Offerable(_) => true,
            State::Offered => now - link.since < HOPE,
            _ => false,
        });
        self.target
            .saturating_sub(self.likely(now) + hopeful.count())
            .min(OFFERS)
    }

    /// Begins `count` offers.
    pub fn make_offers(
        &mut self,
        now: Time,
        count: usize,
        rng: &mut fastrand::Rng,
        actions: &mut Vec<Action>,
    ) {
        for _ in 0..count {
            let mut offer = OfferId([0; 20]);
            rng.fill(&mut offer.0);
            let link = Link {
                state: State::Gathering,
                offer,
                remote: None,
                initiated: true,
                since: now,
            };
            let conn = self.add(link);
            actions.push(Action::CreateOffer { conn });
        }
    }

    fn add(&mut self, link: Link) -> ConnId {
        let conn = ConnId(self.next);
        self.next += 1;
        self.links.insert(conn, link);
        conn
    }

    /// The host has made an offer.
    pub fn offer_created(&mut self, now: Time, conn: ConnId, sdp: String) {
        if let Some(link) = self.links.get_mut(&conn)
            && matches!(link.state, State::Gathering)
        {
            link.state = State::Offerable(sdp);
            link.since = now;
        }
    }

    /// Whether offers are still being made.
    pub fn is_gathering(&self) -> bool {
        self.links
            .values()
            .any(|link| matches!(link.state, State::Gathering))
    }

    /// Whether offers wait for an announce.
    pub fn has_offers(&self) -> bool {
        self.links
            .values()
            .any(|link| matches!(link.state, State::Offerable(_)))
    }

    /// Takes the offers that are ready, for one announce.
    pub fn take_offers(&mut self, now: Time) -> Vec<(OfferId, String)> {
        let mut offers = Vec::new();
        for link in self.links.values_mut() {
            if let State::Offerable(sdp) = &mut link.state {
                offers.push((link.offer, std::mem::take(sdp)));
                link.state = State::Offered;
                link.since = now;
            }
        }
        offers
    }

    /// A stranger offers a connection.
    pub fn remote_offer(
        &mut self,
        now: Time,
        (tracker, remote, offer): (TrackerId, PeerId, OfferId),
        sdp: String,
        actions: &mut Vec<Action>,
    ) {
        let known = self
            .links
            .values()
            .any(|link| link.remote == Some(remote) && self.beats(link, remote));
        let refused = remote == self.me || self.is_banned(now, remote);
        if refused || known || self.degree() >= self.max || sdp.len() > MAX_SDP {
            return;
        }
        let state = State::Answering { tracker };
        let conn = self.add(Link {
            state,
            offer,
            remote: Some(remote),
            initiated: false,
            since: now,
        });
        actions.push(Action::AcceptOffer { conn, sdp });
    }

    /// Whether an existing link to `remote` is worth more than a new one that `remote` begins.
    fn beats(&self, link: &Link, remote: PeerId) -> bool {
        matches!(link.state, State::Open(_)) || !link.initiated || self.me < remote
    }

    /// The host has made an answer; returns where to send it.
    pub fn answer_created(
        &mut self,
        now: Time,
        conn: ConnId,
    ) -> Option<(TrackerId, PeerId, OfferId)> {
        let link = self.links.get_mut(&conn)?;
        let State::Answering { tracker } = link.state else {
            return None;
        };
        link.state = State::Connecting;
        link.since = now;
        Some((tracker, link.remote?, link.offer))
    }

    /// A stranger answers one of this viewer's offers.
    pub fn remote_answer(
        &mut self,
        now: Time,
        remote: PeerId,
        offer: OfferId,
        sdp: String,
        actions: &mut Vec<Action>,
    ) {
        let rival = self.links.values().any(|link| {
            link.remote == Some(remote)
                && (matches!(link.state, State::Open(_)) || remote < self.me)
        });
        let banned = self.is_banned(now, remote);
        let ours = self
            .links
            .iter_mut()
            .find(|(_, link)| link.offer == offer && link.initiated);
        let Some((conn, link)) = ours else { return };
        if !matches!(link.state, State::Offered) || sdp.len() > MAX_SDP {
            return;
        }
        let conn = *conn;
        if rival || remote == self.me || banned {
            self.links.remove(&conn);
            actions.push(Action::CloseConn { conn });
            return;
        }
        link.remote = Some(remote);
        link.state = State::Connecting;
        link.since = now;
        actions.push(Action::AcceptAnswer { conn, sdp });
    }

    /// The data channel is open.
    pub fn opened(&mut self, now: Time, conn: ConnId) -> bool {
        let Some(link) = self.links.get_mut(&conn) else {
            return false;
        };
        link.state = State::Open(Peer::new(now));
        link.since = now;
        true
    }

    /// The peer has said who it is. Returns the connection to drop if there are now two to the same viewer.
    pub fn identified(&mut self, conn: ConnId, id: PeerId) -> Option<ConnId> {
        let open =
            |link: &Link| matches!(&link.state, State::Open(peer) if peer.ready && peer.id == id);
        let other = self
            .links
            .iter()
            .find(|(c, link)| **c != conn && open(link));
        let other = other.map(|(c, link)| (*c, link.initiated, link.offer));
        let (initiated, offer) = self
            .links
            .get(&conn)
            .map(|link| (link.initiated, link.offer))?;
        if let Some(peer) = self.peer_mut(conn) {
            peer.id = id;
            peer.ready = true;
        }
        let (twin, twin_initiated, twin_offer) = other?;
        // Both ends must drop the same one: keep what the lower id began, else the lower offer.
        let keep_twin = if twin_initiated == initiated {
            twin_offer < offer
        } else {
            twin_initiated == (self.me < id)
        };
        Some(if keep_twin { conn } else { twin })
    }

    /// Forgets a connection; returns its peer if it had one.
    pub fn remove(&mut self, conn: ConnId) -> Option<Option<Peer>> {
        let link = self.links.remove(&conn)?;
        Some(match link.state {
            State::Open(peer) => Some(peer),
            _ => None,
        })
    }

    /// Connections that have been in their state for too long.
    pub fn overdue(&self, now: Time) -> Vec<ConnId> {
        let late = self
            .links
            .iter()
            .filter(|(_, link)| now >= link.since + link.patience());
        late.map(|(conn, _)| *conn).collect()
    }

    /// When the next one will be.
    pub fn next_overdue(&self) -> Option<Time> {
        let waiting = self
            .links
            .values()
            .filter(|link| !matches!(&link.state, State::Open(peer) if peer.ready));
        waiting.map(|link| link.since + link.patience()).min()
    }
}
