//! The thin wasm-bindgen surface: JSON in, JSON out, and nothing decided here.
//!
//! Invariants: all methods take `&self` and call nothing of the page before they have returned, so
//! no method can be entered inside another and the client may be freed at any moment; every input
//! is capped before it is parsed; every error is a JavaScript `Error` with a stable `code`.

mod base64url;
mod client;
mod error;
mod fields;
mod options;
mod panic;
mod segment;
#[cfg(feature = "selftest")]
mod selftest;
mod stats;

pub use client::Client;
pub use panic::{force_panic, on_panic};
#[cfg(feature = "selftest")]
pub use selftest::selftest_trace;
