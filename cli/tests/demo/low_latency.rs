//! The event as a low-latency stream: what is listed can be fetched, what grows is sent as it grows.

use crate::server::{Demo, wait_for};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::io::Read as _;
use swarmline::core::integrity::digest::Digests;

const LIST: &str = "/low-latency/integrity.json";

/// The newest segment of the best picture, as the list has it.
fn newest(demo: &Demo) -> Value {
    let list: Value = serde_json::from_str(&demo.text(LIST)).unwrap();
    let segments = list["representations"][0]["segments"].as_array().unwrap();
    segments.last().unwrap().clone()
}

/// Waits for a segment of which some chunks are there and others are not.
fn growing(demo: &Demo, chunks: usize) -> Value {
    let mut found = Value::Null;
    wait_for("a segment that grows", || {
        found = newest(demo);
        found["bytes"].is_null() && found["chunks"].as_array().unwrap().len() == chunks
    });
    found
}

fn matches(bytes: &[u8], hashes: &Value) -> bool {
    hashes["sha256"] == URL_SAFE_NO_PAD.encode(Digests::of(bytes).hash.0)
        && hashes["bytes"] == bytes.len()
}

#[test]
fn chunks_can_be_fetched_as_soon_as_they_are_listed() {
    let demo = Demo::start();
    let segment = growing(&demo, 2);
    let path = format!("/low-latency/{}", segment["url"].as_str().unwrap());
    let mut first = 0;
    for chunk in segment["chunks"].as_array().unwrap() {
        let end = first + chunk["bytes"].as_u64().unwrap();
        let mut answer = demo.range(&path, &format!("bytes={first}-{}", end - 1));
        assert_eq!(answer.status(), 206);
        let range = answer.headers()["content-range"].to_str().unwrap();
        let grown = range.rsplit('/').next().unwrap();
        assert!(grown == "*" || grown.parse::<u64>().unwrap() > end);
        assert!(range.starts_with(&format!("bytes {first}-{}/", end - 1)));
        let bytes = answer.body_mut().read_to_vec().unwrap();
        assert!(matches(&bytes, chunk));
        first = end;
    }
}

#[test]
fn what_grows_is_sent_as_it_grows_and_is_the_same_afterwards() {
    let demo = Demo::start();
    let before = growing(&demo, 1);
    let path = format!("/low-latency/{}", before["url"].as_str().unwrap());
    let answer = demo.get(&path);
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("content-length"));
    let mut body = answer.into_body().into_reader();
    let first = &before["chunks"][0];
    let mut bytes = vec![0; usize::try_from(first["bytes"].as_u64().unwrap()).unwrap()];
    body.read_exact(&mut bytes).unwrap();
    assert!(matches(&bytes, first));
    // The first chunk was here before the last was made.
    assert!(newest(&demo)["bytes"].is_null());
    body.read_to_end(&mut bytes).unwrap();

    let list: Value = serde_json::from_str(&demo.text(LIST)).unwrap();
    let mut segments = list["representations"][0]["segments"]
        .as_array()
        .unwrap()
        .iter();
    let after = segments
        .find(|segment| segment["number"] == before["number"])
        .unwrap();
    assert_eq!(after["chunks"][0], *first);
    assert!(matches(&bytes, after));
    assert_eq!(demo.bytes(&path), bytes);
}

#[test]
fn nobody_gets_more_than_there_is() {
    let demo = Demo::start();
    let segment = growing(&demo, 1);
    let (number, path) = (
        segment["number"].as_u64().unwrap(),
        segment["url"].as_str().unwrap(),
    );
    let there = segment["chunks"][0]["bytes"].as_u64().unwrap();
    // Beyond what is there, and to an end that nobody knows: all of it, as it comes.
    for range in [
        format!("bytes={there}-{}", there + 9),
        "bytes=5-".to_owned(),
    ] {
        assert_eq!(
            demo.range(&format!("/low-latency/{path}"), &range).status(),
            200
        );
    }
    let later = path.replace(&number.to_string(), &(number + 2).to_string());
    assert_eq!(demo.get(&format!("/low-latency/{later}")).status(), 404);
    demo.faults(r#"{"hideHashes": true}"#);
    assert_eq!(demo.get(LIST).status(), 404);
    assert!(!demo.text("/low-latency/manifest.mpd").contains("swarmline"));
}
