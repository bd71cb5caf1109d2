//! Where a search begins: messages as this code writes them, manifests as packagers do, whole stories for the engine.
//!
//! `cargo run -p swarmline-fuzz -- seeds` writes them to `tests/fuzz/seeds/`, and a test says when those are not these.

use crate::announces::{forward_offer, parse, welcome};
use crate::boxes::boxed;
use crate::engine::stories;
use crate::input::Input;
use crate::integrity_list::{List, Representation, Segment};
use crate::targets::{tag, wire as messages};
use swarmline::core::ids::{InfoHash, PeerId};
use swarmline::core::integrity::tag::Tag;

/// A name, and the bytes.
pub type Seed = (String, Vec<u8>);

const HLS: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:17\n\
    #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.000,\n17.m4s\n#EXT-X-DISCONTINUITY\n#EXTINF:1.96,title\n18.m4s\n\
    #EXT-X-GAP\n#EXTINF:2,\n19.m4s\n";
const RANGES: &str = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-PLAYLIST-TYPE:VOD\r\n\
    #EXTINF:4,\r\n#EXT-X-BYTERANGE:1000@720\r\nall.mp4\r\n#EXTINF:4,\r\n#EXT-X-BYTERANGE:900\r\nall.mp4\r\n#EXT-X-ENDLIST";
const MASTER: &str = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",URI=\"a/i.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"\nv/i.m3u8\n";
const TIMELINE: &str = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"dynamic\">\n\
    <Period id=\"p\" start=\"PT1M\"><AdaptationSet><SegmentTemplate timescale=\"10\" presentationTimeOffset=\"100\" \
    startNumber=\"7\" initialization=\"$RepresentationID$/i.mp4\" media=\"$RepresentationID$/$Bandwidth$-$Number%03d$.m4s\">\
    <SegmentTimeline><S t=\"100\" d=\"20\" r=\"1\"/><S d=\"15\"/><S t=\"200\" d=\"20\" r=\"-1\"/></SegmentTimeline></SegmentTemplate>\
    <Representation id=\"v0\" bandwidth=\"900\"/></AdaptationSet></Period>\n<UTCTiming/></MPD>";
const COUNTED: &str = "<MPD mediaPresentationDuration=\"PT9S\"><BaseURL>../m/</BaseURL><Period><AdaptationSet>\
    <SegmentTemplate timescale=\"10\" duration=\"40\" media=\"$Time$.m4s\"/><Representation id=\"a\"/></AdaptationSet>\
    <AdaptationSet><Representation id=\"b\"><SegmentList duration=\"2\"><Initialization sourceURL=\"i\"/>\
    <SegmentURL media=\"1\" mediaRange=\"5-99\"/><SegmentURL media=\"2\"/></SegmentList></Representation></AdaptationSet></Period></MPD>";
const INDEXED: &str = "<MPD type=\"static\" mediaPresentationDuration=\"PT9S\"><SupplementalProperty \
    schemeIdUri=\"urn:swarmline:integrity:2026\" value=\"l.json\"/><Period><AdaptationSet><Representation id=\"v\">\
    <BaseURL>v.mp4</BaseURL><SegmentBase indexRange=\"0-200\"/></Representation></AdaptationSet></Period></MPD>";

