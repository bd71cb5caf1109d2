use super::*;
use proptest::prelude::*;
use swarmline::core::integrity::digest::Digests;

fn media(text: &str) -> Media {
    match parse(text.as_bytes().to_vec()).unwrap() {
        Playlist::Media(media) => media,
        Playlist::Master(_) => panic!("a master playlist: {text}"),
    }
}

fn error(text: &str) -> (usize, String) {
    let error = parse(text.as_bytes().to_vec()).unwrap_err();
    (error.line, error.what)
}

fn tag(of: &str) -> Tag {
    Tag::try_from(&Digests::of(of.as_bytes())).unwrap()
}

fn tags(media: &Media) -> Vec<Option<Tag>> {
    media
        .segments
        .iter()
        .map(|segment| Some(tag(&segment.uri)))
        .collect()
}

#[test]
fn a_tag_goes_right_before_the_uri_and_all_else_stays() {
    let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\n# a comment\n\
        #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.0,\n#EXT-X-UNKNOWN:1\n1.m4s\n\
        #EXT-X-DISCONTINUITY\n#EXTINF:1.5,title, with comma\n2.m4s\n#EXT-X-ENDLIST\n";
    let media = media(text);
    let sealed = media.with_tags(&tags(&media));
    let expected = text
        .replace("1.m4s\n", &format!("{}\n1.m4s\n", tag("1.m4s")))
        .replace("2.m4s\n", &format!("{}\n2.m4s\n", tag("2.m4s")));
    assert_eq!(sealed, expected);
    assert!(media.ended && !media.i_frames);
    assert_eq!(
        media.companions,
        [Companion {
            uri: "init.mp4".into(),
            needed: true
        }]
    );
}

#[test]
fn line_breaks_stay_what_they_are() {
    let crlf = "#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n#EXTINF:2,\r\n1.ts\r\n#EXTINF:2,\r\n2.ts";
    let media = media(crlf);
    let sealed = media.with_tags(&tags(&media));
    assert!(sealed.contains(&format!("#EXTINF:2,\r\n{}\r\n1.ts\r\n", tag("1.ts"))));
    assert!(sealed.ends_with(&format!("#EXTINF:2,\r\n{}\r\n2.ts", tag("2.ts"))));
    assert_eq!(sealed.matches('\n').count(), sealed.matches("\r\n").count());
}

#[test]
fn tags_of_an_earlier_seal_are_replaced_and_those_of_untagged_segments_stay() {
    let old = tag("other");
    let text = format!(
        "#EXTM3U\n{old}\n#EXTINF:2,\n{old}\n1.ts\n#EXTINF:2,\n{old}\nhttps://cdn.example/2.ts\n"
    );
    let media = media(&text);
    let sealed = media.with_tags(&[Some(tag("1")), None]);
    let expected = format!(
        "#EXTM3U\n#EXTINF:2,\n{}\n1.ts\n#EXTINF:2,\n{old}\nhttps://cdn.example/2.ts\n",
        tag("1")
    );
    assert_eq!(sealed, expected);
    assert_eq!(
        media.tag_of(&media.segments[0]),
        None,
        "two tags are no tag"
    );
    assert_eq!(media.tag_of(&media.segments[1]), Some(old));
}

#[test]
fn byte_ranges_with_and_without_an_offset() {
    let text = "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:30\na.ts\n\
        #EXT-X-BYTERANGE:7\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@0\nb.ts\n";
    let parts: Vec<Part> = media(text)
        .segments
        .iter()
        .map(|segment| segment.part)
        .collect();
    let bytes = |offset, len| Part::Bytes { offset, len };
    assert_eq!(
        parts,
        [
            bytes(50, 100),
            bytes(150, 30),
            bytes(180, 7),
            Part::Whole,
            bytes(0, 5)
        ]
    );
}

#[test]
fn names_the_line_that_is_wrong() {
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
    for (text, line, word) in [
        ("", 1, "empty"),
        ("#EXT-X-TARGETDURATION:2\n#EXTM3U\n", 1, "#EXTM3U"),
        ("<html>\n", 1, "#EXTM3U"),
        ("#EXTM3U\n# nothing\n", 2, "neither"),
        (&format!("{head}#EXTINF:2,\n"), 3, "no URI"),
        (&format!("{head}#EXTINF:2,\n#EXT-X-ENDLIST\n"), 3, "no URI"),
        (
            &format!("{head}#EXTINF:2,\n#EXTINF:2,\n1.ts\n"),
            4,
            "line 3",
        ),
        (&format!("{head}#EXTINF:two,\n1.ts\n"), 3, "duration"),
        (&format!("{head}#EXTINF:-1,\n1.ts\n"), 3, "duration"),
        (&format!("{head}#EXTINF:inf,\n1.ts\n"), 3, "duration"),
        (&format!("{head}1.ts\n"), 3, "without EXTINF"),
        (
            &format!("{head}#EXTINF:2,\n#EXT-X-BYTERANGE:x\n1.ts\n"),
            4,
            "BYTERANGE",
        ),
        (
            &format!("{head}#EXTINF:2,\n#EXT-X-BYTERANGE:0@5\n1.ts\n"),
            4,
            "BYTERANGE",
        ),
        (
            &format!("{head}#EXTINF:2,\n#EXT-X-BYTERANGE:9223372036854775807@1\n1.ts\n"),
            4,
            "BYTERANGE",
        ),
        (
            &format!("{head}#EXTINF:2,\n#EXT-X-BYTERANGE:5\n1.ts\n"),
            5,
            "without an offset",
        ),
        (
            &format!(
                "{head}#EXTINF:2,\n#EXT-X-BYTERANGE:5@0\n1.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:5\n2.ts\n"
            ),
            8,
            "2.ts",
        ),
        (
            &format!("{head}#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF:2,\n1.ts\n"),
            5,
            "both",
        ),
    ] {
        let (found, what) = error(text);
        assert_eq!(found, line, "{text:?}: {what}");
        assert!(what.contains(word), "{text:?}: {what}");
    }
}

