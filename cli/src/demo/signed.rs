//! The built-in streams' playlists and lists, signed: once for each version, however often it is asked for.

use crate::demo::origin::Format;
use crate::signature::{SignError, Signer, renewed};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Who signs, and what was signed last.
pub(super) struct Signed {
    signer: Signer,
    /// By URL path. Only what is there is asked for, so there are few.
    latest: Mutex<BTreeMap<String, String>>,
}

impl Signed {
    /// By this signer.
    pub(super) fn new(signer: Signer) -> Self {
        Self {
            signer,
            latest: Mutex::default(),
        }
    }

    /// A manifest at this path of the server as it is published. MPDs are not signed: their lists are.
    ///
    /// # Errors
    /// It cannot be signed.
    pub(super) fn manifest(
        &self,
        format: Format,
        url: &str,
        text: &str,
    ) -> Result<String, SignError> {
        let path = url.trim_start_matches('/');
        let sign = |issued| match format {
            Format::Hls => self.signer.playlist(text, path, issued),
            Format::List => self.signer.list(text, path, issued),
            Format::Dash => Ok(text.to_owned()),
        };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let old = latest.get(path).map(String::as_str);
        let signed = renewed(old, SystemTime::now(), sign)?;
        latest.insert(path.to_owned(), signed.clone());
        Ok(signed)
    }
}
