//! MPDs whose segments only an index in the media names (SegmentBase).

use super::folders::Folders;
use super::process::{Watch, once};
use super::stream::media;
use serde_json::Value;
use std::process::Command;
use swarmline::core::integrity::digest::Digests;

const MPD: &str = "<MPD type=\"static\" mediaPresentationDuration=\"PT6S\"><Period><AdaptationSet><Representation id=\"v\">\
    <BaseURL>v.mp4</BaseURL><SegmentBase indexRange=\"32-99\"/></Representation></AdaptationSet></Period></MPD>";

/// Changes the bytes of an index.
type Spoil = fn(&mut Vec<u8>);

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = body.len() as u32 + 8;
    [&size.to_be_bytes(), &kind[..], body].concat()
}

/// A file with an index of segments of these sizes and two seconds each; `index` may spoil it.
fn film(name: &str, sizes: &[u32], spoil: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut fields = vec![0, 1, 10, 0, 0, sizes.len() as u32];
    sizes.iter().for_each(|size| fields.extend([*size, 20, 0]));
    let fields: Vec<u8> = fields.into_iter().flat_map(u32::to_be_bytes).collect();
    let mut index = boxed(b"sidx", &fields);
    spoil(&mut index);
    let head = [boxed(b"ftyp", b"iso6"), boxed(b"moov", &[0; 12])].concat();
    let bytes = media(name);
    [&head, &index, &bytes[..sizes.iter().sum::<u32>() as usize]].concat()
}

/// First byte, size and start of each segment listed, whose hash is that of the file's bytes.
fn listed(folders: &Folders) -> Vec<(u64, u64, f64)> {
    let list: Value = serde_json::from_str(&folders.playlist("film.integrity.json")).unwrap();
    let file = folders.sealed("v.mp4").unwrap();
    let segments = list["representations"][0]["segments"].as_array().unwrap();
    let read = |segment: &Value| {
        let number = |name: &str| segment[name].as_u64().unwrap();
        let (first, len) = (number("offset"), number("bytes"));
        let digests = Digests::of(&file[first as usize..(first + len) as usize]);
        let said = segment["sha256"].as_str().unwrap();
        assert_eq!(said, super::dash::encoded(&digests.hash.0));
        (first, len, segment["start"].as_f64().unwrap())
    };
    segments.iter().map(read).collect()
}

#[test]
fn the_segments_of_an_index_are_listed_as_byte_ranges() {
    let folders = Folders::new();
    folders.write("film.mpd", MPD);
    folders.write("v.mp4", film("v", &[9000, 7000], |_| {}));
    folders.age("v.mp4");
    once(&folders, &[]).success().says("2 segments hashed");
    assert_eq!(listed(&folders), [(88, 9000, 0.0), (9088, 7000, 2.0)]);
    once(&folders, &[]).success().says(", 0 segments hashed");
    // The index is read again with the file, although the MPD stays as it is.
    folders.write("v.mp4", film("w", &[5000, 4000, 3000], |_| {}));
    once(&folders, &[]).success();
    let expected = [(100, 5000, 0.0), (5100, 4000, 2.0), (9100, 3000, 4.0)];
    assert_eq!(listed(&folders), expected);
}

#[test]
fn a_file_that_is_still_to_come_is_waited_for() {
    let folders = Folders::new();
    folders.write("film.mpd", MPD);
    once(&folders, &[])
        .failure()
        .says("v.mp4 is listed but not there");
    let watch = Watch::start(&folders, &[]);
    watch.wait_until_it_says("v.mp4 is listed but not there");
    assert_eq!(folders.sealed("film.mpd"), None);
    // Written in place, and not at once: the index first, which says more than there is.
    let whole = film("v", &[9000, 7000], |_| {});
    folders.write("v.mp4", &whole[..5000]);
    watch.has_looked(&folders);
    assert_eq!(folders.sealed("film.mpd"), None);
    folders.write("v.mp4", &whole);
    folders.wait_for("film.integrity.json", |_| true);
    assert_eq!(listed(&folders), [(88, 9000, 0.0), (9088, 7000, 2.0)]);
    // Another film of the same name, longer, in the same place.
    folders.write("v.mp4", film("w", &[5000, 4000, 9000], |_| {}));
    folders.wait_for("film.integrity.json", |list| {
        list.contains("\"offset\":9100")
    });
    assert_eq!(listed(&folders).len(), 3);
    watch.end("TERM").success();
}

#[test]
fn what_was_sealed_stays_when_its_source_goes() {
    let folders = Folders::new();
    folders.write("film.mpd", MPD);
    folders.write("v.mp4", film("v", &[9000, 7000], |_| {}));
    folders.age("v.mp4");
    once(&folders, &[]).success();
    folders.remove("v.mp4");
    once(&folders, &[]).success().says(", 0 segments hashed");
    assert_eq!(listed(&folders).len(), 2);
}

