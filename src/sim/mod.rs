//! Discrete-event swarm simulator over the real core.
#![forbid(unsafe_code)]

pub mod buffer;
pub mod cdn;
pub mod chance;
pub mod network;
pub mod player;
pub mod queue;
pub mod ranges;
pub mod stream;
pub mod tracker;
