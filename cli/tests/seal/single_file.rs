//! Packagers that append all segments to one file and list byte ranges of it.

use super::folders::Folders;
use super::process::{Watch, once};
use super::stream::{assert_true, check, listed, media, stripped};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

/// A playlist of ranges of `all.m4s`, one after the other, of these lengths.
fn ranges(lengths: &[usize], end: &str) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    let mut at = 0;
    for len in lengths {
        text.push_str(&format!(
            "#EXTINF:2,\n#EXT-X-BYTERANGE:{len}@{at}\nall.m4s\n"
        ));
        at += len;
    }
    text + end
}

fn append(folders: &Folders, bytes: &[u8]) {
    let path = folders.input().join("all.m4s");
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

fn wait_until_true(folders: &Folders, playlist: &str) {
    folders.wait_for("i.m3u8", |sealed| {
        stripped(sealed) == playlist
            && listed(sealed)
                .iter()
                .all(|segment| check(&folders.output(), segment).is_ok())
    });
}

/// Bytes a sealer says it has hashed.
fn hashed(said: &str) -> usize {
    let summary = said.lines().last().unwrap();
    let count = summary
        .split(", ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    count.parse().unwrap_or_else(|_| panic!("{summary}"))
}

#[test]
fn a_file_that_grows_is_not_hashed_again_and_again() {
    for copy in [&[][..], &["--copy"]] {
        let folders = Folders::new();
        let watch = Watch::start(&folders, copy);
        let mut lengths = Vec::new();
        for number in 0..30 {
            let bytes = media(&format!("{number}"));
            append(&folders, &bytes);
            lengths.push(bytes.len());
            let playlist = ranges(&lengths, "");
            folders.replace("i.m3u8", &playlist);
            // The next segment has begun already.
            append(&folders, b"");
            wait_until_true(&folders, &playlist);
        }
        let said = watch.end("TERM").success().said;
        // 30 segments and a few checks; all of them each time would be 465.
        assert!(hashed(&said) < 120, "{said}");
    }
}

#[test]
fn growth_while_hashing_does_not_hold_it_up() {
    let folders = Folders::new();
    let _watch = Watch::start(&folders, &[]);
    let first = media("first");
    append(&folders, &first);
    folders.replace("i.m3u8", ranges(&[first.len()], ""));
    let mut rounds = 0;
    while folders.sealed("i.m3u8").is_none() {
        append(&folders, &[rounds as u8; 100]);
        std::thread::sleep(Duration::from_millis(1));
        rounds += 1;
        assert!(rounds < 20_000, "a file that never rests is never sealed");
    }
    assert_eq!(assert_true(&folders, "i.m3u8"), 1);
}

#[test]
fn a_range_that_is_not_there_yet_is_waited_for() {
    let folders = Folders::new();
    let watch = Watch::start(&folders, &[]);
    let bytes = media("1");
    append(&folders, &bytes[..30_000]);
    let playlist = ranges(&[20_000, 20_000], "");
    folders.replace("i.m3u8", &playlist);
    watch.has_looked(&folders);
    assert_eq!(folders.sealed("i.m3u8"), None);
    append(&folders, &bytes[30_000..]);
    wait_until_true(&folders, &playlist);
}

#[test]
fn a_file_begun_anew_is_hashed_anew() {
    for copy in [&[][..], &["--copy"]] {
        let folders = Folders::new();
        let _watch = Watch::start(&folders, copy);
        let old = [media("a"), media("b")].concat();
        folders.write("all.m4s", &old);
        let playlist = ranges(&[40_000, 40_000], "");
        folders.replace("i.m3u8", &playlist);
        wait_until_true(&folders, &playlist);
        // Truncated and written again, longer, between two looks: it seems only to have grown.
        let new = [media("c"), media("d"), media("e")].concat();
        fs::write(folders.input().join("all.m4s"), &new).unwrap();
        let playlist = ranges(&[40_000, 40_000, 40_000], "");
        folders.replace("i.m3u8", &playlist);
        wait_until_true(&folders, &playlist);
        assert_eq!(folders.sealed("all.m4s"), Some(new), "{copy:?}");
    }
}

#[test]
fn the_end_of_a_stream_checks_every_range_once_more() {
    let folders = Folders::new();
    let _watch = Watch::start(&folders, &[]);
    let bytes = [media("a"), media("b"), media("c")].concat();
    append(&folders, &bytes[..80_000]);
    let playlist = ranges(&[40_000, 40_000], "");
    folders.replace("i.m3u8", &playlist);
    wait_until_true(&folders, &playlist);
    // A packager that goes back to its first segment, as muxers do to fill in a duration.
    let mut patched = bytes.clone();
    patched[5] ^= 1;
    fs::write(folders.input().join("all.m4s"), &patched).unwrap();
    let playlist = ranges(&[40_000, 40_000, 40_000], "");
    folders.replace("i.m3u8", &playlist);
    folders.wait_for("i.m3u8", |sealed| stripped(sealed) == playlist);
    let playlist = playlist + "#EXT-X-ENDLIST\n";
    folders.replace("i.m3u8", &playlist);
    wait_until_true(&folders, &playlist);
}

#[test]
fn once_on_a_single_file() {
    let folders = Folders::new();
    folders.write("all.m4s", media("all"));
    folders.write(
        "i.m3u8",
        ranges(&[10_000, 10_000, 20_000], "#EXT-X-ENDLIST\n"),
    );
    folders.age("all.m4s");
    once(&folders, &[]).success().says("3 segments hashed");
    once(&folders, &[]).success().says("0 segments hashed");
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}
