//! Swarmline: viewers of one live event hand each other the segments they hold.
//!
//! * [`core`]: the pure state machine. No clock, no randomness of its own, no I/O.
//! * [`sim`]: a discrete-event swarm that drives the very same core.
//! * `web`: the browser's side of the core's actions (wasm only).
//! * `api`: the thin wasm-bindgen surface over `web` (wasm only).
//!
//! Who may know whom: `api → web → core ← sim`; `tests/layers.rs` enforces it.

pub mod core;
pub mod sim;

#[cfg(target_arch = "wasm32")]
pub mod api;
#[cfg(target_arch = "wasm32")]
pub mod web;
