//! What lies between viewers: access links, distances, NATs, and the time it takes to connect.
//!
//! A [`Link`] is a FIFO that serialises messages at its rate. A message passes the sender's uplink, the
//! distance, and the receiver's downlink; the last hop is cut-through, so that an idle, faster
//! link adds nothing. Facts about a viewer ([`Access`]) are drawn once, from the seed and the viewer's
//! number alone, and are the same with and without peers.

use crate::core::time::Time;
use crate::sim::chance::{Purpose, between, happens, mix, stream};
use std::ops::RangeInclusive;

/// One direction of an access link.
#[derive(Clone, Debug)]
pub struct Link {
    bps: u64,
    free: Time,
}

impl Link {
    /// An idle link of `bps` bit/s (at least 1).
    pub fn new(bps: u64) -> Self {
        Self {
            bps: bps.max(1),
            free: Time(0),
        }
    }

    /// Puts `bytes` on the link behind all else; says when the last bit has left.
    pub fn send(&mut self, now: Time, bytes: u64) -> Time {
        self.free = Time(self.free.max(now).0 + self.duration_us(bytes));
        self.free
    }

    /// Takes `bytes` whose last bit gets here at `now`; says when the last bit is through.
    pub fn receive(&mut self, now: Time, bytes: u64) -> Time {
        self.free = now.max(Time(self.free.0 + self.duration_us(bytes)));
        self.free
    }

    /// The same for a long piece of a stream whose first bit got here at `began`.
    pub fn receive_since(&mut self, began: Time, now: Time, bytes: u64) -> Time {
        self.free = self.free.max(began);
        self.receive(now, bytes)
    }

    /// How long `bytes` take on an idle link.
    pub fn duration_us(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(8_000_000) / self.bps
    }
}

/// Bytes on the wire for a data-channel message: 80 bytes of IP, UDP, DTLS and SCTP for every 1,120.
pub fn channel_bytes(message: usize) -> u64 {
    let message = message as u64;
    message + message.div_ceil(1_120).max(1) * 80
}

/// Messages per million that lose at least one of their packets of up to 1,200 bytes on the wire, when
/// `loss` packets per million get lost: the union bound, close enough below 1 %.
pub fn message_loss(wire: u64, loss: u64) -> u32 {
    let lost = wire.div_ceil(1_200).saturating_mul(loss);
    u32::try_from(lost.min(1_000_000)).unwrap_or(1_000_000)
}

/// Bytes on the wire for a piece of an HTTP body: 60 bytes of IP, TCP and TLS for every 1,400.
pub fn http_bytes(body: u32) -> u64 {
    let body = u64::from(body);
    body + body.div_ceil(1_400) * 60
}

/// What a viewer's NAT lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nat {
    /// None, full cone, or address-restricted.
    Open,
    /// Port-restricted cone.
    PortRestricted,
    /// A new port for every destination.
    Symmetric,
    /// No UDP at all.
    Blocked,
}

impl Nat {
    /// Whether ICE without a relay can connect these two.
    pub fn connects(self, other: Self) -> bool {
        match (self, other) {
            (Self::Blocked, _) | (_, Self::Blocked) => false,
            (Self::Symmetric, mate) | (mate, Self::Symmetric) => mate == Self::Open,
            _ => true,
        }
    }
}

/// A kind of access link and how common it is.
#[derive(Clone, Debug)]
pub struct AccessClass {
    /// Weight among all classes.
    pub weight: u32,
    /// Uplink in bit/s.
    pub up_bps: RangeInclusive<u64>,
    /// Downlink in bit/s.
    pub down_bps: RangeInclusive<u64>,
    /// Whether viewers of this kind upload media at all.
    pub uploads: bool,
}

