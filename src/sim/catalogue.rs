//! Named scenarios: for tests, for the command line, and for reports of trouble.

use crate::core::time::Duration;
use crate::sim::cdn::CdnFaultKind;
use crate::sim::hostile::Behaviour;
use crate::sim::network::NetworkSpec;
use crate::sim::scenario::{Arrivals, Departure, Scenario, What};

/// Per million: all of them.
const ALL: u32 = 1_000_000;

/// Every name, with what happens.
pub const NAMES: [(&str, &str); 24] = [
    ("live", "a live stream, everybody arrives within 2 s"),
    ("late-joiners", "viewers arrive 5 s apart"),
    ("vod", "a recording, viewers arrive 6 s apart"),
    ("tracker-down", "no tracker, ever"),
    ("tracker-dies", "the tracker is down from second 15 on"),
    ("vanish", "half of the viewers vanish at second 25"),
    ("bye", "half of the viewers say goodbye at second 25"),
    (
        "cdn-503",
        "half of all segment requests fail from second 20 to 35",
    ),
    ("cdn-dead", "all segment requests fail from second 20 to 24"),
    (
        "cdn-hangs",
        "a tenth of all segment requests is never answered",
    ),
    ("cdn-breaks", "a tenth of all bodies breaks off half-way"),
    (
        "cdn-corrupt",
        "a quarter of all bodies has a flipped byte from second 15 to 45",
    ),
    ("no-ranges", "the CDN ignores Range headers"),
    (
        "polluter",
        "a quarter of the viewers flips bytes in all chunks",
    ),
    (
        "sly-polluter",
        "a quarter of the viewers flips bytes in a tenth of its chunks",
    ),
    ("staller", "a quarter of the viewers never sends a chunk"),
    ("liar", "a quarter of the viewers claims to have everything"),
    (
        "silent",
        "a quarter of the viewers connects and says nothing",
    ),
    ("free-rider", "a quarter of the viewers gives nothing"),
    (
        "garbler",
        "a quarter of the viewers sends a tenth of its messages garbled",
    ),
    (
        "off-on",
        "a quarter of the viewers is without P2P from second 20 to 40",
    ),
    ("byte-ranges", "one resource with byte ranges"),
    (
        "no-roots",
        "no pieces roots: only whole segments are shared",
    ),
    ("home", "home access links, NATs and losses; modest uploads"),
];

/// The scenario with this name; `None` if there is none.
pub fn named(name: &str, seed: u64, viewers: u32, seconds: u32) -> Option<Scenario> {
    let plain = Scenario::new(seed, viewers, seconds);
    let end = u64::from(seconds);
    let (quarter, half) = (0..viewers.div_ceil(4), 0..viewers / 2);
    let unfair = |behaviour| plain.clone().hostile(quarter.clone(), behaviour);
    let fault = |span, share, kind| plain.clone().cdn_fault(span, share, kind);
    let every = |seconds| Arrivals::Every(Duration::from_secs(seconds));
    Some(match name {
        "live" => plain,
        "late-joiners" => plain.arrivals(every(5)),
        "vod" => plain.stream(|s| s.live = false).arrivals(every(6)),
        "tracker-down" => plain.tracker_outage(0..end),
        "tracker-dies" => plain.tracker_outage(15..end),
        "vanish" => plain.incident(25, half, What::Leave(Departure::Vanish)),
        "bye" => plain.incident(25, half, What::Leave(Departure::Bye)),
        "cdn-503" => fault(20..35, ALL / 2, CdnFaultKind::Status(503)),
        "cdn-dead" => fault(20..24, ALL, CdnFaultKind::Status(503)),
        "cdn-hangs" => fault(0..end, ALL / 10, CdnFaultKind::Hang),
        "cdn-breaks" => fault(0..end, ALL / 10, CdnFaultKind::BreakOff),
        "cdn-corrupt" => fault(15..45, ALL / 4, CdnFaultKind::Corrupt),
        "no-ranges" => fault(0..end, ALL, CdnFaultKind::IgnoreRange),
        "polluter" => unfair(Behaviour::Polluter(ALL)),
        "sly-polluter" => unfair(Behaviour::Polluter(ALL / 10)),
        "staller" => unfair(Behaviour::Staller),
        "liar" => unfair(Behaviour::Liar),
        "silent" => unfair(Behaviour::Silent),
        "free-rider" => unfair(Behaviour::FreeRider),
        "garbler" => unfair(Behaviour::Garbler(ALL / 10)),
        "off-on" => plain
            .incident(20, quarter.clone(), What::Peers(false))
            .incident(40, quarter, What::Peers(true)),
        "byte-ranges" => plain.stream(|s| s.byte_ranges = true),
        "no-roots" => plain.stream(|s| s.roots = false),
        "home" => home(plain),
        _ => return None,
    })
}

fn home(mut scenario: Scenario) -> Scenario {
    scenario.network = NetworkSpec::home_audience();
    scenario.modest_uploads = true;
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known() {
        for (name, _) in NAMES {
            assert!(named(name, 1, 4, 60).is_some(), "{name}");
        }
        assert!(named("no such thing", 1, 4, 60).is_none());
    }
}
