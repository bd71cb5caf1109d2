//! What `seal` does not do, and how it says so.

use super::folders::Folders;
use super::process::{Watch, between, command, once};
use super::stream::{assert_true, media, vod};

#[test]
fn a_playlist_that_cannot_be_read_is_named_with_its_line_and_the_rest_is_sealed() {
    let folders = Folders::new();
    folders.write("good.m3u8", vod(&["1.ts"]));
    folders.write("bad/i.m3u8", vod(&["1.ts"]));
    folders.write("1.ts", media("1"));
    folders.write("bad/1.ts", media("1"));
    once(&folders, &[]).success();
    let last_good = folders.playlist("bad/i.m3u8");

    folders.write(
        "bad/i.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:oops,\n1.ts\n",
    );
    folders.write("good.m3u8", vod(&["1.ts"]) + "# more\n");
    let ended = once(&folders, &[]).failure();
    let file = folders.input().canonicalize().unwrap().join("bad/i.m3u8");
    ended
        .says(&format!("{}:3: EXTINF: \"oops\"", file.display()))
        .says("1 not sealed");
    assert_eq!(folders.playlist("bad/i.m3u8"), last_good);
    assert!(folders.playlist("good.m3u8").ends_with("# more\n"));
    assert_eq!(assert_true(&folders, "good.m3u8"), 1);
}

#[test]
fn a_missing_segment_fails_its_playlist_only() {
    let folders = Folders::new();
    folders.write("i.m3u8", vod(&["1.ts", "2.ts"]));
    folders.write("j.m3u8", vod(&["1.ts"]));
    folders.write("1.ts", media("1"));
    once(&folders, &[])
        .failure()
        .says("i.m3u8: 2.ts is listed but not there");
    assert_eq!(folders.sealed("i.m3u8"), None);
    assert_eq!(assert_true(&folders, "j.m3u8"), 1);
}

#[test]
fn a_range_past_the_end_and_an_init_segment_that_is_not_there() {
    let folders = Folders::new();
    folders.write("1.ts", [1; 100]);
    folders.write("i.m3u8", vod(&["#EXT-X-BYTERANGE:50@51\n1.ts"]));
    folders.write(
        "j.m3u8",
        vod(&["1.ts"]).replace("#EXTINF", "#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF"),
    );
    let ended = once(&folders, &[]).failure();
    ended.says("1.ts has 100 bytes, but a listed byte range ends at 101");
    ended
        .says("init.mp4 is listed but not there")
        .says("2 not sealed");
    assert_eq!(folders.names(), ["1.ts"]);
}

#[test]
fn folders_that_would_feed_on_themselves() {
    let folders = Folders::new();
    folders.write("i.m3u8", vod(&[]));
    let input = folders.input();
    between(&input, &input, &[])
        .failure()
        .says("IN and OUT are the same folder");
    between(&input, &input.join("sealed"), &[])
        .failure()
        .says("lies inside");
    between(&input, &input.join("sealed"), &["--watch"])
        .failure()
        .says("lies inside");
    between(&input, folders.root(), &[])
        .failure()
        .says("lies inside");
    assert!(!input.join("sealed").exists());
}

#[test]
fn folders_that_are_none() {
    let folders = Folders::new();
    let nowhere = folders.root().join("nowhere");
    between(&nowhere, &folders.output(), &[])
        .failure()
        .says("nowhere does not exist");
    assert!(!folders.output().exists());
    folders.write("file", "");
    between(&folders.input().join("file"), &folders.output(), &[])
        .failure()
        .says("is not a folder");
    once(&folders, &[])
        .failure()
        .says("there is no HLS playlist");
}

#[test]
fn wrong_arguments() {
    for arguments in [
        &["only-one"][..],
        &["a", "b", "--interval", "5"],
        &["a", "b", "--nope"],
    ] {
        let status = command().args(arguments).output().unwrap().status;
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
    let help = command().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.contains("swarmline seal --watch live/ sealed/"),
        "{help}"
    );
}

#[test]
fn two_sealers_do_not_share_a_folder() {
    let folders = Folders::new();
    let watch = Watch::start(&folders, &[]);
    watch.has_looked(&folders);
    once(&folders, &[])
        .failure()
        .says("another `swarmline seal` is writing there");
    watch.kill();
    once(&folders, &[]).success();
}
