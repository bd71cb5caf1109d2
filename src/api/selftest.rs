//! What only the test-suite calls: a simulated swarm, run inside wasm. It ships with no package.

use crate::core::time::Duration;
use crate::sim;
use crate::sim::audience::Audience;
use crate::sim::world::World;
use crate::web::globals::scope;
use wasm_bindgen::prelude::wasm_bindgen;

/// The hash over all traces of a small simulated swarm, in hex: the same as natively.
///
/// `seed` is a whole number that a JavaScript number holds exactly; `seconds` are simulated.
#[wasm_bindgen(js_name = selftestTrace)]
pub fn selftest_trace(seed: f64, viewers: u32, seconds: u32) -> String {
    sim::trace_hash(seed as u64, viewers, seconds)
}

/// What a call of the engine costs here: a JSON object of mean times in µs by what had happened, of all calls of an audience of so
/// many viewers, measured for so many seconds after a warm-up of half a minute.
#[wasm_bindgen(js_name = selftestTiming)]
pub fn selftest_timing(viewers: u32, seconds: u32) -> String {
    let audience = Audience {
        viewers,
        measured: Some(Duration::from_secs(seconds.into())),
        warm_up: Duration::from_secs(30),
        ..Audience::default()
    };
    let Some(plan) = audience.plan("steady") else {
        return String::new();
    };
    let end = crate::core::time::Time(0) + plan.scenario.span;
    let mut world = World::new(plan.scenario).timed(clock_ns, 1);
    world.advance(end);
    serde_json::to_string(&world.timing().means_us()).unwrap_or_default()
}

/// The host's clock in ns.
fn clock_ns() -> u64 {
    let ms = scope().performance().map_or(0.0, |clock| clock.now());
    (ms * 1e6) as u64
}
