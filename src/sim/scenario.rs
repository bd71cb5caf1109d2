//! What is simulated: an audience, a stream, a network, and what goes wrong when.
//!
//! Everything that will happen to the audience from outside is fixed before the run begins
//! ([`Roster`]): who arrives and leaves when, over which link. A run with peers and its twins without
//! them therefore meet the same fates.

use crate::core::config::Config;
use crate::core::time::{Duration, Time, micros};
use crate::sim::cdn::{CdnFault, CdnFaultKind, CdnSpec};
use crate::sim::chance::{Purpose, mix, stream};
use crate::sim::hostile::Behaviour;
use crate::sim::network::{Access, NetworkSpec};
use crate::sim::player::PlayerSpec;
use crate::sim::stream::StreamSpec;
use crate::sim::tracker::TrackerSpec;
use crate::sim::visits::{Visit, Visits};
use std::ops::Range;

/// How players get their segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Engines and trackers.
    #[default]
    Swarm,
    /// Engines without trackers: everything through the engine, from the CDN.
    NoTrackers,
    /// No engines: the player's own loader, as if there were no Swarmline.
    Stock,
}

/// When viewers arrive.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// At random within this span.
    Within(Duration),
    /// One after the other, so far apart.
    Every(Duration),
    /// At these virtual times; who has none arrives at zero.
    At(Vec<Time>),
    /// Viewers come and go.
    Visits(Visits),
}

/// How a viewer leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// Says goodbye; connections close properly.
    Bye,
    /// Vanishes without a word: crash, battery, tunnel.
    Vanish,
}

/// Something that happens to some viewers at some time.
#[derive(Clone, Debug)]
pub struct Incident {
    /// When, in virtual time.
    pub at: Time,
    /// To whom, by number.
    pub viewers: Range<u32>,
    /// What.
    pub what: What,
}

/// What can happen to a viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Leaves.
    Leave(Departure),
    /// Seeks to this media time (of the stream, in µs).
    Seek(u64),
    /// Plays this rendition from now on.
    Rendition(u32),
    /// Switches P2P on or off.
    Peers(bool),
}

/// A complete description of a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Feeds every random choice.
    pub seed: u64,
    /// Audience; where viewers come and go, how many are there at a time.
    pub viewers: u32,
    /// How long, in virtual time.
    pub span: Duration,
    /// What is counted begins here; what was before only warms up. Default: 0.
    pub measure_from: Time,
    /// How players get their segments.
    pub mode: Mode,
    /// The stream.
    pub stream: StreamSpec,
    /// The network.
    pub network: NetworkSpec,
    /// The CDN.
    pub cdn: CdnSpec,
    /// Trackers, all with the same parameters. Default: one.
    pub trackers: u16,
    /// Their parameters.
    pub tracker: TrackerSpec,
    /// The players.
    pub player: PlayerSpec,
    /// The engines; trackers are filled in.
    pub engine: Config,
    /// Whether the upload limit is the least of half the uplink and 1.5 × bitrate instead of the engine's default.
    /// Default: false.
    pub modest_uploads: bool,
    /// The mean of all upload limits is scaled to this, in bit/s; access links are widened to carry it.
    /// Default: `None`, as drawn.
    pub mean_upload: Option<u64>,
    /// Whether viewers are spread evenly over the renditions, instead of all playing the first. Default: false.
    pub mixed_renditions: bool,
    /// From asking for a hash until it is known, in µs; 0: answered at once. Default: 300.
    pub hash_us: u64,
    /// Arrivals. Default: within 2 s.
    pub arrivals: Arrivals,
    /// What happens when.
    pub incidents: Vec<Incident>,
    /// Who does not play fair.
    pub hostile: Vec<(Range<u32>, Behaviour)>,
    /// Shares of all viewers (per million) that do not play fair, drawn at random.
    pub unfair: Vec<(u32, Behaviour)>,
}

impl Scenario {
    /// `viewers` viewers watching the default live stream for `seconds`.
    pub fn new(seed: u64, viewers: u32, seconds: u32) -> Self {
        Self {
            seed,
            viewers,
            span: Duration::from_secs(u64::from(seconds)),
            measure_from: Time(0),
            mode: Mode::Swarm,
            stream: StreamSpec::default(),
            network: NetworkSpec::default(),
            cdn: CdnSpec::default(),
            trackers: 1,
            tracker: TrackerSpec::default(),
            player: PlayerSpec::default(),
            engine: Config::default(),
            modest_uploads: false,
            mean_upload: None,
            mixed_renditions: false,
            hash_us: 300,
            arrivals: Arrivals::Within(Duration::from_secs(2)),
            incidents: Vec::new(),
            hostile: Vec::new(),
            unfair: Vec::new(),
        }
    }

