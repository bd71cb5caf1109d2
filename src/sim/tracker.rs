//! A WebTorrent tracker, at the level of its JSON text.
//!
//! As common servers do: an announce joins the swarm and is answered with interval and counts; each
//! offer goes to another random member, one offer a member; an answer goes to the member it names;
//! `stopped` or a closed socket leaves. A viewer that vanished stays listed until its
//! socket is noticed to be dead, and takes offers with it.
//!
//! Invariant: members sit in a dense list with an index beside it, so that joining, leaving and
//! drawing at random cost O(log n) however large the swarm.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tracker's parameters.
#[derive(Clone, Debug)]
pub struct TrackerSpec {
    /// Seconds it asks clients to wait between announces. Default: 120.
    pub interval_s: u32,
    /// Most offers of one announce it passes on. Default: 10.
    pub max_offers: usize,
    /// One way from any viewer, in µs. Default: 20 ms.
    pub one_way_us: u64,
    /// Until a vanished viewer's socket is dropped, in µs. Default: 40 s.
    pub dead_socket_us: u64,
    /// How many members it says there are; `None`: the truth.
    pub says: Option<u32>,
    /// When it is down: sockets close, new ones are refused. Virtual time in µs.
    pub outages: Vec<std::ops::Range<u64>>,
}

impl Default for TrackerSpec {
    fn default() -> Self {
        Self {
            interval_s: 120,
            max_offers: 10,
            one_way_us: 20_000,
            dead_socket_us: 40_000_000,
            says: None,
            outages: Vec::new(),
        }
    }
}

impl TrackerSpec {
    /// Whether it is down at this virtual time.
    pub fn is_down(&self, now_us: u64) -> bool {
        self.outages.iter().any(|span| span.contains(&now_us))
    }
}

/// One tracker.
#[derive(Debug)]
pub struct Tracker {
    spec: TrackerSpec,
    rng: fastrand::Rng,
    swarms: BTreeMap<String, Swarm>,
    /// Where each viewer is: info hash and peer id.
    seats: BTreeMap<u32, (String, String)>,
}

#[derive(Debug, Default)]
struct Swarm {
    members: Vec<(String, u32)>,
    index: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Announce {
    action: String,
    info_hash: String,
    peer_id: String,
    event: Option<String>,
    offers: Option<Vec<Offer>>,
    answer: Option<Value>,
    to_peer_id: Option<String>,
    offer_id: Option<String>,
}

#[derive(Deserialize)]
struct Offer {
    offer: Value,
    offer_id: String,
}

/// Text for a viewer.
pub type Outgoing = (u32, String);

impl Tracker {
    /// A tracker that knows nobody.
    pub fn new(spec: TrackerSpec, rng: fastrand::Rng) -> Self {
        Self {
            spec,
            rng,
            swarms: BTreeMap::new(),
            seats: BTreeMap::new(),
        }
    }

    /// Its parameters.
    pub fn spec(&self) -> &TrackerSpec {
        &self.spec
    }

    /// Members over all swarms.
    pub fn members(&self) -> usize {
        self.seats.len()
    }

    /// All sockets closed.
    pub fn clear(&mut self) {
        self.swarms.clear();
        self.seats.clear();
    }

    /// A viewer's socket closed.
    pub fn leave(&mut self, viewer: u32) {
        if let Some((info_hash, peer_id)) = self.seats.remove(&viewer)
            && let Some(swarm) = self.swarms.get_mut(&info_hash)
        {
            swarm.remove(&peer_id, viewer);
        }
    }

    /// A viewer sent text; what is sent to whom.
    ///
    /// # Errors
    /// What is wrong with the text, as a server would say it.
    pub fn message(&mut self, viewer: u32, text: &str) -> Result<Vec<Outgoing>, String> {
        let message: Announce = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if message.action != "announce" {
            return Err(format!("unknown action {}", message.action));
        }
        check_binary("info_hash", &message.info_hash)?;
        check_binary("peer_id", &message.peer_id)?;
        if message.event.as_deref() == Some("stopped") {
            self.leave(viewer);
            return Ok(Vec::new());
        }
        self.seat(viewer, &message);
        match &message.answer {
            Some(answer) => self.pass_answer(&message, answer),
            None => self.announce(viewer, message),
        }
    }

