use super::*;
use serde::Deserialize;
use std::time::Duration;

/// What this signs and JavaScript verifies. The keys in it were made by `openssl genpkey -algorithm ed25519`.
const VECTORS: &str = include_str!("../../../tests/vectors/signatures.json");

#[derive(Deserialize)]
struct Vectors {
    keys: Vec<Pair>,
    stream: String,
    playlists: Vec<Case>,
    lists: Vec<Case>,
}

#[derive(Deserialize)]
struct Pair {
    pem: String,
    public: String,
    id: String,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    path: String,
    issued: u64,
    keys: Vec<usize>,
    unsigned: String,
    signed: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn key_of(pair: &Pair) -> SigningKey {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    std::fs::write(&file, &pair.pem).unwrap();
    read(&file).unwrap()
}

fn signer(vectors: &Vectors, keys: &[usize]) -> Signer {
    let keys = keys.iter().map(|key| key_of(&vectors.keys[*key]));
    Signer::new(&vectors.stream, keys.collect()).unwrap()
}

#[test]
fn keys_of_openssl_are_read() {
    for pair in vectors().keys {
        let key = key_of(&pair).verifying_key();
        assert_eq!((text(&key), id(&key)), (pair.public, pair.id));
    }
}

#[test]
fn signs_what_the_vectors_say() {
    let vectors = vectors();
    for case in &vectors.playlists {
        let signer = signer(&vectors, &case.keys);
        let signed = signer.playlist(&case.unsigned, &case.path, case.issued);
        assert_eq!(signed.unwrap(), case.signed, "{}", case.name);
        let again = signer.playlist(&case.signed, &case.path, case.issued);
        assert_eq!(again.unwrap(), case.signed, "{} again", case.name);
    }
    for case in &vectors.lists {
        let signer = signer(&vectors, &case.keys);
        let signed = signer.list(&case.unsigned, &case.path, case.issued);
        assert_eq!(signed.unwrap(), case.signed, "{}", case.name);
    }
}

#[test]
fn a_new_key_is_its_owners_alone_and_replaces_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    let made = create(&file).unwrap();
    assert_eq!(public(&file).unwrap(), made);
    let before = std::fs::read(&file).unwrap();
    assert!(create(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn what_is_no_key_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    assert!(read(&file).is_err());
    std::fs::write(
        &file,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let error = read(&file).unwrap_err().to_string();
    assert!(error.contains("is no Ed25519 private key"), "{error}");
}

#[test]
fn names_that_could_be_read_in_two_ways_are_refused() {
    let vectors = vectors();
    let key = || vec![key_of(&vectors.keys[0])];
    for name in ["", "a\nb", "a\"b", &"x".repeat(257)] {
        assert!(Signer::new(name, key()).is_err(), "{name:?}");
        let signer = Signer::new("s", key()).unwrap();
        assert!(signer.playlist("#EXTM3U\n", name, 1).is_err(), "{name:?}");
        assert!(signer.list("{}", name, 1).is_err(), "{name:?}");
    }
    assert_eq!(
        Signer::new("s", Vec::new()).unwrap_err(),
        SignError::Keys(0)
    );
}

#[test]
fn nothing_is_issued_twice_and_nothing_earlier_than_before() {
    let vectors = vectors();
    let signer = signer(&vectors, &[0]);
    let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    let case = &vectors.playlists[0];
    let sign = |text: &str, old: Option<&str>, now| {
        renewed(old, at(now), |issued| signer.playlist(text, "p", issued)).unwrap()
    };
    let first = sign(&case.unsigned, None, 5000);
    assert_eq!(issued_of(&first), Some(5000));
    assert_eq!(sign(&case.unsigned, Some(&first), 9000), first);
    let more = format!("{}#EXT-X-ENDLIST\n", case.unsigned);
    assert_eq!(issued_of(&sign(&more, Some(&first), 9000)), Some(9000));
    assert_eq!(issued_of(&sign(&more, Some(&first), 10)), Some(5001));

    let list = |text: &str, old: Option<&str>, now| {
        renewed(old, at(now), |issued| signer.list(text, "p", issued)).unwrap()
    };
    let first = list("{\"a\":1}", None, 5000);
    assert_eq!(issued_of(&first), Some(5000));
    assert_eq!(list("{\"a\":1}", Some(&first), 9000), first);
    assert_eq!(issued_of(&list("{\"a\":2}", Some(&first), 10)), Some(5001));
}

#[test]
fn what_has_no_hash_is_not_signed() {
    let vectors = vectors();
    let bare = "#EXTM3U\n#EXTINF:2,\na.ts\n";
    let signed = signer(&vectors, &[0]).playlist(bare, "p", 1);
    assert_eq!(signed.unwrap(), bare);
}
