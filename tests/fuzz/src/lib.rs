//! What is tried with any bytes, one driver for each thing that strangers or publishers write.
//!
//! A driver takes bytes and panics when a promise is broken, and for nothing else. The same driver is run by
//! libFuzzer (`libfuzzer/`, nightly, `cargo xtask fuzz`), by proptest (`tests/stable.rs`, stable, in every
//! `cargo xtask test`) and by hand (`cargo run -p swarmline-fuzz -- run <target> <file>`).
//!
//! Sources that are private to other packages, or compile for browsers only, are taken in as files: their own tests
//! run where they live.
#![forbid(unsafe_code)]

mod engine;
mod input;
mod seeds;
mod targets;

#[path = "../../../cli/src/boxes.rs"]
#[allow(dead_code, reason = "the command uses more of it")]
mod boxes;
#[path = "../../../cli/src/integrity_list.rs"]
#[allow(dead_code, reason = "the command uses more of it")]
mod integrity_list;
#[allow(dead_code, reason = "the command uses more of it")]
mod seal;

// The demo's tracker and its CDN, which take what anybody sends.
#[path = "../../../cli/src/demo/tracker/message.rs"]
#[allow(dead_code, reason = "the command uses more of it")]
mod announces;
#[path = "../../../cli/src/demo/range.rs"]
mod range;

// What the browser layer reads by itself.
#[path = "../../../src/api/base64url.rs"]
mod base64url;
#[path = "../../../src/web/content_range.rs"]
mod content_range;

pub use seeds::Seed;
use std::collections::BTreeSet;

/// Something that is tried with any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its libFuzzer binary, and of its folder of seeds.
    pub name: &'static str,
    /// What is read, and what must hold.
    pub about: &'static str,
    /// The driver. Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Where a search begins: real messages, real files.
    pub seeds: fn() -> Vec<Seed>,
    /// Longer inputs show nothing new, in bytes.
    pub longest: usize,
}

/// All there are.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "wire",
        about: "messages of peers: decoded, encoded, decoded again",
        run: targets::wire::run,
        seeds: seeds::wire,
        longest: 4_096,
    },
    Target {
        name: "tracker",
        about: "trackers that answer anything, at any time; what is sent to them can be read",
        run: targets::tracker::run,
        seeds: seeds::tracker,
        longest: 4_096,
    },
    Target {
        name: "tag",
        about: "the HLS tag: one spelling, nothing of a wrong one used",
        run: targets::tag::run,
        seeds: seeds::tag,
        longest: 1_100,
    },
    Target {
        name: "playlist",
        about: "HLS playlists: sealed, they are the same but for the tags",
        run: targets::playlist::run,
        seeds: seeds::playlist,
        longest: 4_096,
    },
    Target {
        name: "list",
        about: "integrity lists: what is written is read",
        run: targets::list::run,
        seeds: seeds::list,
        longest: 4_096,
    },
    Target {
        name: "mpd",
        about: "MPDs, their indexes and their property: sealed, they are the same but for the property",
        run: targets::mpd::run,
        seeds: seeds::mpd,
        longest: 4_096,
    },
    Target {
        name: "boxes",
        about: "media files: boxes, segment indexes, fragments moved in time",
        run: targets::boxes::run,
        seeds: seeds::boxes,
        longest: 2_048,
    },
    Target {
        name: "headers",
        about: "Content-Range, Range, session descriptions, base64url",
        run: targets::headers::run,
        seeds: seeds::headers,
        longest: 1_024,
    },
    Target {
        name: "engine",
        about: "the whole engine, with any events, against a model of what it has promised",
        run: |script| drop(engine::run(script)),
        seeds: seeds::engine,
        longest: 1_024,
    },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// Runs the engine's driver, and tells in a word each what came about: "met" somebody, "from peers", "upload", "delivered",
/// "failed", "wrong" bytes, and why neighbours went (as `Notice::PeerDisconnected` has it).
///
/// # Panics
/// A promise is broken.
pub fn reached(script: &[u8]) -> BTreeSet<&'static str> {
    engine::run(script)
}

/// Runs a target's driver once. A name that there is not does nothing.
///
/// # Panics
/// A promise is broken.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = target(name) {
        (target.run)(bytes);
    }
}
