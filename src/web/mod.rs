//! web-sys adapters: the browser as the host of a core engine.
//!
//! [`driver`] is the run loop: events into the engine, its actions out through `effects`. Every
//! adapter owns one kind of browser object and reports through a [`inbox::Port`]: [`rtc`] peer
//! connections, [`fetch`] CDN requests, [`socket`] tracker sockets, [`hash`] digests, [`buffers`]
//! segment bytes, [`timers`] the one wake-up.
//!
//! Invariants:
//! * **Bytes stay in JavaScript.** Rust reads chunk headers and control messages; media goes from
//!   the event's ArrayBuffer to the segment's and from there to the player and to peers. Only the
//!   hashing fallback of insecure contexts reads media, in slices.
//! * **The page's callbacks run with nothing of ours on the stack.** [`host::Outbox`] collects them
//!   and makes them from a microtask of their own, so they may call, dispose or free the client.
//! * **Whoever owns a browser object closes it on Drop**, listeners first, and its events die with
//!   it: an input whose owner is gone is not handled.
//! * **No JavaScript exception passes through a Rust frame** (none of our destructors would run):
//!   whatever may throw is called through a binding that catches.
//! * **After a panic nothing runs**: every way in asks [`panic::is_down`] first.

mod allocator;
pub mod buffers;
pub mod clock;
pub mod content_range;
pub mod driver;
mod effects;
pub mod entropy;
pub mod fetch;
pub mod globals;
pub mod hash;
pub mod host;
pub mod inbox;
pub mod listeners;
mod notice;
pub mod panic;
pub(crate) mod record;
mod registry;
pub mod retained;
pub mod rtc;
pub mod socket;
pub mod task;
pub mod timers;
