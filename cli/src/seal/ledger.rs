//! Which files of the output folder are ours, so that none of anybody else's is ever deleted, and
//! the lock that keeps two sealers out of one folder.
//!
//! One text file: a path per line, appended *before* the file is placed, so that a crash cannot
//! leave a file that nobody answers for. Paths with control characters or outside UTF-8 are not
//! recorded; such files are placed, and never deleted.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Its name in the output folder. The dot keeps it out of listings, and scans pass over it.
pub(crate) const NAME: &str = ".swarmline-seal";

const HEADER: &str = "# Files that `swarmline seal` has put into this folder.\n";

/// The open, locked record.
pub(crate) struct Ledger {
    file: File,
    paths: BTreeSet<PathBuf>,
    /// Lines in the file, live ones and those of files long gone.
    lines: usize,
}

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// The lock is taken.
    #[error("another `swarmline seal` is writing there")]
    Taken,
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Ledger {
    /// Opens or creates the record of an output folder. The lock lasts as long as the value (and
    /// ends with the process, however that ends).
    pub(crate) fn open(folder: &Path) -> Result<Self, LedgerError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join(NAME))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Taken),
            // Some network file systems have no locks; then the user has to take care.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut ledger = Self {
            file,
            paths: lines.map(PathBuf::from).collect(),
            lines: 0,
        };
        ledger.compact()?;
        Ok(ledger)
    }

    /// The files that are ours, whether they are still there or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter()
    }

    /// Records a file that is about to be placed.
    pub(crate) fn add(&mut self, path: &Path) -> io::Result<()> {
        let Some(line) = as_line(path) else {
            return Ok(());
        };
        if !self.paths.contains(path) {
            self.file.write_all(format!("{line}\n").as_bytes())?;
            self.paths.insert(path.to_owned());
            self.lines += 1;
        }
        Ok(())
    }

    /// Forgets a file that was deleted.
    pub(crate) fn forget(&mut self, path: &Path) -> io::Result<()> {
        self.paths.remove(path);
        if self.lines > 2 * self.paths.len() + 1000 {
            self.compact()?;
        }
        Ok(())
    }

    /// Writes only what still counts. In place, because the lock is on this very file.
    fn compact(&mut self) -> io::Result<()> {
        let mut text = HEADER.to_owned();
        for line in self.paths.iter().filter_map(|path| as_line(path)) {
            text.push_str(line);
            text.push('\n');
        }
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())?;
        self.lines = self.paths.len();
        Ok(())
    }
}

fn as_line(path: &Path) -> Option<&str> {
    let line = path.to_str()?;
    let plain = !line.starts_with('#') && !line.contains(char::is_control);
    plain.then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(ledger: &Ledger) -> Vec<&str> {
        ledger.paths().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn survives_its_process() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        for path in ["v0/1.ts", "v0/2.ts", "v0/2.ts", "a b.ts", "#x", "new\nline"] {
            ledger.add(Path::new(path)).unwrap();
        }
        ledger.forget(Path::new("v0/1.ts")).unwrap();
        drop(ledger);
        let ledger = Ledger::open(dir.path()).unwrap();
        // A forgotten line may come back until the next compaction: it names a file of ours all the same.
        assert_eq!(paths(&ledger), ["a b.ts", "v0/1.ts", "v0/2.ts"]);
    }

    #[test]
    fn does_not_grow_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        for i in 0..5000 {
            let path = PathBuf::from(format!("{i}.ts"));
            ledger.add(&path).unwrap();
            ledger.forget(&path).unwrap();
        }
        let text = std::fs::read_to_string(dir.path().join(NAME)).unwrap();
        assert!(
            text.lines().count() <= 1002,
            "{} lines",
            text.lines().count()
        );
    }

    #[test]
    fn one_writer_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Ledger::open(dir.path()).unwrap();
        assert!(matches!(Ledger::open(dir.path()), Err(LedgerError::Taken)));
        drop(first);
        assert!(Ledger::open(dir.path()).is_ok());
    }
}
