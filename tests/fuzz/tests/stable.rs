//! The same drivers on stable Rust, in every `cargo test`: every seed, every input that ever broke something, then some
//! seconds of inputs made of both by proptest.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};
use swarmline_fuzz::{TARGETS, Target, target};

/// One change to an input, as libFuzzer makes them.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        (at(), at()).prop_map(|(from, to)| Change::Repeat(from, to)),
    ]
}

impl Change {
    fn make(self, bytes: &mut Vec<u8>) {
        let len = bytes.len() + 1;
        let ordered = |a: Index, b: Index| {
            (
                a.index(len).min(b.index(len)),
                a.index(len).max(b.index(len)),
            )
        };
        match self {
            Self::Insert(at, new) => drop(bytes.splice(at.index(len)..at.index(len), new)),
            Self::Remove(from, to) => drop(bytes.drain(ordered(from, to).0..ordered(from, to).1)),
            Self::Repeat(from, to) => {
                let (from, to) = ordered(from, to);
                let again = bytes[from..to].to_vec();
                bytes.splice(to..to, again);
            }
            Self::Flip(at, bit) if len > 1 => bytes[at.index(len - 1)] ^= 1 << bit,
            Self::Set(at, byte) if len > 1 => bytes[at.index(len - 1)] = byte,
            _ => {}
        }
    }
}

/// Anything at all, or something real with a few changes.
fn input(known: Vec<Vec<u8>>, longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let changed = (any::<Index>(), vec(change(), 0..12)).prop_map(move |(which, changes)| {
        let mut bytes = known[which.index(known.len())].clone();
        changes
            .into_iter()
            .for_each(|change| change.make(&mut bytes));
        bytes
    });
    let any = vec(any::<u8>(), 0..longest);
    prop_oneof![1 => any, 3 => changed].prop_map(move |mut bytes| {
        bytes.truncate(longest);
        bytes
    })
}

fn folder(name: &str, target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(name)
        .join(target.name)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Runs a target on all that is tracked for it, and on `cases` inputs made of that.
fn search(name: &str, cases: u32) {
    let target = target(name).unwrap();
    let known: Vec<_> = [folder("seeds", &target), folder("found", &target)]
        .iter()
        .flat_map(|folder| files(folder))
        .collect();
    for (file, bytes) in &known {
        println!("{name}: {file}");
        (target.run)(bytes);
    }
    let known = known.into_iter().map(|(_, bytes)| bytes).collect();
    let config = Config {
        cases,
        // Failures belong into `found/`, where every way to run a target sees them.
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let run = |bytes: Vec<u8>| {
        (target.run)(&bytes);
        Ok(())
    };
    TestRunner::new(config)
        .run(&input(known, target.longest), run)
        .unwrap();
}

#[test]
fn fuzz_wire() {
    search("wire", 10_000);
}

#[test]
fn fuzz_tracker() {
    search("tracker", 1_500);
}

#[test]
fn fuzz_tag() {
    search("tag", 10_000);
}

#[test]
fn fuzz_playlist() {
    search("playlist", 5_000);
}

#[test]
fn fuzz_list() {
    search("list", 4_000);
}

#[test]
fn fuzz_mpd() {
    search("mpd", 2_000);
}

#[test]
fn fuzz_boxes() {
    search("boxes", 10_000);
}

#[test]
fn fuzz_headers() {
    search("headers", 10_000);
}

#[test]
fn fuzz_engine() {
    search("engine", 300);
}

#[test]
fn tracked_seeds_are_what_the_command_makes() {
    for target in TARGETS {
        let mut made = (target.seeds)();
        made.sort();
        let tracked = files(&folder("seeds", &target));
        assert_eq!(
            tracked, made,
            "{}: run `cargo run -p swarmline-fuzz -- seeds tests/fuzz/seeds`",
            target.name
        );
    }
}

#[test]
fn every_target_has_a_test_and_a_libfuzzer_binary() {
    let manifest = include_str!("../libfuzzer/Cargo.toml");
    let tests = include_str!("stable.rs");
    for target in TARGETS {
        let name = target.name;
        assert!(tests.contains(&format!("search(\"{name}\",")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
        let source = folder("libfuzzer/targets", &target).with_extension("rs");
        assert!(
            fs::read_to_string(source)
                .unwrap()
                .contains(&format!("run(\"{name}\""))
        );
    }
}

/// A search that begins with stories that lead nowhere begins with nothing.
#[test]
fn stories_get_to_what_they_are_about() {
    let engine = target("engine").unwrap();
    let seeds = files(&folder("seeds", &engine));
    for (name, words) in [
        ("alone", &["delivered"][..]),
        ("among-friends", &["met", "from peers", "upload"]),
        ("among-others", &["met", "from peers", "bad-hash"]),
        ("small-cache", &["met", "from peers"]),
        ("without-roots", &["met", "from peers", "upload"]),
        (
            "others-without-roots",
            &["met", "delivered", "wrong", "bad-hash"],
        ),
        ("byte-ranges", &["met", "from peers", "bad-hash"]),
        ("failing-cdn", &["failed"]),
        ("tracked", &["met"]),
        ("crowded", &["met"]),
    ] {
        let (_, script) = seeds.iter().find(|(file, _)| file == name).unwrap();
        let reached = swarmline_fuzz::reached(script);
        for word in words {
            assert!(reached.contains(word), "{name}: {word}, only {reached:?}");
        }
    }
}
