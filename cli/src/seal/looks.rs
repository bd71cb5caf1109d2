//! What each file of the packager's folder looked like in the last scan, and since when.

use super::scan::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file, as last seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Its state.
    pub(crate) stamp: Stamp,
    since: Instant,
    /// It took this state by replacing another file: whole from the first moment.
    replaced: bool,
}

impl Look {
    /// Whether it has looked like this for at least `span`.
    pub(crate) fn is_quiet(&self, now: Instant, span: Duration) -> bool {
        now.duration_since(self.since) >= span
    }

    /// Whether it may be read now: it has been quiet, or was renamed to its place.
    pub(crate) fn is_whole(&self, now: Instant, span: Duration) -> bool {
        self.replaced || self.is_quiet(now, span)
    }
}

/// All files, as last seen.
#[derive(Default)]
pub(crate) struct Looks(BTreeMap<PathBuf, Look>);

impl Looks {
    /// Takes the result of a scan that ended at `now`.
    pub(crate) fn update(&mut self, found: BTreeMap<PathBuf, Stamp>, now: Instant) {
        let look = |(path, stamp): (PathBuf, Stamp)| {
            let look = match self.0.get(&path) {
                Some(before) if before.stamp == stamp => *before,
                before => Look {
                    stamp,
                    since: now,
                    replaced: before.is_some_and(|before| before.stamp.is_another_file(&stamp)),
                },
            };
            (path, look)
        };
        self.0 = found.into_iter().map(look).collect();
    }

    /// A file, if it is there.
    pub(crate) fn get(&self, path: &Path) -> Option<&Look> {
        self.0.get(path)
    }

    /// All files, by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PathBuf, &Look)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::scan::scan;
    use std::fs;

    #[test]
    fn tells_writing_in_place_from_renaming() {
        let dir = tempfile::tempdir().unwrap();
        let (path, quiet) = (dir.path().join("i.m3u8"), Duration::from_secs(1));
        let mut looks = Looks::default();
        let start = Instant::now();
        let mut look = |after: u64| {
            let now = start + Duration::from_millis(after);
            looks.update(scan(dir.path()).unwrap().files, now);
            looks.get(Path::new("i.m3u8")).unwrap().is_whole(now, quiet)
        };
        fs::write(&path, "a").unwrap();
        assert!(!look(0), "new: may be half-written");
        assert!(!look(999));
        assert!(look(1000));
        fs::write(&path, "ab").unwrap();
        assert!(!look(1001), "written in place");
        assert!(look(2001));
        fs::write(dir.path().join("x.tmp"), "abc").unwrap();
        fs::rename(dir.path().join("x.tmp"), &path).unwrap();
        assert_eq!(look(2002), cfg!(unix), "renamed to its place");
    }
}
