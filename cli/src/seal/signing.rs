//! What is published, signed.

use super::catalog::Stuck;
use super::playlist::Sealed;
use super::sealer::Sealer;
use crate::signature::{path_of, renewed};
use std::path::Path;
use std::time::SystemTime;

impl Sealer {
    /// With the publisher's signature, if there is one.
    ///
    /// # Errors
    /// Its path cannot be written.
    pub(crate) fn signed(&self, path: &Path, sealed: Sealed) -> Result<Sealed, Stuck> {
        let Some(signer) = &self.options.signer else {
            return Ok(sealed);
        };
        let failed = |why: String| Stuck::Failed(format!("{}: not signed: {why}", path.display()));
        let name = |path: &Path| path_of(path).ok_or_else(|| failed("its path is no text".into()));
        let published = self
            .catalog
            .0
            .get(path)
            .and_then(|entry| entry.published.as_ref());
        let now = SystemTime::now();
        let Sealed { text, list } = sealed;
        let signed = match list {
            Some((file, list)) => {
                let name = name(&path.with_file_name(&file))?;
                let old = published.and_then(|published| published.list.as_deref());
                let list = renewed(old, now, |issued| signer.list(&list, &name, issued));
                list.map(|list| Sealed {
                    text,
                    list: Some((file, list)),
                })
            }
            None => {
                let name = name(path)?;
                let old = published.and_then(|published| str::from_utf8(&published.bytes).ok());
                let text = renewed(old, now, |issued| signer.playlist(&text, &name, issued));
                text.map(|text| Sealed { text, list: None })
            }
        };
        signed.map_err(|error| failed(error.to_string()))
    }
}
