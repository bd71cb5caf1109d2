//! From a URI in a playlist to the file beside it that it names. Pure.
//!
//! Invariant: a path that comes out of here never leaves the folder, however the URI is written
//! (`..`, `%2e%2e`, an encoded slash).

use percent_encoding::percent_decode_str;
use std::path::{Path, PathBuf};

/// Why a URI names no file of the folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Elsewhere {
    /// It has a scheme or a host of its own, or begins at the server's root.
    #[error("is not relative to the playlist")]
    Absolute,
    /// It climbs out of the folder, or cannot be a file's name.
    #[error("leads out of the folder")]
    Outside,
    /// It has an EXT-X-DEFINE variable in it.
    #[error("uses an EXT-X-DEFINE variable")]
    Variable,
}

/// The files a relative URI may mean, likeliest first, as paths inside the folder. There are two
/// when packager and server disagree on `%`: the decoded name (what a server looks for), and the name as written
/// (what a packager that encodes nothing has made).
pub(crate) fn candidates(playlist: &Path, uri: &str) -> Result<Vec<PathBuf>, Elsewhere> {
    if uri.contains("{$") {
        return Err(Elsewhere::Variable);
    }
    if uri.starts_with('/') || has_scheme(uri) {
        return Err(Elsewhere::Absolute);
    }
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    let decode = |part: &str| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    let decoded = resolve(playlist, path, decode).ok_or(Elsewhere::Outside)?;
    let raw = resolve(playlist, path, |part| Some(part.to_owned()));
    let raw = raw.filter(|raw| *raw != decoded);
    Ok(std::iter::once(decoded).chain(raw).collect())
}

/// RFC 3986: letters, digits, `+-.` up to a colon that comes before any slash.
fn has_scheme(uri: &str) -> bool {
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    uri.split_once(':').is_some_and(|(head, _)| {
        head.starts_with(|c: char| c.is_ascii_alphabetic()) && head.chars().all(scheme)
    })
}

fn resolve(
    playlist: &Path,
    path: &str,
    decode: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let mut resolved = playlist.parent().unwrap_or(Path::new("")).to_owned();
    for part in path.split('/') {
        match decode(part)?.as_str() {
            "" | "." => {}
            ".." if resolved.pop() => {}
            ".." => return None,
            name if is_name(name) => resolved.push(name),
            _ => return None,
        }
    }
    resolved.file_name().is_some().then_some(resolved)
}

fn is_name(name: &str) -> bool {
    let foreign = |c| matches!(c, '/' | '\0') || (cfg!(windows) && matches!(c, '\\' | ':'));
    !name.contains(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    fn first(uri: &str) -> Result<String, Elsewhere> {
        candidates(Path::new("live/v0/index.m3u8"), uri).map(|found| found[0].display().to_string())
    }

    #[test]
    fn relative_uris_become_paths() {
        for (uri, path) in [
            ("1.ts", "live/v0/1.ts"),
            ("./a/1.ts", "live/v0/a/1.ts"),
            ("../v1//1.ts", "live/v1/1.ts"),
            ("../../1.ts", "1.ts"),
            ("1.ts?token=a/../b#t", "live/v0/1.ts"),
            ("a%20b%C3%A9.ts", "live/v0/a bé.ts"),
            ("12:30.ts", "live/v0/12:30.ts"),
            ("a/b:c.ts", "live/v0/a/b:c.ts"),
        ] {
            assert_eq!(first(uri), Ok(path.to_owned()), "{uri}");
        }
    }

    #[test]
    fn a_name_with_a_percent_sign_is_tried_as_written_too() {
        let found = candidates(Path::new("i.m3u8"), "50%25.ts").unwrap();
        assert_eq!(found, [Path::new("50%.ts"), Path::new("50%25.ts")]);
        assert_eq!(candidates(Path::new("i.m3u8"), "1.ts").unwrap().len(), 1);
    }

    #[test]
    fn uris_of_elsewhere() {
        for (uri, why) in [
            ("https://cdn.example/1.ts", Elsewhere::Absolute),
            ("//cdn.example/1.ts", Elsewhere::Absolute),
            ("/live/1.ts", Elsewhere::Absolute),
            ("data:,x", Elsewhere::Absolute),
            ("../../../1.ts", Elsewhere::Outside),
            ("%2e%2e/../../1.ts", Elsewhere::Outside),
            ("..", Elsewhere::Outside),
            ("{$dir}/1.ts", Elsewhere::Variable),
        ] {
            let found = candidates(Path::new("live/v0.m3u8"), uri);
            // ".." from live/ is the folder itself, which is no file.
            assert_eq!(found, Err(why), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn never_leaves_the_folder(uri in "(\\.\\.|%2[eE]|%2[fF]|%00|/|\\.|[a-z]){0,12}") {
            for path in candidates(Path::new("a/b.m3u8"), &uri).unwrap_or_default() {
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            }
        }
    }
}