    fn seat(&mut self, viewer: u32, message: &Announce) {
        let seat = (message.info_hash.clone(), message.peer_id.clone());
        if self.seats.get(&viewer) == Some(&seat) {
            return;
        }
        self.leave(viewer);
        let swarm = self.swarms.entry(seat.0.clone()).or_default();
        swarm.insert(seat.1.clone(), viewer);
        self.seats.insert(viewer, seat);
    }

    fn announce(&mut self, viewer: u32, message: Announce) -> Result<Vec<Outgoing>, String> {
        let swarm = self.swarms.get(&message.info_hash).ok_or("no such swarm")?;
        let welcome = json!({
            "action": "announce",
            "info_hash": message.info_hash,
            "interval": self.spec.interval_s,
            "complete": 0,
            "incomplete": self.spec.says.map_or(swarm.members.len(), |says| says as usize),
        });
        let mut out = vec![(viewer, welcome.to_string())];
        let mut offers = message.offers.unwrap_or_default();
        offers.truncate(self.spec.max_offers);
        let mates = swarm.draw(&mut self.rng, offers.len(), viewer);
        for (mate, offer) in mates.into_iter().zip(offers) {
            check_binary("offer_id", &offer.offer_id)?;
            let text = json!({
                "action": "announce",
                "info_hash": message.info_hash,
                "peer_id": message.peer_id,
                "offer_id": offer.offer_id,
                "offer": offer.offer,
            });
            out.push((mate, text.to_string()));
        }
        Ok(out)
    }

    fn pass_answer(&self, message: &Announce, answer: &Value) -> Result<Vec<Outgoing>, String> {
        let to = message.to_peer_id.as_deref().ok_or("no to_peer_id")?;
        let offer_id = message.offer_id.as_deref().ok_or("no offer_id")?;
        let swarm = self.swarms.get(&message.info_hash).ok_or("no such swarm")?;
        let text = json!({
            "action": "announce",
            "info_hash": message.info_hash,
            "peer_id": message.peer_id,
            "offer_id": offer_id,
            "answer": answer,
        });
        let mate = swarm.index.get(to).and_then(|at| swarm.members.get(*at));
        Ok(mate
            .map(|(_, mate)| (*mate, text.to_string()))
            .into_iter()
            .collect())
    }
}

impl Swarm {
    fn insert(&mut self, peer_id: String, viewer: u32) {
        if let Some(place) = self
            .index
            .get(&peer_id)
            .and_then(|at| self.members.get_mut(*at))
        {
            place.1 = viewer;
            return;
        }
        self.index.insert(peer_id.clone(), self.members.len());
        self.members.push((peer_id, viewer));
    }

    fn remove(&mut self, peer_id: &str, viewer: u32) {
        let Some(&at) = self.index.get(peer_id) else {
            return;
        };
        if self.members.get(at).is_none_or(|member| member.1 != viewer) {
            return;
        }
        self.index.remove(peer_id);
        self.members.swap_remove(at);
        if let Some((moved, _)) = self.members.get(at) {
            self.index.insert(moved.clone(), at);
        }
    }

