//! The real `swarmline demo`, on a port of the system's choosing, seen through HTTP and WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helper fails by panicking"
)]

mod faults;
mod input;
mod low_latency;
mod pages;
mod server;
mod shutdown;
mod signed;
mod stream;
mod tracker;
