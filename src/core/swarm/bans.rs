//! Whom this viewer keeps away, and for how long.
//!
//! Every viewer judges only what it saw itself: nothing here is told to others, and nobody's word about a third
//! party is taken. Who offends again after its time is over is kept away for twice as long each time.

use crate::core::config::strangers::{BAN, BAN_FLOOD, BAN_USELESS, BAN_VERSION, MAX_BAN, MAX_BANS};
use crate::core::ids::PeerId;
use crate::core::time::{Duration, Time};

/// What a neighbour is sent away for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offence {
    /// Its bytes did not match the publisher's hash.
    BadHash,
    /// It broke the protocol.
    Protocol,
    /// It sent more than anybody has reason to.
    Flood,
    /// It speaks another version.
    Version,
    /// It does not deliver what it announces.
    Unkept,
    /// It does not read what it is sent.
    Slow,
    /// It connected and did not say who it is.
    Mute,
}

impl Offence {
    /// A stable word for notices.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadHash => "bad-hash",
            Self::Protocol => "protocol",
            Self::Flood => "flood",
            Self::Version => "version",
            Self::Unkept => "unkept",
            Self::Slow => "slow",
            Self::Mute => "silent",
        }
    }

    fn first_ban(self) -> Duration {
        match self {
            Self::BadHash | Self::Protocol => BAN,
            Self::Flood => BAN_FLOOD,
            Self::Version => BAN_VERSION,
            Self::Unkept | Self::Slow | Self::Mute => BAN_USELESS,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Ban {
    peer: PeerId,
    until: Time,
    times: u32,
}

/// Viewers that are kept away, or were.
#[derive(Debug, Default)]
pub struct Bans(Vec<Ban>);

impl Bans {
    /// Keeps a viewer away from now on.
    pub fn add(&mut self, now: Time, peer: PeerId, offence: Offence) {
        let at = self.0.iter().position(|ban| ban.peer == peer);
        let before = at.map(|at| self.0.swap_remove(at));
        let times = before.map_or(0, |ban| ban.times);
        let span = (offence.first_ban() * (1 << times.min(16))).min(MAX_BAN);
        let until = before.map_or(now, |ban| ban.until).max(now + span);
        if self.0.len() >= MAX_BANS {
            self.forget_one();
        }
        let times = times + 1;
        self.0.push(Ban { peer, until, times });
    }

    /// How many viewers are remembered, at most [`MAX_BANS`].
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn forget_one(&mut self) {
        let first = (0..).zip(&self.0).min_by_key(|(_, ban)| ban.until);
        if let Some((at, _)) = first {
            self.0.swap_remove(at);
        }
    }

    /// Whether a viewer is kept away.
    pub fn contains(&self, now: Time, peer: PeerId) -> bool {
        self.0.iter().any(|ban| ban.peer == peer && now < ban.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(n: u32) -> PeerId {
        let mut id = [0; 20];
        id[..4].copy_from_slice(&n.to_be_bytes());
        PeerId(id)
    }

    #[test]
    fn each_further_offence_is_twice_as_long() {
        let mut bans = Bans::default();
        let mut now = Time(1_000_000);
        for times in 0..12 {
            bans.add(now, peer(1), Offence::BadHash);
            let end = now + (BAN * (1 << times)).min(MAX_BAN);
            assert!(bans.contains(end.before(Duration::from_micros(1)), peer(1)));
            assert!(!bans.contains(end, peer(1)), "{times}");
            assert!(!bans.contains(now, peer(2)));
            now = end;
        }
    }

    #[test]
    fn a_lesser_offence_does_not_shorten_a_ban() {
        let mut bans = Bans::default();
        bans.add(Time(0), peer(1), Offence::Version);
        bans.add(Time(1), peer(1), Offence::Mute);
        assert!(bans.contains(
            Time(0) + BAN_VERSION.saturating_sub(Duration::from_micros(1)),
            peer(1)
        ));
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_the_latest_is_in_it(peers in prop::collection::vec(0_u32..2_000, 1..900)) {
            let mut bans = Bans::default();
            for (at, n) in peers.iter().enumerate() {
                let now = Time(at as u64 * 1_000);
                bans.add(now, peer(*n), Offence::Protocol);
                prop_assert!(bans.contains(now, peer(*n)));
                prop_assert!(bans.0.len() <= MAX_BANS);
            }
        }
    }
}
