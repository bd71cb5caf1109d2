//! Connections from the first offer to the open channel.
//!
//! The tracker deals offers out to strangers, so an offer has no addressee until it is answered. Two
//! viewers may answer each other's offers at once; both then keep the connection that the lower peer
//! id began. Offers that nobody answered are closed after a while, and new ones are made for as long
//! as the tracker knows of more viewers than this one is connected to.
//!
//! Offers cost their sender nothing and their receiver a connection, so strangers' descriptions are looked at first
//! ([`sdp`]), no offer is taken twice, those that have led to nothing yet take half of the places at most, and one block of
//! addresses a quarter.
//!
//! In an audience larger than one neighbourhood a viewer looks for fewer neighbours than it accepts. If
//! everyone took as many as it can have, those who come late, or whom a NAT keeps from most others,
//! would find every door closed: measured with 15 % symmetric NATs, they used a quarter of their uplinks.

use crate::core::action::Action;
use crate::core::config::strangers::{MAX_OFFERS_SEEN, MAX_POPULATION, PENDING, PER_BLOCK};
use crate::core::ids::{ConnId, OfferId, PeerId, TrackerId};
use crate::core::list::List;
use crate::core::sorted::Map;
use crate::core::swarm::bans::{Bans, Offence};
use crate::core::swarm::peer::Peer;
use crate::core::swarm::sdp::{self, Block};
use crate::core::time::{Duration, Time};

/// Offers per announce; each costs a peer connection that gathers candidates.
const OFFERS: usize = 6;

/// Neighbours looked for, of so many accepted, in a large audience.
const SOUGHT: usize = 5;
const ACCEPTED: usize = 8;

/// In an audience of more than so many neighbourhoods, neighbours can be chosen.
const CHOICE: usize = 3;

/// Offers that are out when the last place is taken may still be answered: so many neighbours more.
const SPARE: usize = 2;

/// Offers that were sent this long ago no longer count as likely to be answered.
const HOPE: Duration = Duration::from_secs(3);

/// So many who have left are remembered: hashes of their bytes are ready within seconds.
const MAX_DEPARTED: usize = 32;

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
    /// The public address blocks of the other end, as it says.
    pub blocks: Vec<Block>,
}