#[test]
fn implicit_ranges_cannot_overflow() {
    let huge = (1u64 << 62) - 1;
    let text = format!(
        "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:{huge}@{huge}\n1.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:5\n1.ts\n"
    );
    assert_eq!(error(&text).0, 7);
}

#[test]
fn text_that_is_not_utf8() {
    let bad = parse(b"#EXTM3U\n#EXTINF:2,\n\xff.ts\n".to_vec()).unwrap_err();
    assert_eq!(bad.to_string(), "3: is not UTF-8 text");
}

#[test]
fn a_master_playlist_names_its_variants() {
    let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a,b\",URI=\"audio/a.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1\nv0/i.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nv1/i.m3u8\n";
    let Playlist::Master(companions) = parse(text.as_bytes().to_vec()).unwrap() else {
        panic!("no master playlist")
    };
    let uris: Vec<_> = companions
        .iter()
        .map(|companion| companion.uri.as_str())
        .collect();
    assert_eq!(uris, ["audio/a.m3u8", "v0/i.m3u8", "v1/i.m3u8"]);
}

#[test]
fn low_latency_parts_are_companions_and_stay_untagged() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART:DURATION=1,URI=\"1.0.m4s\"\n#EXTINF:2,\n1.m4s\n\
        #EXT-X-PART:DURATION=1,URI=\"2.0.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.1.m4s\"\n";
    let media = media(text);
    assert_eq!(media.segments.len(), 1);
    assert_eq!(media.companions.len(), 3);
    assert_eq!(
        media
            .with_tags(&tags(&media))
            .matches("#EXT-X-SWARMLINE")
            .count(),
        1
    );
}

#[test]
fn gaps_keys_and_i_frames() {
    let text = "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k.key\",IV=0x1\n\
        #EXT-X-GAP\n#EXTINF:2,\nnone.ts\n#EXTINF:2,\n1.ts\n";
    let media = media(text);
    assert!(media.i_frames);
    assert_eq!(
        media.segments.iter().map(|s| s.gap).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(
        media.companions,
        [Companion {
            uri: "k.key".into(),
            needed: false
        }]
    );
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("#EXTINF:2.0,\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n1.ts".to_owned()),
        1 => Just("#EXTINF:2.0,\n#EXT-X-BYTERANGE:5@7\n\n2.ts".to_owned()),
        1 => Just("#EXT-X-DISCONTINUITY".to_owned()),
        1 => "#[ -~]{0,20}".prop_filter("no tag", |line| !line.starts_with("#EXT")),
        1 => Just(String::new()),
        1 => Just(format!("{}", tag("old"))),
    ]
}

proptest! {
    /// Sealing adds one line for each segment and changes no other byte.
    #[test]
    fn without_its_tags_a_sealed_playlist_is_the_packagers(
        lines in prop::collection::vec(line(), 0..20),
        crlf: bool,
        last_break: bool,
    ) {
        let eol = if crlf { "\r\n" } else { "\n" };
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{}", lines.join("\n")).replace('\n', eol);
        if last_break {
            text.push_str(eol);
        }
        let packagers = media(&text);
        let sealed = packagers.with_tags(&tags(&packagers));
        let strip = |text: &str| -> String {
            text.split_inclusive('\n').filter(|line| !Tag::is_tag(line)).collect()
        };
        // Tags after the last segment belong to none and stay.
        let count = sealed.split_inclusive('\n').filter(|line| Tag::is_tag(line)).count();
        prop_assert!(count >= packagers.segments.len());
        prop_assert_eq!(strip(&sealed), strip(&text));
        for (segment, expected) in media(&sealed).segments.iter().zip(tags(&packagers)) {
            prop_assert_eq!(media(&sealed).tag_of(segment), expected);
        }
        let again = media(&sealed);
        prop_assert_eq!(again.with_tags(&tags(&again)), sealed, "sealing twice is sealing once");
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(#EXTM3U\n)?(#EXT(INF|-X-BYTERANGE|-X-MAP)?:?[0-9@,\"=URI]{0,9}\n|[a-z]{0,2}\n){0,8}") {
        let _ = parse(bytes);
        let _ = parse(text.into_bytes());
    }
}
