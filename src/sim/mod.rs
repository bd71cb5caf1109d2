//! Discrete-event swarm simulator over the real core.
#![forbid(unsafe_code)]
