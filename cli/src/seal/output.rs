//! The output folder: everything in it changes by rename, so that no reader ever sees half a file.
//!
//! Files are hard links to the packager's files where that is possible (no second copy of the
//! bytes), else copies. [`Output::place`] is given the stamp the caller has checked and refuses if
//! the file is another one by now; a copy, also if it has changed. (A link shares changes made in
//! place whenever they happen; whoever lists the file must look at its stamp again after placing it.)

use super::ledger::{Ledger, LedgerError};
use super::scan::{Stamp, at, is_gone};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Beginning of the names of files that are being made. Those of a crash are removed on opening.
const TEMPORARY: &str = ".swarmline-tmp-";

/// The output folder, opened and locked.
pub(crate) struct Output {
    root: PathBuf,
    ledger: Ledger,
    /// State of the packager's file behind each file placed.
    placed: BTreeMap<PathBuf, Stamp>,
    never_link: bool,
    /// Why files are copied although links were wanted.
    copies_because: Option<String>,
}

/// Why a file was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// It is no longer in the state the caller has seen.
    #[error("changed while it was being published")]
    Changed,
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Output {
    /// Opens the folder, which exists. `copy`: never link.
    pub(crate) fn open(root: &Path, copy: bool) -> Result<Self, LedgerError> {
        let ledger = Ledger::open(root)?;
        remove_temporaries(root)?;
        Ok(Self {
            root: root.to_owned(),
            ledger,
            placed: BTreeMap::new(),
            never_link: copy,
            copies_because: None,
        })
    }

    /// Why files are copied although links were wanted.
    pub(crate) fn copies_because(&self) -> Option<&str> {
        self.copies_because.as_deref()
    }

    /// Whether files here are copies, so that one that grows has to be copied again.
    pub(crate) fn copies(&self) -> bool {
        self.never_link || self.copies_because.is_some()
    }

    /// Full path of a file in here.
    pub(crate) fn full(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Whether a file is here in this state of the packager's file.
    pub(crate) fn has(&self, path: &Path, stamp: &Stamp) -> bool {
        self.placed
            .get(path)
            .is_some_and(|placed| self.is_current(placed, stamp))
    }

    /// Whether a file is here in any state.
    pub(crate) fn has_any(&self, path: &Path) -> bool {
        self.stamp(path).is_some()
    }

    /// What a file here looks like; `None` if it is not here or cannot be looked at.
    pub(crate) fn stamp(&self, path: &Path) -> Option<Stamp> {
        Stamp::at(&self.full(path)).ok().flatten()
    }

    /// A link follows its file; a copy does not.
    fn is_current(&self, placed: &Stamp, stamp: &Stamp) -> bool {
        placed == stamp || (!self.copies() && placed.is_same_file(stamp))
    }

    /// Whether a file in here, perhaps of an earlier run, surely has the contents of the packager's
    /// file as it is now: it is the same file, or a copy that kept its time.
    pub(crate) fn mirrors(&self, path: &Path, stamp: &Stamp) -> bool {
        let Some(here) = self.stamp(path) else {
            return false;
        };
        if here.is_same_file(stamp) {
            return !self.never_link;
        }
        here.size == stamp.size && here.modified == stamp.modified
    }

    /// Makes the packager's file appear here, replacing what was there.
    pub(crate) fn place(
        &mut self,
        source: &Path,
        path: &Path,
        stamp: &Stamp,
    ) -> Result<(), PlaceError> {
        if self.has(path, stamp) {
            return Ok(());
        }
        self.ledger.add(path)?;
        let first_look = !self.placed.contains_key(path);
        if !(first_look && self.mirrors(path, stamp)) {
            // A link to a symbolic link would be as relative as that one, and lead nowhere.
            let real = source.canonicalize().map_err(|error| gone(error, source))?;
            self.put(&real, path, stamp)?;
        }
        self.placed.insert(path.to_owned(), *stamp);
        Ok(())
    }

    /// As [`Output::place`], for a file that only ever grows and of which only byte ranges are
    /// listed: a copy gets what it lacks instead of being made again.
    pub(crate) fn place_grown(
        &mut self,
        source: &Path,
        path: &Path,
        stamp: &Stamp,
    ) -> Result<(), PlaceError> {
        let extends = |placed: &Stamp| stamp.may_extend(placed);
        if !self.copies() || !self.placed.get(path).is_some_and(extends) {
            return self.place(source, path, stamp);
        }
        append_tail(source, &self.full(path)).map_err(|error| gone(error, source))?;
        self.placed.insert(path.to_owned(), *stamp);
        Ok(())
    }

    /// A file was written anew: what is here of it is no beginning of what it is now.
    pub(crate) fn outdate(&mut self, path: &Path) {
        if self.copies() {
            self.placed.remove(path);
        }
    }

    /// The packager overwrites segments in place, and with a link the one that players still load.
    /// From now on everything is copied, also what was linked before, when it is next listed.
    pub(crate) fn stop_linking(&mut self) {
        if !self.copies() {
            let why = "the packager overwrites segments in place";
            self.copies_because = Some(why.to_owned());
        }
        self.never_link = true;
        self.placed.clear();
    }

    fn put(&mut self, source: &Path, path: &Path, stamp: &Stamp) -> Result<(), PlaceError> {
        let temporary = self.temporary(path)?;
        if self.copies() {
            copy(source, &temporary).map_err(|error| gone(error, source))?;
        } else if let Err(error) = fs::hard_link(source, &temporary) {
            // Another device, a file system without links, a file of another owner.
            copy(source, &temporary).map_err(|error| gone(error, source))?;
            let why = format!("linking them does not work: {error}");
            self.copies_because = Some(why);
        }
        let now = Stamp::at(source)?;
        let same = |now: &Stamp| now == stamp || !self.copies() && now.is_same_file(stamp);
        if !now.is_some_and(|now| same(&now)) {
            fs::remove_file(&temporary)?;
            return Err(PlaceError::Changed);
        }
        Ok(self.publish(&temporary, path)?)
    }

    /// Writes a whole file of our own making.
    pub(crate) fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.temporary(path)?;
        fs::write(&temporary, bytes).map_err(|error| at(&temporary, &error))?;
        self.publish(&temporary, path)
    }

    fn publish(&self, temporary: &Path, path: &Path) -> io::Result<()> {
        let full = self.full(path);
        fs::rename(temporary, &full).map_err(|error| at(&full, &error))?;
        // Renaming one link of a file onto another does nothing and leaves both (POSIX).
        remove_if_there(temporary)
    }

    fn temporary(&self, path: &Path) -> io::Result<PathBuf> {
        let full = self.full(path);
        let folder = full.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        // One writer per folder and one file at a time: the process id is enough.
        let temporary = folder.join(format!("{TEMPORARY}{}", std::process::id()));
        remove_if_there(&temporary)?;
        Ok(temporary)
    }

    /// Our files for which `keep` says no.
    pub(crate) fn ours(&self, keep: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        self.ledger
            .paths()
            .filter(|path| !keep(path))
            .cloned()
            .collect()
    }

    /// Deletes one of our files.
    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        remove_if_there(&self.full(path)).map_err(|error| at(&self.full(path), &error))?;
        self.placed.remove(path);
        self.ledger.forget(path)
    }
}

