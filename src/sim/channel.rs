//! One viewer's end of a peer connection with its ordered, reliable data channel.

use crate::core::config::{SEND_LOW_WATER, SEND_REPORT};
use crate::core::ids::ConnId;
use crate::core::time::Time;
use std::collections::VecDeque;

/// The other end: viewer, and the number that end knows the connection by.
pub(super) type Mate = (u32, ConnId);

/// This end.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    /// The other end, once known.
    pub(super) mate: Option<Mate>,
    /// Whether messages can be sent.
    pub(super) open: bool,
    /// One way to the mate, in µs.
    pub(super) one_way_us: u64,
    /// When the mate leaves: nothing gets there from then on.
    pub(super) mate_leaves: Time,
    /// Packets per million that get lost.
    pub(super) loss_per_million: u64,
    /// When the last message sent gets there: none overtakes it.
    pub(super) last_arrival: Time,
    /// Which of its peer ids this end goes by.
    pub(super) mask: u32,
    /// Whether a look at the send buffer is due.
    pub(super) drain_due: bool,
    waiting: VecDeque<(Time, usize)>,
    buffered: usize,
    /// Bytes sent since the engine last heard how many wait.
    unreported: usize,
}

impl Channel {
    /// This end of a connection to a known mate.
    pub(super) fn to(mate: Mate) -> Self {
        Self {
            mate: Some(mate),
            ..Self::default()
        }
    }

    /// A message of `bytes` bytes waits here until `departs`.
    pub(super) fn queue(&mut self, departs: Time, bytes: usize) {
        self.waiting.push_back((departs, bytes));
        self.buffered += bytes;
        self.unreported += bytes;
    }

    /// Whether the engine is to hear how many bytes wait, once they are few.
    pub(super) fn owes_report(&self) -> bool {
        self.unreported >= SEND_REPORT
    }

    /// The engine hears of it.
    pub(super) fn reported(&mut self) {
        self.unreported = 0;
    }

    /// Bytes that wait at `now`.
    pub(super) fn buffered(&mut self, now: Time) -> usize {
        while let Some(&(_, bytes)) = self.waiting.front().filter(|(departs, _)| *departs <= now) {
            self.waiting.pop_front();
            self.buffered -= bytes;
        }
        self.buffered
    }

    /// When no more than the low-water mark will wait, if nothing more is sent. `None`: never, the mate is gone.
    pub(super) fn low_at(&self) -> Option<Time> {
        let mut behind = 0;
        for &(departs, bytes) in self.waiting.iter().rev() {
            behind += bytes;
            if behind > SEND_LOW_WATER {
                return (departs < NEVER).then_some(departs);
            }
        }
        Some(Time(0))
    }

    /// This end closes at `now`: when the mate hears of it. What leaves within `flush_us` gets there first; a browser throws
    /// the rest away, so the news does not wait for that.
    pub(super) fn close(&self, now: Time, flush_us: u64, one_way_us: u64) -> Time {
        let last = self.waiting.back().map_or(now, |(departs, _)| *departs);
        let latest = Time(now.0 + flush_us);
        if last > latest {
            return Time(latest.0 + one_way_us);
        }
        Time(last.max(now).0 + one_way_us).max(self.last_arrival)
    }
}

/// A message to a mate who is gone departs then.
pub(super) const NEVER: Time = Time(u64::MAX);

/// The rest of a description: what a browser would write, as far as anybody looks at it.
const REST: &str = "\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:sim\r\n\
                    a=ice-pwd:simulated\r\na=fingerprint:sha-256 00\r\n";

fn describe(name: &str) -> String {
    format!("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns={name}{REST}")
}

/// A local description: whoever reads it knows whom and what to connect to.
pub(super) fn offer(viewer: u32, conn: ConnId) -> String {
    describe(&format!("offer {viewer} {}", conn.0))
}

/// The answer to an offer.
pub(super) fn answer(viewer: u32, conn: ConnId, to: Mate) -> String {
    describe(&format!("answer {viewer} {} {} {}", conn.0, to.0, to.1.0))
}

fn name<'a>(sdp: &'a str, prefix: &str) -> Option<&'a str> {
    let mut names = sdp.lines().filter_map(|line| line.strip_prefix("s="));
    names.next()?.strip_prefix(prefix)
}

/// Who made this offer.
pub(super) fn read_offer(sdp: &str) -> Option<Mate> {
    let (viewer, conn) = name(sdp, "offer ")?.split_once(' ')?;
    Some((viewer.parse().ok()?, ConnId(conn.parse().ok()?)))
}

/// Who made this answer, and to whose offer.
pub(super) fn read_answer(sdp: &str) -> Option<(Mate, Mate)> {
    let mut words = name(sdp, "answer ")?.split(' ');
    let mut word = || words.next()?.parse().ok();
    let from = (word()?, ConnId(word()?));
    let to = (word()?, ConnId(word()?));
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drains_to_the_low_water_mark_in_time() {
        let mut channel = Channel::default();
        for n in 1..=10 {
            channel.queue(Time(n * 100), 16 * 1024);
        }
        assert_eq!(channel.low_at(), Some(Time(600)));
        assert_eq!(channel.buffered(Time(599)), 5 * 16 * 1024);
        assert_eq!(channel.buffered(Time(600)), SEND_LOW_WATER);
        assert_eq!(channel.low_at(), Some(Time(0)));
        channel.queue(NEVER, SEND_LOW_WATER + 1);
        assert_eq!(channel.low_at(), None);
    }

    #[test]
    fn news_of_an_end_does_not_wait_for_what_is_thrown_away() {
        let channel = |departs: u64| {
            let mut channel = Channel::default();
            channel.queue(Time(departs), 1);
            channel.last_arrival = Time(departs + 90);
            channel
        };
        let close = |channel: Channel| channel.close(Time(1_000), 100, 20);
        assert_eq!(close(Channel::default()), Time(1_020));
        assert_eq!(close(channel(900)), Time(1_020));
        // Sent again on the way: it gets there first.
        assert_eq!(close(channel(1_100)), Time(1_190));
        assert_eq!(close(channel(1_101)), Time(1_120));
        assert_eq!(close(channel(90_000)), Time(1_120));
        assert_eq!(
            channel(NEVER.0 - 90).close(Time(1_000), 100, 20),
            Time(1_120)
        );
    }

    #[test]
    fn descriptions_name_both_ends() {
        let (a, b) = ((3, ConnId(7)), (4, ConnId(1)));
        assert_eq!(read_offer(&offer(a.0, a.1)), Some(a));
        assert_eq!(read_answer(&answer(b.0, b.1, a)), Some((b, a)));
        assert_eq!(read_answer(&offer(a.0, a.1)), None);
        assert_eq!(read_offer("s=offer x 1"), None);
        assert!(crate::core::swarm::sdp::check(&offer(a.0, a.1)).is_ok());
    }
}
