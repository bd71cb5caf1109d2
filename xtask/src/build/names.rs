//! Short names between the module and its bindings.
//!
//! The generator gives every import a hash of its own, which nothing compresses: in the module and again in its glue, a
//! fortieth of all that a page downloads. Nobody but these two knows the names. What the API exports keeps its own.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use wasm_bindgen_cli_support::Output;

/// Short names by long ones.
pub(super) type Names = HashMap<String, String>;

/// Gives the module's imports, and the generator's own exports, short names.
pub(super) fn shorten(output: &mut Output) -> Names {
    let mut names = Names::new();
    let module = output.wasm_mut();
    for import in module.imports.iter_mut() {
        rename(&mut names, &mut import.name);
    }
    for export in module.exports.iter_mut() {
        if export.name.starts_with("_") || export.name.starts_with("wasm_bindgen") {
            rename(&mut names, &mut export.name);
        }
    }
    names
}

fn rename(names: &mut Names, name: &mut String) {
    let next = format!("_{}", names.len());
    names.insert(name.clone(), next.clone());
    *name = next;
}

/// Replaces the names in a file of the bindings.
///
/// # Errors
/// It cannot be read or written.
pub(super) fn apply(names: &Names, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(file, replace(names, &text))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Whole words only.
fn replace(names: &Names, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_word) {
        let (before, word) = rest.split_at(at);
        let (word, after) = word.split_at(word.find(|c| !is_word(c)).unwrap_or(word.len()));
        out.push_str(before);
        out.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    out + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::{Names, replace};

    #[test]
    fn replaces_whole_words() {
        let names = Names::from([("__wbg_a".to_owned(), "_0".to_owned())]);
        let text = "{ __wbg_a: (x) => wasm.__wbg_ab(__wbg_a) }";
        assert_eq!(replace(&names, text), "{ _0: (x) => wasm.__wbg_ab(_0) }");
        assert_eq!(replace(&names, "__wbg_a"), "_0");
    }
}