    /// Up to `count` different members, not `but`: a partial Fisher–Yates shuffle over positions.
    fn draw(&self, rng: &mut fastrand::Rng, count: usize, but: u32) -> Vec<u32> {
        let total = self.members.len() as u64;
        let mut swapped: BTreeMap<u64, u64> = BTreeMap::new();
        let mut out = Vec::new();
        for next in 0..total {
            if out.len() == count {
                break;
            }
            let at = rng.u64(next..total);
            let drawn = swapped.get(&at).copied().unwrap_or(at);
            let moved = swapped.get(&next).copied().unwrap_or(next);
            swapped.insert(at, moved);
            let member = usize::try_from(drawn)
                .ok()
                .and_then(|at| self.members.get(at));
            out.extend(
                member
                    .map(|member| member.1)
                    .filter(|viewer| *viewer != but),
            );
        }
        out
    }
}

/// Twenty bytes, one per character, as the protocol writes them.
fn check_binary(field: &str, text: &str) -> Result<(), String> {
    let right = text.chars().count() == 20 && text.chars().all(|c| u32::from(c) < 256);
    right
        .then_some(())
        .ok_or_else(|| format!("{field} is not 20 bytes: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "hhhhhhhhhhhhhhhhhhhh";

    fn id(viewer: u32) -> String {
        format!("{viewer:020}")
    }

    fn tracker() -> Tracker {
        Tracker::new(TrackerSpec::default(), fastrand::Rng::with_seed(1))
    }

    fn announce(tracker: &mut Tracker, viewer: u32, offers: u32) -> Vec<Outgoing> {
        let offers: Vec<_> = (0..offers)
            .map(|n| json!({"offer": {"type": "offer", "sdp": format!("sdp {n}")}, "offer_id": id(n)}))
            .collect();
        let text = json!({"action": "announce", "info_hash": HASH, "peer_id": id(viewer), "numwant": offers.len(), "offers": offers});
        tracker.message(viewer, &text.to_string()).unwrap()
    }

    #[test]
    fn offers_go_to_different_others_and_answers_come_back() {
        let mut tracker = tracker();
        for viewer in 0..6 {
            assert_eq!(announce(&mut tracker, viewer, 0).len(), 1);
        }
        let out = announce(&mut tracker, 0, 9);
        let mut mates: Vec<_> = out[1..].iter().map(|(viewer, _)| *viewer).collect();
        mates.sort_unstable();
        assert_eq!(mates, [1, 2, 3, 4, 5]);
        let offer: Value = serde_json::from_str(&out[1].1).unwrap();
        assert_eq!(offer["peer_id"], id(0));

        let answer = json!({"action": "announce", "info_hash": HASH, "peer_id": id(3), "to_peer_id": id(0), "offer_id": id(1), "answer": {"type": "answer", "sdp": "x"}});
        let out = tracker.message(3, &answer.to_string()).unwrap();
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].0, 0);
        let answer: Value = serde_json::from_str(&out[0].1).unwrap();
        assert_eq!(
            (&answer["answer"]["sdp"], &answer["offer_id"]),
            (&json!("x"), &json!(id(1)))
        );
    }

    #[test]
    fn who_left_gets_no_offers() {
        let mut tracker = tracker();
        for viewer in 0..5 {
            announce(&mut tracker, viewer, 0);
        }
        tracker.leave(1);
        let stop =
            json!({"action": "announce", "info_hash": HASH, "peer_id": id(4), "event": "stopped"});
        assert_eq!(tracker.message(4, &stop.to_string()), Ok(Vec::new()));
        let mut mates: Vec<_> = announce(&mut tracker, 0, 9)[1..]
            .iter()
            .map(|m| m.0)
            .collect();
        mates.sort_unstable();
        assert_eq!(mates, [2, 3]);
        assert_eq!(tracker.members(), 3);
    }

    #[test]
    fn draws_are_even() {
        let mut tracker = tracker();
        for viewer in 0..11 {
            announce(&mut tracker, viewer, 0);
        }
        let mut hits = [0; 11];
        for _ in 0..1_000 {
            for (mate, _) in &announce(&mut tracker, 0, 3)[1..] {
                hits[*mate as usize] += 1;
            }
        }
        assert!(hits[1..].iter().all(|n| (220..380).contains(n)), "{hits:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        let mut tracker = tracker();
        for text in [
            "",
            "{}",
            r#"{"action":"scrape","info_hash":"x","peer_id":"y"}"#,
        ] {
            assert!(tracker.message(0, text).is_err());
        }
        let short = json!({"action": "announce", "info_hash": "short", "peer_id": id(1)});
        assert!(tracker.message(0, &short.to_string()).is_err());
    }
}
