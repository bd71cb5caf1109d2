//! What strangers, trackers and their messages can do to one engine: bounded, survived, and blamed on whoever did it.
//!
//! One engine, and everything around it played by the test. Each neighbour speaks the protocol's own bytes.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![allow(clippy::panic, reason = "in a test, a panic is the report")]
#![allow(clippy::indexing_slicing, reason = "in a test, a panic is the report")]

mod anything;
mod blame;
mod excess;
mod rig;
mod stream;
mod tracker;
mod upload;
