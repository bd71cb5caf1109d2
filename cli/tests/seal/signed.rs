//! `--key`: what is published is signed, by the key that was given, and not signed anew without a reason.

use super::folders::Folders;
use super::process::{Watch, command, once};
use super::stream::{lists, live, media, vod};
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signature, SigningKey};
use std::path::{Path, PathBuf};
use std::process::Command;

const STREAM: &str = "final-2026";

/// A new key in a file beside the folders, and its id.
fn key(folders: &Folders, name: &str) -> (PathBuf, String) {
    let file = folders.root().join(name);
    let made = keygen(&[file.to_str().unwrap()]);
    let id = made.lines().find_map(|line| line.strip_prefix("key id: "));
    (file, id.unwrap().to_owned())
}

fn keygen(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_swarmline"))
        .arg("keygen")
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn flags(key: &Path) -> [&str; 4] {
    ["--key", key.to_str().unwrap(), "--stream", STREAM]
}

/// The attributes of each signature line.
fn signatures(playlist: &str) -> Vec<Vec<String>> {
    let lines = playlist.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("#EXT-X-SWARMLINE-SIGNATURE:"));
    let attributes = |list: &str| list.split(',').map(str::to_owned).collect();
    lines.map(attributes).collect()
}

fn issued(playlist: &str) -> u64 {
    let all = signatures(playlist);
    all[0][1].strip_prefix("ISSUED=").unwrap().parse().unwrap()
}

#[test]
fn a_film_is_signed_once() {
    let folders = Folders::new();
    folders.write("v/0.ts", media("0"));
    folders.write("v/i.m3u8", vod(&["0.ts"]));
    let (file, id) = key(&folders, "key.pem");
    once(&folders, &flags(&file)).success();
    let sealed = folders.playlist("v/i.m3u8");
    let [signature] = &signatures(&sealed)[..] else {
        panic!("{sealed}");
    };
    assert_eq!(signature[0], format!("KEY={id}"));
    assert_eq!(signature[2], format!("STREAM=\"{STREAM}\""));
    assert_eq!(signature[3], "PATH=\"v/i.m3u8\"");
    once(&folders, &flags(&file)).success();
    assert_eq!(folders.playlist("v/i.m3u8"), sealed, "nothing has changed");
    once(&folders, &[]).success();
    assert!(signatures(&folders.playlist("v/i.m3u8")).is_empty());
}

#[test]
fn each_version_of_a_live_playlist_is_issued_later() {
    let folders = Folders::new();
    for name in ["0.ts", "1.ts"] {
        folders.write(name, media(name));
    }
    folders.replace("i.m3u8", live(0, &["0.ts"]));
    let (file, _) = key(&folders, "key.pem");
    let watch = Watch::start(&folders, &flags(&file));
    let first = folders.wait_for("i.m3u8", |text| lists(text, "0.ts"));
    folders.replace("i.m3u8", live(0, &["0.ts", "1.ts"]));
    let second = folders.wait_for("i.m3u8", |text| lists(text, "1.ts"));
    assert!(issued(&second) > issued(&first));
    watch.end("TERM").success();
}

#[test]
fn two_keys_sign_while_one_replaces_the_other() {
    let folders = Folders::new();
    folders.write("0.ts", media("0"));
    folders.write("i.m3u8", vod(&["0.ts"]));
    let (old, new) = (key(&folders, "old.pem"), key(&folders, "new.pem"));
    let second = ["--key", new.0.to_str().unwrap()];
    once(&folders, &[&flags(&old.0)[..], &second].concat()).success();
    let both = signatures(&folders.playlist("i.m3u8"));
    let ids: Vec<_> = both.iter().map(|signature| signature[0].clone()).collect();
    assert_eq!(ids, [format!("KEY={}", old.1), format!("KEY={}", new.1)]);
    once(&folders, &flags(&new.0)).success();
    assert_eq!(signatures(&folders.playlist("i.m3u8")).len(), 1);
}

#[test]
fn an_integrity_list_is_signed_over_all_that_is_before() {
    let folders = Folders::new();
    folders.write("1.m4s", media("1"));
    folders.write(
        "m.mpd",
        "<MPD type=\"static\" mediaPresentationDuration=\"PT2S\"><Period><AdaptationSet><Representation id=\"v\" bandwidth=\"1\">\
         <SegmentList duration=\"2\"><SegmentURL media=\"1.m4s\"/></SegmentList>\
         </Representation></AdaptationSet></Period></MPD>",
    );
    let (file, id) = key(&folders, "key.pem");
    once(&folders, &flags(&file)).success();
    let list = folders.playlist("m.integrity.json");
    let read: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(read["stream"], STREAM);
    assert_eq!(read["path"], "m.integrity.json");
    assert_eq!(read["signatures"][0]["key"], id.as_str());
    // With another library's hash and the format's words alone.
    let (body, _) = list.rsplit_once(",\"signatures\":").unwrap();
    let hash = swarmline::core::integrity::digest::Digests::of(body.as_bytes())
        .hash
        .0;
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let statement = format!("swarmline-list-1\n{}\n", encode(&hash));
    let pem = std::fs::read_to_string(&file).unwrap();
    let key = SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key();
    let bytes = {
        use base64::Engine as _;
        let text = read["signatures"][0]["sig"].as_str().unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .unwrap()
    };
    let signature = Signature::from_slice(&bytes).unwrap();
    key.verify_strict(statement.as_bytes(), &signature).unwrap();
    once(&folders, &flags(&file)).success();
    assert_eq!(
        folders.playlist("m.integrity.json"),
        list,
        "nothing has changed"
    );
}

#[test]
fn a_key_is_shown_and_kept() {
    let folders = Folders::new();
    let (file, id) = key(&folders, "key.pem");
    let shown = keygen(&["--show", file.to_str().unwrap()]);
    assert!(
        shown.contains(&format!("publisherKeys: [\"{id}")),
        "{shown}"
    );
    let again = Command::new(env!("CARGO_BIN_EXE_swarmline"))
        .arg("keygen")
        .arg(&file)
        .output();
    assert!(!again.unwrap().status.success(), "a key was overwritten");
}

#[test]
fn a_key_needs_a_stream_and_has_to_be_one() {
    let folders = Folders::new();
    folders.write("0.ts", media("0"));
    folders.write("i.m3u8", vod(&["0.ts"]));
    let (file, _) = key(&folders, "key.pem");
    let alone = command()
        .arg("--key")
        .arg(&file)
        .args(["in", "out"])
        .output()
        .unwrap();
    assert_eq!(alone.status.code(), Some(2));
    let none = folders.input().join("i.m3u8");
    once(&folders, &flags(&none))
        .failure()
        .says("is no Ed25519 private key");
    assert!(folders.sealed("i.m3u8").is_none());
}