/// The network's parameters.
#[derive(Clone, Debug)]
pub struct NetworkSpec {
    /// Access links. Default: all 20 Mbit/s up, 50 Mbit/s down.
    pub access: Vec<AccessClass>,
    /// Weights of [`Nat::Open`], `PortRestricted`, `Symmetric`, `Blocked`. Default: all open.
    pub nats: [u32; 4],
    /// Regions; viewers are spread evenly. Default: 1.
    pub regions: u32,
    /// Round-trip time that a viewer's access adds, in µs. Default: 5–20 ms.
    pub access_rtt_us: RangeInclusive<u64>,
    /// Round-trip time between accesses in one region, in µs. Default: 0–20 ms (35 ms in all, at the median).
    pub core_rtt_us: RangeInclusive<u64>,
    /// The same between regions, in µs. Default: 110–180 ms.
    pub far_rtt_us: RangeInclusive<u64>,
    /// Until a local description has its candidates, in µs. Default: 20–100 ms.
    pub gather_us: RangeInclusive<u64>,
    /// From both descriptions known until the channel opens, in µs. Default: 0.3–1.5 s.
    pub setup_us: RangeInclusive<u64>,
    /// Until a connection that cannot be made has failed, in µs. Default: 12–20 s.
    pub failure_us: RangeInclusive<u64>,
    /// Until the mate of a viewer who vanished is told, in µs. Default: 10–30 s.
    pub late_notice_us: RangeInclusive<u64>,
    /// Packets per million that a connection loses, drawn for each viewer's half of it. A data channel is
    /// ordered, so that one lost packet delays its whole message, and all behind it, by detection and
    /// retransmission: 1.5 round trips ([`message_loss`]). Default: 0.
    pub loss_per_million: RangeInclusive<u64>,
    /// Connections per million that fail whatever the NATs. Default: 0.
    pub pair_failures_per_million: u32,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            access: vec![AccessClass {
                weight: 1,
                up_bps: 20_000_000..=20_000_000,
                down_bps: 50_000_000..=50_000_000,
                uploads: true,
            }],
            nats: [1, 0, 0, 0],
            regions: 1,
            access_rtt_us: 5_000..=20_000,
            core_rtt_us: 0..=20_000,
            far_rtt_us: 110_000..=180_000,
            gather_us: 20_000..=100_000,
            setup_us: 300_000..=1_500_000,
            failure_us: 12_000_000..=20_000_000,
            late_notice_us: 10_000_000..=30_000_000,
            loss_per_million: 0..=0,
            pair_failures_per_million: 0,
        }
    }
}

impl NetworkSpec {
    /// A home audience: 10 % DSL, 45 % cable, 30 % fibre, 15 % mobile that does not upload; NATs 45
    /// open or address-restricted, 35 port-restricted, 15 symmetric, 5 blocked; 0.1–1 % of packets lost;
    /// 35 ms between viewers at the median.
    pub fn home_audience() -> Self {
        let class =
            |weight, up: RangeInclusive<u64>, down: RangeInclusive<u64>, uploads| AccessClass {
                weight,
                up_bps: up.start() * 1_000_000..=up.end() * 1_000_000,
                down_bps: down.start() * 1_000_000..=down.end() * 1_000_000,
                uploads,
            };
        Self {
            access: vec![
                class(10, 1..=5, 16..=50, true),
                class(45, 10..=35, 50..=250, true),
                class(30, 50..=500, 100..=1_000, true),
                class(15, 5..=20, 15..=100, false),
            ],
            nats: [45, 35, 15, 5],
            setup_us: 500_000..=3_000_000,
            loss_per_million: 1_000..=10_000,
            // No two homes of a country are nearer than this; it also is what threads gain from.
            core_rtt_us: 5_000..=15_000,
            pair_failures_per_million: 30_000,
            ..Self::default()
        }
    }

    /// The access of viewer `viewer`.
    pub fn access(&self, seed: u64, viewer: u32) -> Access {
        let mut rng = stream(seed, Purpose::Access, &[u64::from(viewer)]);
        let weights: Vec<u32> = self.access.iter().map(|class| class.weight).collect();
        let class = self.access.get(pick(&mut rng, &weights));
        let (up_bps, down_bps, uploads) = class.map_or((1, 1, false), |class| {
            let up = between(&mut rng, &class.up_bps);
            (up, between(&mut rng, &class.down_bps), class.uploads)
        });
        Access {
            viewer,
            up_bps,
            down_bps,
            uploads,
            rtt_us: between(&mut rng, &self.access_rtt_us),
            region: rng.u32(0..self.regions.max(1)),
            nat: match pick(&mut rng, &self.nats) {
                0 => Nat::Open,
                1 => Nat::PortRestricted,
                2 => Nat::Symmetric,
                _ => Nat::Blocked,
            },
            loss_per_million: between(&mut rng, &self.loss_per_million),
        }
    }

