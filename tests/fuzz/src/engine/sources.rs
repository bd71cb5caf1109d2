//! What the CDN answers, and what trackers say.

use super::host::Host;
use super::ledger::Socket;
use super::script::Step;
use super::steps::pick;
use swarmline::core::engine::info_hash;
use swarmline::core::error::FetchError;
use swarmline::core::event::Event;
use swarmline::core::ids::{FetchId, TrackerId};
use swarmline::sim::buffer::Payload;

/// A session description as browsers write it.
pub(super) const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
    a=candidate:1 1 udp 2113937151 192.168.1.7 54321 typ host\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\n";

/// Pieces that a body comes in, in bytes.
const PIECE: u32 = 48_000;

impl Host {
    pub(super) fn cdn(&mut self, what: u8, step: &Step) {
        let Some(fetch) =
            pick(self.fetches.len(), step.a).and_then(|at| self.fetches.keys().nth(at).copied())
        else {
            return;
        };
        match what {
            0 => self.body_begins(fetch, step),
            1 | 2 => {
                let len = u32::from(step.b) << (step.c % 9);
                let bad = step.d >= 230;
                self.faults.cdn |= bad;
                self.body_goes_on(fetch, len, bad);
            }
            3 => self.body_ends(fetch),
            4 => {
                self.faults.cdn = true;
                let error = match step.b % 3 {
                    0 => FetchError::Status(400 + u16::from(step.c)),
                    1 => FetchError::Network,
                    _ => FetchError::Request,
                };
                self.fetches.remove(&fetch);
                self.feed(Event::FetchFailed { fetch, error }, None);
            }
            5 | 6 => self.answer_fetch(fetch),
            _ => self.answer_fetches(),
        }
    }

    /// 200 or 206, rightly or not.
    fn body_begins(&mut self, id: FetchId, step: &Step) {
        let now = self.now;
        let Some(fetch) = self.fetches.get_mut(&id).filter(|fetch| fetch.at.is_none()) else {
            return;
        };
        let body = fetch.last - fetch.first + 1;
        let (offset, length) = match step.b {
            // All of the resource, though a part was asked for.
            0..16 => (0, Some(fetch.last + 1 + u64::from(step.c))),
            16..32 => (fetch.first, None),
            32..40 => (fetch.first + 1, Some(body)),
            40..48 => (fetch.first.saturating_sub(step.c.into()), None),
            48..56 => (fetch.first, Some(body.saturating_sub(1))),
            56..60 => (u64::MAX, Some(u64::MAX)),
            60..64 => (0, Some(u64::MAX)),
            _ => (fetch.first, Some(body)),
        };
        fetch.at = Some(offset);
        fetch.heard = now;
        self.faults.cdn |= step.b < 64;
        let event = Event::FetchStarted {
            fetch: id,
            length,
            offset,
        };
        self.feed(event, None);
    }

    /// More bytes, up to the end of the segment that they belong to.
    fn body_goes_on(&mut self, id: FetchId, len: u32, bad: bool) -> bool {
        let now = self.now;
        let Some(fetch) = self.fetches.get_mut(&id) else {
            return false;
        };
        let Some(at) = fetch.at else { return false };
        let Some((segment, inside)) = self.stream.locate(&fetch.url, at) else {
            return false;
        };
        let left = self
            .stream
            .segment(segment)
            .map_or(0, |segment| segment.info.bytes - inside);
        let len = len.min(left);
        fetch.at = Some(at + u64::from(len));
        fetch.heard = now;
        let payload = Payload {
            segment,
            at: inside,
            len,
            bad: bad.then_some((len / 2, len / 2 + 1)).filter(|_| len > 0),
        };
        let event = Event::FetchBytes {
            fetch: id,
            len: len as usize,
        };
        self.feed(event, Some(payload));
        len > 0
    }

