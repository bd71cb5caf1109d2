//! `--input`: a packager's folder, here filled from a second demo's recording.

use crate::server::{Demo, wait_for};
use std::fs;
use std::path::PathBuf;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;
use tempfile::TempDir;

/// A packager: knows a recording, and writes as much of it as it is told to.
struct Packager {
    origin: Demo,
    folder: PathBuf,
    _home: TempDir,
}

impl Packager {
    fn new() -> Self {
        let origin = Demo::start();
        origin.faults(r#"{"hideHashes":true}"#);
        let home = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self {
            origin,
            folder: home.path().join("packager"),
            _home: home,
        }
    }

    fn start_demo(&self) -> Demo {
        Demo::with(&["--input", self.folder.to_str().unwrap()])
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = self.folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // As good packagers do: nobody sees half a file.
        let part = file.with_extension("part");
        fs::write(&part, bytes).unwrap();
        fs::rename(&part, &file).unwrap();
    }

    fn write_master(&self, name: &str) {
        self.write(name, self.origin.text("/vod/master.m3u8"));
    }

    /// Segments `from..to` of a track, below `folder`, and a playlist called `name` that lists them.
    fn write_track(&self, track: &str, folder: &str, name: &str, from: usize, to: usize) {
        let list = self.origin.text(&format!("/vod/{track}/index.m3u8"));
        let init = self.origin.bytes(&format!("/vod/{track}/init.mp4"));
        self.write(&format!("{folder}init.mp4"), init);
        let mut text = String::new();
        let head = list.lines().take_while(|line| !line.starts_with("#EXTINF"));
        for line in head.filter(|line| !line.contains("PLAYLIST-TYPE")) {
            let line = line.replace("SEQUENCE:0", &format!("SEQUENCE:{from}"));
            text += &format!("{line}\n");
        }
        for n in from..to {
            let segment = self.origin.bytes(&format!("/vod/{track}/{n}.m4s"));
            self.write(&format!("{folder}{n}.m4s"), segment);
            text += &format!("#EXTINF:2.0,\n{n}.m4s\n");
        }
        if to == 32 {
            text += "#EXT-X-ENDLIST\n";
        }
        self.write(&format!("{folder}{name}"), text);
    }
}

/// All segments of a served playlist have the bytes that their tags say.
fn check_sealed(demo: &Demo, path: &str) {
    for segment in demo.playlist(path).segments {
        let tag = Tag::try_from(&Digests::of(&demo.bytes(&segment.path))).unwrap();
        assert_eq!(segment.tag, Some(tag), "{}", segment.path);
    }
}

#[test]
fn a_finished_recording_is_served_sealed() {
    let packager = Packager::new();
    packager.write_master("master.m3u8");
    for track in ["v0", "v1", "a0"] {
        packager.write_track(track, &format!("{track}/"), "index.m3u8", 28, 32);
    }
    let demo = packager.start_demo();
    let master = demo.text("/live/master.m3u8");
    assert_eq!(master, packager.origin.text("/vod/master.m3u8"));
    for track in ["v0", "a0"] {
        let path = format!("/live/{track}/index.m3u8");
        let list = demo.playlist(&path);
        assert_eq!(
            (list.segments.len(), list.sequence, list.ended),
            (4, 28, true)
        );
        check_sealed(&demo, &path);
    }
    // The recording that is built in is there as ever.
    assert_eq!(demo.playlist("/vod/v0/index.m3u8").segments.len(), 32);
}

#[test]
fn files_are_served_like_a_cdn_does() {
    let packager = Packager::new();
    packager.write_track("a0", "", "index.m3u8", 28, 32);
    let demo = packager.start_demo();
    // There is no master playlist; the only playlist stands in.
    let list = demo.playlist("/live/master.m3u8");
    let path = &list.segments[0].path;
    assert_eq!(path, "/live/28.m4s");
    let whole = demo.bytes(path);
    let mut part = demo.range(path, "bytes=100-199");
    assert_eq!(part.status(), 206);
    assert_eq!(part.body_mut().read_to_vec().unwrap(), whole[100..200]);
    assert_eq!(
        demo.get(path).headers()["content-type"],
        "video/iso.segment"
    );

    demo.post("/control/reset", "");
    demo.bytes(path);
    demo.bytes(&list.init);
    let stats = demo.stats();
    assert_eq!(stats["segmentBytes"], whole.len() as u64);
    assert_eq!(stats["segmentRequests"], 1);

    demo.faults(r#"{"reprDigest":true,"hideHashes":true}"#);
    assert!(demo.head(path).headers().contains_key("repr-digest"));
    assert_eq!(demo.playlist("/live/master.m3u8").segments[0].tag, None);
}

#[test]
fn a_playlist_in_a_folder_of_its_own_is_found() {
    let packager = Packager::new();
    packager.write_track("a0", "deep down/", "sound.m3u8", 28, 32);
    let demo = packager.start_demo();
    let list = demo.playlist("/live/master.m3u8");
    assert_eq!(list.segments.len(), 4);
    check_sealed(&demo, "/live/deep%20down/sound.m3u8");
}

#[test]
fn a_packager_that_starts_late_and_goes_on_is_followed() {
    let packager = Packager::new();
    let demo = packager.start_demo();
    assert!(!packager.folder.exists());
    std::thread::scope(|scope| {
        let viewer = scope.spawn(|| demo.playlist("/live/master.m3u8"));
        packager.write_track("a0", "", "index.m3u8", 0, 3);
        assert_eq!(viewer.join().unwrap().segments.len(), 3);
    });
    for from in 1..5 {
        packager.write_track("a0", "", "index.m3u8", from, from + 3);
        wait_for("the playlist to move on", || {
            demo.playlist("/live/index.m3u8").sequence == from as u64
        });
        check_sealed(&demo, "/live/index.m3u8");
    }
}

#[test]
fn hidden_and_other_files_stay_unseen() {
    let packager = Packager::new();
    packager.write_track("a0", "", "index.m3u8", 28, 32);
    packager.write(".hidden", "secret");
    let demo = packager.start_demo();
    demo.playlist("/live/master.m3u8");
    for path in [
        "/live/.hidden",
        "/live/..%2f..%2fsecret.txt",
        "/live/%2fetc%2fpasswd",
        "/live/none.m4s",
    ] {
        assert_eq!(demo.get(path).status(), 404, "{path}");
    }
    // Nor is there the built-in event beside the folder's.
    assert_eq!(demo.get("/low-latency/manifest.mpd").status(), 404);
}

#[cfg(unix)]
#[test]
fn nothing_is_left_behind() {
    let packager = Packager::new();
    packager.write_track("a0", "", "index.m3u8", 28, 32);
    let mut demo = packager.start_demo();
    let path = demo.playlist("/live/master.m3u8").segments[0].path.clone();
    let temporary = demo.folder.path().join("tmp");
    let left = || fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left(), 1);
    // Not even when somebody is in the middle of something.
    demo.faults(r#"{"rateBps":500}"#);
    let slow = demo.get(&path);
    let mut kill = std::process::Command::new("kill");
    assert!(
        kill.arg(demo.child.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert!(demo.child.wait().unwrap().success());
    assert_eq!(left(), 0);
    drop(slow);
}
