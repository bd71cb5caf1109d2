//! MPDs: their integrity lists, once and beside real ffmpeg.

use super::folders::Folders;
use super::process::{Watch, once};
use super::stream::media;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use swarmline::core::integrity::digest::Digests;

const ELEMENT: &str = "<SupplementalProperty schemeIdUri=\"urn:swarmline:integrity:2026\" value=\"film.integrity.json\"/>\n";

fn mpd(kind: &str, first: u64, count: u64) -> String {
    format!(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"{kind}\">\n<Period id=\"p\" start=\"PT0S\">\n<AdaptationSet>\n\
         <SegmentTemplate timescale=\"1\" startNumber=\"{first}\" initialization=\"$RepresentationID$/init.mp4\" \
         media=\"$RepresentationID$/$Number$.m4s\"><SegmentTimeline><S t=\"{}\" d=\"2\" r=\"{}\"/></SegmentTimeline></SegmentTemplate>\n\
         <Representation id=\"v0\"/>\n</AdaptationSet>\n</Period>\n</MPD>\n",
        2 * first,
        count - 1,
    )
}

fn segments(folders: &Folders, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let name = format!("v0/{number}.m4s");
        folders.write(&name, media(&name));
        folders.age(&name);
    }
}

/// A hash, as a list has it.
pub(crate) fn encoded(hash: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// The URLs of a list, each of which has been compared with its file. A file that is gone must have left the list.
fn checked(output: &Path, name: &str) -> Option<Vec<String>> {
    let read = || std::fs::read_to_string(output.join(name)).ok();
    let text = read()?;
    let list: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("torn: {error}: {text}"));
    let mut urls = Vec::new();
    for representation in list["representations"].as_array().unwrap() {
        for segment in representation["segments"].as_array().unwrap() {
            let url = segment["url"].as_str().unwrap().to_owned();
            let Ok(file) = std::fs::read(output.join(&url)) else {
                assert!(
                    !read()?.contains(&format!("\"{url}\"")),
                    "{url} is listed and not there"
                );
                continue;
            };
            let bytes = match segment["offset"].as_u64() {
                None => file,
                Some(first) => {
                    let first = first as usize;
                    file[first..first + segment["bytes"].as_u64().unwrap() as usize].to_vec()
                }
            };
            let digests = Digests::of(&bytes);
            assert_eq!(segment["sha256"], encoded(&digests.hash.0), "{url}");
            assert_eq!(segment["root"], encoded(&digests.root.0), "{url}");
            assert_eq!(segment["bytes"], digests.bytes, "{url}");
            urls.push(url);
        }
    }
    Some(urls)
}

#[test]
fn a_finished_film_gets_a_list_and_its_mpd_one_element() {
    let folders = Folders::new();
    folders.write("v0/init.mp4", media("init"));
    segments(&folders, 1..5);
    let text = mpd("static", 1, 4);
    folders.write("film.mpd", &text);
    once(&folders, &[]).success().says("4 segments hashed");
    let sealed = folders.playlist("film.mpd");
    assert_eq!(sealed.replace(ELEMENT, ""), text);
    assert!(
        sealed.contains(&format!("</Period>\n{ELEMENT}</MPD>")),
        "{sealed}"
    );
    let urls = checked(&folders.output(), "film.integrity.json").unwrap();
    assert_eq!(urls, ["v0/1.m4s", "v0/2.m4s", "v0/3.m4s", "v0/4.m4s"]);
    assert_eq!(folders.sealed("v0/init.mp4"), Some(media("init")));
    // What is known is not hashed again, unless somebody wants it.
    once(&folders, &[]).success().says(", 0 segments hashed");
    once(&folders, &["--rehash"])
        .success()
        .says(", 4 segments hashed");
}

/// Two periods with the same representation, neither of them with an id.
fn periods() -> String {
    let period = |name: &str| {
        format!(
            "<Period duration=\"PT4S\"><BaseURL>{name}/</BaseURL><AdaptationSet><SegmentTemplate duration=\"2\" \
             media=\"$Number$.m4s\"/><Representation id=\"v0\"/></AdaptationSet></Period>"
        )
    };
    format!("<MPD type=\"static\">{}{}</MPD>", period("a"), period("b"))
}

#[test]
fn periods_are_listed_one_after_the_other() {
    let folders = Folders::new();
    let names = ["a/1.m4s", "a/2.m4s", "b/1.m4s", "b/2.m4s"];
    for name in names {
        folders.write(name, media(name));
    }
    folders.write("film.mpd", periods());
    once(&folders, &[]).success().says("4 segments hashed");
    let urls = checked(&folders.output(), "film.integrity.json").unwrap();
    assert_eq!(urls, names);
    let list: Value = serde_json::from_str(&folders.playlist("film.integrity.json")).unwrap();
    let starts = |representation: &Value| {
        let segments = representation["segments"].as_array().unwrap().iter();
        segments
            .map(|segment| segment["start"].as_f64().unwrap())
            .collect()
    };
    let all = list["representations"].as_array().unwrap();
    let starts: Vec<Vec<f64>> = all.iter().map(starts).collect();
    assert_eq!(starts, [[0.0, 2.0], [4.0, 6.0]]);
}

