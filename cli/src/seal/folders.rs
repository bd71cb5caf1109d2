//! Which two folders to work with, and refusing pairs that would feed on themselves.

use super::scan::{Stamp, at};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A pair of folders that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// The input is not there.
    #[error("{} does not exist", .0.display())]
    NoInput(PathBuf),
    /// The path leads to a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Both are the same folder.
    #[error("IN and OUT are the same folder, {}: the packager would overwrite what was sealed", .0.display())]
    Same(PathBuf),
    /// One lies inside the other.
    #[error("{inner} lies inside {outer}: what is written would be read again; use folders side by side",
        inner = .inner.display(), outer = .outer.display())]
    Nested {
        /// The inner one.
        inner: PathBuf,
        /// The outer one.
        outer: PathBuf,
    },
    /// The file system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Absolute paths without symbolic links of both folders. The output folder is created; the input
/// folder may be missing only if `may_be_missing`.
pub(crate) fn resolve(
    input: &Path,
    output: &Path,
    may_be_missing: bool,
) -> Result<(PathBuf, PathBuf), FolderError> {
    let (from, to) = (real(input)?, real(output)?);
    if !from.exists() && !may_be_missing {
        return Err(FolderError::NoInput(input.to_owned()));
    }
    for (path, given) in [(&from, input), (&to, output)] {
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NotAFolder(given.to_owned()));
        }
    }
    refuse_loops(&from, &to)?;
    fs::create_dir_all(&to).map_err(|error| at(&to, &error))?;
    // The same folder under two names (bind mounts, case-insensitive file systems).
    if let (Ok(a), Ok(b)) = (fs::metadata(&from), fs::metadata(&to))
        && Stamp::of(&a).is_same_file(&Stamp::of(&b))
    {
        return Err(FolderError::Same(from));
    }
    Ok((from, to))
}

fn refuse_loops(from: &Path, to: &Path) -> Result<(), FolderError> {
    let nested = |inner: &Path, outer: &Path| {
        Err(FolderError::Nested {
            inner: inner.to_owned(),
            outer: outer.to_owned(),
        })
    };
    match (to.starts_with(from), from.starts_with(to)) {
        (true, true) => Err(FolderError::Same(from.to_owned())),
        (true, false) => nested(to, from),
        (false, true) => nested(from, to),
        (false, false) => Ok(()),
    }
}

/// The real path of something that need not exist yet: real as far as it exists.
fn real(path: &Path) -> Result<PathBuf, FolderError> {
    match path.canonicalize() {
        Ok(real) => Ok(real),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let absolute = std::path::absolute(path)?;
            let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
                return Err(FolderError::Io(at(path, &error)));
            };
            Ok(real(parent)?.join(name))
        }
        Err(error) => Err(FolderError::Io(at(path, &error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_side_by_side_are_fine_and_the_output_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let (input, output) = (dir.path().join("in"), dir.path().join("out/deep"));
        fs::create_dir(&input).unwrap();
        let (from, to) = resolve(&input, &output, false).unwrap();
        assert!(from.is_absolute() && to.is_dir());
        // A name that begins like the other is no nesting.
        assert!(resolve(&input, &dir.path().join("in2"), false).is_ok());
    }

    #[test]
    fn loops_are_refused_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        fs::create_dir(&input).unwrap();
        let inside = input.join("a/out");
        assert!(matches!(
            resolve(&input, &inside, false),
            Err(FolderError::Nested { .. })
        ));
        assert!(!input.join("a").exists());
        assert!(matches!(
            resolve(&input, dir.path(), false),
            Err(FolderError::Nested { .. })
        ));
        let same = dir.path().join("x/../in");
        fs::create_dir(dir.path().join("x")).unwrap();
        assert!(matches!(
            resolve(&input, &same, false),
            Err(FolderError::Same(_))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_hides_no_loop() {
        let dir = tempfile::tempdir().unwrap();
        let (input, alias) = (dir.path().join("in"), dir.path().join("alias"));
        fs::create_dir(&input).unwrap();
        std::os::unix::fs::symlink(&input, &alias).unwrap();
        assert!(matches!(
            resolve(&input, &alias, false),
            Err(FolderError::Same(_))
        ));
        let inside = alias.join("out");
        assert!(matches!(
            resolve(&input, &inside, false),
            Err(FolderError::Nested { .. })
        ));
    }

    #[test]
    fn what_is_missing_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (gone, file) = (dir.path().join("gone"), dir.path().join("file"));
        fs::write(&file, "").unwrap();
        let output = dir.path().join("out");
        assert!(matches!(
            resolve(&gone, &output, false),
            Err(FolderError::NoInput(_))
        ));
        assert!(resolve(&gone, &output, true).is_ok());
        assert!(matches!(
            resolve(&file, &output, true),
            Err(FolderError::NotAFolder(_))
        ));
    }
}
