//! Large audiences: the models that published figures are measured with, and what can happen to them.
//!
//! An [`Audience`] holds every number a run depends on, each with its default and where that comes from;
//! [`Audience::plan`] turns it and a scenario's name into a [`Plan`]. The audience assembles during the
//! warm-up and is measured afterwards; what a scenario does to it, it does after the warm-up.

use crate::core::time::{Duration, Time, micros};
use crate::sim::cdn::{CdnFault, CdnFaultKind};
use crate::sim::hostile::{self, Behaviour};
use crate::sim::network::NetworkSpec;
use crate::sim::scenario::{Arrivals, Mode, Scenario};
use crate::sim::visits::{Exit, Visits, Wave};
use std::ops::Range;

/// Every name, with what happens.
pub const SCENARIOS: [(&str, &str); 16] = [
    ("steady", "viewers come and go, the audience keeps its size"),
    (
        "flash-crowd",
        "a tenth of the audience is there, the rest arrives within 60 s",
    ),
    ("mass-exit", "90 % leave within 60 s"),
    ("kickoff-exit", "flash-crowd, then 20 s later mass-exit"),
    ("vanish-half", "half of all viewers vanish at once, 20 s in"),
    (
        "cdn-outage",
        "every segment request is answered 503 for 10 s, 20 s in",
    ),
    ("tracker-outage", "no tracker for 5 minutes, 5 s in"),
    ("hostile", "10 % polluters, 30 % free riders, 10 % stallers"),
    (
        "hostile=KIND:P",
        "P % hostile: polluter, liar, staller, refuser, flooder, malformed, oversized, free-rider, silent, garbler, sybil, mixed",
    ),
    (
        "no-roots",
        "the publisher gives no pieces roots: only whole segments are shared",
    ),
    ("no-roots=KIND:P", "the same, P % hostile"),
    (
        "tracker-says=N",
        "the tracker says that there are N viewers",
    ),
    ("uplink=X", "upload limits scaled to a mean of X × bitrate"),
    (
        "renditions",
        "three renditions, each half the bitrate of the former, watched by equal shares",
    ),
    ("regions", "three regions, 110-180 ms apart"),
    (
        "tabs",
        "tabs of one machine, started 1 s apart; measured from the first start",
    ),
];

/// The numbers behind a run.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Feeds every random choice. Default: 1.
    pub seed: u64,
    /// Viewers at a time (in a flash crowd, at its height). Default: 1,000.
    pub viewers: u32,
    /// Stream time measured. Default: 60 s, or as long as the scenario takes.
    pub measured: Option<Duration>,
    /// Stream time before, not measured: the audience arrives during its first 20 s (at most), finds its neighbours, and
    /// plays what its members got of their first segments, each for itself. Default: 40 s.
    pub warm_up: Duration,
    /// Bitrate of the first rendition in bit/s. Default: 5,000,000.
    pub bitrate: u64,
    /// How far behind the end of the newest listed segment players start, and so stay. Default: 8 s.
    pub latency: Duration,
    /// Segment duration. Default: `None`, 2 s, or a third of the latency where that is shorter: players do not start
    /// nearer to the end than three target durations (RFC 8216 §6.3.3).
    pub segment: Option<Duration>,
    /// Segments a playlist lists. Default: 8, or as many as the latency needs.
    pub window: Option<u32>,
    /// Mean viewing time, exponentially distributed. Default: 30 minutes.
    pub stay: Duration,
    /// Share of leavers (per million) that vanish without a goodbye. Default: 500,000.
    pub vanish_per_million: u32,
    /// Mean of the viewers' upload limits in bit/s; `None`: as drawn, the least of half the uplink and 1.5 × bitrate.
    pub mean_upload: Option<u64>,
    /// Access links, distances, NATs, losses. Default: [`NetworkSpec::home_audience`].
    pub network: NetworkSpec,
    /// The CDN's rate towards one viewer in bit/s. Default: 40,000,000, about what a single HTTP/2 connection to a
    /// nearby edge gets on a home link.
    pub cdn_rate_bps: u64,
    /// From request to first byte at the CDN, in µs. Default: 30–80 ms: a round trip to the edge and a cache hit.
    pub first_byte_us: std::ops::RangeInclusive<u64>,
    /// Times inside scenarios, in percent of what is written: small runs go faster. Default: 100.
    pub pace_percent: u32,
    /// From the first frame until the engine can be used. Default: 300 ms: 100 KB to fetch and compile.
    pub engine_ready: Duration,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            seed: 1,
            viewers: 1_000,
            measured: None,
            warm_up: Duration::from_secs(40),
            bitrate: 5_000_000,
            latency: Duration::from_secs(8),
            segment: None,
            window: None,
            stay: Duration::from_secs(30 * 60),
            vanish_per_million: 500_000,
            mean_upload: None,
            network: NetworkSpec::home_audience(),
            cdn_rate_bps: 40_000_000,
            first_byte_us: 30_000..=80_000,
            pace_percent: 100,
            engine_ready: Duration::from_millis(300),
        }
    }
}

