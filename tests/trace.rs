//! The core is deterministic: the same seed and the same events give the same trace, on every target.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use swarmline::sim::trace_hash;

/// Seed, viewers, seconds. `cargo xtask test` runs the same list in wasm.
const RUNS: [(u64, u32, u32); 3] = [(1, 3, 20), (2, 6, 20), (4_000_000_007, 4, 30)];

fn natively() -> String {
    let lines = RUNS.map(|(seed, viewers, seconds)| {
        let hash = trace_hash(seed, viewers, seconds);
        format!("{seed} {viewers} {seconds} {hash}")
    });
    lines.join("\n")
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(natively(), natively());
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(trace_hash(1, 3, 20), trace_hash(2, 3, 20));
}

/// `SWARMLINE_WASM_TRACES` holds what the wasm side found, in the same form.
#[test]
#[ignore = "needs the wasm side's answers: `cargo xtask test --only trace`"]
fn wasm_gives_the_same_traces() {
    let wasm = std::env::var("SWARMLINE_WASM_TRACES").unwrap();
    assert_eq!(wasm.trim(), natively());
}
