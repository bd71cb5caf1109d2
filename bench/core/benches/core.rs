//! What the core costs on this machine: calls of the engine by what has happened, messages, hashes.
//!
//! `cargo bench -p swarmline-bench`; `cargo xtask bench --only core` has the engine's calls beside those in wasm.
#![allow(missing_docs, reason = "criterion's macros make the entry")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use swarmline::core::ids::{SegmentHash, TreeHash};
use swarmline::core::integrity::digest::{hash_leaf, hash_segment};
use swarmline::core::integrity::merkle;
use swarmline::core::integrity::proof::Proof;
use swarmline::core::time::Time;
use swarmline::core::wire::{Bitmap, Holding, Message, decode, encode_chunk_header};
use swarmline::sim::audience::Audience;
use swarmline::sim::world::World;

/// Runs of the simulated audience, with a seed each: as many as criterion takes samples.
const RUNS: usize = 10;

/// 5 Mbit/s for two seconds.
const LEAVES: u32 = 76;

/// Nanoseconds since the first call.
fn clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap()
}

/// Mean times of the engine's calls in a simulated audience, by what had happened, in µs.
fn audience(seed: u64) -> BTreeMap<&'static str, f64> {
    let audience = Audience {
        seed,
        viewers: 30,
        warm_up: Duration::from_secs(20),
        measured: Some(Duration::from_secs(10)),
        ..Audience::default()
    };
    let plan = audience.plan("steady").unwrap();
    let end = Time(0) + plan.scenario.span;
    let mut world = World::new(plan.scenario).timed(clock, 4);
    world.advance(end);
    world.timing().means_us()
}

/// One sample is one run's mean, whatever number of calls criterion asks for.
fn engine(c: &mut Criterion) {
    let runs: Vec<_> = (1..=RUNS as u64).map(audience).collect();
    let mut group = c.benchmark_group("engine.handle");
    group.sample_size(RUNS);
    let kinds: Vec<&str> = runs.first().unwrap().keys().copied().collect();
    for kind in kinds {
        let mut turns = (0..RUNS).cycle();
        group.bench_function(kind, |bench| {
            bench.iter_custom(|calls| {
                let run = turns.next().and_then(|turn| runs.get(turn)).unwrap();
                let us = run.get(kind).copied().unwrap_or_default();
                Duration::from_secs_f64(us * calls as f64 / 1e6)
            });
        });
    }
}

fn messages() -> Vec<(&'static str, Message)> {
    let mut bits = Bitmap::new(LEAVES);
    bits.set_range(3..30);
    let (alias, hash) = (7, SegmentHash([9; 32]));
    let holding = Holding::Partial(bits.clone());
    vec![
        (
            "have",
            Message::Have {
                alias,
                hash,
                short: 0,
                holding,
            },
        ),
        (
            "have more",
            Message::HaveMore {
                alias,
                first: 0,
                bits,
            },
        ),
        (
            "request",
            Message::Request {
                alias,
                first: 3,
                count: 3,
                want_leaves: false,
                urgency_ms: 900,
                idle: 120,
            },
        ),
        (
            "leaf hashes",
            Message::Leaves {
                alias,
                first: 0,
                hashes: vec![TreeHash([3; 32]); LEAVES as usize],
            },
        ),
    ]
}

fn wire(c: &mut Criterion) {
    let mut group = c.benchmark_group("wire");
    for (name, message) in messages() {
        group.bench_function(format!("encode {name}"), |bench| {
            bench.iter(|| black_box(&message).encode());
        });
        let bytes = message.encode();
        group.bench_function(format!("decode {name}"), |bench| {
            bench.iter(|| decode(black_box(&bytes)));
        });
    }
    group.bench_function("encode chunk header", |bench| {
        bench.iter(|| encode_chunk_header(black_box(7), black_box(3)));
    });
    let header = encode_chunk_header(7, 3);
    group.bench_function("decode chunk header", |bench| {
        bench.iter(|| decode(black_box(&header)));
    });
}

fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("integrity");
    let segment = vec![7_u8; LEAVES as usize * 16_384];
    let leaves: Vec<TreeHash> = segment.chunks(16_384).map(hash_leaf).collect();
    let root = merkle::pieces_root(&leaves);
    group.bench_function("verify the leaf hashes of a segment", |bench| {
        bench.iter(|| Proof::default().check(black_box(root), black_box(&leaves)));
    });
    group.throughput(Throughput::Bytes(16_384));
    group.bench_function("hash a leaf", |bench| {
        bench.iter(|| hash_leaf(black_box(segment.first_chunk::<16_384>().unwrap())));
    });
    group.throughput(Throughput::Bytes(segment.len() as u64));
    group.bench_function("hash a segment", |bench| {
        bench.iter(|| hash_segment(black_box(&segment)));
    });
}

criterion_group!(all, engine, wire, hashes);
criterion_main!(all);
