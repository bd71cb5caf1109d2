//! What only the test-suite calls: a simulated swarm, run inside wasm. It ships with no package.

use crate::sim;
use wasm_bindgen::prelude::wasm_bindgen;

/// The hash over all traces of a small simulated swarm, in hex: the same as natively.
///
/// `seed` is a whole number that a JavaScript number holds exactly; `seconds` are simulated.
#[wasm_bindgen(js_name = selftestTrace)]
pub fn selftest_trace(seed: f64, viewers: u32, seconds: u32) -> String {
    sim::trace_hash(seed as u64, viewers, seconds)
}