    /// The same audience without peers: `mode` is [`Mode::NoTrackers`] or [`Mode::Stock`].
    #[must_use]
    pub fn twin(&self, mode: Mode) -> Self {
        Self {
            mode,
            ..self.clone()
        }
    }

    /// Changes the stream.
    #[must_use]
    pub fn stream(mut self, change: impl FnOnce(&mut StreamSpec)) -> Self {
        change(&mut self.stream);
        self
    }

    /// Sets the arrivals.
    #[must_use]
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        self.arrivals = arrivals;
        self
    }

    /// All trackers are down between these seconds.
    #[must_use]
    pub fn tracker_outage(mut self, seconds: Range<u64>) -> Self {
        let span = seconds.start * SECOND..seconds.end * SECOND;
        self.tracker.outages.push(span);
        self
    }

    /// Between these seconds, this share (per million) of segment requests meets with `kind`.
    #[must_use]
    pub fn cdn_fault(mut self, seconds: Range<u64>, per_million: u32, kind: CdnFaultKind) -> Self {
        self.cdn.faults.push(CdnFault {
            during: Time(seconds.start * SECOND)..Time(seconds.end * SECOND),
            per_million,
            kind,
        });
        self
    }

    /// At this second, something happens to these viewers.
    #[must_use]
    pub fn incident(mut self, second: u64, viewers: Range<u32>, what: What) -> Self {
        self.incidents.push(Incident {
            at: Time(second * SECOND),
            viewers,
            what,
        });
        self
    }

    /// These viewers do not play fair.
    #[must_use]
    pub fn hostile(mut self, viewers: Range<u32>, behaviour: Behaviour) -> Self {
        self.hostile.push((viewers, behaviour));
        self
    }

    /// The engine options of a viewer.
    pub fn engine_config(&self, seat: &Seat) -> Config {
        let mut config = self.engine.clone();
        config.trackers = match self.mode {
            Mode::Swarm => (0..self.trackers)
                .map(|n| format!("wss://tracker{n}.example"))
                .collect(),
            _ => Vec::new(),
        };
        config.max_upload_bitrate = seat.upload_bps;
        config
    }
}

impl Scenario {
    /// The upload limit of a viewer, before scaling, in bit/s.
    fn upload_bps(&self, access: &Access, behaviour: Behaviour) -> u64 {
        if !access.uploads || behaviour == Behaviour::FreeRider {
            return 0;
        }
        let ceiling = self.engine.max_upload_bitrate;
        if !self.modest_uploads {
            return ceiling;
        }
        let usable = (access.up_bps / 2).min(self.stream.bitrate * 3 / 2);
        usable.min(ceiling)
    }
}

/// Microseconds in a second.
pub const SECOND: u64 = 1_000_000;

/// What is fixed about one viewer.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The link.
    pub access: Access,
    /// Arrival.
    pub arrives: Time,
    /// Departure, if before the end of the run.
    pub leaves: Option<(Time, Departure)>,
    /// Fairness.
    pub behaviour: Behaviour,
    /// Upload limit in bit/s.
    pub upload_bps: u64,
    /// The rendition played at first.
    pub rendition: u32,
}

impl Seat {
    /// Whether the viewer is there at `at`.
    pub fn is_there(&self, at: Time) -> bool {
        self.arrives <= at && self.leaves_at() > at
    }

    /// When the viewer leaves; the end of time if it stays to the end of the run.
    pub fn leaves_at(&self) -> Time {
        self.leaves.map_or(Time(u64::MAX), |(at, _)| at)
    }
}

/// What is fixed about every viewer, by number.
#[derive(Clone, Debug)]
pub struct Roster(Vec<Seat>);

impl Roster {
    /// Draws the audience of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let end = Time(0) + scenario.span;
        let visits = match &scenario.arrivals {
            Arrivals::Visits(visits) => visits.draw(scenario.seed, scenario.viewers, end),
            _ => (0..scenario.viewers)
                .map(|n| (arrival(scenario, n), None))
                .collect(),
        };
        let seats = (0..).zip(visits).map(|(n, visit)| seat(scenario, n, visit));
        let mut roster = Self(seats.collect());
        if let Some(mean) = scenario.mean_upload {
            roster.scale_uploads(mean);
        }
        roster
    }

    /// Scales all upload limits so that their mean is `mean` bit/s.
    fn scale_uploads(&mut self, mean: u64) {
        let sum: u128 = self.0.iter().map(|seat| u128::from(seat.upload_bps)).sum();
        let target = u128::from(mean) * self.0.len() as u128;
        for seat in &mut self.0 {
            let scaled = u128::from(seat.upload_bps) * target / sum.max(1);
            seat.upload_bps = u64::try_from(scaled).unwrap_or(u64::MAX);
            seat.access.up_bps = seat.access.up_bps.max(seat.upload_bps.saturating_mul(2));
        }
    }

    /// How many viewers there are in the whole run.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A viewer's facts.
    pub fn seat(&self, viewer: u32) -> Option<&Seat> {
        self.0.get(viewer as usize)
    }

    /// Whether the viewer is there at `at`.
    pub fn is_there(&self, viewer: u32, at: Time) -> bool {
        self.seat(viewer).is_some_and(|seat| seat.is_there(at))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.0.iter()
    }
}

