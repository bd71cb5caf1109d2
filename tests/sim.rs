//! Whole swarms in virtual time, with fixed seeds.
//!
//! Thresholds are set from measured values, a little on the safe side of them. What no run may ever
//! show is in [`clean`].
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use std::collections::BTreeMap;
use std::time::Duration;
use swarmline::core::time::Time;
use swarmline::sim::audience::{Audience, Plan, SCENARIOS};
use swarmline::sim::catalogue;
use swarmline::sim::figures::Figures;
use swarmline::sim::report::Report;
use swarmline::sim::scenario::{Mode, Scenario, What};
use swarmline::sim::world::World;

fn named(name: &str, seed: u64, viewers: u32) -> Scenario {
    catalogue::named(name, seed, viewers, 60).unwrap()
}

fn run(scenario: &Scenario) -> Report {
    World::new(scenario.clone()).run()
}

/// A run and the same audience with the player's own loader.
fn with_twin(scenario: &Scenario) -> (Report, Report) {
    (run(scenario), run(&scenario.twin(Mode::Stock)))
}

/// No broken promise, nobody left without a picture, no failure shown to a player.
#[track_caller]
fn clean(report: &Report) {
    assert_eq!(report.violation_count, 0, "{report}");
    assert_eq!(report.never_started, 0, "{report}");
    let failed = report
        .viewers
        .iter()
        .any(|viewer| !viewer.failures.is_empty());
    assert!(!failed, "{report}");
}

#[track_caller]
fn no_stall(report: &Report) {
    assert_eq!(report.stalls, 0, "{report}");
}

#[track_caller]
fn offload_at_least(report: &Report, least: f64) {
    assert!(
        report.offload >= least,
        "{} < {least}\n{report}",
        report.offload
    );
}

/// The first of four viewers does not play fair: the other three among themselves. The limit is 2/3, less the start.
#[track_caller]
fn fair_offload_at_least(report: &Report, least: f64) {
    let offload = report.offload_of(1..4);
    assert!(offload >= least, "{offload} < {least}\n{report}");
}

/// Start-up and latency as without peers.
#[track_caller]
fn as_quick_as(report: &Report, twin: &Report) {
    assert!(
        report.startup_p95_ms <= twin.startup_p95_ms + 20,
        "{report}\n{twin}"
    );
    assert!(
        report.latency_max_ms <= twin.latency_max_ms + 20,
        "{report}\n{twin}"
    );
    assert_eq!(report.stalled_more_than(twin), 0, "{report}\n{twin}");
}