fn gone(error: io::Error, source: &Path) -> PlaceError {
    if is_gone(&error) {
        return PlaceError::Changed;
    }
    PlaceError::Io(at(source, &error))
}

/// Copies bytes and modification time; the latter is how a restart knows the copy again.
fn copy(source: &Path, temporary: &Path) -> io::Result<()> {
    let mut from = File::open(source)?;
    let modified = from.metadata()?.modified();
    let mut to = File::create_new(temporary)?;
    io::copy(&mut from, &mut to)?;
    if let Ok(modified) = modified {
        to.set_modified(modified)?;
    }
    Ok(())
}

fn append_tail(source: &Path, copy: &Path) -> io::Result<()> {
    let mut from = File::open(source)?;
    let mut to = OpenOptions::new().append(true).open(copy)?;
    from.seek(SeekFrom::Start(to.metadata()?.len()))?;
    io::copy(&mut from, &mut to)?;
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_temporaries(root: &Path) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                remove_if_there(&entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        dir: tempfile::TempDir,
    }

    impl Folders {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("in")).unwrap();
            fs::create_dir(dir.path().join("out")).unwrap();
            Self { dir }
        }

        fn source(&self, name: &str) -> PathBuf {
            self.dir.path().join("in").join(name)
        }

        fn open(&self, copy: bool) -> Output {
            Output::open(&self.dir.path().join("out"), copy).unwrap()
        }

        fn write(&self, name: &str, text: &str) -> Stamp {
            fs::write(self.source(name), text).unwrap();
            Stamp::at(&self.source(name)).unwrap().unwrap()
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.dir.path().join("out")).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name != super::super::ledger::NAME)
                .collect();
            names.sort();
            names
        }
    }

    fn place(
        output: &mut Output,
        folders: &Folders,
        name: &str,
        stamp: &Stamp,
    ) -> Result<(), PlaceError> {
        output.place(&folders.source(name), Path::new(name), stamp)
    }

    #[test]
    fn links_share_the_file_and_copies_do_not() {
        for copy in [false, true] {
            let folders = Folders::new();
            let mut output = folders.open(copy);
            let stamp = folders.write("1.ts", "one");
            place(&mut output, &folders, "1.ts", &stamp).unwrap();
            let here = Stamp::at(&output.full(Path::new("1.ts"))).unwrap().unwrap();
            assert_eq!(here.is_same_file(&stamp), !copy && cfg!(unix));
            assert_eq!(here.modified, stamp.modified, "a copy keeps its time");
            assert!(output.has(Path::new("1.ts"), &stamp));
            assert_eq!(folders.names(), ["1.ts"]);
        }
    }

    #[test]
    fn a_replaced_file_is_placed_again() {
        for copy in [false, true] {
            let folders = Folders::new();
            let mut output = folders.open(copy);
            let stamp = folders.write("1.ts", "one");
            place(&mut output, &folders, "1.ts", &stamp).unwrap();
            let _ = folders.write("new", "two");
            fs::rename(folders.source("new"), folders.source("1.ts")).unwrap();
            let stamp = Stamp::at(&folders.source("1.ts")).unwrap().unwrap();
            assert!(!output.has(Path::new("1.ts"), &stamp));
            place(&mut output, &folders, "1.ts", &stamp).unwrap();
            assert_eq!(
                fs::read_to_string(output.full(Path::new("1.ts"))).unwrap(),
                "two"
            );
            assert_eq!(folders.names(), ["1.ts"]);
        }
    }

    #[test]
    fn a_file_that_is_not_what_the_caller_saw_is_not_placed() {
        let folders = Folders::new();
        let mut output = folders.open(true);
        let stale = folders.write("1.ts", "one");
        let _ = folders.write("1.ts", "longer");
        let refused = place(&mut output, &folders, "1.ts", &stale);
        assert!(matches!(refused, Err(PlaceError::Changed)));
        fs::remove_file(folders.source("1.ts")).unwrap();
        let refused = place(&mut output, &folders, "1.ts", &stale);
        assert!(matches!(refused, Err(PlaceError::Changed)));
        assert_eq!(folders.names(), [""; 0]);
    }

    #[test]
    fn a_restart_knows_its_files_again() {
        for copy in [false, true] {
            let folders = Folders::new();
            let stamp = folders.write("1.ts", "one");
            place(&mut folders.open(copy), &folders, "1.ts", &stamp).unwrap();
            let before = Stamp::at(&folders.dir.path().join("out/1.ts")).unwrap();
            fs::write(
                folders
                    .dir
                    .path()
                    .join("out")
                    .join(format!("{TEMPORARY}77")),
                "torn",
            )
            .unwrap();
            let mut output = folders.open(copy);
            assert!(output.mirrors(Path::new("1.ts"), &stamp));
            place(&mut output, &folders, "1.ts", &stamp).unwrap();
            assert_eq!(
                Stamp::at(&output.full(Path::new("1.ts"))).unwrap(),
                before,
                "not made again"
            );
            assert_eq!(folders.names(), ["1.ts"]);
            assert_eq!(output.ours(|_| false), [PathBuf::from("1.ts")]);
        }
    }

    #[test]
    fn asking_for_copies_undoes_links() {
        let folders = Folders::new();
        let stamp = folders.write("1.ts", "one");
        place(&mut folders.open(false), &folders, "1.ts", &stamp).unwrap();
        let mut output = folders.open(true);
        place(&mut output, &folders, "1.ts", &stamp).unwrap();
        let here = Stamp::at(&output.full(Path::new("1.ts"))).unwrap().unwrap();
        assert!(!here.is_same_file(&stamp));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_placed_as_the_file_it_leads_to() {
        let folders = Folders::new();
        let mut output = folders.open(false);
        let stamp = folders.write("real.ts", "one");
        std::os::unix::fs::symlink("real.ts", folders.source("1.ts")).unwrap();
        place(&mut output, &folders, "1.ts", &stamp).unwrap();
        assert_eq!(
            fs::read_to_string(output.full(Path::new("1.ts"))).unwrap(),
            "one"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_growing_copy_gets_only_what_it_lacks() {
        let folders = Folders::new();
        let mut output = folders.open(true);
        let stamp = folders.write("all.ts", "one");
        place(&mut output, &folders, "all.ts", &stamp).unwrap();
        let full = output.full(Path::new("all.ts"));
        let before = Stamp::at(&full).unwrap().unwrap();
        let grown = folders.write("all.ts", "one and two");
        output
            .place_grown(&folders.source("all.ts"), Path::new("all.ts"), &grown)
            .unwrap();
        assert_eq!(fs::read_to_string(&full).unwrap(), "one and two");
        assert!(Stamp::at(&full).unwrap().unwrap().is_same_file(&before));
    }

    #[test]
    fn only_our_own_files_are_removed() {
        let folders = Folders::new();
        let mut output = folders.open(false);
        fs::write(output.full(Path::new("index.html")), "mine").unwrap();
        let stamp = folders.write("1.ts", "one");
        place(&mut output, &folders, "1.ts", &stamp).unwrap();
        output.write(Path::new("v/i.m3u8"), b"#EXTM3U").unwrap();
        for path in output.ours(|_| false) {
            output.remove(&path).unwrap();
        }
        assert_eq!(folders.names(), ["index.html", "v"]);
        assert!(output.has_any(Path::new("v/i.m3u8")));
    }
}
