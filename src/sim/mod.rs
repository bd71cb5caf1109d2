//! Discrete-event swarm simulator over the real core.
//!
//! Every simulated viewer runs the very [`crate::core::engine::Engine`] that runs in a browser tab, and
//! exchanges the core's own actions and events with a simulated host: links, data channels, CDN,
//! trackers, hashes, an hls.js-like player. Bytes are not copied, only accounted for; whether they are
//! the publisher's is tracked exactly ([`buffer`]).
//!
//! Pure and deterministic: virtual time, one seed, no clock, no I/O, no iteration in random order; it
//! compiles to wasm and gives the same traces there. The simulator does not take an engine's word for
//! anything: it counts bytes itself and records every broken promise as a
//! [`ledger::Violation`].
//!
//! Viewers and trackers affect each other only through the event queue and only with a delay, so
//! that the audience can be divided over threads without changing a result ([`world`]).
//!
//! ```
//! use swarmline::sim::{scenario::Scenario, world::World};
//! let report = World::new(Scenario::new(7, 3, 20)).run();
//! assert_eq!(report.violation_count, 0);
//! ```
#![forbid(unsafe_code)]

pub mod audience;
pub mod buffer;
pub mod catalogue;
pub mod cdn;
pub mod chance;
mod channel;
mod desk;
mod event;
pub mod figures;
mod gate;
pub mod hostile;
pub mod ledger;
mod listings;
pub mod network;
pub mod player;
mod post;
pub mod queue;
pub mod ranges;
pub mod report;
pub mod scenario;
mod shard;
pub mod stream;
mod table;
pub mod timing;
pub mod tracker;
mod viewer;
pub mod visits;
pub mod world;

/// The hash, in hex, over all traces of a small default run: the same on every target.
pub fn trace_hash(seed: u64, viewers: u32, seconds: u32) -> String {
    let scenario = scenario::Scenario::new(seed, viewers, seconds);
    world::World::new(scenario).run().trace_hash
}
