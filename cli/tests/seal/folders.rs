//! A packager's folder and an output folder, for one test.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Longest wait for something that is sure to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a file must rest before a patient sealer takes it for finished.
pub(crate) const REST: Duration = Duration::from_millis(400);

/// `in/` and `out/`, both gone at the end. `out/` is left to the sealer to make.
pub(crate) struct Folders {
    dir: tempfile::TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        Self { dir }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.dir.path().join("in")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// Writes a file of the packager's folder in place.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.input().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes it under another name and renames it, as careful packagers do.
    pub(crate) fn replace(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let temporary = format!("{name}.tmp");
        self.write(&temporary, bytes);
        let (from, to) = (self.input().join(temporary), self.input().join(name));
        fs::rename(from, to).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.input().join(name)).unwrap();
    }

    /// Makes a file of the packager's folder look as if it had been written an hour ago.
    pub(crate) fn age(&self, name: &str) {
        let file = File::options()
            .write(true)
            .open(self.input().join(name))
            .unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
    }

    /// A file of the output folder; `None` if it is not there.
    pub(crate) fn sealed(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.output().join(name)).ok()
    }

    /// A sealed playlist that is there.
    pub(crate) fn playlist(&self, name: &str) -> String {
        String::from_utf8(self.sealed(name).unwrap_or_else(|| panic!("no {name}"))).unwrap()
    }

    /// Waits until the output folder has a playlist that `is_right`.
    pub(crate) fn wait_for(&self, name: &str, is_right: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        eventually(&format!("{name} as it should be"), || {
            let Some(sealed) = self.sealed(name) else {
                return false;
            };
            last = String::from_utf8(sealed).unwrap();
            is_right(&last)
        });
        last
    }

    /// All files of the output folder but the sealer's own.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = tree(&self.output()).into_keys().collect();
        names.retain(|name| name != ".swarmline-seal");
        names
    }
}

/// All files below a folder, by path; those that vanish meanwhile may be left out.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.insert(name, bytes);
            }
        }
    }
    found
}

/// Writes in pieces, shorter apart than a patient sealer takes for the end of writing, and panics if
/// `is_good` says no meanwhile. Returns false if it proves nothing, because on a busy machine a
/// pause was too long.
pub(crate) fn write_slowly<'a>(
    path: &Path,
    pieces: impl Iterator<Item = &'a [u8]>,
    is_good: impl Fn() -> bool,
) -> bool {
    let longest = REST * 9 / 10;
    let mut file = File::create(path).unwrap();
    let (mut written, mut steady) = (Instant::now(), true);
    for piece in pieces {
        file.write_all(piece).unwrap();
        steady &= written.elapsed() < longest;
        written = Instant::now();
        // Slow enough for the sealer to look several times in the meantime.
        std::thread::sleep(REST * 6 / 10);
        let good = is_good();
        // What was just seen was decided before now.
        steady &= written.elapsed() < longest;
        assert!(
            good || !steady,
            "{} was believed while it was written",
            path.display()
        );
    }
    steady
}

/// Polls until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}
