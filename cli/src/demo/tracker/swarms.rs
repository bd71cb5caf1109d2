//! Who is in which swarm, and who hears of whom. Pure but for the choice of peers, which is random.
//!
//! Invariants: an offer never goes to its own sender, and no two offers of one announce go to the same
//! peer; a peer that announces over a new socket has moved there, and its old socket's end no longer
//! touches it; an empty swarm is forgotten.

use crate::demo::tracker::message::{Announce, forward_answer, forward_offer, scraped, welcome};
use std::collections::{BTreeMap, BTreeSet};
use swarmline::core::ids::{InfoHash, PeerId};
use tokio::sync::mpsc;

/// Seconds between announces, as bittorrent-tracker asks for.
const INTERVAL: u64 = 120;

/// Peers over all swarms.
const MAX_PEERS: usize = 10_000;

/// Peers that one socket may stand for.
const MAX_PEERS_PER_SOCKET: usize = 32;

/// One open socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct SocketId(pub u64);

/// Where messages for a socket wait. When it is full the reader is too slow and the message is lost,
/// as it would be a moment later if the reader were gone.
pub(super) type Mailbox = mpsc::Sender<String>;

/// All swarms.
#[derive(Default)]
pub(super) struct Swarms {
    by_hash: BTreeMap<InfoHash, BTreeMap<PeerId, Peer>>,
    by_socket: BTreeMap<SocketId, BTreeSet<(InfoHash, PeerId)>>,
}

struct Peer {
    socket: SocketId,
    mailbox: Mailbox,
    complete: bool,
}

impl Swarms {
    /// Peers over all swarms.
    pub(super) fn peers(&self) -> usize {
        self.by_hash.values().map(BTreeMap::len).sum()
    }

