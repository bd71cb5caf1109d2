//! Faults on request, and counters that tell the truth.

use crate::server::{Demo, wait_for};
use std::io::Read as _;
use std::time::Instant;
use swarmline::core::integrity::digest::Digests;

fn sound(demo: &Demo) -> (String, Vec<u8>) {
    let path = demo.playlist("/vod/a0/index.m3u8").segments[3].path.clone();
    let bytes = demo.bytes(&path);
    demo.post("/control/reset", "");
    (path, bytes)
}

#[test]
fn counts_segments_and_nothing_else() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    let len = bytes.len() as u64;
    demo.bytes("/live/v0/init.mp4");
    demo.text("/live/v0/index.m3u8");
    demo.bytes(&path);
    demo.range(&path, "bytes=10-19")
        .body_mut()
        .read_to_vec()
        .unwrap();
    demo.head(&path);
    demo.get("/live/v0/0.m4s");
    demo.range(&path, "bytes=99999999-");
    let stats = demo.stats();
    assert_eq!(stats["segmentBytes"], len + 10);
    assert_eq!(stats["segmentRequests"], 5);
    assert_eq!(stats["segmentErrors"], 2);
    assert_eq!(stats["byPath"][&path]["requests"], 4);
    assert_eq!(stats["byPath"][&path]["bytes"], len + 10);
    assert!(stats["byPath"]["/live/v0/init.mp4"].is_null());
    assert_eq!(demo.post("/control/reset", "").status(), 204);
    assert_eq!(demo.stats()["segmentBytes"], 0);
    assert_eq!(demo.stats()["byPath"], serde_json::json!({}));
}

#[test]
fn an_aborted_answer_counts_what_had_left() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"rateBps":40000}"#);
    let mut response = demo.get(&path);
    let mut some = vec![0; 2000];
    response
        .body_mut()
        .as_reader()
        .read_exact(&mut some)
        .unwrap();
    assert_eq!(some, bytes[..2000]);
    drop(response);
    let sent = || demo.stats()["segmentBytes"].as_u64().unwrap();
    let mut before = sent();
    wait_for("the transfer to end", || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        std::mem::replace(&mut before, sent()) == sent()
    });
    assert!((2000..bytes.len() as u64).contains(&sent()), "{}", sent());
}

#[test]
fn a_share_of_requests_fails() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"errorShare":1,"errorStatus":500}"#);
    assert_eq!(demo.get(&path).status(), 500);
    // Only segments are hit.
    demo.text("/live/v0/index.m3u8");
    demo.bytes("/live/v0/init.mp4");
    demo.faults(r#"{"errorShare":0.5}"#);
    let failed = (0..200).filter(|_| demo.get(&path).status() == 503).count();
    assert!((50..150).contains(&failed), "{failed}");
    assert_eq!(demo.stats()["segmentErrors"], failed + 1);
    demo.faults("");
    assert_eq!(demo.bytes(&path), bytes);
}

#[test]
fn a_corrupt_answer_differs_in_one_byte() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"corruptShare":1,"reprDigest":true}"#);
    let mut response = demo.get(&path);
    let header = response.headers()["repr-digest"]
        .to_str()
        .unwrap()
        .to_owned();
    let got = response.body_mut().read_to_vec().unwrap();
    assert_eq!(got.len(), bytes.len());
    assert_eq!(got.iter().zip(&bytes).filter(|(a, b)| a != b).count(), 1);
    // The header still tells the truth.
    assert_eq!(header, repr_digest(&bytes));
    demo.faults(r#"{"corruptShare":1}"#);
    let mut part = demo.range(&path, "bytes=100-119");
    let part = part.body_mut().read_to_vec().unwrap();
    assert_eq!(
        part.iter()
            .zip(&bytes[100..])
            .filter(|(a, b)| a != b)
            .count(),
        1
    );
}

fn repr_digest(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let hash = Digests::of(bytes).hash.0;
    let text = base64::engine::general_purpose::STANDARD.encode(hash);
    format!("sha-256=:{text}:")
}

#[test]
fn digests_by_header_instead_of_tag() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    assert!(demo.get(&path).headers().get("repr-digest").is_none());
    demo.faults(r#"{"hideHashes":true,"reprDigest":true}"#);
    let list = demo.playlist("/live/a0/index.m3u8");
    assert_eq!(list.segments.len(), 8);
    assert!(list.segments.iter().all(|s| s.tag.is_none()));
    for response in [
        demo.get(&path),
        demo.head(&path),
        demo.range(&path, "bytes=0-9"),
    ] {
        assert_eq!(
            response.headers()["repr-digest"],
            repr_digest(&bytes).as_str()
        );
    }
    assert!(
        demo.get("/live/v0/init.mp4")
            .headers()
            .get("repr-digest")
            .is_none()
    );
}

