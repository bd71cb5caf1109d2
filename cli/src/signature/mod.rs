//! The publisher's signature (Ed25519, RFC 8032) of HLS playlists and integrity lists. What is signed is described in
//! `docs/signatures.md`: not the text of a playlist, into which CDNs write their tokens, but a statement of whose it is,
//! when it was signed, and which segment has which hashes.
//!
//! Invariants: what [`Signer`] has signed is all that a viewer uses of it; a statement has exactly one spelling, for no
//! name in it has a line break; a signature is always of a named stream and of one path in it.

mod key;
mod list;
mod playlist;

pub(crate) use key::{create, public, read};
pub(crate) use playlist::is_signature;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// More keys at once than this sign nothing: viewers look at no more signatures.
const MOST_KEYS: usize = 8;

/// A longer name of a stream, or path, is refused, in characters.
const MOST_CHARS: usize = 256;

/// Why something cannot be signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum SignError {
    /// A stream has no name.
    #[error(
        "{0} must have 1 to {MOST_CHARS} characters, none of them a quotation mark or a control character"
    )]
    Name(&'static str),
    /// There are no keys, or too many.
    #[error("1 to {MOST_KEYS} keys can sign, not {0}")]
    Keys(usize),
    /// What should be an integrity list is none.
    #[error("an integrity list is a JSON object")]
    List,
}

/// Signs for one stream, with one key or several.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    stream: String,
    keys: Vec<SigningKey>,
}

impl Signer {
    /// For a stream of this name, which is what viewers have in their option `swarmId`.
    ///
    /// # Errors
    /// There is no key, or the name cannot be written.
    pub(crate) fn new(stream: &str, keys: Vec<SigningKey>) -> Result<Self, SignError> {
        if !(1..=MOST_KEYS).contains(&keys.len()) {
            return Err(SignError::Keys(keys.len()));
        }
        Ok(Self {
            stream: named("the name of a stream", stream)?.to_owned(),
            keys,
        })
    }

    /// The same from files.
    ///
    /// # Errors
    /// A file has no key, or the name cannot be written.
    pub(crate) fn open(stream: &str, files: &[PathBuf]) -> anyhow::Result<Self> {
        let keys = files.iter().map(|file| read(file));
        Ok(Self::new(stream, keys.collect::<anyhow::Result<_>>()?)?)
    }

    /// Key ids, and the signature of a statement by each.
    fn sign(&self, statement: &str) -> impl Iterator<Item = (String, String)> {
        self.keys.iter().map(move |key| {
            let signature = key.sign(statement.as_bytes());
            (
                id(&key.verifying_key()),
                URL_SAFE_NO_PAD.encode(signature.to_bytes()),
            )
        })
    }
}

/// Signs a text unless `old` is the very same with a signature: what has not changed is not issued again. What is issued
/// is always issued later than `old`, whatever the clock says.
///
/// # Errors
/// Those of `sign`.
pub(crate) fn renewed(
    old: Option<&str>,
    now: SystemTime,
    sign: impl Fn(u64) -> Result<String, SignError>,
) -> Result<String, SignError> {
    let before = old.and_then(issued_of);
    if let (Some(old), Some(issued)) = (old, before) {
        let same = sign(issued)?;
        if same == old {
            return Ok(same);
        }
    }
    sign(millis(now).max(before.map_or(0, |before| before + 1)))
}

/// Milliseconds since 1970; times before that are 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// When a text that this program signed was signed.
fn issued_of(text: &str) -> Option<u64> {
    let (_, rest) = match text.rsplit_once("\"issued\":") {
        Some(found) if !text.starts_with('#') => found,
        _ => text
            .split_once(&format!("{}KEY=", playlist::PREFIX))?
            .1
            .split_once(",ISSUED=")?,
    };
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    rest.get(..digits)?.parse().ok().filter(|ms| *ms < 1 << 53)
}

/// The path of a file in the folder that is served, with slashes. `None`: it cannot be written as text.
pub(crate) fn path_of(file: &Path) -> Option<String> {
    let parts = file.components().map(|part| part.as_os_str().to_str());
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// A key as viewers know it: its 32 bytes in base64url.
pub(crate) fn text(key: &VerifyingKey) -> String {
    URL_SAFE_NO_PAD.encode(key.to_bytes())
}

/// A key's id: the first 12 characters of its text.
pub(crate) fn id(key: &VerifyingKey) -> String {
    text(key).chars().take(12).collect()
}

fn named<'a>(what: &'static str, name: &'a str) -> Result<&'a str, SignError> {
    let count = name.chars().count();
    let plain = !name.chars().any(|c| c.is_control() || c == '"');
    let fits = (1..=MOST_CHARS).contains(&count) && plain;
    fits.then_some(name).ok_or(SignError::Name(what))
}

/// SHA-256 in base64url.
fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;