/// A run that is ready to begin.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What is simulated.
    pub scenario: Scenario,
    /// The moment from which recovery is timed.
    pub event: Option<Time>,
    /// Clusters that each need copies of their own: renditions. Regions share copies.
    pub clusters: u32,
}

impl Plan {
    /// The same audience with the player's own loader, and coarser pieces of bodies: there is nobody to hand
    /// them on to.
    pub fn twin(&self) -> Scenario {
        let mut twin = self.scenario.twin(Mode::Stock);
        twin.cdn.piece = TWIN_PIECE;
        twin
    }
}

/// What segment durations are, where the latency decides.
const LONGEST_SEGMENT: Duration = Duration::from_secs(2);
const SHORTEST_SEGMENT: Duration = Duration::from_millis(500);

/// Body bytes that come at once in a twin.
const TWIN_PIECE: u32 = 256 << 10;

/// Per million: all of them.
const ALL: u32 = 1_000_000;

impl Audience {
    /// The run with this scenario's name; `None` if there is no such scenario.
    pub fn plan(&self, name: &str) -> Option<Plan> {
        let mut plan = self.base(name);
        let from = plan.scenario.measure_from;
        let pace = u64::from(self.pace_percent);
        let at = |second: u64| from + Duration::from_millis(second * pace * 10);
        match name {
            "steady" => {}
            "flash-crowd" => self.kick_off(&mut plan, at(0)..at(60), 80),
            "mass-exit" => self.exit(&mut plan, at(5)..at(65), (900_000, 500_000), 80),
            "kickoff-exit" => {
                self.kick_off(&mut plan, at(0)..at(60), 160);
                self.exit(&mut plan, at(80)..at(140), (900_000, 500_000), 160);
            }
            "vanish-half" => self.exit(&mut plan, at(20)..at(20), (ALL / 2, ALL), 60),
            "cdn-outage" => {
                plan.event = Some(at(30));
                plan.scenario.cdn.faults.push(CdnFault {
                    during: at(20)..at(30),
                    per_million: ALL,
                    kind: CdnFaultKind::Status(503),
                });
            }
            "tracker-outage" => {
                self.lasts(&mut plan, 320);
                let span = at(5).0..at(305).0;
                plan.scenario.tracker.outages.push(span);
            }
            "hostile" => {
                plan.scenario.unfair = vec![
                    (100_000, Behaviour::Polluter(ALL)),
                    (300_000, Behaviour::FreeRider),
                    (100_000, Behaviour::Staller),
                ];
            }
            "no-roots" => plan.scenario.stream.roots = false,
            "renditions" => {
                plan.clusters = 3;
                plan.scenario.stream.renditions = 3;
                plan.scenario.mixed_renditions = true;
            }
            "regions" => plan.scenario.network.regions = 3,
            "tabs" => self.tabs(&mut plan),
            _ if name.starts_with("hostile=") || name.starts_with("no-roots=") => {
                let (stream, who) = name.split_once('=')?;
                let (kind, percent) = who.split_once(':')?;
                plan.scenario.stream.roots = stream == "hostile";
                let percent: f64 = percent.parse().ok()?;
                let share = (percent.clamp(0.0, 100.0) * 10_000.0) as u32;
                plan.scenario.unfair = hostile::shares(kind, share)?;
            }
            _ if name.starts_with("tracker-says=") => {
                let says = name.strip_prefix("tracker-says=")?.parse().ok()?;
                plan.scenario.tracker.says = Some(says);
            }
            _ => {
                let times: f64 = name.strip_prefix("uplink=")?.parse().ok()?;
                let mean = (self.bitrate as f64 * times.clamp(0.0, 100.0)) as u64;
                plan.scenario.mean_upload = Some(mean);
                plan.scenario.engine.max_upload_bitrate = self.bitrate.saturating_mul(20);
            }
        }
        Some(plan)
    }

    fn base(&self, name: &str) -> Plan {
        let span = self.warm_up + self.measured.unwrap_or(Duration::from_secs(60));
        let mut scenario = Scenario::new(self.seed, self.viewers, 0);
        scenario.span = span;
        scenario.measure_from = Time(0) + self.warm_up;
        let stream = &mut scenario.stream;
        stream.bitrate = self.bitrate;
        stream.segment = self.segment();
        let needed = micros(self.latency).div_ceil(micros(self.segment()).max(1)) + 2;
        let needed = u32::try_from(needed).unwrap_or(u32::MAX).max(8);
        stream.window = self.window.unwrap_or(needed);
        let stream_window = stream.window;
        scenario.network = self.network.clone();
        scenario.modest_uploads = true;
        scenario.mean_upload = self.mean_upload;
        scenario.cdn.rate_bps = self.cdn_rate_bps;
        scenario.cdn.first_byte_us = self.first_byte_us.clone();
        scenario.cdn.piece = 64 << 10;
        scenario.hash_us = 0;
        scenario.engine.cache_bytes = self.cache_bytes(stream_window);
        let player = &mut scenario.player;
        player.start_behind = Some(self.latency);
        player.engine_after_first_frame = true;
        player.engine_ready = self.engine_ready;
        scenario.arrivals = Arrivals::Visits(self.visits());
        Plan {
            name: name.to_owned(),
            scenario,
            event: None,
            clusters: 1,
        }
    }

