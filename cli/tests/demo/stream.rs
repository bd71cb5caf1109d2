//! The built-in stream: well-formed, sealed, continuous, sliding.

use crate::server::{Demo, wait_for};
use std::collections::BTreeSet;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

const TRACKS: [&str; 3] = ["v0", "v1", "a0"];

#[test]
fn the_master_playlist_names_two_renditions_that_share_one_sound() {
    let demo = Demo::start();
    for stream in ["live", "vod"] {
        let text = demo.text(&format!("/{stream}/master.m3u8"));
        let variants: Vec<_> = text
            .lines()
            .filter(|l| l.starts_with("#EXT-X-STREAM-INF:"))
            .collect();
        assert_eq!(variants.len(), 2);
        for variant in variants {
            assert!(variant.contains("CODECS=\"avc1.") && variant.contains(",mp4a.40.2\""));
            assert!(variant.contains("AUDIO=\"audio\""));
        }
        let uris: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(uris, ["v0/index.m3u8", "v1/index.m3u8"]);
        assert!(
            text.contains("TYPE=AUDIO,GROUP-ID=\"audio\"")
                && text.contains("URI=\"a0/index.m3u8\"")
        );
    }
}

#[test]
fn every_listed_segment_has_the_bytes_its_tag_says() {
    let demo = Demo::start();
    let mut names = BTreeSet::new();
    for track in TRACKS {
        let list = demo.playlist(&format!("/live/{track}/index.m3u8"));
        assert_eq!((list.segments.len(), list.ended), (8, false));
        assert_eq!(&demo.bytes(&list.init)[4..8], b"ftyp");
        for segment in list.segments {
            let bytes = demo.bytes(&segment.path);
            let tag = Tag::try_from(&Digests::of(&bytes)).unwrap();
            assert_eq!(Some(tag), segment.tag, "{}", segment.path);
            assert!(names.insert(tag.hash), "{}", segment.path);
            assert!(segment.duration.round() <= 2.0);
        }
    }
}

#[test]
fn the_window_slides() {
    let demo = Demo::with(&["--window", "5"]);
    let path = "/live/v0/index.m3u8";
    let first = demo.playlist(path);
    let mut last = demo.playlist(path);
    wait_for("the window to slide twice", || {
        let next = demo.playlist(path);
        assert_eq!(next.segments.len(), 5);
        let moved = next.sequence - last.sequence;
        let kept = last.segments.get(moved as usize..).unwrap_or_default();
        assert_eq!(kept, &next.segments[..kept.len()]);
        assert_eq!(moved == 0, next.date_time == last.date_time);
        last = next;
        last.sequence >= first.sequence + 2
    });
    // What a slow viewer still wants is there; what is not over yet is not.
    let gone = &first.segments[0];
    assert!(!last.segments.contains(gone));
    assert_eq!(
        demo.bytes(&gone.path).len(),
        gone.tag.unwrap().bytes as usize
    );
    let future = format!("/live/v0/{}.m4s", last.sequence + 30);
    assert_eq!(demo.get(&future).status(), 404);
}

#[test]
fn the_recording_is_complete_and_shares_its_bytes_with_nothing_else() {
    let demo = Demo::start();
    for track in TRACKS {
        let list = demo.playlist(&format!("/vod/{track}/index.m3u8"));
        assert_eq!(
            (list.segments.len(), list.ended, list.sequence),
            (32, true, 0)
        );
        let total: f64 = list.segments.iter().map(|s| s.duration).sum();
        assert!((total - 64.0).abs() < 1e-3, "{total}");
        let names: BTreeSet<_> = list.segments.iter().map(|s| s.tag.unwrap().hash).collect();
        assert_eq!(names.len(), 32);
        for segment in [&list.segments[0], &list.segments[31]] {
            let tag = Tag::try_from(&Digests::of(&demo.bytes(&segment.path))).unwrap();
            assert_eq!(Some(tag), segment.tag);
        }
    }
}

#[test]
fn ranges_add_up_to_the_whole() {
    let demo = Demo::start();
    let list = demo.playlist("/live/v1/index.m3u8");
    let path = &list.segments[6].path;
    let whole = demo.bytes(path);
    let mut joined = Vec::new();
    for from in (0..whole.len()).step_by(30_000) {
        let mut part = demo.range(path, &format!("bytes={from}-{}", from + 29_999));
        assert_eq!(part.status(), 206);
        let last = (from + 29_999).min(whole.len() - 1);
        let about = format!("bytes {from}-{last}/{}", whole.len());
        assert_eq!(part.headers()["content-range"], about.as_str());
        joined.extend(part.body_mut().read_to_vec().unwrap());
    }
    assert!(joined == whole);
    let beyond = demo.range(path, &format!("bytes={}-", whole.len()));
    assert_eq!(beyond.status(), 416);
    let about = format!("bytes */{}", whole.len());
    assert_eq!(beyond.headers()["content-range"], about.as_str());
    let several = demo.range(path, "bytes=0-1,5-6");
    assert_eq!(several.status(), 200);
}

#[test]
fn caches_may_keep_segments_and_not_playlists() {
    let demo = Demo::start();
    let list = demo.get("/live/v0/index.m3u8");
    assert_eq!(list.headers()["cache-control"], "no-store");
    assert_eq!(
        list.headers()["content-type"],
        "application/vnd.apple.mpegurl"
    );
    let path = demo.playlist("/live/v0/index.m3u8").segments[7]
        .path
        .clone();
    let (get, head) = (demo.get(&path), demo.head(&path));
    for name in [
        "content-type",
        "content-length",
        "accept-ranges",
        "cache-control",
    ] {
        assert_eq!(get.headers()[name], head.headers()[name], "{name}");
    }
    assert!(
        get.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(get.headers()["content-type"], "video/iso.segment");
    assert!(get.headers().get("content-encoding").is_none());
}

#[test]
fn what_does_not_exist_is_not_found() {
    let demo = Demo::start();
    for path in [
        "/live/v9/index.m3u8",
        "/live/v0/0.m4s",
        "/live/v0/+299.m4s",
        "/live/v0/0299.m4s",
        "/live/v0/99999999999999999999.m4s",
        "/live/v0/",
        "/live/v0/x/y",
        "/vod/v0/32.m4s",
        "/nothing",
    ] {
        assert_eq!(demo.get(path).status(), 404, "{path}");
    }
}
