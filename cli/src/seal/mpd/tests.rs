use super::*;
use proptest::prelude::*;
use swarmline::core::integrity::digest::Digests;

fn mpd(attributes: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" {attributes}>\n{body}\n</MPD>\n"
    )
}

/// Every file's index is the same.
fn indexed(_: &str, part: Part) -> Result<Vec<Subsegment>, MpdError> {
    let subsegment = |offset, start| Subsegment {
        part: Part::bytes(offset, 50).unwrap(),
        start,
        duration: 2.0,
    };
    match part {
        Part::Bytes { offset: 666, .. } => Err(MpdError::Beyond("a.mp4 is odd".to_owned())),
        Part::Bytes { offset: 404, .. } => Err(MpdError::Wait(Wait::Missing("a.mp4".into()))),
        _ => Ok(vec![subsegment(100, 5.0), subsegment(150, 7.0)]),
    }
}

fn parsed(text: &str) -> Result<Manifest, MpdError> {
    parse("manifest.mpd", text.as_bytes().to_vec(), &mut indexed)
}

fn read(text: &str) -> Manifest {
    parsed(text).unwrap()
}

fn beyond(text: &str) -> String {
    match parsed(text) {
        Err(MpdError::Beyond(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn one(period: &str, template: &str) -> String {
    format!(
        "<Period {period}><AdaptationSet>{template}<Representation id=\"v0\" bandwidth=\"900\"/></AdaptationSet></Period>"
    )
}

/// URI, number, start and duration of each segment.
fn listed(manifest: &Manifest) -> Vec<(&str, u64, f64, f64)> {
    let listed = manifest.segments.iter();
    listed
        .map(|s| (s.uri.as_str(), s.number, s.start, s.duration))
        .collect()
}

#[test]
fn a_timeline_with_repeats_gaps_and_an_offset() {
    let template = "<SegmentTemplate timescale=\"10\" presentationTimeOffset=\"100\" startNumber=\"7\" \
        initialization=\"$RepresentationID$/i.mp4\" media=\"$RepresentationID$/$Bandwidth$-$Number%03d$.m4s\">\
        <SegmentTimeline><S t=\"100\" d=\"20\" r=\"1\"/><S d=\"15\"/><S t=\"200\" d=\"20\"/></SegmentTimeline></SegmentTemplate>";
    let manifest = read(&mpd(
        "type=\"dynamic\"",
        &one("id=\"p\" start=\"PT1M\"", template),
    ));
    assert_eq!(
        listed(&manifest),
        [
            ("v0/900-007.m4s", 7, 60.0, 2.0),
            ("v0/900-008.m4s", 8, 62.0, 2.0),
            ("v0/900-009.m4s", 9, 64.0, 1.5),
            ("v0/900-010.m4s", 10, 70.0, 2.0),
        ]
    );
    assert_eq!(
        manifest.companions,
        [Companion {
            uri: "v0/i.mp4".into(),
            needed: true
        }]
    );
    assert!(!manifest.ended());
    assert_eq!(
        manifest.representations,
        [("p".to_owned(), "v0".to_owned())]
    );
}

#[test]
fn names_by_time_are_numbered_by_time_for_they_slide() {
    let template = "<SegmentTemplate timescale=\"1000\" media=\"$Time$.m4s\"><SegmentTimeline>\
        <S t=\"4000\" d=\"2000\" r=\"-1\"/><S t=\"8000\" d=\"1000\"/></SegmentTimeline></SegmentTemplate>";
    let manifest = read(&mpd(
        "type=\"static\" mediaPresentationDuration=\"PT9S\"",
        &one("", template),
    ));
    assert_eq!(
        listed(&manifest),
        [
            ("4000.m4s", 4000, 4.0, 2.0),
            ("6000.m4s", 6000, 6.0, 2.0),
            ("8000.m4s", 8000, 8.0, 1.0)
        ]
    );
    assert!(manifest.ended());
}

#[test]
fn a_duration_tells_how_many_where_the_period_ends() {
    let template = "<SegmentTemplate timescale=\"10\" duration=\"40\" media=\"$Number$.m4s\"/>";
    let two = one("duration=\"PT10S\"", template) + &one("duration=\"PT0H0M4.0S\"", template);
    let manifest = read(&mpd("", &two));
    assert_eq!(
        listed(&manifest),
        [
            ("1.m4s", 1, 0.0, 4.0),
            ("2.m4s", 2, 4.0, 4.0),
            ("3.m4s", 3, 8.0, 2.0),
            ("1.m4s", 1, 10.0, 4.0)
        ]
    );
}

#[test]
fn lists_ranges_and_bases() {
    let body = "<BaseURL>film/</BaseURL><Period><AdaptationSet><BaseURL>video/</BaseURL><Representation id=\"a\">\
        <BaseURL>a.mp4</BaseURL><SegmentList duration=\"2\"><Initialization range=\"0-99\"/><SegmentURL mediaRange=\"100-199\"/>\
        <SegmentURL mediaRange=\"200-349\"/></SegmentList></Representation></AdaptationSet></Period>";
    let manifest = read(&mpd("", body));
    let parts: Vec<_> = manifest
        .segments
        .iter()
        .map(|s| (s.uri.as_str(), s.part))
        .collect();
    let part = |offset, len| Part::Bytes { offset, len };
    assert_eq!(
        parts,
        [
            ("film/video/a.mp4", part(100, 100)),
            ("film/video/a.mp4", part(200, 150))
        ]
    );
}

/// A representation in one file, with what stands inside it.
fn single(attributes: &str, inside: &str) -> String {
    format!(
        "<Period start=\"PT10S\"><AdaptationSet><Representation id=\"a\" {attributes}><BaseURL>a.mp4</BaseURL>{inside}</Representation>\
         </AdaptationSet></Period>"
    )
}

#[test]
fn an_index_names_the_segments_of_a_file() {
    let base = "<SegmentBase indexRange=\"30-99\" timescale=\"10\" presentationTimeOffset=\"50\"><Initialization range=\"0-29\"/></SegmentBase>";
    let manifest = read(&mpd("", &single("", base)));
    assert_eq!(
        listed(&manifest),
        [("a.mp4", 1, 10.0, 2.0), ("a.mp4", 2, 12.0, 2.0)]
    );
    let parts: Vec<_> = manifest.segments.iter().map(|s| s.part).collect();
    assert_eq!(
        parts,
        [Part::bytes(100, 50), Part::bytes(150, 50)].map(Option::unwrap)
    );
    assert!(manifest.indexed && manifest.companions.is_empty());
    // The index may have to be looked for; and a file that is named and nothing more is one with an index.
    for inside in ["<SegmentBase/>", ""] {
        assert_eq!(
            read(&mpd("", &single("", inside))).segments.len(),
            2,
            "{inside}"
        );
    }
    // A live MPD may have a finished period.
    assert!(read(&mpd("type=\"dynamic\"", &single("", base))).ended());
}

#[test]
fn each_period_lists_its_own_part_of_a_file() {
    let period = |start: u32, offset: u32| {
        let base = format!("<SegmentBase timescale=\"10\" presentationTimeOffset=\"{offset}\"/>");
        single("", &base).replace("PT10S", &format!("PT{start}S\" duration=\"PT2S"))
    };
    let manifest = read(&mpd(
        "",
        &(period(10, 50) + &period(12, 70) + &period(14, 60)),
    ));
    // What lies across a boundary belongs to the period, too, and so does what ended right at its beginning.
    let expected = [
        ("a.mp4", 1, 10.0, 2.0),
        ("a.mp4", 1, 10.0, 2.0),
        ("a.mp4", 2, 12.0, 2.0),
        ("a.mp4", 1, 13.0, 2.0),
        ("a.mp4", 2, 15.0, 2.0),
    ];
    assert_eq!(listed(&manifest), expected);
}

#[test]
fn an_index_that_is_of_no_use_is_told_with_its_representation() {
    let base = |range: &str| single("", &format!("<SegmentBase indexRange=\"{range}\"/>"));
    assert_eq!(
        beyond(&mpd("", &base("666-700"))),
        "representation \"a\": a.mp4 is odd"
    );
    for range in [
        "7",
        "9-3",
        "x-y",
        "18446744073709551615-18446744073709551615",
    ] {
        assert!(
            beyond(&mpd("", &base(range))).contains("no range"),
            "{range}"
        );
    }
    let wait = MpdError::Wait(Wait::Missing("a.mp4".into()));
    assert_eq!(parsed(&mpd("", &base("404-500"))).unwrap_err(), wait);
    let elsewhere = "<SegmentBase><RepresentationIndex sourceURL=\"a.sidx\"/></SegmentBase>";
    assert!(beyond(&mpd("", &single("", elsewhere))).contains("a file of its own"));
}

#[test]
fn subtitles_in_one_file_go_along() {
    let text = single("mimeType=\"text/vtt\"", "");
    let manifest = read(&mpd(
        "",
        &(single("", "<SegmentBase/>") + &text.replace("a.mp4", "a.vtt").replace("PT10S", "PT20S")),
    ));
    assert_eq!(manifest.segments.len(), 2);
    let companion = Companion {
        uri: "a.vtt".into(),
        needed: false,
    };
    assert_eq!(manifest.companions, [companion]);
}

#[test]
fn the_nearest_element_says_how_segments_are_named() {
    let template = "<SegmentTemplate duration=\"2\" media=\"$Number$.m4s\"/>";
    let body = single("", "<SegmentBase/>")
        .replace("<AdaptationSet>", &format!("{template}<AdaptationSet>"));
    assert!(read(&mpd("", &body)).indexed);
}

#[test]
fn periods_one_after_the_other_keep_their_representations_apart() {
    let list = "<SegmentList timescale=\"10\" duration=\"20\" presentationTimeOffset=\"40\"><SegmentURL media=\"1.m4s\"/>\
        <SegmentURL media=\"2.m4s\"/></SegmentList>";
    let template = "<SegmentTemplate duration=\"2\" media=\"$Number$.m4s\" startNumber=\"3\" presentationTimeOffset=\"4\"/>";
    let two = |ids: [&str; 2]| {
        one(&format!("{} duration=\"PT4S\"", ids[0]), list)
            + &one(&format!("{} duration=\"PT4S\"", ids[1]), template)
    };
    for ids in [["", ""], ["id=\"p\"", "id=\"q\""]] {
        let manifest = read(&mpd("", &two(ids)));
        assert_eq!(
            listed(&manifest),
            [
                ("1.m4s", 1, 0.0, 2.0),
                ("2.m4s", 2, 2.0, 2.0),
                ("3.m4s", 3, 4.0, 2.0),
                ("4.m4s", 4, 6.0, 2.0)
            ]
        );
        let tag = Some(Tag::try_from(&Digests::of(b"x")).unwrap());
        let list = manifest.list(&[tag; 4]).unwrap();
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let all = list["representations"].as_array().unwrap();
        let counts: Vec<_> = all
            .iter()
            .map(|r| r["segments"].as_array().unwrap().len())
            .collect();
        assert_eq!(counts, [2, 2]);
    }
}

#[test]
fn one_element_is_added_before_the_clock_and_nothing_else_changes() {
    let template = "<SegmentTemplate duration=\"2\" media=\"$Number$.m4s\"/>";
    let body = one("duration=\"PT4S\"", template) + "\n<UTCTiming schemeIdUri=\"x\" value=\"y\"/>";
    for text in [mpd("", &body), mpd("", &one("duration=\"PT4S\"", template))] {
        let manifest = read(&text);
        let named = manifest.named();
        let element = format!(
            "<SupplementalProperty schemeIdUri=\"{SCHEME}\" value=\"manifest.integrity.json\"/>\n"
        );
        assert_eq!(named.matches(&element).count(), 1, "{named}");
        assert_eq!(named.replace(&element, ""), text);
        assert!(named.find(&element) < named.find("<UTCTiming").or(Some(usize::MAX)));
        let again = read(&named);
        assert_eq!(
            (again.named(), again.list.as_str()),
            (named, "manifest.integrity.json")
        );
    }
}

#[test]
fn the_list_has_what_has_a_tag() {
    let template = "<SegmentTemplate duration=\"2\" media=\"$Number$.m4s\"/>";
    let manifest = read(&mpd("", &one("id=\"p\" duration=\"PT4S\"", template)));
    let tag = Tag::try_from(&Digests::of(b"two")).unwrap();
    let list = manifest.list(&[None, Some(tag)]).unwrap();
    let value: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(value["live"], false);
    let representation = &value["representations"][0];
    assert_eq!(
        (&representation["period"], &representation["id"]),
        (&"p".into(), &"v0".into())
    );
    let segments = representation["segments"].as_array().unwrap();
    assert_eq!(segments.len(), 1);
    assert_eq!(
        (&segments[0]["url"], &segments[0]["bytes"]),
        (&"2.m4s".into(), &3.into())
    );
    let read = crate::integrity_list::tags(&list);
    assert_eq!(read.get(&("2.m4s".to_owned(), None)), Some(&tag));
}

#[test]
fn what_an_mpd_does_not_say_itself_is_left_alone() {
    let template = "<SegmentTemplate duration=\"2\" media=\"$Number$.m4s\"/>";
    assert!(
        beyond(&mpd(
            "type=\"dynamic\"",
            &one("duration=\"PT4S\"", template)
        ))
        .contains("clock")
    );
    assert!(beyond(&mpd("", &one("", template))).contains("how many"));
    assert!(beyond(&mpd("", &one("", ""))).contains("no segments"));
    let endless = "<SegmentTemplate timescale=\"1\" media=\"$Time$\"><SegmentTimeline><S t=\"0\" d=\"1\" r=\"9999999999\"/>\
        </SegmentTimeline></SegmentTemplate>";
    assert!(beyond(&mpd("", &one("", endless))).contains("S element"));
    let elsewhere = format!(
        "<SupplementalProperty schemeIdUri=\"{SCHEME}\" value=\"https://x.example/l.json\"/>"
    );
    assert!(beyond(&mpd("", &elsewhere)).contains("not beside it"));
}

#[test]
fn what_is_no_mpd_is_told_with_its_line() {
    for (text, words) in [
        ("#EXTM3U", "is not XML"),
        ("<MPD>\n<Period>\n", "is not XML"),
        ("<a/>", "is no MPD"),
    ] {
        match parsed(text) {
            Err(MpdError::Broken(error)) => assert!(error.what.contains(words), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn durations() {
    for (text, expected) in [
        ("PT0S", Some(0.0)),
        ("PT1H2M3.5S", Some(3723.5)),
        ("P1DT1S", Some(86_401.0)),
        ("PT90M", Some(5400.0)),
        ("P1Y", None),
        ("1S", None),
        ("PTxS", None),
    ] {
        assert_eq!(seconds(Some(text)), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(<MPD>|</MPD>|<Period>|<S t=\"9\" d=\"1\" r=\"-1\"/>|<SegmentTimeline>|[a-z<>/\"= ]){0,20}") {
        let _ = parsed(&text);
    }

    #[test]
    fn no_number_makes_it_panic(t in any::<u64>(), d in any::<u64>(), r in any::<i64>(), o in any::<u64>(), scale in any::<u64>()) {
        let template = format!(
            "<SegmentTemplate timescale=\"{scale}\" presentationTimeOffset=\"{o}\" media=\"$Time%099999d$\"><SegmentTimeline>\
             <S t=\"{t}\" d=\"{d}\" r=\"{r}\"/></SegmentTimeline></SegmentTemplate>"
        );
        let _ = parsed(&mpd("", &one("duration=\"PT9S\"", &template)));
    }
}
