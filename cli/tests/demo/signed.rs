//! `--key`: everything that carries hashes is signed, and anew only when it has changed.

use crate::server::{Demo, wait_for};
use std::process::Command;

fn signatures(text: &str) -> Vec<&str> {
    let prefix = "#EXT-X-SWARMLINE-SIGNATURE:";
    text.lines()
        .filter(|line| line.starts_with(prefix))
        .collect()
}

#[test]
fn playlists_and_lists_are_signed_for_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let made = Command::new(env!("CARGO_BIN_EXE_swarmline"))
        .arg("keygen")
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let demo = Demo::with(&["--key", key.to_str().unwrap(), "--stream", "final"]);
    for path in [
        "live/v0/index.m3u8",
        "live/a0/index.m3u8",
        "vod/v1/index.m3u8",
    ] {
        let text = demo.text(&format!("/{path}"));
        let [line] = signatures(&text)[..] else {
            panic!("{text}");
        };
        assert!(
            line.contains(&format!(",STREAM=\"final\",PATH=\"{path}\",SIG=")),
            "{line}"
        );
    }
    for path in [
        "live/integrity.json",
        "vod/integrity.json",
        "low-latency/integrity.json",
    ] {
        let list: serde_json::Value =
            serde_json::from_str(&demo.text(&format!("/{path}"))).unwrap();
        assert_eq!(
            (&list["stream"], &list["path"]),
            (&"final".into(), &path.into())
        );
        assert_eq!(list["signatures"].as_array().unwrap().len(), 1);
    }
    assert!(signatures(&demo.text("/live/master.m3u8")).is_empty());
    assert_eq!(
        demo.text("/vod/v0/index.m3u8"),
        demo.text("/vod/v0/index.m3u8")
    );
    let first = demo.text("/live/v0/index.m3u8");
    wait_for("another signature", || {
        let next = demo.text("/live/v0/index.m3u8");
        // The same bytes, or other ones with another signature.
        (next != first)
            .then(|| assert_ne!(signatures(&next), signatures(&first)))
            .is_some()
    });
    demo.faults(r#"{"hideHashes":true}"#);
    assert!(signatures(&demo.text("/live/v0/index.m3u8")).is_empty());
}

#[test]
fn without_a_key_nothing_is_signed() {
    let demo = Demo::start();
    assert!(signatures(&demo.text("/live/v0/index.m3u8")).is_empty());
    assert!(!demo.text("/live/integrity.json").contains("signatures"));
}