    fn segment(&self) -> Duration {
        let most = (self.latency / 3).min(LONGEST_SEGMENT);
        self.segment.unwrap_or(most.max(SHORTEST_SEGMENT))
    }

    /// Two playlists' worth instead of the engine's own default: nobody asks for what is behind the playlist, and what
    /// an engine keeps of each segment is most of the memory of a large run.
    fn cache_bytes(&self, window: u32) -> u64 {
        let segment = self.bitrate / 8 * micros(self.segment()) / 1_000_000;
        (2 * u64::from(window) * segment).clamp(1 << 20, 64 << 20)
    }

    fn visits(&self) -> Visits {
        Visits {
            assemble: self.warm_up.min(Duration::from_secs(20)),
            mean_stay: Some(self.stay),
            vanish_per_million: self.vanish_per_million,
            ..Visits::default()
        }
    }

    /// The scenario takes so many seconds, unless told otherwise.
    fn lasts(&self, plan: &mut Plan, seconds: u64) {
        let default = Duration::from_millis(seconds * u64::from(self.pace_percent) * 10);
        let measured = self.measured.unwrap_or(default);
        plan.scenario.span = self.warm_up + measured;
    }

    fn kick_off(&self, plan: &mut Plan, during: Range<Time>, seconds: u64) {
        self.lasts(plan, seconds);
        let first = self.viewers.div_ceil(10);
        plan.scenario.viewers = first;
        if let Arrivals::Visits(visits) = &mut plan.scenario.arrivals {
            visits.waves.push(Wave {
                during,
                viewers: self.viewers - first,
            });
        }
    }

    fn exit(
        &self,
        plan: &mut Plan,
        during: Range<Time>,
        (per_million, vanish_per_million): (u32, u32),
        seconds: u64,
    ) {
        self.lasts(plan, seconds);
        plan.event = Some(during.end);
        if let Arrivals::Visits(visits) = &mut plan.scenario.arrivals {
            visits.exits.push(Exit {
                during,
                per_million,
                vanish_per_million,
            });
        }
    }

    /// As `tests/e2e` has it: one machine, loopback, everything counted from the first start to 60 s after the last.
    fn tabs(&self, plan: &mut Plan) {
        let scenario = &mut plan.scenario;
        let measured = self.measured.unwrap_or(Duration::from_secs(60));
        scenario.measure_from = Time(0);
        scenario.span = measured + Duration::from_secs(u64::from(self.viewers.max(1)) - 1);
        scenario.arrivals = Arrivals::Every(Duration::from_secs(1));
        scenario.modest_uploads = false;
        scenario.network = NetworkSpec {
            access_rtt_us: 400..=500,
            core_rtt_us: 0..=0,
            gather_us: 20_000..=100_000,
            setup_us: 100_000..=400_000,
            ..NetworkSpec::default()
        };
        for class in &mut scenario.network.access {
            class.up_bps = 400_000_000..=400_000_000;
            class.down_bps = 400_000_000..=400_000_000;
        }
        scenario.tracker.one_way_us = 500;
        scenario.cdn.rate_bps = 200_000_000;
        scenario.cdn.first_byte_us = 3_000..=10_000;
        scenario.cdn.slow_per_million = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::scenario::Roster;

    #[test]
    fn every_name_is_known() {
        for (name, _) in SCENARIOS {
            let name = name
                .replace('X', "1.5")
                .replace("KIND:P", "mixed:30")
                .replace("=N", "=9");
            assert!(Audience::default().plan(&name).is_some(), "{name}");
        }
        for name in [
            "",
            "no such thing",
            "uplink=",
            "uplink=much",
            "hostile=",
            "hostile=nobody:3",
            "no-roots=polluter",
            "hostile=liar:many",
            "tracker-says=-1",
        ] {
            assert!(Audience::default().plan(name).is_none(), "{name}");
        }
    }

    #[test]
    fn upload_limits_have_the_mean_that_was_asked_for() {
        let mean = |name: &str| {
            let plan = Audience::default().plan(name).unwrap();
            let roster = Roster::new(&plan.scenario);
            let sum: u64 = roster.iter().map(|seat| seat.upload_bps).sum();
            sum as f64 / roster.len() as f64 / 5e6
        };
        let plain = mean("steady");
        assert!((1.1..1.2).contains(&plain), "{plain}");
        for (name, least, most) in [("uplink=0.6", 0.59, 0.61), ("uplink=3", 2.99, 3.01)] {
            let mean = mean(name);
            assert!((least..most).contains(&mean), "{name}: {mean}");
        }
    }
}
