//! Sealers that were killed, and what their successors make of the output folder.

use super::folders::{Folders, eventually};
use super::process::{Watch, once};
use super::stream::{assert_true, listed, lists, live, media, stripped};
use std::fs;

fn start(names: &[&str]) -> (Folders, Watch) {
    let folders = Folders::new();
    for name in names {
        folders.write(name, media(name));
        folders.age(name);
    }
    folders.replace("i.m3u8", live(0, names));
    let watch = Watch::start(&folders, &[]);
    folders.wait_for("i.m3u8", |text| lists(text, names[names.len() - 1]));
    (folders, watch)
}

#[test]
fn the_last_good_output_stays_and_unchanged_segments_are_not_hashed_again() {
    let (folders, watch) = start(&["0.ts", "1.ts", "2.ts"]);
    let before = folders.playlist("i.m3u8");
    watch.kill();
    assert_eq!(folders.playlist("i.m3u8"), before);
    let watch = Watch::start(&folders, &[]);
    watch.has_looked(&folders);
    assert_eq!(folders.playlist("i.m3u8"), before);
    folders.write("3.ts", media("3.ts"));
    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts", "3.ts"]));
    folders.wait_for("i.m3u8", |text| lists(text, "3.ts"));
    watch.end("TERM").success().says(", 1 segments hashed");
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}

#[test]
fn what_the_packager_deleted_meanwhile_goes_too() {
    let (folders, watch) = start(&["0.ts", "1.ts", "2.ts"]);
    folders.write("unlisted.bin", media("x"));
    eventually("the unlisted file", || {
        folders.names().contains(&"unlisted.bin".to_owned())
    });
    fs::write(folders.output().join("index.html"), "mine").unwrap();
    watch.kill();
    for name in ["0.ts", "1.ts", "unlisted.bin"] {
        folders.remove(name);
    }
    folders.replace("i.m3u8", live(2, &["2.ts"]));
    let _watch = Watch::start(&folders, &[]);
    eventually("the old files to go", || {
        folders.names() == ["2.ts", "i.m3u8", "index.html"]
    });
    assert_eq!(assert_true(&folders, "i.m3u8"), 1);
}

#[test]
fn what_an_interrupted_run_left_half_done_is_cleared_away() {
    let (folders, watch) = start(&["v/0.ts"]);
    watch.kill();
    let half = folders.output().join("v/.swarmline-tmp-12345");
    fs::write(&half, "half a segment").unwrap();
    let _watch = Watch::start(&folders, &[]);
    eventually("the temporary file to go", || !half.exists());
}

#[test]
fn a_segment_that_changed_meanwhile_is_hashed_again() {
    let (folders, watch) = start(&["0.ts", "1.ts"]);
    let before = folders.playlist("i.m3u8");
    watch.kill();
    folders.write("0.ts", media("other")); // in place: the link in the output folder changed with it
    let _watch = Watch::start(&folders, &[]);
    folders.wait_for("i.m3u8", |text| text != before);
    assert_eq!(assert_true(&folders, "i.m3u8"), 2);
}

#[test]
fn an_early_vanished_segment_is_still_known_after_a_restart() {
    let (folders, watch) = start(&["0.ts", "1.ts"]);
    watch.kill();
    folders.remove("0.ts");
    folders.write("2.ts", media("2.ts"));
    folders.replace("i.m3u8", live(0, &["0.ts", "1.ts", "2.ts"]));
    let _watch = Watch::start(&folders, &[]);
    folders.wait_for("i.m3u8", |text| lists(text, "2.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}

#[test]
fn a_damaged_output_is_made_anew() {
    let (folders, watch) = start(&["0.ts", "1.ts"]);
    let good = folders.playlist("i.m3u8");
    watch.kill();
    for damaged in [
        "",
        "garbage",
        &stripped(&good),
        &good.replace("SHA256=", "SHA256=x"),
    ] {
        fs::write(folders.output().join("i.m3u8"), damaged).unwrap();
        fs::remove_file(folders.output().join("0.ts")).unwrap();
        once(&folders, &[]).success();
        assert_eq!(folders.playlist("i.m3u8"), good);
        assert_eq!(listed(&good).len(), 2);
        assert_eq!(assert_true(&folders, "i.m3u8"), 2);
    }
}