fn named(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

/// One message of each kind, as it is sent.
pub(crate) fn wire() -> Vec<Seed> {
    let seed = |kind: u8| {
        let choices: Vec<u8> = std::iter::once(kind)
            .chain((1..200).map(|n: u8| n.wrapping_mul(7)))
            .collect();
        let message = messages::message(&mut Input::new(&choices));
        let mut bytes = message.encode();
        bytes.truncate(400);
        (format!("message-{kind:02}"), bytes)
    };
    (0..14).map(seed).collect()
}

/// Openings, responses, offers, silence.
pub(crate) fn tracker() -> Vec<Seed> {
    let said = |kind: u8, words: &[u8]| [&[4, 0, kind], words].concat();
    let opened = [2, 0, 2, 1];
    let offers = [
        &[7, 0, 2][..],
        &[5; 20],
        b"\x04sdp\n\x01",
        &[6; 20],
        b"\x03abc\x02",
    ]
    .concat();
    let offer = said(1, &[&[3; 20][..], &[4; 20], b"\x06v=0\r\nx"].concat());
    let swarm = InfoHash([0x11; 20]);
    let text = welcome(swarm, 120, 3, 4);
    let stopped = r#"{"action":"announce","info_hash":"aaaaaaaaaaaaaaaaaaaa","peer_id":"bbbbbbbbbbbbbbbbbbbb","event":"stopped","numwant":2,"offers":[{"offer":{"type":"offer","sdp":"v=0"},"offer_id":"cccccccccccccccccccc"}]}"#;
    let forwarded = match parse(stopped.replace("stopped", "started").as_bytes()) {
        Ok(crate::announces::Request::Announce(announce)) => announce
            .offers
            .first()
            .map(|offer| forward_offer(swarm, PeerId([3; 20]), offer)),
        _ => None,
    };
    vec![
        named(
            "response",
            [
                &opened[..],
                &said(0, &[0, 0, 0, 60, 0, 3, 0, 9]),
                &[6, 0, 5, 2],
                &offers,
            ]
            .concat(),
        ),
        named(
            "offer",
            [
                &opened[..],
                &offer,
                &[8, 0],
                &[3; 20],
                &[4; 20],
                b"\x05v=0\r\n",
            ]
            .concat(),
        ),
        named(
            "silence",
            [&opened[..], &[9, 0, 18, 9, 0, 19, 3, 0, 9, 0, 17]].concat(),
        ),
        named(
            "stop",
            [
                &opened[..],
                &[1, 0, 0, 0, 2, 0],
                &said(3, b"\x09too early"),
                &[1, 0],
            ]
            .concat(),
        ),
        named(
            "text",
            said(7, &[&[text.len() as u8], text.as_bytes()].concat()),
        ),
        named("server", stopped),
        named("forwarded", forwarded.unwrap_or_default()),
        named(
            "scrape",
            r#"{"action":"scrape","info_hash":["aaaaaaaaaaaaaaaaaaaa"]}"#,
        ),
    ]
}

fn tagged(seed: u8) -> Tag {
    let bytes: Vec<u8> = (0..80).map(|n: u8| n.wrapping_mul(seed)).collect();
    tag::tag(&mut Input::new(&bytes))
}

/// The tag with and without a root, and with what later versions may add.
pub(crate) fn tag() -> Vec<Seed> {
    let whole = tagged(2).to_string();
    let plain = Tag {
        root: None,
        ..tagged(5)
    }
    .to_string();
    vec![
        named("more", format!("{whole},LATER=\"a,b\"\r\n")),
        named("plain", plain),
        named("whole", whole),
    ]
}

/// Playlists as packagers write them, and one that was sealed.
pub(crate) fn playlist() -> Vec<Seed> {
    let sealed = HLS.replace("#EXTINF:2.000", &format!("{}\n#EXTINF:2.000", tagged(3)));
    vec![
        named("live", HLS),
        named("ranges", RANGES),
        named("master", MASTER),
        named("sealed", sealed),
    ]
}

/// A list as the sealer writes it.
pub(crate) fn list() -> Vec<Seed> {
    let segment = |number: u8| {
        let url = format!("v/{number}.m4s");
        Segment::new(
            url,
            number.into(),
            f64::from(number) * 2.0,
            2.0,
            &tagged(number),
        )
    };
    let representation = Representation {
        period: "p".to_owned(),
        id: "v0".to_owned(),
        segments: (1..4).map(segment).collect(),
    };
    let text = serde_json::to_string(&List::new(true, vec![representation])).unwrap_or_default();
    let choices: Vec<u8> = (0..=255).collect();
    vec![named("written", text), named("choices", choices)]
}

/// MPDs of each way to name segments; the last with the media file whose index names them.
pub(crate) fn mpd() -> Vec<Seed> {
    let whole = |text: &str, media: &[u8]| {
        let len = (text.len() as u16).to_be_bytes();
        [&len, text.as_bytes(), media].concat()
    };
    vec![
        named("timeline", whole(TIMELINE, &[])),
        named("counted", whole(COUNTED, &[])),
        named("indexed", whole(INDEXED, &sidx())),
    ]
}

fn sidx() -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 90];
    body.extend([0; 10]);
    body.extend([0, 2]);
    for size in [1_000_u32, 900] {
        body.extend(size.to_be_bytes());
        body.extend([0, 0, 0, 180, 0x90, 0, 0, 0]);
    }
    boxed(b"sidx", &body)
}

/// A fragment, an index, both.
pub(crate) fn boxes() -> Vec<Seed> {
    let fragment = |tfdt: &[u8]| {
        let mfhd = boxed(b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 9]);
        let traf = boxed(b"traf", &boxed(b"tfdt", tfdt));
        [
            boxed(b"moof", &[mfhd, traf].concat()),
            boxed(b"mdat", b"media"),
        ]
        .concat()
    };
    let (short, long) = (
        fragment(&[0; 8]),
        fragment(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
    );
    let choice = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9];
    let all = [boxed(b"ftyp", b"iso6"), sidx(), long.clone()].concat();
    vec![
        named("short", [&short[..], &choice].concat()),
        named("long", [&long[..], &choice].concat()),
        named("index", [&all[..], &choice].concat()),
    ]
}

/// Headers as servers and browsers send them.
pub(crate) fn headers() -> Vec<Seed> {
    let sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 00:11\r\n\
        a=candidate:1 1 udp 2113937151 198.51.100.7 50000 typ host\r\n";
    vec![
        named("content-range", "bytes 100-299/1000"),
        named("unknown-length", "bytes 0-0/*"),
        named("range", "bytes=10-"),
        named("suffix", "bytes=-10"),
        named("sdp", sdp),
        named("base64url", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
    ]
}

/// Whole stories: a viewer alone, one among friends, one among others.
pub(crate) fn engine() -> Vec<Seed> {
    stories()
}
