//! Signatures in integrity lists: the last member of the object, over the hash of every byte before it.

use super::{SignError, Signer, hash, named};
use serde::Serialize;

/// First line of a statement.
const KIND: &str = "swarmline-list-1";

#[derive(Serialize)]
struct Signature {
    key: String,
    sig: String,
}

impl Signer {
    /// An integrity list with what it is, when it was signed, and a signature by each key; see [`Signer::playlist`].
    ///
    /// # Errors
    /// The path cannot be written, or the list is no JSON object.
    pub(crate) fn list(&self, text: &str, path: &str, issued: u64) -> Result<String, SignError> {
        let path = named("a list's path", path)?;
        let body = text.trim_end().strip_suffix('}').ok_or(SignError::List)?;
        let quoted = |text: &str| serde_json::to_string(text).map_err(|_| SignError::List);
        let (stream, path) = (quoted(&self.stream)?, quoted(path)?);
        let body = format!("{body},\"stream\":{stream},\"path\":{path},\"issued\":{issued}");
        let statement = format!("{KIND}\n{}\n", hash(&body));
        let signatures: Vec<_> = self
            .sign(&statement)
            .map(|(key, sig)| Signature { key, sig })
            .collect();
        let signatures = serde_json::to_string(&signatures).map_err(|_| SignError::List)?;
        Ok(format!("{body},\"signatures\":{signatures}}}"))
    }
}