fn seat(scenario: &Scenario, viewer: u32, (arrives, leaves): Visit) -> Seat {
    let incident = scenario
        .incidents
        .iter()
        .filter(|incident| incident.viewers.contains(&viewer))
        .filter_map(|incident| match incident.what {
            What::Leave(how) => Some((incident.at, how)),
            _ => None,
        })
        .min_by_key(|(at, _)| *at);
    let behaviour = scenario
        .hostile
        .iter()
        .find(|(viewers, _)| viewers.contains(&viewer))
        .map(|(_, behaviour)| *behaviour);
    let behaviour = behaviour.unwrap_or_else(|| drawn_behaviour(scenario, viewer));
    let access = scenario.network.access(scenario.seed, viewer);
    let renditions = u64::from(scenario.stream.renditions.max(1));
    let drawn = mix(scenario.seed, Purpose::Rendition, &[u64::from(viewer)]) % renditions;
    Seat {
        upload_bps: scenario.upload_bps(&access, behaviour),
        access,
        arrives,
        leaves: [leaves, incident]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at),
        behaviour,
        rendition: if scenario.mixed_renditions {
            u32::try_from(drawn).unwrap_or(0)
        } else {
            0
        },
    }
}

fn drawn_behaviour(scenario: &Scenario, viewer: u32) -> Behaviour {
    let labels = [u64::from(viewer), 2];
    let draw = mix(scenario.seed, Purpose::Hostile, &labels) % 1_000_000;
    let mut below = 0;
    let mut shares = scenario.unfair.iter();
    let hit = shares.find(|(share, _)| {
        below += u64::from(*share);
        draw < below
    });
    hit.map_or(Behaviour::Honest, |(_, behaviour)| *behaviour)
}

fn arrival(scenario: &Scenario, viewer: u32) -> Time {
    match &scenario.arrivals {
        Arrivals::Within(span) => {
            let mut rng = stream(scenario.seed, Purpose::Arrival, &[u64::from(viewer)]);
            Time(rng.u64(0..=micros(*span)))
        }
        Arrivals::Every(gap) => Time(micros(*gap) * u64::from(viewer)),
        Arrivals::At(times) => times.get(viewer as usize).copied().unwrap_or_default(),
        Arrivals::Visits(_) => Time(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_has_the_same_roster() {
        let scenario = Scenario::new(5, 20, 60).incident(9, 0..3, What::Leave(Departure::Vanish));
        let facts = |scenario: &Scenario| format!("{:?}", Roster::new(scenario).0);
        assert_eq!(facts(&scenario), facts(&scenario.twin(Mode::Stock)));
        assert_ne!(
            facts(&scenario),
            facts(&Scenario {
                seed: 6,
                ..scenario.clone()
            })
        );
    }

    #[test]
    fn who_left_is_not_there() {
        let scenario = Scenario::new(5, 2, 60)
            .arrivals(Arrivals::Every(Duration::from_secs(4)))
            .incident(9, 0..1, What::Leave(Departure::Bye));
        let roster = Roster::new(&scenario);
        let there = |viewer, second: u64| roster.is_there(viewer, Time(second * SECOND));
        assert!(there(0, 8) && !there(0, 9) && there(1, 9) && !there(1, 3));
    }

    #[test]
    fn free_riders_and_twins_are_configured_so() {
        let scenario = Scenario::new(5, 2, 60).hostile(1..2, Behaviour::FreeRider);
        let roster = Roster::new(&scenario);
        let config = |viewer| scenario.engine_config(roster.seat(viewer).unwrap());
        assert!(config(0).max_upload_bitrate > 0 && config(1).max_upload_bitrate == 0);
        let twin = scenario.twin(Mode::NoTrackers);
        assert!(
            twin.engine_config(roster.seat(0).unwrap())
                .trackers
                .is_empty()
        );
    }
}
