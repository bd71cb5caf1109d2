//! Trackers that answer anything at any time, and what is sent to them.

use crate::announces::{Request, forward_answer, forward_offer, parse, welcome};
use crate::input::Input;
use swarmline::core::ids::{InfoHash, OfferId, PeerId, TrackerId};
use swarmline::core::time::{Duration, Time};
use swarmline::core::tracker::{
    MAX_MESSAGE, MAX_OFFERS, MAX_SDP, MAX_SEND, Output, Totals, Trackers,
};

const ME: PeerId = PeerId([0xa7; 20]);
const SWARM: InfoHash = InfoHash([0x11; 20]);
/// Most steps in one input.
const STEPS: usize = 200;
/// Wake-ups in a row that may be due at once.
const WAKES: usize = 8;

struct Host {
    trackers: Trackers,
    now: Time,
    rng: fastrand::Rng,
    /// Whether each socket is being opened, and whether it is open.
    sockets: [(bool, bool); 3],
    wished: [Option<Time>; 3],
}

/// Anything happens to three trackers; then any text is read as a client's message.
pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut host = Host {
        trackers: Trackers::new(3, SWARM, ME),
        now: Time(1_000_000),
        rng: fastrand::Rng::with_seed(1),
        sockets: [(false, false); 3],
        wished: [None; 3],
    };
    let outputs = host.trackers.start(host.now);
    host.took(outputs);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        host.step(&mut input);
        host.sleeps();
    }
    server(bytes);
}

impl Host {
    fn step(&mut self, input: &mut Input<'_>) {
        let (what, which) = (input.u8(), u16::from(input.u8() % 4));
        let tracker = TrackerId(which);
        let (now, totals) = (self.now, Totals::default());
        let outputs = match what % 10 {
            0 => self.trackers.start(now),
            1 => self.trackers.stop(),
            2 => self.trackers.opened(now, tracker),
            3 => {
                if let Some(socket) = self.sockets.get_mut(usize::from(which)) {
                    *socket = (false, false);
                }
                self.trackers.closed(now, tracker, &mut self.rng)
            }
            4 | 5 => {
                let text = text(input);
                let outputs = self.trackers.message(tracker, &text);
                assert!(outputs.len() <= 1, "{text} leads to {outputs:?}");
                assert!(
                    text.len() <= MAX_MESSAGE
                        || matches!(outputs.first(), None | Some(Output::Warning { .. }))
                );
                outputs
            }
            6 => {
                self.trackers.seek(input.u8().into(), input.u8().into());
                Vec::new()
            }
            7 => {
                let offers = offers(input);
                let outputs = self.trackers.announce(now, tracker, &offers, totals);
                announced(&outputs, &offers);
                outputs
            }
            8 => {
                let (peer, offer) = (PeerId(input.array()), OfferId(input.array()));
                let sdp = words(input);
                let outputs = self.trackers.answer(tracker, peer, offer, &sdp);
                answered(&outputs, peer, offer, &sdp);
                outputs
            }
            _ => {
                self.now += Duration::from_millis(1 << (input.u8() % 20));
                self.trackers.tick(self.now, &mut self.rng)
            }
        };
        self.took(outputs);
        self.wishes();
    }

    /// What is due is done, and is then no longer due.
    fn sleeps(&mut self) {
        for _ in 0..WAKES {
            let Some(at) = self.trackers.next_deadline().filter(|at| *at <= self.now) else {
                return;
            };
            let outputs = self.trackers.tick(self.now, &mut self.rng);
            self.took(outputs);
            self.wishes();
            assert!(at < Time::NEVER);
        }
        let due = self.trackers.next_deadline();
        assert!(due > Some(self.now), "due again and again: {due:?}");
    }

    fn wishes(&mut self) {
        let now = self.now;
        for wish in self.trackers.wants_offers(now) {
            assert!((1..=MAX_OFFERS).contains(&wish.most));
            if let Some(last) = self.wished.get_mut(usize::from(wish.tracker.0)) {
                *last = Some(now);
            }
        }
    }

    fn took(&mut self, outputs: Vec<Output>) {
        assert!(outputs.len() <= 64, "{} outputs at once", outputs.len());
        for output in outputs {
            self.take(output);
        }
        let open = self.sockets.iter().filter(|(_, open)| *open).count();
        assert_eq!(self.trackers.connected(), open);
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Open(tracker) => {
                let socket = self.socket(tracker);
                assert_eq!(*socket, (false, false), "{tracker:?} is there already");
                *socket = (true, false);
            }
            Output::Close(tracker) => {
                let socket = self.socket(tracker);
                assert!(socket.0, "{tracker:?} is not there");
                socket.0 = false;
            }
            Output::Connected(tracker, open) => {
                let socket = self.socket(tracker);
                socket.1 = open;
                assert!(socket.0 || !open);
            }
            Output::Send(tracker, text) => {
                let socket = self.socket(tracker);
                assert!(socket.0, "{tracker:?} is closed");
                assert!(text.len() <= MAX_SEND);
                assert!(parse(text.as_bytes()).is_ok(), "no server reads {text}");
            }
            Output::Offer { peer, sdp, .. } | Output::Answer { peer, sdp, .. } => {
                assert!(peer != ME && !sdp.is_empty() && sdp.len() <= MAX_SDP);
            }
            Output::Warning { message, .. } => assert!(message.chars().count() <= 200),
        }
    }

    fn socket(&mut self, tracker: TrackerId) -> &mut (bool, bool) {
        let socket = self.sockets.get_mut(usize::from(tracker.0));
        assert!(socket.is_some(), "{tracker:?} was never configured");
        #[allow(clippy::unwrap_used, reason = "checked in the line above")]
        socket.unwrap()
    }
}

