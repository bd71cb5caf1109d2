//! The pure core: every decision Swarmline takes, and nothing else.
//!
//! The host (a browser tab through `web`, or the simulator) owns sockets, buffers, clocks and
//! timers. It tells the [`engine::Engine`] what happened ([`event::Event`]) and when, and carries out
//! what the engine asks for ([`action::Action`]). Media bytes never pass through here: the engine
//! names ranges of host-owned buffers.
//!
//! The same seed and the same events give the same actions, on every target.
//!
//! Leaves first: [`sorted`], [`list`], [`chance`], [`ids`], [`time`], [`config`], [`error`]; then [`wire`], [`timeline`],
//! [`cache`], [`integrity`]; then [`tracker`], [`swarm`], [`scheduler`]; [`engine`] on top.
#![forbid(unsafe_code)]

pub mod action;
pub mod cache;
pub mod chance;
pub mod config;
pub mod engine;
pub mod error;
pub mod event;
pub mod ids;
pub mod integrity;
pub mod list;
pub mod scheduler;
pub mod sorted;
pub mod swarm;
pub mod time;
pub mod timeline;
pub mod tracker;
pub mod wire;