    fn body_ends(&mut self, id: FetchId) {
        let Some(fetch) = self.fetches.remove(&id) else {
            return;
        };
        let whole = fetch.at.is_some_and(|at| at > fetch.last);
        self.faults.cdn |= !whole;
        if fetch.at.is_some() {
            self.feed(Event::FetchEnded { fetch: id }, None);
        } else {
            let error = FetchError::Network;
            self.feed(Event::FetchFailed { fetch: id, error }, None);
        }
    }

    /// The rest of a request is answered rightly.
    fn answer_fetch(&mut self, id: FetchId) {
        let begin = Step {
            what: 0,
            a: 0,
            b: u8::MAX,
            c: 0,
            d: 0,
            e: 0,
        };
        self.body_begins(id, &begin);
        loop {
            let Some(fetch) = self.fetches.get(&id) else {
                return;
            };
            let at = fetch.at.unwrap_or(u64::MAX);
            let left = (fetch.last + 1).saturating_sub(at);
            let piece = u32::try_from(left).unwrap_or(u32::MAX).min(PIECE);
            if piece == 0 || !self.body_goes_on(id, piece, false) {
                break;
            }
        }
        self.body_ends(id);
    }

    pub(super) fn answer_fetches(&mut self) {
        let all: Vec<FetchId> = self.fetches.keys().copied().collect();
        for fetch in all {
            self.answer_fetch(fetch);
        }
    }

    pub(super) fn trackers(&mut self, what: u8, step: &Step) {
        let Some(at) = pick(self.sockets.len(), step.a) else {
            return;
        };
        let tracker = TrackerId(at as u16);
        let Some(socket) = self.sockets.get_mut(at) else {
            return;
        };
        match what {
            0 if *socket == Socket::Opening => {
                *socket = Socket::Open;
                self.feed(Event::TrackerOpened { tracker }, None);
            }
            1 if *socket != Socket::Closed => {
                *socket = Socket::Closed;
                self.feed(Event::TrackerClosed { tracker }, None);
            }
            2..=5 if *socket == Socket::Open => {
                let text = self.tracker_says(what, step);
                self.feed(
                    Event::TrackerMessage {
                        tracker,
                        text: &text,
                    },
                    None,
                );
            }
            _ => {}
        }
    }

    fn tracker_says(&self, what: u8, step: &Step) -> String {
        let swarm: String = info_hash("fuzz")
            .0
            .iter()
            .map(|byte| char::from(*byte))
            .collect();
        let peer = name(step.b);
        match what {
            2 => serde_json::json!({ "action": "announce", "info_hash": swarm, "interval": step.b,
                "complete": step.c, "incomplete": u32::from(step.d) * u32::from(step.e) })
            .to_string(),
            3 => offer(step.b, step.c),
            4 => {
                let offer = pick(self.offers.len(), step.c).and_then(|at| self.offers.get(at));
                serde_json::json!({ "action": "announce", "info_hash": swarm, "peer_id": peer,
                    "offer_id": offer.cloned().unwrap_or_else(|| name(step.d)), "answer": { "type": "answer", "sdp": SDP } })
                .to_string()
            }
            _ => match step.b % 4 {
                0 => serde_json::json!({ "failure reason": "é".repeat(step.c.into()) }).to_string(),
                1 => "[".repeat(usize::from(step.c) * 256),
                2 => serde_json::json!({ "action": "announce", "info_hash": name(1), "offer": {} })
                    .to_string(),
                _ => offer(step.c, step.d).chars().take(step.e.into()).collect(),
            },
        }
    }
}

/// A viewer's name, or an offer's, as trackers write it.
pub(super) fn name(choice: u8) -> String {
    std::iter::repeat_n(char::from(choice), 20).collect()
}

/// A viewer's offer, as a tracker passes it on.
pub(super) fn offer(peer: u8, offer: u8) -> String {
    let swarm: String = info_hash("fuzz")
        .0
        .iter()
        .map(|byte| char::from(*byte))
        .collect();
    serde_json::json!({ "action": "announce", "info_hash": swarm, "peer_id": name(peer),
        "offer_id": name(offer), "offer": { "type": "offer", "sdp": SDP } })
    .to_string()
}
