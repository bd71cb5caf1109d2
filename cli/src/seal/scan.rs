//! What lies in the packager's folder now, and how to notice that a file has changed.
//!
//! Invariant: a scan is all or nothing. A folder that cannot be read is an error, never an empty
//! folder, so that a network share that hiccups does not look like a thousand vanished files.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells one state of a file from the next: size, modification time and, on Unix, identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// In bytes.
    pub(crate) size: u64,
    /// As the file system says; the epoch where it does not.
    pub(crate) modified: SystemTime,
    /// Device and inode; `None` where there is no such thing.
    file: Option<(u64, u64)>,
}

impl Stamp {
    /// Of an open file or a path's metadata.
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            file: identity(meta),
        }
    }

    /// Of a file, following symbolic links; `None` if there is none.
    pub(crate) fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() => Ok(Some(Self::of(&meta))),
            Ok(_) => Ok(None),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether both are surely the same file, whatever its contents.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.file.is_some() && self.file == other.file
    }

    /// Whether both are surely two files.
    pub(crate) fn is_another_file(&self, other: &Self) -> bool {
        self.file.is_some() && other.file.is_some() && self.file != other.file
    }

    /// Whether this may be `earlier` with bytes appended: the same file, not shorter.
    pub(crate) fn may_extend(&self, earlier: &Self) -> bool {
        self.is_same_file(earlier) && self.size >= earlier.size
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The path does not lead to anything (any more).
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// What a scan has found.
#[derive(Default)]
pub(crate) struct Found {
    /// All files, by their path inside the folder.
    pub(crate) files: BTreeMap<PathBuf, Stamp>,
    /// Folders that may not be read. What lies in them is unknown, not gone.
    pub(crate) unreadable: Vec<PathBuf>,
}

/// All files below `root`. Left out: names that begin with a dot or end in `.tmp` (a packager's file
/// before it gets its name), and symbolic links to folders, which could lead in a circle.
///
/// # Errors
/// What the file system says about anything that is there but cannot be read, with its path; except for
/// missing permission to read a folder below `root`.
pub(crate) fn scan(root: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let below = !folder.as_os_str().is_empty();
        let entries = match fs::read_dir(&full) {
            // A folder may vanish between being listed and being read; the root may not.
            Err(error) if below && is_gone(&error) => continue,
            Err(error) if below && error.kind() == ErrorKind::PermissionDenied => {
                found.unreadable.push(folder);
                continue;
            }
            entries => entries.map_err(|error| at(&full, &error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| at(&full, &error))?;
            let path = folder.join(entry.file_name());
            if is_passed_over(&path) {
                continue;
            }
            let kind = entry.file_type();
            if kind.map_err(|error| at(&entry.path(), &error))?.is_dir() {
                folders.push(path);
            } else if let Some(stamp) =
                Stamp::at(&entry.path()).map_err(|error| at(&entry.path(), &error))?
            {
                found.files.insert(path, stamp);
            }
        }
    }
    Ok(found)
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with(".tmp")
}

/// The same error, naming the path.
pub(crate) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_files_in_nested_folders_and_passes_over_the_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::create_dir_all(dir.path().join(".git")).unwrap();
        for name in [
            "1.ts",
            "a/2.ts",
            "a/b/3.ts",
            ".hidden",
            "a/4.ts.tmp",
            ".git/x",
        ] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let found: Vec<_> = scan(dir.path()).unwrap().files.into_keys().collect();
        assert_eq!(found, ["1.ts", "a/2.ts", "a/b/3.ts"].map(PathBuf::from));
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_to_files_but_not_in_circles() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("1.ts"), "abc").unwrap();
        std::os::unix::fs::symlink("1.ts", dir.path().join("2.ts")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("circle")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
        let found = scan(dir.path()).unwrap().files;
        assert_eq!(found.len(), 2);
        assert_eq!(found[Path::new("2.ts")].size, 3);
    }

    #[test]
    fn a_missing_root_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(scan(&dir.path().join("gone")).is_err());
    }

    #[test]
    fn a_stamp_sees_appending_and_replacing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "abc").unwrap();
        let before = Stamp::at(&path).unwrap().unwrap();
        fs::write(&path, "abcd").unwrap();
        let grown = Stamp::at(&path).unwrap().unwrap();
        assert_ne!(before, grown);
        assert_eq!(grown.may_extend(&before), cfg!(unix));
        assert!(!before.may_extend(&grown));
        fs::write(dir.path().join("g"), "abcd").unwrap();
        fs::rename(dir.path().join("g"), &path).unwrap();
        assert!(!Stamp::at(&path).unwrap().unwrap().is_same_file(&grown));
    }
}
