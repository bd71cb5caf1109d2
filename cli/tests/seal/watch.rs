//! `seal --watch` beside a packager that is late, slow, careless or broken.

use super::folders::{Folders, eventually, write_slowly};
use super::process::Watch;
use super::stream::{assert_true, check, is_true, listed, lists, live, media, stripped, vod};
use std::fs;

/// A folder with a playlist of segments 0, 1 and 2, sealed and watched.
fn watched() -> (Folders, Watch) {
    watched_by(Watch::start)
}

fn watched_by(start: fn(&Folders, &[&str]) -> Watch) -> (Folders, Watch) {
    let folders = Folders::new();
    for name in ["0.ts", "1.ts", "2.ts"] {
        folders.write(name, media(name));
    }
    folders.replace("i.m3u8", live(0, &["0.ts", "1.ts", "2.ts"]));
    let watch = start(&folders, &[]);
    folders.wait_for("i.m3u8", |text| lists(text, "2.ts"));
    (folders, watch)
}

#[test]
fn a_listed_segment_that_is_not_there_keeps_the_last_good_playlist() {
    let (folders, watch) = watched();
    let before = folders.playlist("i.m3u8");
    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts", "3.ts"]));
    watch.has_looked(&folders);
    assert_eq!(folders.playlist("i.m3u8"), before);
    watch.wait_until_it_says("i.m3u8: 3.ts is listed but not there; the last good output stays");

    folders.replace("3.ts", media("3.ts"));
    folders.wait_for("i.m3u8", |text| lists(text, "3.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
    eventually("the good news", || {
        watch.said().matches("sealed ").count() >= 3
    });
}

#[test]
fn a_segment_that_is_still_being_written_is_not_listed() {
    let (folders, watch) = watched_by(Watch::patient);
    let mut steady = 0;
    for number in 3..20 {
        let name = format!("{number}.ts");
        folders.replace("i.m3u8", live(number, &[&name]));
        let data = media(&name);
        let path = folders.input().join(&name);
        let unlisted = || !lists(&folders.playlist("i.m3u8"), &name);
        steady += u32::from(write_slowly(&path, data.chunks(10_000), unlisted));
        folders.wait_for("i.m3u8", |text| lists(text, &name));
        eventually("a true playlist", || is_true(&folders, "i.m3u8"));
        assert_eq!(folders.sealed(&name), Some(data));
        if steady == 2 {
            break;
        }
    }
    assert_eq!(steady, 2, "this machine is too busy for this test");
    watch.end("TERM").success();
}

#[test]
fn an_empty_segment_is_waited_for() {
    let (folders, watch) = watched();
    folders.write("3.ts", "");
    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts", "3.ts"]));
    watch.has_looked(&folders);
    assert!(!lists(&folders.playlist("i.m3u8"), "3.ts"));
    folders.write("3.ts", media("3.ts"));
    folders.wait_for("i.m3u8", |text| lists(text, "3.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}

#[test]
fn a_playlist_written_in_place_is_never_seen_half() {
    let (folders, _watch) = watched_by(Watch::patient);
    let names = ["0.ts", "1.ts", "2.ts"];
    let mut steady = 0;
    for round in 1..30 {
        let text = live(round % 2, &names[round % 2..]);
        let whole = || {
            let segments = listed(&folders.playlist("i.m3u8"));
            let uris: Vec<&str> = segments
                .iter()
                .map(|segment| segment.uri.as_str())
                .collect();
            uris == names || uris == names[1..]
        };
        let path = folders.input().join("i.m3u8");
        steady += u32::from(write_slowly(
            &path,
            text.as_bytes().chunks(text.len() / 4),
            whole,
        ));
        folders.wait_for("i.m3u8", |sealed| stripped(sealed) == text);
        if steady == 4 {
            break;
        }
    }
    assert_eq!(steady, 4, "this machine is too busy for this test");
}

#[test]
fn a_broken_playlist_is_named_and_holds_up_nobody() {
    let (folders, watch) = watched();
    let before = folders.playlist("i.m3u8");
    folders.replace(
        "i.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-ENDLIST\n",
    );
    let file = folders.input().canonicalize().unwrap().join("i.m3u8");
    watch.wait_until_it_says(&format!(
        "error: {}:3: EXTINF, and then no URI",
        file.display()
    ));
    folders.replace("j.m3u8", live(0, &["0.ts"]));
    folders.wait_for("j.m3u8", |text| lists(text, "0.ts"));
    watch.has_looked(&folders);
    assert_eq!(folders.playlist("i.m3u8"), before);
    assert_eq!(watch.said().matches("error").count(), 1, "said once");

    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts"]));
    folders.wait_for("i.m3u8", |text| !lists(text, "0.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 2);
}

#[test]
fn what_the_packager_deletes_goes_and_what_is_listed_or_not_ours_stays() {
    let (folders, watch) = watched();
    fs::write(folders.output().join("index.html"), "mine").unwrap();
    folders.write(
        "film.m3u8",
        vod(&["film.ts"]).replace("#EXTINF", "#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF"),
    );
    folders.write("film.ts", media("film"));
    folders.write("init.mp4", media("init"));
    folders.wait_for("film.m3u8", |text| lists(text, "film.ts"));

    folders.write("3.ts", media("3.ts"));
    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts", "3.ts"]));
    folders.wait_for("i.m3u8", |text| lists(text, "3.ts"));
    watch.has_looked(&folders);
    assert!(
        folders.names().contains(&"0.ts".to_owned()),
        "the packager still has it"
    );
    // 1.ts is still listed: players may still ask for it.
    for name in ["0.ts", "1.ts", "film.ts", "film.m3u8", "init.mp4"] {
        folders.remove(name);
    }
    eventually("0.ts to go", || {
        !folders.names().contains(&"0.ts".to_owned())
    });
    watch.has_looked(&folders);
    let expected = [
        "1.ts",
        "2.ts",
        "3.ts",
        "film.m3u8",
        "film.ts",
        "heartbeat.m3u8",
        "i.m3u8",
        "index.html",
        "init.mp4",
    ];
    assert_eq!(folders.names(), expected);
    assert_eq!(
        (
            assert_true(&folders, "i.m3u8"),
            assert_true(&folders, "film.m3u8")
        ),
        (3, 1)
    );
}

#[test]
fn a_segment_that_vanished_too_early_is_served_on() {
    let (folders, _watch) = watched();
    folders.remove("1.ts");
    folders.write("3.ts", media("3.ts"));
    folders.replace("i.m3u8", live(1, &["1.ts", "2.ts", "3.ts"]));
    folders.wait_for("i.m3u8", |text| lists(text, "3.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}

#[test]
fn a_master_playlist_waits_for_the_playlists_it_names() {
    let folders = Folders::new();
    folders.write("v0/0.ts", media("0"));
    folders.write("v0/i.m3u8", live(0, &["0.ts", "1.ts"]));
    folders.write("v1/i.m3u8", "#EXTM3U\nbroken\n");
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0/i.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nv1/i.m3u8\n";
    folders.write("master.m3u8", master);
    let watch = Watch::start(&folders, &[]);
    watch.has_looked(&folders);
    assert_eq!(
        folders.sealed("master.m3u8"),
        None,
        "it would lead to nothing"
    );
    folders.write("v0/1.ts", media("1"));
    folders.wait_for("master.m3u8", |text| text == master);
    assert_eq!(assert_true(&folders, "v0/i.m3u8"), 2);
}

#[test]
fn the_packagers_folder_may_come_late_and_go() {
    let folders = Folders::new();
    fs::remove_dir(folders.input()).unwrap();
    let watch = Watch::start(&folders, &[]);
    watch.wait_until_it_says("cannot be read, waiting for it");
    folders.write("0.ts", media("0"));
    folders.write("extra.bin", media("extra"));
    folders.write("i.m3u8", live(0, &["0.ts"]));
    folders.wait_for("i.m3u8", |text| lists(text, "0.ts"));
    let away = folders.root().join("away");
    fs::rename(folders.input(), &away).unwrap();
    eventually("a second complaint", || {
        watch.said().matches("waiting for it").count() == 2
    });
    assert_eq!(
        folders.names(),
        ["0.ts", "extra.bin", "i.m3u8"],
        "a folder that is gone is no order to delete"
    );
    fs::rename(&away, folders.input()).unwrap();
    folders.write("1.ts", media("1"));
    folders.write("i.m3u8", live(0, &["0.ts", "1.ts"]));
    folders.wait_for("i.m3u8", |text| lists(text, "1.ts"));
    assert_eq!(assert_true(&folders, "i.m3u8"), 2);
}

#[test]
fn ends_cleanly_on_both_signals() {
    for signal in ["INT", "TERM"] {
        let (folders, watch) = watched();
        let ended = watch.end(signal).success();
        ended.says("1 playlists sealed in 1 updates, 3 segments hashed");
        assert_eq!(assert_true(&folders, "i.m3u8"), 3);
        let names = fs::read_dir(folders.output()).unwrap();
        let left = names.filter(|name| {
            name.as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .contains("tmp")
        });
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn other_files_appear_and_a_manifest_comes_after_what_it_names() {
    for flags in [&[][..], &["--copy"]] {
        let folders = Folders::new();
        let watch = Watch::start(&folders, flags);
        watch.has_looked(&folders);
        for number in 0..5 {
            let name = format!("chunk-{number}.m4s");
            folders.write(&name, media(&name));
            folders.replace("live.mpd", format!("<MPD n='{number}'/>"));
            let manifest = format!("<MPD n='{number}'/>").into_bytes();
            eventually("the new manifest", || {
                folders.sealed("live.mpd") == Some(manifest.clone())
            });
            assert_eq!(
                folders.sealed(&name),
                Some(media(&name)),
                "{name} {flags:?}"
            );
        }
        folders.write("half.tmp", "x");
        folders.write(".hidden", "x");
        folders.remove("chunk-0.m4s");
        eventually("chunk 0 to go", || {
            !folders.names().contains(&"chunk-0.m4s".to_owned())
        });
        assert!(
            !folders
                .names()
                .iter()
                .any(|name| name.ends_with("tmp") || name.starts_with('.'))
        );
    }
}

#[test]
fn every_state_in_between_is_true() {
    let (folders, _watch) = watched();
    let mut seen = 0;
    for next in 3..25 {
        let names: Vec<String> = (next - 2..=next)
            .map(|number| format!("{number}.ts"))
            .collect();
        folders.write(&names[2], media(&names[2]));
        let uris: Vec<&str> = names.iter().map(String::as_str).collect();
        folders.replace("i.m3u8", live(next - 2, &uris));
        while !lists(&folders.playlist("i.m3u8"), uris[2]) {
            for segment in listed(&folders.playlist("i.m3u8")) {
                check(&folders.output(), &segment).unwrap();
                seen += 1;
            }
        }
        folders.remove(&format!("{}.ts", next - 3));
    }
    assert!(seen > 22, "looked only {seen} times");
}
