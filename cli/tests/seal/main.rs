//! The real `swarmline seal` on real files: once, beside a writer that does everything packagers
//! do, and beside ffmpeg.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helper fails by panicking"
)]

mod dash;
mod ffmpeg;
mod folders;
mod once;
mod process;
mod refusals;
mod restart;
mod reuse;
mod segment_base;
mod signed;
mod single_file;
mod stream;
mod watch;

/// The packager that the sealer is tested beside: `FFMPEG`, or what is on PATH.
fn ffmpeg_path() -> std::ffi::OsString {
    std::env::var_os("FFMPEG").unwrap_or_else(|| "ffmpeg".into())
}