/// Why a stranger's offer or answer came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no need of it, or no room for it: nobody's fault.
    NotNow,
    /// No viewer would send it; what it is.
    Strange(&'static str),
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
    bans: Bans,
    /// Who left last, newest first, at most [`MAX_DEPARTED`].
    departed: Vec<(ConnId, PeerId)>,
    /// Offers that were taken, latest last.
    offers_seen: Vec<OfferId>,
    /// This viewer's own public address blocks, as far as its descriptions name them.
    own_blocks: Vec<Block>,
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
            bans: Bans::default(),
            departed: Vec::new(),
            offers_seen: Vec::new(),
            own_blocks: Vec::new(),
        }
    }

    /// How many entries its tables have, by name.
    pub fn tables(&self) -> [(&'static str, usize); 3] {
        let peers = self.peers().map(|(_, peer)| peer.entries());
        [
            ("links", self.links.len()),
            ("bans", self.bans.len()),
            ("of peers", peers.sum()),
        ]
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

    /// Keeps the other end of a connection away for a while. Others judge for themselves: nothing is passed on. False if
    /// nobody knows who that is.
    pub fn ban(&mut self, now: Time, conn: ConnId, offence: Offence) -> bool {
        let said = self
            .peer(conn)
            .filter(|peer| peer.ready)
            .map(|peer| peer.id);
        match self.remote(conn).or(said) {
            Some(id) => self.bans.add(now, id, offence),
            None => return self.ban_absent(now, self.departed(conn), offence),
        }
        true
    }

    /// Who has lately left a connection: hashes come later than bytes, and whoever sends wrong ones and goes has sent them.
    pub fn departed(&self, conn: ConnId) -> Option<PeerId> {
        let of = |(gone, _): &&(ConnId, PeerId)| *gone == conn;
        self.departed.iter().find(of).map(|(_, id)| *id)
    }

    /// The same for who has left. What comes to light of who is kept away already is of the same offence: false.
    pub fn ban_absent(&mut self, now: Time, peer: Option<PeerId>, offence: Offence) -> bool {
        let new = peer.filter(|id| !self.bans.contains(now, *id));
        new.inspect(|id| self.bans.add(now, *id, offence)).is_some()
    }

    /// Whether a viewer is kept away.
    pub fn is_banned(&self, now: Time, peer: PeerId) -> bool {
        self.bans.contains(now, peer)
    }

    /// Who the other end is, as the tracker said.
    pub fn remote(&self, conn: ConnId) -> Option<PeerId> {
        self.links.get(&conn)?.remote
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
        self.links.keys().copied().list()
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
        // Those who are here count, whatever a tracker says.
        let here = self.peers().count() as u32 + 1;
        let population = population.min(MAX_POPULATION).max(here);
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
                blocks: Vec::new(),
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
        self.own_blocks = sdp::blocks(&sdp);
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
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn remote_offer(
        &mut self,
        now: Time,
        (tracker, remote, offer): (TrackerId, PeerId, OfferId),
        sdp: String,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let blocks = sdp::check(&sdp).map_err(|error| Refusal::Strange(error.word()))?;
        if self.offers_seen.contains(&offer) {
            return Err(Refusal::Strange("an offer that was made before"));
        }
        let known = self
            .links
            .values()
            .any(|link| link.remote == Some(remote) && self.beats(link, remote));
        let refused = remote == self.me || self.is_banned(now, remote);
        let full = self.degree() >= self.max || self.pending() >= (self.max / PENDING).max(2);
        if refused || known || full || self.is_crowded(&blocks) {
            return Err(Refusal::NotNow);
        }
        if self.offers_seen.len() >= MAX_OFFERS_SEEN {
            self.offers_seen.remove(0);
        }
        self.offers_seen.push(offer);
        let conn = self.add(Link {
            state: State::Answering { tracker },
            offer,
            remote: Some(remote),
            initiated: false,
            since: now,
            blocks,
        });
        actions.push(Action::AcceptOffer { conn, sdp });
        Ok(())
    }

    /// Strangers' offers that have not led to a connection yet.
    fn pending(&self) -> usize {
        let pending = |link: &&Link| {
            !link.initiated && matches!(link.state, State::Answering { .. } | State::Connecting)
        };
        self.links.values().filter(pending).count()
    }

    /// Whether enough neighbours are in one of these address blocks.
    fn is_crowded(&self, blocks: &[Block]) -> bool {
        let most = (self.max / PER_BLOCK).max(2);
        let others = blocks
            .iter()
            .filter(|block| !self.own_blocks.contains(block));
        others.into_iter().any(|block| {
            let links = self.links.values();
            links.filter(|link| link.blocks.contains(block)).count() >= most
        })
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
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn remote_answer(
        &mut self,
        now: Time,
        remote: PeerId,
        offer: OfferId,
        sdp: String,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let checked = sdp::check(&sdp).map_err(|error| Refusal::Strange(error.word()));
        let crowded = checked.as_ref().is_ok_and(|blocks| self.is_crowded(blocks));
        let full = self.degree() >= self.max + SPARE;
        let rival = self.links.values().any(|link| {
            link.remote == Some(remote)
                && (matches!(link.state, State::Open(_)) || remote < self.me)
        });
        let banned = self.is_banned(now, remote);
        let ours = self
            .links
            .iter_mut()
            .find(|(_, link)| link.offer == offer && link.initiated);
        let Some((conn, link)) = ours.filter(|(_, link)| matches!(link.state, State::Offered))
        else {
            return Err(Refusal::NotNow);
        };
        let conn = *conn;
        // Offers are for one taker: whatever he answered, there will be no other.
        if rival || remote == self.me || banned || crowded || full || checked.is_err() {
            self.links.remove(&conn);
            actions.push(Action::CloseConn { conn });
            return checked.and(Err(Refusal::NotNow));
        }
        link.blocks = checked?;
        link.remote = Some(remote);
        link.state = State::Connecting;
        link.since = now;
        actions.push(Action::AcceptAnswer { conn, sdp });
        Ok(())
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
        if keep_twin && let Some(peer) = self.peer_mut(conn) {
            // Nobody has heard of it, so nobody hears that it goes.
            peer.ready = false;
        }
        Some(if keep_twin { conn } else { twin })
    }

    /// Forgets a connection; returns its peer if it had one.
    pub fn remove(&mut self, conn: ConnId) -> Option<Option<Peer>> {
        let link = self.links.remove(&conn)?;
        let State::Open(peer) = link.state else {
            return Some(None);
        };
        if peer.ready {
            self.departed.truncate(MAX_DEPARTED - 1);
            self.departed.insert(0, (conn, peer.id));
        }
        Some(Some(peer))
    }

    /// Connections that have been in their state for too long.
    pub fn overdue(&self, now: Time) -> Vec<ConnId> {
        let late = self
            .links
            .iter()
            .filter(|(_, link)| now >= link.since + link.patience());
        late.map(|(conn, _)| *conn).list()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_tracker_makes_the_audience_neither_smaller_than_what_is_seen_nor_endless() {
        let mut swarm = Swarm::new(PeerId([0; 20]), 16);
        let mut rng = fastrand::Rng::with_seed(1);
        swarm.make_offers(Time(0), 5, &mut rng, &mut Vec::new());
        for conn in swarm.conns() {
            swarm.opened(Time(1), conn);
            swarm.identified(conn, PeerId([conn.0 as u8 + 1; 20]));
        }
        for (said, believed) in [(0, 6), (1, 6), (6, 6), (7, 7), (u32::MAX, MAX_POPULATION)] {
            swarm.set_population(said);
            assert_eq!(swarm.population(), believed);
        }
    }
}
