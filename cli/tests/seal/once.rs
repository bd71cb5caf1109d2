//! `seal IN OUT` on a finished stream.

use super::folders::{Folders, eventually, tree};
use super::process::{Watch, between, once};
use super::stream::{assert_true, check, listed, live, media, stripped, vod};
use std::fs;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

fn tag(bytes: &[u8]) -> String {
    Tag::try_from(&Digests::of(bytes)).unwrap().to_string()
}

#[test]
fn a_whole_tree_is_sealed_and_everything_else_is_carried_over() {
    let folders = Folders::new();
    let variant = "#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION:2\r\n# by the packager\r\n\
        #EXT-X-MAP:URI=\"init.mp4\"\r\n#EXTINF:2.0,\r\n1.m4s\r\n\r\n#EXT-X-DISCONTINUITY\r\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\r\n#EXTINF:2.0,\r\n2.m4s\r\n#EXT-X-ENDLIST\r\n";
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/v0/i.m3u8\n";
    folders.write("master.m3u8", master);
    folders.write("video/v0/i.m3u8", variant);
    for name in [
        "video/v0/1.m4s",
        "video/v0/2.m4s",
        "video/v0/init.mp4",
        "keys/k.key",
        "poster.jpg",
    ] {
        folders.write(name, media(name));
    }
    folders.write("subs/en.m3u8", vod(&["en.vtt"]));
    folders.write("subs/en.vtt", "WEBVTT\n");
    folders.write("manifest.mpd", "<MPD/>");
    let before = tree(&folders.input());
    once(&folders, &[])
        .success()
        .says("video/v0/i.m3u8: 2 segments")
        .says("3 playlists sealed");

    assert_eq!(
        tree(&folders.input()),
        before,
        "the packager's folder is only read"
    );
    assert_eq!(folders.names(), before.keys().cloned().collect::<Vec<_>>());
    let sealed = folders.playlist("video/v0/i.m3u8");
    assert_eq!(stripped(&sealed), variant);
    assert_eq!(sealed.matches('\n').count(), sealed.matches("\r\n").count());
    assert_eq!(
        (
            assert_true(&folders, "video/v0/i.m3u8"),
            assert_true(&folders, "subs/en.m3u8")
        ),
        (2, 1)
    );
    for (name, bytes) in before
        .iter()
        .filter(|(name, _)| !name.ends_with("i.m3u8") && *name != "subs/en.m3u8")
    {
        assert_eq!(folders.sealed(name).as_ref(), Some(bytes), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn segments_are_linked_and_copied_on_demand() {
    use std::os::unix::fs::MetadataExt;
    let folders = Folders::new();
    folders.write("i.m3u8", vod(&["1.ts"]));
    folders.write("1.ts", media("1"));
    let same = || {
        let file = |dir: std::path::PathBuf| fs::metadata(dir.join("1.ts")).unwrap().ino();
        file(folders.input()) == file(folders.output())
    };
    once(&folders, &[]).success();
    assert!(same());
    once(&folders, &["--copy"]).success();
    assert!(!same(), "a copy replaces the link");
    assert_eq!(assert_true(&folders, "i.m3u8"), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn on_another_device_segments_are_copied() {
    use std::os::unix::fs::MetadataExt;
    let folders = Folders::new();
    let elsewhere = tempfile::tempdir_in("/dev/shm").expect("this test needs /dev/shm");
    let device = |path| fs::metadata(path).unwrap().dev();
    assert_ne!(
        device(elsewhere.path()),
        device(folders.root()),
        "this test needs two devices"
    );
    folders.write("v/i.m3u8", vod(&["1.ts", "2.ts"]));
    folders.write("v/1.ts", media("1"));
    folders.write("v/2.ts", media("2"));
    folders.write("other.bin", media("3"));
    let output = elsewhere.path().join("out");
    between(&folders.input(), &output, &[])
        .success()
        .says("files are copied");
    let sealed = tree(&output);
    assert_eq!(sealed["other.bin"], media("3"));
    let text = String::from_utf8(sealed["v/i.m3u8"].clone()).unwrap();
    for segment in listed(&text) {
        check(&output.join("v"), &segment).unwrap();
    }
    assert_eq!(listed(&text).len(), 2);
}

#[test]
fn byte_ranges_are_hashed_as_ranges() {
    let folders = Folders::new();
    let file = media("all");
    folders.write("all.mp4", &file);
    folders.write(
        "i.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"700@0\"\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:20000@700\nall.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:300\nall.mp4\n#EXT-X-ENDLIST\n",
    );
    once(&folders, &[]).success();
    let sealed = folders.playlist("i.m3u8");
    for expected in [&file[700..20_700], &file[20_700..21_000]] {
        assert!(
            sealed.contains(&format!("{}\nall.mp4\n", tag(expected))),
            "{sealed}"
        );
    }
    assert_eq!(assert_true(&folders, "i.m3u8"), 2);
}

#[test]
fn encrypted_segments_are_hashed_as_they_lie_there() {
    let folders = Folders::new();
    let cipher = media("ciphertext");
    folders.write("1.ts", &cipher);
    folders.write("secret.key", [7; 16]);
    let playlist = vod(&["1.ts"]).replace(
        "#EXTINF",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"secret.key\",IV=0x00000000000000000000000000000001\n#EXTINF",
    );
    folders.write("i.m3u8", &playlist);
    once(&folders, &[]).success();
    assert!(folders.playlist("i.m3u8").contains(&tag(&cipher)));
    assert_eq!(folders.sealed("secret.key"), Some(vec![7; 16]));
}

#[test]
fn all_the_ways_to_write_a_uri() {
    let folders = Folders::new();
    let uris = [
        ("plain.ts?token=abc&x=../y", "plain.ts"),
        ("a%20b%C3%A9.ts", "a bé.ts"),
        ("raw name.ts", "raw name.ts"),
        ("50%.ts", "50%.ts"),
        ("as%20written.ts", "as%20written.ts"),
        ("sub/../plain.ts#t=1", "plain.ts"),
        ("../up.ts", "../up.ts"),
    ];
    for (uri, file) in uris {
        folders.write(
            &format!("v/{file}"),
            media(uri.split(['?', '#']).next().unwrap()),
        );
    }
    let names: Vec<&str> = uris.iter().map(|(uri, _)| *uri).collect();
    folders.write("v/i.m3u8", vod(&names));
    once(&folders, &[]).success();
    let sealed = folders.playlist("v/i.m3u8");
    for (uri, file) in uris {
        let bytes = fs::read(folders.input().join("v").join(file)).unwrap();
        assert!(
            sealed.contains(&format!("{}\n{uri}\n", tag(&bytes))),
            "{uri} in {sealed}"
        );
        assert_eq!(folders.sealed(&format!("v/{file}")), Some(bytes));
    }
}

#[test]
fn segments_of_elsewhere_stay_untagged_with_a_warning() {
    let folders = Folders::new();
    folders.write("1.ts", media("1"));
    folders.write("../secret.ts", media("secret"));
    let uris = [
        "https://cdn.example/0.ts",
        "1.ts",
        "/abs/2.ts",
        "../secret.ts",
        "https://cdn.example/3.ts",
    ];
    folders.write("i.m3u8", vod(&uris));
    let ended = once(&folders, &[]).success();
    ended
        .says("warning: i.m3u8: a segment stays untagged")
        .says("https://cdn.example/0.ts");
    ended
        .says("leads out of the folder: ../secret.ts")
        .says("5 segments, 4 of them without a hash");
    assert_eq!(
        ended.said.matches("warning").count(),
        2,
        "one warning for each reason: {}",
        ended.said
    );
    let tagged: Vec<bool> = listed(&folders.playlist("i.m3u8"))
        .iter()
        .map(|s| s.tag.is_some())
        .collect();
    assert_eq!(tagged, [false, true, false, false, false]);
}

#[test]
fn tags_of_an_earlier_seal_are_replaced() {
    let folders = Folders::new();
    folders.write("1.ts", media("1"));
    folders.write(
        "i.m3u8",
        vod(&["1.ts"]).replace("1.ts", &format!("{}\n1.ts", tag(b"old"))),
    );
    once(&folders, &[]).success();
    assert_eq!(assert_true(&folders, "i.m3u8"), 1);
    assert!(!folders.playlist("i.m3u8").contains(&tag(b"old")));
}

#[test]
fn gaps_and_low_latency_parts() {
    let folders = Folders::new();
    for name in ["1.m4s", "1.0.m4s", "1.1.m4s", "2.0.m4s"] {
        folders.write(name, media(name));
    }
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3\n\
        #EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-GAP\n#EXTINF:2,\nlost.m4s\n\
        #EXT-X-PART:DURATION=1,URI=\"1.0.m4s\"\n#EXT-X-PART:DURATION=1,URI=\"1.1.m4s\"\n#EXTINF:2,\n1.m4s\n\
        #EXT-X-PART:DURATION=1,URI=\"2.0.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.1.m4s\"\n";
    folders.write("i.m3u8", playlist);
    once(&folders, &[]).success();
    let sealed = folders.playlist("i.m3u8");
    assert_eq!(stripped(&sealed), playlist);
    let tagged: Vec<bool> = listed(&sealed)
        .iter()
        .map(|segment| segment.tag.is_some())
        .collect();
    assert_eq!(tagged, [false, true]);
    assert!(folders.names().contains(&"2.0.m4s".to_owned()));
}

#[test]
fn i_frame_playlists_get_no_tags() {
    let folders = Folders::new();
    folders.write("1.ts", media("1"));
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2,\n#EXT-X-BYTERANGE:90@7\n1.ts\n#EXT-X-ENDLIST\n";
    folders.write("iframes.m3u8", playlist);
    once(&folders, &[]).success();
    assert_eq!(folders.playlist("iframes.m3u8"), playlist);
    assert_eq!(folders.sealed("1.ts"), Some(media("1")));
}

#[test]
fn a_second_run_hashes_only_what_changed() {
    let folders = Folders::new();
    folders.write("i.m3u8", vod(&["1.ts", "2.ts", "3.ts"]));
    for name in ["1.ts", "2.ts", "3.ts"] {
        folders.write(name, media(name));
        folders.age(name);
    }
    once(&folders, &[]).success().says("3 segments hashed");
    once(&folders, &[]).success().says("0 segments hashed");
    once(&folders, &["--rehash"])
        .success()
        .says("3 segments hashed");
    once(&folders, &["--copy"])
        .success()
        .says("in 0 updates, 3 segments hashed");
    once(&folders, &["--copy"])
        .success()
        .says("0 segments hashed");
    // The same size and an old time, but not the time and the file of before.
    folders.replace("2.ts", media("other"));
    folders.age("2.ts");
    once(&folders, &["--copy"])
        .success()
        .says("1 segments hashed");
    assert_eq!(assert_true(&folders, "i.m3u8"), 3);
}

#[test]
fn nothing_is_ever_deleted() {
    let folders = Folders::new();
    folders.write("i.m3u8", live(0, &["1.ts", "2.ts"]));
    folders.write("1.ts", media("1"));
    folders.write("2.ts", media("2"));
    once(&folders, &[]).success();
    fs::write(folders.output().join("index.html"), "mine").unwrap();
    folders.remove("1.ts");
    folders.write("i.m3u8", live(1, &["2.ts"]));
    once(&folders, &[]).success();
    assert_eq!(folders.names(), ["1.ts", "2.ts", "i.m3u8", "index.html"]);
    assert_eq!(assert_true(&folders, "i.m3u8"), 1);
}

#[test]
fn an_interrupted_run_says_so_and_lists_nothing_half_done() {
    let folders = Folders::new();
    folders.write("film.m3u8", vod(&["huge.ts"]));
    folders.write("huge.ts", "");
    let huge = fs::File::options()
        .write(true)
        .open(folders.input().join("huge.ts"));
    huge.unwrap().set_len(100 << 30).unwrap(); // a hole: takes no space, and minutes to hash
    let seal = Watch::spawn(&folders, &[]);
    eventually("the sealer at work", || {
        folders.sealed(".swarmline-seal").is_some()
    });
    let ended = seal.end("INT");
    assert_eq!(ended.code, Some(130), "{}", ended.said);
    assert_eq!(folders.names(), [""; 0]);
}
