//! Key files: PKCS#8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes them.

use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// A larger file is no key, in bytes.
const MOST: u64 = 64 << 10;

/// The private key in a file.
///
/// # Errors
/// It cannot be read, or has no Ed25519 key.
pub(crate) fn read(file: &Path) -> anyhow::Result<SigningKey> {
    let name = || file.display().to_string();
    let size = fs::metadata(file).with_context(name)?.len();
    anyhow::ensure!(size <= MOST, "{}: {size} bytes are no key", name());
    let text = fs::read_to_string(file).with_context(name)?;
    let key = SigningKey::from_pkcs8_pem(&text);
    key.map_err(|error| {
        let what = "is no Ed25519 private key in PKCS#8 PEM";
        anyhow::anyhow!("{} {what}: {error}", name())
    })
}

/// Makes a key and writes it to a new file that only its owner can read.
///
/// # Errors
/// The file is there already, or cannot be written.
pub(crate) fn create(file: &Path) -> anyhow::Result<VerifyingKey> {
    let mut secret_key = [0; 32];
    getrandom::fill(&mut secret_key)
        .map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let key = SigningKey::from_bytes(&secret_key);
    // Without the public key, which older programs do not expect in there (RFC 5958).
    let pair = KeypairBytes {
        secret_key,
        public_key: None,
    };
    let pem = pair.to_pkcs8_pem(LineEnding::LF);
    let pem = pem.map_err(|error| anyhow::anyhow!("the key cannot be written: {error}"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut to = options
        .open(file)
        .with_context(|| file.display().to_string())?;
    to.write_all(pem.as_bytes())
        .and_then(|()| to.sync_all())
        .with_context(|| file.display().to_string())?;
    Ok(key.verifying_key())
}

/// The public key of the private key in a file.
///
/// # Errors
/// As [`read`].
pub(crate) fn public(file: &Path) -> anyhow::Result<VerifyingKey> {
    Ok(read(file)?.verifying_key())
}