    /// One way between two viewers, in µs; the same both ways and at all times.
    pub fn one_way_us(&self, seed: u64, a: &Access, b: &Access) -> u64 {
        let pair = [
            u64::from(a.viewer.min(b.viewer)),
            u64::from(a.viewer.max(b.viewer)),
        ];
        let core = if a.region == b.region {
            &self.core_rtt_us
        } else {
            &self.far_rtt_us
        };
        let span = core.end().saturating_sub(*core.start()) + 1;
        let core = core.start() + mix(seed, Purpose::Pair, &pair) % span;
        (a.rtt_us + b.rtt_us + core) / 2
    }

    /// Whether these two can connect at all; the same at every attempt.
    pub fn connects(&self, seed: u64, a: &Access, b: &Access) -> bool {
        let low = u64::from(a.viewer.min(b.viewer));
        let high = u64::from(a.viewer.max(b.viewer));
        let mut rng = stream(seed, Purpose::Pair, &[low, high, 1]);
        a.nat.connects(b.nat) && !happens(&mut rng, self.pair_failures_per_million)
    }
}

/// A viewer's access, as drawn.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whose.
    pub viewer: u32,
    /// Uplink in bit/s.
    pub up_bps: u64,
    /// Downlink in bit/s.
    pub down_bps: u64,
    /// Whether the viewer uploads media.
    pub uploads: bool,
    /// Round-trip time this access adds, in µs.
    pub rtt_us: u64,
    /// Region.
    pub region: u32,
    /// NAT.
    pub nat: Nat,
    /// Packets per million that connections of this viewer lose, averaged with the mate's.
    pub loss_per_million: u64,
}

fn pick(rng: &mut fastrand::Rng, weights: &[u32]) -> usize {
    let total: u32 = weights.iter().sum();
    let mut left = rng.u32(0..total.max(1));
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_serves_in_order_at_its_rate() {
        let mut link = Link::new(8_000_000);
        assert_eq!(link.send(Time(100), 1_000), Time(1_100));
        assert_eq!(link.send(Time(100), 1_000), Time(2_100));
        assert_eq!(link.send(Time(5_000), 1_000), Time(6_000));
    }

    #[test]
    fn an_idle_faster_downlink_adds_nothing_and_a_busy_one_queues() {
        let mut link = Link::new(8_000_000);
        assert_eq!(link.receive(Time(10_000), 1_000), Time(10_000));
        assert_eq!(link.receive(Time(10_000), 1_000), Time(11_000));
        assert_eq!(link.receive(Time(10_500), 1_000), Time(12_000));
    }

    #[test]
    fn distance_is_symmetric_and_far_is_farther() {
        let spec = NetworkSpec {
            regions: 2,
            ..NetworkSpec::default()
        };
        let all: Vec<_> = (0..40).map(|viewer| spec.access(9, viewer)).collect();
        for a in &all {
            for b in &all {
                let way = spec.one_way_us(9, a, b);
                assert_eq!(way, spec.one_way_us(9, b, a));
                assert_eq!(way > 55_000, a.region != b.region);
            }
        }
    }

    #[test]
    fn the_home_audience_has_about_the_stated_shares() {
        let spec = NetworkSpec::home_audience();
        let all: Vec<_> = (0..4_000).map(|viewer| spec.access(3, viewer)).collect();
        let share = |test: &dyn Fn(&Access) -> bool| {
            all.iter().filter(|access| test(access)).count() * 100 / all.len()
        };
        assert!((13..=17).contains(&share(&|a| !a.uploads)));
        assert!((4..=6).contains(&share(&|a| a.nat == Nat::Blocked)));
        assert!((28..=32).contains(&share(&|a| a.up_bps >= 50_000_000)));
    }
}
