//! `seal --watch` beside real ffmpeg: MPEG-TS written in place and fMP4 renamed to its place, at
//! the same time, with a sealer that is killed in the middle.

use super::folders::{Folders, eventually};
use super::process::Watch;
use super::stream::{check, listed, stripped};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Both packagers' playlists, inside the packager's folder.
const PLAYLISTS: [&str; 2] = ["ts/live.m3u8", "mp4/live.m3u8"];

/// An ffmpeg that packages a test picture in real time for eight seconds. Killed when dropped.
struct Packager(Child);

impl Packager {
    fn start(playlist: &Path, hls: &[&str]) -> Self {
        std::fs::create_dir_all(playlist.parent().unwrap()).unwrap();
        let input = [
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25",
            "-f",
            "lavfi",
            "-i",
            "sine=440",
        ];
        let encode = [
            "-t",
            "8",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-c:a",
            "aac",
        ];
        let live = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "4"];
        let child = Command::new(crate::ffmpeg_path())
            .args(["-nostdin", "-v", "error", "-re"])
            .args(input)
            .args(encode)
            .args(live)
            .args(hls)
            .arg(playlist)
            .stderr(Stdio::inherit())
            .spawn();
        Self(child.unwrap_or_else(|error| {
            panic!("this test needs ffmpeg (apt-get install ffmpeg): {error}")
        }))
    }

    fn has_ended(&mut self) -> bool {
        match self.0.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "ffmpeg failed");
                true
            }
            None => false,
        }
    }
}

impl Drop for Packager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a viewer of one playlist has seen so far.
#[derive(Default)]
struct Viewer {
    sequence: u64,
    seen: BTreeSet<String>,
    checks: usize,
}

impl Viewer {
    /// Reads the playlist and everything it lists.
    fn look(&mut self, playlist: &Path) {
        let Ok(text) = std::fs::read_to_string(playlist) else {
            assert!(
                self.seen.is_empty(),
                "{} was there and is gone",
                playlist.display()
            );
            return;
        };
        let sequence = text
            .lines()
            .find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        let sequence: u64 = sequence
            .unwrap_or_else(|| panic!("torn: {text}"))
            .parse()
            .unwrap();
        assert!(sequence >= self.sequence, "the playlist went back: {text}");
        self.sequence = sequence;
        for segment in listed(&text) {
            if let Err(error) = check(playlist.parent().unwrap(), &segment) {
                // Deleted after the playlist was read, because it has left the playlist?
                let now = std::fs::read_to_string(playlist).unwrap();
                assert!(!now.contains(&segment.uri), "{error}; listed in {now}");
                continue;
            }
            self.seen.insert(segment.uri);
            self.checks += 1;
        }
    }
}

#[test]
fn every_playlist_is_true_all_the_time_even_across_a_crash() {
    let folders = Folders::new();
    let start = |name: &str, hls: &[&str]| Packager::start(&folders.input().join(name), hls);
    let mut sealer = Watch::start(&folders, &[]);
    let mut packagers = [
        // Without temp_file: segments and playlist are written in place.
        start(
            PLAYLISTS[0],
            &[
                "-hls_flags",
                "delete_segments",
                "-hls_delete_threshold",
                "1",
            ],
        ),
        start(
            PLAYLISTS[1],
            &[
                "-hls_flags",
                "delete_segments+temp_file",
                "-hls_delete_threshold",
                "1",
                "-hls_segment_type",
                "fmp4",
                "-master_pl_name",
                "master.m3u8",
            ],
        ),
    ];
    let sealed: Vec<PathBuf> = PLAYLISTS
        .iter()
        .map(|name| folders.output().join(name))
        .collect();
    let mut viewers = [Viewer::default(), Viewer::default()];
    let mut crashes = 0;
    while !packagers.iter_mut().all(Packager::has_ended) {
        for (viewer, playlist) in viewers.iter_mut().zip(&sealed) {
            viewer.look(playlist);
        }
        let halfway = viewers
            .iter()
            .all(|viewer| viewer.seen.len() >= 3 + crashes);
        if halfway && crashes < 2 {
            sealer.kill();
            sealer = Watch::start(&folders, &[]);
            crashes += 1;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    for name in PLAYLISTS {
        let packaged = std::fs::read_to_string(folders.input().join(name)).unwrap();
        folders.wait_for(name, |sealed| {
            stripped(sealed) == packaged && packaged.contains("ENDLIST")
        });
    }
    assert_eq!(crashes, 2);
    for (viewer, playlist) in viewers.iter_mut().zip(&sealed) {
        viewer.look(playlist);
        assert!(viewer.seen.len() >= 6, "saw only {:?}", viewer.seen);
        assert!(
            viewer.checks > 2 * viewer.seen.len(),
            "looked only {} times",
            viewer.checks
        );
    }
    check_the_rest(&folders);
    sealer.end("TERM").success();
}

/// Master playlist and init segment are there, what ffmpeg deleted is not.
fn check_the_rest(folders: &Folders) {
    let packaged = |name: &str| std::fs::read(folders.input().join(name)).unwrap();
    for name in ["mp4/master.m3u8", "mp4/init.mp4"] {
        assert_eq!(folders.sealed(name), Some(packaged(name)), "{name}");
    }
    let names = |root: PathBuf| {
        super::folders::tree(&root)
            .into_keys()
            .collect::<BTreeSet<_>>()
    };
    eventually("the same files on both sides", || {
        let mut sealed = names(folders.output());
        sealed.remove(".swarmline-seal");
        sealed == names(folders.input())
    });
}