/// A run that keeps its promises, and in which nobody is worse off than without peers.
#[track_caller]
fn unharmed(scenario: &Scenario) -> Report {
    let (report, twin) = with_twin(scenario);
    clean(&report);
    as_quick_as(&report, &twin);
    report
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let hash = |seed| swarmline::sim::trace_hash(seed, 4, 20);
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

/// A large audience's plan, made small.
fn crowd(name: &str, change: impl FnOnce(&mut Audience)) -> Plan {
    let mut audience = Audience {
        viewers: 60,
        pace_percent: 25,
        measured: (!name.contains("exit") && !name.contains("crowd"))
            .then_some(Duration::from_secs(20)),
        warm_up: Duration::from_secs(20),
        bitrate: 1_000_000,
        ..Audience::default()
    };
    change(&mut audience);
    audience.plan(name).unwrap()
}

fn figures(plan: &Plan) -> Figures {
    let report = run(&plan.scenario);
    clean(&report);
    let figures = Figures::new(plan, &report, &run(&plan.twin()));
    println!("{}", figures.line());
    figures
}

/// A peer connection is work for a browser, and a description for a tracker to pass on. Nearly everyone here has found everyone, but for
/// those whom their networks keep apart; going on asking made 82 and 80 of them a minute.
#[test]
fn who_cannot_be_reached_is_not_asked_for_again_and_again() {
    for viewers in [8, 16] {
        let plan = crowd("steady", |audience| {
            audience.viewers = viewers;
            audience.measured = Some(Duration::from_secs(240));
        });
        let figures = figures(&plan);
        let begun = figures.connections_per_viewer_minute;
        assert!(begun <= 50.0, "{viewers} viewers: {begun:.1} a minute");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for name in ["steady", "vanish-half", "hostile"] {
        let plan = crowd(name, |audience| audience.stay = Duration::from_secs(60));
        let run = |threads| {
            let mut world = World::on_threads(plan.scenario.clone(), threads);
            assert_eq!(world.threads(), threads);
            // Time cut into other pieces changes nothing either.
            for step in 1..=threads as u64 * 9 {
                world.advance(Time(step * 4_321_987 / threads as u64));
            }
            world.run()
        };
        let (one, two, three) = (run(1), run(2), run(3));
        assert_eq!(one.trace_hash, two.trace_hash, "{name}");
        assert_eq!(one.trace_hash, three.trace_hash, "{name}");
        assert_eq!(one.seconds, three.seconds, "{name}");
        assert_eq!(one.violation_count, 0, "{one}");
    }
}

/// Who is there is drawn by lot, and with one draw alone a change for the better may look like one for the worse.
const SEEDS: [u64; 4] = [1, 2, 3, 4];

/// Scenarios, and how much of an audience of 60, of those who play fair and can have peers, peers carry at least, in the mean.
const CROWDS: [(&str, f64); 15] = [
    ("steady", 0.905),
    ("flash-crowd", 0.61),
    ("kickoff-exit", 0.685),
    ("mass-exit", 0.79),
    ("vanish-half", 0.83),
    ("cdn-outage", 0.905),
    ("tracker-outage", 0.86),
    ("hostile", 0.54),
    ("hostile=mixed:30", 0.875),
    ("tracker-says=1000000000", 0.655),
    ("uplink=0.8", 0.71),
    ("renditions", 0.655),
    ("regions", 0.895),
    ("no-roots", 0.54),
    ("no-roots=mixed:30", 0.475),
];

/// What holds whatever happens to an audience, and how much of it peers carry at least. Figures are printed: `cargo test --test
/// sim -- audience --nocapture`.
#[test]
fn whatever_happens_to_an_audience_nobody_is_worse_off() {
    for (name, least) in CROWDS {
        let offloads = SEEDS.map(|seed| fares_well(name, seed).offload_fair);
        let mean = offloads.iter().sum::<f64>() / offloads.len() as f64;
        println!("{name:<14} {mean:.4} of {least}");
        assert!(
            mean >= least,
            "{name}: {mean:.4}, seed by seed {offloads:.4?}"
        );
    }
}

fn fares_well(name: &str, seed: u64) -> Figures {
    let figures = figures(&crowd(name, |audience| audience.seed = seed));
    assert_eq!(figures.violations, 0, "{name}");
    // A fault that is known, of two of the draws, and not yet its cause: see docs/scheduler.md.
    let known = matches!((name, seed), ("cdn-outage", 2 | 4));
    let (worse_off, few) = (&figures.worse_off, usize::from(known) * 2);
    assert!(worse_off.len() <= few, "{name}, seed {seed}: {worse_off:?}");
    // Without roots, who is hostile spoils a whole segment once, and it comes again.
    let twice = if name.starts_with("no-roots=") {
        0.045
    } else {
        0.02
    };
    assert!(figures.duplicate_ratio <= twice, "{}", figures.line());
    let late = figures
        .startup_p95_ms
        .saturating_sub(figures.twin_startup_p95_ms);
    assert!(late <= 20, "{name}: {late} ms");
    figures
}

/// Whoever cannot have peers does not wait for them: it has as much ahead as a plain player when the CDN fails.
#[test]
fn who_has_nobody_gets_through_an_outage_as_a_plain_player_does() {
    let figures = figures(&crowd("cdn-outage", |audience| {
        audience.network.nats = [0, 0, 0, 1]
    }));
    assert_eq!(figures.viewers_with_p2p_stall, 0, "{:?}", figures.worse_off);
}

/// Too large for everybody to know everybody, too small for chance to even out: the seeds drawn must be enough in nearly
/// every segment, where there is little time.
#[test]
fn a_hundred_viewers_come_near_the_limit_six_seconds_behind() {
    let offload = |seed| {
        let plan = crowd("steady", |audience| {
            audience.viewers = 100;
            audience.latency = Duration::from_secs(6);
            audience.seed = seed;
        });
        let figures = figures(&plan);
        assert_eq!(figures.viewers_with_p2p_stall, 0, "{}", figures.line());
        figures.offload_eligible
    };
    let mean = (1..=3).map(offload).sum::<f64>() / 3.0;
    assert!(mean >= 0.92, "{mean}");
}

/// The setting of the browser scenarios.
#[test]
fn tabs_of_one_machine_reach_what_a_start_from_the_cdn_leaves_over() {
    for (viewers, window, least) in [(8, 5, 0.83), (8, 8, 0.83), (12, 8, 0.87)] {
        let plan = crowd("tabs", |audience| {
            audience.viewers = viewers;
            audience.window = Some(window);
            audience.latency = Duration::from_secs(6);
            audience.measured = None;
        });
        let figures = figures(&plan);
        assert!(figures.offload_gross >= least, "{}", figures.line());
        assert_eq!(figures.viewers_with_p2p_stall, 0, "{}", figures.line());
    }
}

#[test]
fn every_scenario_of_large_audiences_is_tried_here() {
    for (name, _) in SCENARIOS {
        let name = name
            .replace('X', "0.8")
            .replace("KIND:P", "mixed:30")
            .replace("=N", "=1000000000");
        let tried = CROWDS.iter().any(|(tried, _)| *tried == name) || name == "tabs";
        assert!(tried, "{name}");
    }
}

#[test]
fn four_viewers_share_a_live_stream() {
    for seed in 1..=5 {
        let report = unharmed(&named("live", seed, 4));
        offload_at_least(&report, 0.65);
        no_stall(&report);
        assert!(report.duplicate_ratio <= 0.005, "{report}");
    }
}

#[test]
fn the_more_viewers_the_more_they_share() {
    for (viewers, least) in [(2, 0.45), (8, 0.78), (12, 0.825), (16, 0.83)] {
        let report = unharmed(&named("live", 1, viewers));
        offload_at_least(&report, least);
        assert!(report.duplicate_ratio <= 0.005, "{report}");
    }
}

#[test]
fn twenty_viewers() {
    let report = unharmed(&named("live", 1, 20));
    offload_at_least(&report, 0.825);
    assert!(report.duplicate_ratio <= 0.01, "{report}");
    assert!(report.spread_p99_ms <= 2_500, "{report}");
}

#[test]
fn without_trackers_the_engine_is_as_the_stock_loader() {
    let (report, twin) = with_twin(&named("live", 1, 4).twin(Mode::NoTrackers));
    clean(&report);
    as_quick_as(&report, &twin);
    assert_eq!(
        report.total.cdn_bytes, twin.total.cdn_bytes,
        "{report}\n{twin}"
    );
    assert_eq!(
        report.total.requests, twin.total.requests,
        "{report}\n{twin}"
    );
}

#[test]
fn a_tracker_that_is_never_there_does_no_harm() {
    let (report, twin) = with_twin(&named("tracker-down", 1, 4));
    clean(&report);
    as_quick_as(&report, &twin);
    assert_eq!(
        report.total.cdn_bytes, twin.total.cdn_bytes,
        "{report}\n{twin}"
    );
}

#[test]
fn connected_viewers_go_on_when_the_tracker_dies() {
    let report = unharmed(&named("tracker-dies", 1, 4));
    offload_at_least(&report, 0.67);
}

#[test]
fn half_leave_and_the_rest_plays_on() {
    for (name, seed) in [("vanish", 1), ("vanish", 2), ("vanish", 3), ("bye", 1)] {
        let report = unharmed(&named(name, seed, 8));
        offload_at_least(&report, 0.69);
        no_stall(&report);
        assert!(report.least_buffer_ms >= 1_600, "{report}");
    }
}

#[test]
fn peers_carry_everyone_through_a_bad_quarter_minute_of_the_cdn() {
    for seed in 1..=3 {
        let (report, twin) = with_twin(&named("cdn-503", seed, 4));
        clean(&report);
        no_stall(&report);
        assert_eq!(report.stalled_more_than(&twin), 0, "{report}\n{twin}");
        offload_at_least(&report, 0.65);
    }
}

#[test]
fn a_dead_cdn_is_no_worse_than_without_peers() {
    for seed in 1..=3 {
        let (report, twin) = with_twin(&named("cdn-dead", seed, 4));
        clean(&report);
        assert_eq!(report.stalled_more_than(&twin), 0, "{report}\n{twin}");
    }
}

#[test]
fn hanging_and_broken_answers_of_the_cdn_harm_nobody() {
    for name in ["cdn-hangs", "cdn-breaks", "no-ranges"] {
        let (report, twin) = with_twin(&named(name, 1, 8));
        clean(&report);
        assert_eq!(report.stalled_more_than(&twin), 0, "{report}\n{twin}");
        offload_at_least(&report, 0.77);
    }
}

#[test]
fn a_cdn_that_flips_bytes_is_found_out() {
    let report = unharmed(&named("cdn-corrupt", 1, 4));
    assert!(report.total.bad_bytes > 0, "{report}");
    offload_at_least(&report, 0.62);
}

#[test]
fn a_polluter_harms_nobody() {
    for name in ["polluter", "sly-polluter"] {
        let report = unharmed(&named(name, 1, 4));
        fair_offload_at_least(&report, 0.595);
        let bad = report.total.bad_bytes as f64 / report.total.delivered_bytes as f64;
        assert!(bad > 0.0 && bad < 0.005, "{bad}\n{report}");
    }
}

#[test]
fn unfair_viewers_cost_offload_and_nothing_else() {
    for (name, least) in [
        ("staller", 0.55),
        ("liar", 0.545),
        ("silent", 0.595),
        ("free-rider", 0.575),
        ("garbler", 0.595),
    ] {
        fair_offload_at_least(&unharmed(&named(name, 1, 4)), least);
    }
}

#[test]
fn late_joiners_find_their_place() {
    let scenario = catalogue::named("late-joiners", 1, 8, 90).unwrap();
    offload_at_least(&unharmed(&scenario), 0.77);
}

#[test]
fn followers_of_a_recording_share_it() {
    offload_at_least(&unharmed(&named("vod", 1, 4)), 0.67);
}

#[test]
fn seeks_and_changes_of_rendition_do_no_harm() {
    let live = Scenario::new(1, 4, 60)
        .stream(|stream| stream.renditions = 2)
        .incident(20, 0..2, What::Rendition(1))
        .incident(40, 0..1, What::Rendition(0));
    let recording = Scenario::new(1, 4, 60)
        .stream(|stream| stream.live = false)
        .incident(10, 0..2, What::Seek(40_000_000))
        .incident(20, 0..1, What::Seek(3_000_000));
    for scenario in [live, recording] {
        unharmed(&scenario);
    }
}

#[test]
fn peers_can_be_switched_off_and_on() {
    offload_at_least(&unharmed(&named("off-on", 1, 4)), 0.57);
}

#[test]
fn byte_ranges_and_streams_without_roots_are_shared_too() {
    for name in ["byte-ranges", "no-roots"] {
        offload_at_least(&unharmed(&named(name, 1, 4)), 0.67);
    }
}

#[test]
fn home_links_and_nats_cause_no_stall() {
    offload_at_least(&unharmed(&named("home", 1, 16)), 0.40);
}

/// Half an hour of a live event with viewers who come, go and lie: no engine remembers more at its end than in its middle.
#[test]
fn no_table_grows_with_time() {
    const MINUTES: u64 = 30;
    for name in ["late-joiners", "cdn-breaks", "garbler"] {
        let scenario = catalogue::named(name, 3, 6, MINUTES as u32 * 60).unwrap();
        let mut world = World::new(scenario);
        let mut halves = [BTreeMap::new(), BTreeMap::new()];
        // At ever other moments between two segments.
        for at in (0..MINUTES * 60_000_000).step_by(3_700_000) {
            world.advance(Time(at));
            let half = &mut halves[usize::from(at > MINUTES * 30_000_000)];
            for (table, entries) in world.tables() {
                let most = half.entry(table).or_insert(0);
                *most = entries.max(*most);
            }
        }
        let [early, late] = halves;
        println!("{name}: {early:?} {late:?}");
        assert!(late["cache"] > 10, "{name} played nothing");
        for (table, entries) in late {
            let before = early.get(table).copied().unwrap_or_default();
            assert!(
                entries <= before + before / 10 + 3,
                "{name}: {table}: {before}, then {entries}"
            );
        }
    }
}