    /// Takes in an announce, and sends whatever follows from it to whom it concerns.
    ///
    /// # Errors
    /// The tracker is full; in the words that the peer gets.
    pub(super) fn announce(
        &mut self,
        socket: SocketId,
        mailbox: &Mailbox,
        announce: &Announce,
    ) -> Result<(), &'static str> {
        if announce.stopped {
            self.leave(socket, announce.swarm, announce.peer);
        } else {
            self.join(socket, mailbox, announce)?;
            self.pass_on_answer(announce);
        }
        // bittorrent-tracker does not reply to an announce that brings an answer.
        if announce.answer.is_none() {
            let (complete, incomplete) = self.count(announce.swarm);
            let reply = welcome(announce.swarm, INTERVAL, complete, incomplete);
            let _ = mailbox.try_send(reply);
        }
        if !announce.stopped {
            self.pass_on_offers(announce);
        }
        Ok(())
    }

    /// Numbers of these swarms, as a message.
    pub(super) fn scrape(&self, swarms: &[InfoHash]) -> String {
        let numbers = swarms.iter().map(|swarm| {
            let (complete, incomplete) = self.count(*swarm);
            (*swarm, complete, incomplete)
        });
        scraped(&numbers.collect::<Vec<_>>())
    }

    /// The socket has closed: its peers are gone.
    pub(super) fn closed(&mut self, socket: SocketId) {
        for (swarm, peer) in self.by_socket.remove(&socket).unwrap_or_default() {
            self.remove(socket, swarm, peer);
        }
    }

    fn join(
        &mut self,
        socket: SocketId,
        mailbox: &Mailbox,
        announce: &Announce,
    ) -> Result<(), &'static str> {
        let full = self.peers() >= MAX_PEERS;
        let members = self.by_hash.get(&announce.swarm);
        let known = members.is_some_and(|swarm| swarm.contains_key(&announce.peer));
        if full && !known {
            return Err("the tracker is full");
        }
        let mine = self.by_socket.entry(socket).or_default();
        mine.insert((announce.swarm, announce.peer));
        if mine.len() > MAX_PEERS_PER_SOCKET {
            mine.remove(&(announce.swarm, announce.peer));
            return Err("too many peers on one connection");
        }
        let swarm = self.by_hash.entry(announce.swarm).or_default();
        let peer = Peer {
            socket,
            mailbox: mailbox.clone(),
            complete: announce.complete,
        };
        swarm.insert(announce.peer, peer);
        Ok(())
    }

    fn leave(&mut self, socket: SocketId, swarm: InfoHash, peer: PeerId) {
        if let Some(mine) = self.by_socket.get_mut(&socket) {
            mine.remove(&(swarm, peer));
        }
        self.remove(socket, swarm, peer);
    }

    fn remove(&mut self, socket: SocketId, swarm: InfoHash, peer: PeerId) {
        let Some(members) = self.by_hash.get_mut(&swarm) else {
            return;
        };
        if members.get(&peer).is_some_and(|p| p.socket == socket) {
            members.remove(&peer);
        }
        if members.is_empty() {
            self.by_hash.remove(&swarm);
        }
    }

    fn pass_on_answer(&self, announce: &Announce) {
        let Some(answer) = &announce.answer else {
            return;
        };
        let swarm = self.by_hash.get(&announce.swarm);
        if let Some(peer) = swarm.and_then(|swarm| swarm.get(&answer.to)) {
            let text = forward_answer(announce.swarm, announce.peer, answer);
            let _ = peer.mailbox.try_send(text);
        }
    }

    fn pass_on_offers(&self, announce: &Announce) {
        let Some(swarm) = self.by_hash.get(&announce.swarm) else {
            return;
        };
        let others = swarm.iter().filter(|(id, _)| **id != announce.peer);
        let chosen = fastrand::choose_multiple(others, announce.offers.len());
        for ((_, peer), offer) in chosen.into_iter().zip(&announce.offers) {
            let text = forward_offer(announce.swarm, announce.peer, offer);
            let _ = peer.mailbox.try_send(text);
        }
    }

    /// Complete and incomplete peers.
    fn count(&self, swarm: InfoHash) -> (usize, usize) {
        let members = self.by_hash.get(&swarm);
        let all = members.map_or(0, BTreeMap::len);
        let complete = members.map_or(0, |m| m.values().filter(|p| p.complete).count());
        (complete, all - complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::tracker::message::Offer;
    use serde_json::{Value, json};

    fn hello(peer: u8, offers: usize) -> Announce {
        let offer = |i: usize| Offer {
            offer: json!({}),
            id: format!("{peer}-{i}"),
        };
        Announce {
            swarm: InfoHash([9; 20]),
            peer: PeerId([peer; 20]),
            stopped: false,
            complete: false,
            offers: (0..offers).map(offer).collect(),
            answer: None,
        }
    }

    fn drain(inbox: &mut mpsc::Receiver<String>) -> Vec<Value> {
        let texts = std::iter::from_fn(|| inbox.try_recv().ok());
        texts
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect()
    }

    #[test]
    fn each_offer_goes_to_another_peer_and_none_to_its_sender() {
        let mut swarms = Swarms::default();
        let mut inboxes = Vec::new();
        for peer in 0..8 {
            let (mailbox, inbox) = mpsc::channel(64);
            let socket = SocketId(u64::from(peer));
            swarms.announce(socket, &mailbox, &hello(peer, 0)).unwrap();
            inboxes.push((mailbox, inbox));
        }
        inboxes.iter_mut().for_each(|(_, inbox)| drop(drain(inbox)));
        let mailbox = inboxes[3].0.clone();
        swarms
            .announce(SocketId(3), &mailbox, &hello(3, 5))
            .unwrap();
        let mut offers = BTreeSet::new();
        for (peer, (_, inbox)) in inboxes.iter_mut().enumerate() {
            let got = drain(inbox);
            if peer == 3 {
                assert_eq!(got.len(), 1);
                assert_eq!(got[0]["incomplete"], 8);
            } else {
                assert!(got.len() <= 1);
                offers.extend(got.iter().map(|m| m["offer_id"].to_string()));
            }
        }
        assert_eq!(offers.len(), 5);
    }

    #[test]
    fn a_peer_that_came_back_survives_the_end_of_its_old_socket() {
        let mut swarms = Swarms::default();
        let (mailbox, _inbox) = mpsc::channel(64);
        swarms
            .announce(SocketId(1), &mailbox, &hello(1, 0))
            .unwrap();
        swarms
            .announce(SocketId(2), &mailbox, &hello(1, 0))
            .unwrap();
        swarms.closed(SocketId(1));
        assert_eq!(swarms.peers(), 1);
        swarms.closed(SocketId(2));
        assert_eq!(swarms.peers(), 0);
        assert!(swarms.by_hash.is_empty() && swarms.by_socket.is_empty());
    }

    #[test]
    fn nobody_can_make_another_leave() {
        let mut swarms = Swarms::default();
        let (mailbox, _inbox) = mpsc::channel(64);
        swarms
            .announce(SocketId(1), &mailbox, &hello(1, 0))
            .unwrap();
        let bye = Announce {
            stopped: true,
            ..hello(1, 0)
        };
        swarms.announce(SocketId(2), &mailbox, &bye).unwrap();
        assert_eq!(swarms.peers(), 1);
        swarms.announce(SocketId(1), &mailbox, &bye).unwrap();
        assert_eq!(swarms.peers(), 0);
    }

    #[test]
    fn one_socket_cannot_fill_the_tracker() {
        let mut swarms = Swarms::default();
        let (mailbox, _inbox) = mpsc::channel(1);
        let results = (0..200).map(|peer| swarms.announce(SocketId(1), &mailbox, &hello(peer, 0)));
        assert_eq!(results.filter(Result::is_ok).count(), MAX_PEERS_PER_SOCKET);
        assert_eq!(swarms.peers(), MAX_PEERS_PER_SOCKET);
    }
}