#[test]
fn a_second_period_that_is_still_being_written_is_waited_for() {
    let folders = Folders::new();
    let watch = Watch::start(&folders, &[]);
    for name in ["a/1.m4s", "a/2.m4s", "b/1.m4s"] {
        folders.write(name, media(name));
    }
    folders.write("film.mpd", periods());
    watch.wait_until_it_says("b/2.m4s is listed but not there");
    assert_eq!(folders.sealed("film.mpd"), None);
    folders.write("b/2.m4s", media("b/2.m4s"));
    folders.wait_for("film.mpd", |text| text.contains("urn:swarmline"));
    assert_eq!(
        checked(&folders.output(), "film.integrity.json")
            .unwrap()
            .len(),
        4
    );
    watch.end("TERM").success();
}

#[test]
fn a_segment_that_is_missing_is_told_and_nothing_is_published() {
    let folders = Folders::new();
    folders.write("v0/init.mp4", media("init"));
    segments(&folders, 1..3);
    folders.write("film.mpd", mpd("static", 1, 3));
    once(&folders, &[])
        .failure()
        .says("v0/3.m4s is listed but not there");
    assert_eq!(
        (
            folders.sealed("film.mpd"),
            folders.sealed("film.integrity.json")
        ),
        (None, None)
    );
}

#[test]
fn an_mpd_that_cannot_be_sealed_is_served_as_it_is() {
    let folders = Folders::new();
    let text = "<MPD type=\"static\"><Period><AdaptationSet><Representation id=\"a\"><BaseURL>a.mp4</BaseURL>\
        <SegmentBase indexRange=\"0-9\"/></Representation></AdaptationSet></Period></MPD>";
    folders.write("film.mpd", text);
    folders.write("a.mp4", media("a"));
    once(&folders, &[])
        .success()
        .says("served without hashes")
        .says("representation \"a\": a.mp4 has no segment index (sidx) there");
    assert_eq!(folders.sealed("film.mpd").as_deref(), Some(text.as_bytes()));
    assert_eq!(folders.sealed("a.mp4"), Some(media("a")));
    assert_eq!(folders.sealed("film.integrity.json"), None);
}

#[test]
fn a_live_list_follows_its_mpd() {
    let folders = Folders::new();
    folders.write("v0/init.mp4", media("init"));
    segments(&folders, 7..10);
    folders.replace("film.mpd", mpd("dynamic", 7, 3));
    let watch = Watch::start(&folders, &[]);
    folders.wait_for("film.integrity.json", |list| list.contains("v0/9.m4s"));
    segments(&folders, 10..11);
    folders.remove("v0/7.m4s");
    folders.replace("film.mpd", mpd("dynamic", 8, 3));
    folders.wait_for("film.mpd", |text| text.contains("startNumber=\"8\""));
    let urls = checked(&folders.output(), "film.integrity.json").unwrap();
    assert_eq!(urls, ["v0/8.m4s", "v0/9.m4s", "v0/10.m4s"]);
    watch.end("TERM").success();
}

#[test]
fn beside_ffmpeg_every_list_is_true_all_the_time() {
    let folders = Folders::new();
    let watch = Watch::start(&folders, &[]);
    let mut ffmpeg = Command::new(crate::ffmpeg_path())
        .args([
            "-nostdin",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25",
        ])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=440",
            "-t",
            "8",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
        ])
        .args([
            "-c:a",
            "aac",
            "-f",
            "dash",
            "-seg_duration",
            "1",
            "-window_size",
            "4",
            "-extra_window_size",
            "1",
        ])
        .args([
            "-use_template",
            "1",
            "-use_timeline",
            "1",
            "-hls_playlist",
            "1",
        ])
        .arg(folders.input().join("live.mpd"))
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs ffmpeg (apt-get install ffmpeg): {error}"));
    let (mut seen, mut looks) = (BTreeSet::new(), 0);
    while ffmpeg.try_wait().unwrap().is_none() {
        let urls = checked(&folders.output(), "live.integrity.json");
        looks += usize::from(urls.is_some());
        seen.extend(urls.unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    let packaged = std::fs::read_to_string(folders.input().join("live.mpd")).unwrap();
    folders.wait_for("live.mpd", |text| {
        text.replace(&ELEMENT.replace("film", "live"), "") == packaged
    });
    seen.extend(checked(&folders.output(), "live.integrity.json").unwrap());
    assert!(
        looks > 20 && seen.len() >= 10,
        "{looks} looks, saw {seen:?}"
    );
    // The same segments in HLS, sealed as ever.
    assert!(
        folders
            .playlist("media_0.m3u8")
            .contains("#EXT-X-SWARMLINE:")
    );
    watch.end("TERM").success();
}