/// Every offer that fits a message is in one, under its name and for this swarm.
fn announced(outputs: &[Output], offers: &[(OfferId, String)]) {
    let mut sent = 0;
    for output in outputs {
        let Output::Send(_, text) = output else {
            continue;
        };
        let Ok(Request::Announce(announce)) = parse(text.as_bytes()) else {
            continue;
        };
        assert_eq!((announce.swarm, announce.peer), (SWARM, ME));
        sent += announce.offers.len();
        for offer in &announce.offers {
            passed_on(&forward_offer(SWARM, PeerId([3; 20]), offer), offers);
        }
    }
    assert!(sent <= offers.len());
    assert!(
        outputs.is_empty() || sent == offers.len(),
        "{sent} of {} offers",
        offers.len()
    );
}

/// Another viewer reads from the tracker what this one wrote.
fn passed_on(text: &str, offers: &[(OfferId, String)]) {
    let mut other = Trackers::new(1, SWARM, PeerId([9; 20]));
    other.start(Time(0));
    other.opened(Time(0), TrackerId(0));
    let outputs = other.message(TrackerId(0), text);
    let known = |output: &Output| match output {
        Output::Offer { offer, sdp, .. } => offers.contains(&(*offer, sdp.clone())),
        _ => false,
    };
    let empty = offers.iter().any(|(_, sdp)| sdp.is_empty());
    assert!(
        empty || matches!(outputs.as_slice(), [one] if known(one)),
        "{text}"
    );
}

fn answered(outputs: &[Output], peer: PeerId, offer: OfferId, sdp: &str) {
    let [Output::Send(_, text)] = outputs else {
        return assert!(outputs.is_empty());
    };
    let answer = match parse(text.as_bytes()) {
        Ok(Request::Announce(announce)) => announce.answer,
        _ => None,
    };
    assert!(answer.as_ref().is_some_and(|answer| answer.to == peer));
    let Some(answer) = answer else { return };
    let mut other = Trackers::new(1, SWARM, peer);
    other.start(Time(0));
    other.opened(Time(0), TrackerId(0));
    let outputs = other.message(TrackerId(0), &forward_answer(SWARM, ME, &answer));
    let right = |output: &Output| matches!(output, Output::Answer { offer: o, sdp: s, .. } if *o == offer && s == sdp);
    assert!(
        peer == ME || sdp.is_empty() || outputs.iter().any(right),
        "{outputs:?}"
    );
}

/// What a tracker might write.
fn text(input: &mut Input<'_>) -> String {
    let kind = input.u8();
    let binary = |id: [u8; 20]| id.iter().map(|byte| char::from(*byte)).collect::<String>();
    let swarm = if kind < 240 {
        SWARM
    } else {
        InfoHash(input.array())
    };
    match kind % 8 {
        0 => welcome(
            swarm,
            input.u32().into(),
            input.u16().into(),
            input.u16().into(),
        ),
        1 | 2 => {
            let key = if kind.is_multiple_of(2) {
                "offer"
            } else {
                "answer"
            };
            let peer = input.array();
            let offer = binary(input.array());
            let sdp = words(input);
            serde_json::json!({ "action": "announce", "info_hash": binary(swarm.0), "peer_id": binary(peer),
                "offer_id": offer, key: { "type": key, "sdp": sdp } })
            .to_string()
        }
        3 => serde_json::json!({ "failure reason": words(input) }).to_string(),
        4 => serde_json::json!({ "action": "announce", "warning message": words(input).repeat(20),
                "interval": -1.5, "complete": u64::MAX })
        .to_string(),
        5 => "x".repeat(MAX_MESSAGE + usize::from(input.u8())),
        _ => words(input),
    }
}

fn offers(input: &mut Input<'_>) -> Vec<(OfferId, String)> {
    let count = input.u8() % 12;
    (0..count)
        .map(|_| {
            (
                OfferId(input.array()),
                words(input).repeat(1 + usize::from(input.u8())),
            )
        })
        .filter(|(_, sdp)| sdp.len() < 2_000)
        .collect()
}

fn words(input: &mut Input<'_>) -> String {
    let len = usize::from(input.u8());
    String::from_utf8_lossy(input.take(len)).into_owned()
}

/// What the demo's tracker takes from anybody is within its caps.
fn server(bytes: &[u8]) {
    match parse(bytes) {
        Ok(Request::Announce(announce)) => {
            assert!(announce.offers.len() <= 20);
            assert!(announce.offers.iter().all(|offer| offer.id.len() <= 256));
        }
        Ok(Request::Scrape(swarms)) => assert!(swarms.len() <= 64),
        Err(_) => {
            let refusal = crate::announces::failure("no", bytes);
            assert!(serde_json::from_str::<serde_json::Value>(&refusal).is_ok());
        }
    }
}
