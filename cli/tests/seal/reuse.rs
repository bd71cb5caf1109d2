//! Packagers that use a segment's name again.

use super::folders::{Folders, write_slowly};
use super::process::Watch;
use super::stream::{check, is_true, listed, lists, live, media, stripped};

/// The folder when every segment of it is sealed for what it now is.
fn wait_until_true(folders: &Folders, playlist: &str) {
    folders.wait_for("i.m3u8", |sealed| {
        let segments = listed(sealed);
        stripped(sealed) == playlist
            && segments
                .iter()
                .all(|segment| check(&folders.output(), segment).is_ok())
    });
}

/// Three names in turn, as with `-hls_wrap`; each new playlist lists one rewritten segment.
fn wrap(write: impl Fn(&Folders, &str, Vec<u8>), flags: &[&str]) {
    let folders = Folders::new();
    let watch = Watch::start(&folders, flags);
    for number in 0..9 {
        let name = format!("{}.ts", number % 3);
        write(&folders, &name, media(&format!("content {number}")));
        let listed: Vec<String> = (number.max(1) - 1..=number)
            .map(|n| format!("{}.ts", n % 3))
            .collect();
        let uris: Vec<&str> = listed.iter().map(String::as_str).collect();
        let playlist = live(number.max(1) - 1, &uris[..=number.min(1)]);
        folders.replace("i.m3u8", &playlist);
        wait_until_true(&folders, &playlist);
        assert_eq!(
            folders.sealed(&name),
            Some(media(&format!("content {number}")))
        );
    }
    watch.end("TERM").success();
}

#[test]
fn a_name_in_turn_written_in_place() {
    wrap(|folders, name, bytes| folders.write(name, bytes), &[]);
}

#[test]
fn a_name_in_turn_by_renaming() {
    wrap(|folders, name, bytes| folders.replace(name, bytes), &[]);
}

#[test]
fn a_name_in_turn_with_copies() {
    wrap(
        |folders, name, bytes| folders.write(name, bytes),
        &["--copy"],
    );
}

#[test]
fn a_packager_that_overwrites_what_is_listed_is_found_out_once_and_then_harmless() {
    let folders = Folders::new();
    let watch = Watch::patient(&folders, &[]);
    let names = ["0.ts", "1.ts", "2.ts"];
    let mut steady = 0;
    for number in 0..30 {
        let name = names[number % 3];
        let path = folders.input().join(name);
        let version = media(&format!("content {number}"));
        // All names are listed, this one too, while it is written.
        let found_out = number > 3;
        let harmless = || !found_out || is_true(&folders, "i.m3u8");
        steady += u32::from(write_slowly(&path, version.chunks(10_000), harmless) && found_out);
        let playlist = live(number, &names[..names.len().min(number + 1)]);
        folders.replace("i.m3u8", &playlist);
        wait_until_true(&folders, &playlist);
        assert_eq!(folders.sealed(name), Some(version));
        if steady == 3 {
            break;
        }
    }
    assert_eq!(steady, 3, "this machine is too busy for this test");
    let ended = watch.end("TERM").success();
    ended.says("warning: files are copied, because the packager overwrites segments in place");
    assert_eq!(ended.said.matches("warning").count(), 1);
}

#[test]
fn with_copies_a_segment_is_never_half_old_and_half_new() {
    let folders = Folders::new();
    folders.write("0.ts", media("old"));
    let playlist = live(0, &["0.ts"]);
    folders.replace("i.m3u8", &playlist);
    let _watch = Watch::patient(&folders, &["--copy"]);
    wait_until_true(&folders, &playlist);
    let (mut before, mut steady) = (media("old"), 0);
    for number in 0..30 {
        let version = media(&format!("new {number}"));
        let whole = || folders.sealed("0.ts").as_ref() == Some(&before);
        let path = folders.input().join("0.ts");
        steady += u32::from(write_slowly(&path, version.chunks(10_000), whole));
        folders.wait_for("i.m3u8", |_| {
            folders.sealed("0.ts").as_ref() == Some(&version)
        });
        before = version;
        if steady == 3 {
            break;
        }
    }
    assert_eq!(steady, 3, "this machine is too busy for this test");
    wait_until_true(&folders, &playlist);
}

#[test]
fn a_listed_segment_that_changes_gets_a_new_tag_without_a_new_playlist() {
    for copy in [&[][..], &["--copy"]] {
        let folders = Folders::new();
        folders.write("0.ts", media("old"));
        let playlist = live(0, &["0.ts"]);
        folders.replace("i.m3u8", &playlist);
        let _watch = Watch::start(&folders, copy);
        let before = folders.wait_for("i.m3u8", |text| lists(text, "0.ts"));
        folders.write("0.ts", media("new"));
        folders.wait_for("i.m3u8", |text| text != before);
        wait_until_true(&folders, &playlist);
        assert_eq!(folders.sealed("0.ts"), Some(media("new")));
    }
}

#[test]
fn an_init_segment_that_changes_is_placed_before_its_playlist() {
    let folders = Folders::new();
    let playlist = |number| {
        let map = format!("#EXT-X-MAP:URI=\"init.mp4\"\n# {number}\n#EXTINF");
        live(0, &["0.ts"]).replace("#EXTINF", &map)
    };
    folders.write("0.ts", media("0"));
    let _watch = Watch::start(&folders, &["--copy"]);
    for number in 0..5 {
        let init = media(&format!("init {number}"));
        folders.replace("init.mp4", &init);
        folders.replace("i.m3u8", playlist(number));
        folders.wait_for("i.m3u8", |text| text.contains(&format!("# {number}\n")));
        assert_eq!(folders.sealed("init.mp4"), Some(init));
    }
}