#[test]
fn a_broken_index_leaves_the_stream_as_it_is() {
    let spoilt: [(&str, Spoil); 5] = [
        ("too short", |index| index[31] = 200),
        ("too short", |index| index[1] = 7),
        ("longer than any film needs", |index| index[0] = 255),
        ("counts time in nothing", |index| index[19] = 0),
        ("missing", |index| index[32] |= 128),
    ];
    for (words, spoil) in spoilt {
        let folders = Folders::new();
        folders.write("film.mpd", MPD);
        folders.write("v.mp4", film("v", &[9000, 7000], spoil));
        once(&folders, &[])
            .success()
            .says("served without hashes")
            .says(words);
        assert_eq!(folders.sealed("film.mpd").as_deref(), Some(MPD.as_bytes()));
        assert_eq!(folders.sealed("film.integrity.json"), None);
    }
}

#[test]
fn an_index_of_more_than_the_file_has_is_not_published() {
    let folders = Folders::new();
    folders.write("film.mpd", MPD);
    let mut short = film("v", &[9000, 7000], |_| {});
    short.truncate(12_000);
    folders.write("v.mp4", short);
    once(&folders, &[])
        .failure()
        .says("v.mp4 has 12000 bytes, but a listed byte range ends at 16088");
    assert_eq!(folders.sealed("film.integrity.json"), None);
}

/// Runs ffmpeg in the packager's folder on 8 seconds of pictures.
fn ffmpeg(folders: &Folders, args: &str) {
    let pictures =
        "-f lavfi -i testsrc2=size=320x180:rate=25 -t 8 -c:v libx264 -preset ultrafast -g 50";
    let status = Command::new(crate::ffmpeg_path())
        .args(["-nostdin", "-v", "error"])
        .args(pictures.split_whitespace().chain(args.split_whitespace()))
        .current_dir(folders.input())
        .status()
        .unwrap_or_else(|error| panic!("this test needs ffmpeg (apt-get install ffmpeg): {error}"));
    assert!(status.success());
}

/// An MPD of 8 seconds that leaves the index to be looked for.
fn unsaid() -> String {
    MPD.replace("PT6S", "PT8S")
        .replace(" indexRange=\"32-99\"", "")
}

/// What ffmpeg's own HLS playlist says of the same file is the other half of the comparison.
#[test]
fn ffmpegs_index_lists_what_its_playlist_lists() {
    let folders = Folders::new();
    let single = "-single_file 1 -global_sidx 1 -single_file_name v.mp4 -hls_playlist 1";
    ffmpeg(
        &folders,
        &format!("-f dash -seg_duration 2 {single} other.mpd"),
    );
    folders.remove("other.mpd");
    folders.write("film.mpd", unsaid());
    once(&folders, &[]).success();
    let playlist = folders.playlist("media_0.m3u8");
    let ranges = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")?.split_once('@'));
    let ranges: Vec<(u64, u64)> = ranges
        .map(|(len, first)| (first.parse().unwrap(), len.parse().unwrap()))
        .collect();
    let found = listed(&folders);
    let starts: Vec<f64> = found.iter().map(|(.., start)| *start).collect();
    let found: Vec<_> = found.iter().map(|(first, len, _)| (*first, *len)).collect();
    assert_eq!((found, starts), (ranges, vec![0.0, 2.0, 4.0, 6.0]));
}

/// The hash is that of the bytes in the file, which are not those of the clear film.
#[test]
fn an_encrypted_film_is_sealed_as_ciphertext() {
    let hashes = |encryption: &str| {
        let folders = Folders::new();
        let indexed = "-movflags +dash+global_sidx+frag_keyframe+empty_moov+default_base_moof";
        ffmpeg(&folders, &format!("{encryption} -f mp4 {indexed} v.mp4"));
        let protection =
            "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\"/>";
        let text = unsaid().replace("<AdaptationSet>", &format!("<AdaptationSet>{protection}"));
        folders.write("film.mpd", &text);
        once(&folders, &[]).success().says("4 segments hashed");
        assert!(folders.playlist("film.mpd").contains(protection));
        let sizes: Vec<_> = listed(&folders).iter().map(|(_, len, _)| *len).collect();
        (sizes, folders.playlist("film.integrity.json"))
    };
    let key = "-encryption_key 000102030405060708090a0b0c0d0e0f -encryption_kid a7e61c373e219033c21091fa607bf3b8";
    let (clear, first) = hashes("");
    let (hidden, second) = hashes(&format!("-encryption_scheme cenc-aes-ctr {key}"));
    assert_eq!(clear, hidden);
    for hash in first.split('"').filter(|text| text.len() == 43) {
        assert!(!second.contains(hash), "{hash} is of the clear film");
    }
}