#[test]
fn a_shaped_answer_takes_its_time() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    let time = |faults: &str| {
        demo.faults(faults);
        let start = Instant::now();
        assert_eq!(demo.bytes(&path), bytes);
        start.elapsed().as_secs_f64()
    };
    let slow = time(r#"{"rateBps":100000}"#);
    let faster = time(r#"{"rateBps":400000}"#);
    let free = time("{}");
    assert!(slow > 1.5 * faster, "{slow} {faster}");
    assert!(faster > 1.5 * free, "{faster} {free}");
}

#[test]
fn latency_holds_back_segments_and_nothing_else() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"latencyMs":3000}"#);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| demo.bytes(&path));
        wait_for("the request to arrive", || {
            demo.stats()["segmentRequests"] == 1
        });
        demo.bytes("/live/v0/init.mp4");
        demo.text("/live/a0/index.m3u8");
        assert_eq!(demo.stats()["segmentBytes"], 0);
        assert!(!waiting.is_finished());
        assert_eq!(waiting.join().unwrap(), bytes);
    });
}

#[test]
fn bad_faults_are_refused_and_change_nothing() {
    let demo = Demo::start();
    demo.faults(r#"{"errorShare":0.25}"#);
    for bad in ["{", "[1]", r#"{"errorShare":2}"#, r#"{"errorshare":0}"#] {
        let mut response = demo.post("/control/faults", bad);
        assert_eq!(response.status(), 400, "{bad}");
        assert!(!response.body_mut().read_to_string().unwrap().is_empty());
    }
    assert!(demo.text("/control/faults").contains("\"errorShare\":0.25"));
}

/// Status, body and headers of an odd answer.
fn odd(demo: &Demo, path: &str, range: Option<&str>) -> (u16, Vec<u8>, ureq::http::HeaderMap) {
    let mut response = match range {
        Some(range) => demo.range(path, range),
        None => demo.get(path),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.body_mut().read_to_vec().unwrap_or_default();
    (status, body, headers)
}

#[test]
fn odd_answers_are_odd_in_the_way_they_say() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    let part = Some("bytes=2000-2999");
    let set = |oddity: &str| demo.faults(&format!(r#"{{"oddity":"{oddity}"}}"#));
    let range_of = |headers: &ureq::http::HeaderMap| {
        let value = headers.get("content-range")?;
        Some(value.to_str().unwrap().to_owned())
    };
    let len = bytes.len();

    set("cut");
    let mut response = demo.get(&path);
    assert_eq!(
        response.headers()["content-length"],
        len.to_string().as_str()
    );
    assert!(response.body_mut().read_to_vec().is_err());
    set("cutChunked");
    let mut response = demo.get(&path);
    assert!(response.headers().get("content-length").is_none());
    assert!(response.body_mut().read_to_vec().is_err());

    set("short");
    assert_eq!(odd(&demo, &path, None).1, bytes[..len / 2]);
    set("long");
    assert_eq!(odd(&demo, &path, None).1.len(), len + 5000);

    set("wrongRange");
    let (status, body, headers) = odd(&demo, &path, part);
    assert_eq!((status, &body[..]), (206, &bytes[3000..4000]));
    assert_eq!(range_of(&headers), Some(format!("bytes 3000-3999/{len}")));
    set("falseRange");
    let (_, body, headers) = odd(&demo, &path, part);
    assert_eq!(body, bytes[3000..4000]);
    assert_eq!(range_of(&headers), Some(format!("bytes 2000-2999/{len}")));
    set("unsaidRange");
    let (status, body, headers) = odd(&demo, &path, part);
    assert_eq!(
        (status, &body[..], range_of(&headers)),
        (206, &bytes[2000..3000], None)
    );
    set("multipart");
    let (_, body, headers) = odd(&demo, &path, part);
    assert!(
        headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("multipart/byteranges")
    );
    assert!(
        body.windows(1000)
            .any(|window| window == &bytes[2000..3000])
    );
    set("ignoreRange");
    let (status, body, _) = odd(&demo, &path, part);
    assert_eq!((status, body), (200, bytes.clone()));
    set("refuseRange");
    assert_eq!(odd(&demo, &path, part).0, 416);

    set("gzip");
    let (_, body, headers) = odd(&demo, &path, None);
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(body[..2], [0x1f, 0x8b]);

    for oddity in ["wrongRange", "falseRange", "multipart", "refuseRange"] {
        set(oddity);
        assert_eq!(odd(&demo, &path, None).1, bytes, "{oddity} is about ranges");
    }
    demo.faults(r#"{"oddity":"short","oddityShare":0}"#);
    assert_eq!(demo.bytes(&path), bytes);
}

#[test]
fn a_redirect_goes_to_another_host_and_ends_there() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"oddity":"redirect"}"#);
    assert_eq!(demo.bytes(&path), bytes);
    // The redirect itself, and what it leads to.
    assert_eq!(demo.stats()["segmentRequests"], 2);
}

#[test]
fn what_breaks_off_are_whole_answers() {
    let demo = Demo::start();
    let (path, bytes) = sound(&demo);
    demo.faults(r#"{"breakShare":1}"#);
    assert!(demo.get(&path).body_mut().read_to_vec().is_err());
    let mut part = demo.range(&path, "bytes=100-199");
    assert_eq!(part.body_mut().read_to_vec().unwrap(), bytes[100..200]);
}
