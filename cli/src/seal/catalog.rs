//! Each playlist of the stream: what the packager has written, what was published of it, and what
//! stands between the two.

use super::looks::Looks;
use super::plan::Plan;
use super::playlist::{Companion, Media};
use super::scan::Stamp;
use super::wait::Wait;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A wait shorter than this is everyday life and not reported.
const PATIENCE: Duration = Duration::from_secs(2);

/// A playlist as the packager has written it.
#[derive(Clone)]
pub(crate) enum Source {
    /// Lists segments: a media playlist, or an MPD.
    Media(Arc<Media>),
    /// Lists playlists; published as it is.
    Master(Arc<[Companion]>, Arc<[u8]>),
    /// An MPD that cannot be sealed; served as any other file.
    Plain,
    /// Cannot be read; the reason was reported.
    Broken,
}

/// A file that a published playlist names.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    /// Its state then; `None`: it had vanished from the packager's folder already, or is not known.
    pub(crate) stamp: Option<Stamp>,
    /// Only byte ranges of it are listed, so that growing does not matter.
    pub(crate) may_grow: bool,
}

/// A playlist in the output folder.
pub(crate) struct Published {
    /// Its text.
    pub(crate) bytes: Vec<u8>,
    /// An MPD's integrity list.
    pub(crate) list: Option<String>,
    /// The packager's version behind it; `None`: of an earlier run.
    pub(crate) of: Option<Stamp>,
    /// All files it names that are in the output folder.
    pub(crate) names: BTreeMap<PathBuf, Named>,
}

impl Published {
    /// The files a plan names.
    pub(crate) fn names_of(plan: &Plan) -> BTreeMap<PathBuf, Named> {
        let named = |(path, stamp): (&PathBuf, &Option<Stamp>), may_grow| {
            (
                path.clone(),
                Named {
                    stamp: *stamp,
                    may_grow,
                },
            )
        };
        let companions = plan.companions.iter().map(|file| named(file, false));
        let segments = plan
            .files
            .iter()
            .map(|file| named(file, plan.may_grow(file.0)));
        companions.chain(segments).collect()
    }

    /// Whether nothing has changed since: neither the playlist nor a file it names.
    fn is_current(&self, stamp: &Stamp, looks: &Looks) -> bool {
        let unchanged = |(path, named): (&PathBuf, &Named)| match (looks.get(path), &named.stamp) {
            (Some(look), Some(stamp)) => {
                look.stamp == *stamp || named.may_grow && look.stamp.may_extend(stamp)
            }
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.of.as_ref() == Some(stamp) && self.names.iter().all(unchanged)
    }
}

/// Why a playlist is not published as the packager has it now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stuck {
    /// It will pass by itself.
    Wait(Wait),
    /// Somebody has to do something.
    Failed(String),
}

struct Trouble {
    stuck: Stuck,
    since: Instant,
    /// What was reported of it, if anything was.
    told: Option<Stuck>,
}

/// One playlist.
#[derive(Default)]
pub(crate) struct Entry {
    /// The packager's version, as last read.
    pub(crate) source: Option<(Stamp, Source)>,
    /// The files whose indexes it was read with, in the state they were in.
    pub(crate) indexes: BTreeMap<PathBuf, Stamp>,
    /// The version in the output folder.
    pub(crate) published: Option<Published>,
    /// It was reported as sealed in this run.
    pub(crate) announced: bool,
    trouble: Option<Trouble>,
}

impl Entry {
    /// Whether the output folder has what the packager's folder has.
    pub(crate) fn is_current(&self, looks: &Looks) -> bool {
        match (&self.source, &self.published) {
            (Some((stamp, _)), Some(published)) => published.is_current(stamp, looks),
            _ => false,
        }
    }

    /// Whether the packager's version was read in this state, and so were the files with its indexes.
    pub(crate) fn was_read(&self, stamp: &Stamp, looks: &Looks) -> bool {
        let same = |(path, stamp): (&PathBuf, &Stamp)| {
            looks.get(path).is_none_or(|look| look.stamp == *stamp)
        };
        let read = self.source.as_ref().map(|(read, _)| read);
        read == Some(stamp) && self.indexes.iter().all(same)
    }

    /// Takes what was read, with the files whose indexes were needed for that.
    pub(crate) fn read(&mut self, stamp: Stamp, source: Source, indexes: BTreeMap<PathBuf, Stamp>) {
        self.source = Some((stamp, source));
        self.indexes = indexes;
    }

    /// It has to be read again and cannot be, yet. Ranges that another index has named are not to be hashed.
    pub(crate) fn outdate(&mut self) {
        if !self.indexes.is_empty() {
            self.source = None;
        }
    }

    /// Notes what stands in the way. Returns true if somebody should be told now: of a failure at
    /// once, of a wait after a while; of one thing only once.
    pub(crate) fn stuck(&mut self, stuck: Stuck, now: Instant) -> bool {
        let before = self.trouble.take();
        let since = before.as_ref().map_or(now, |trouble| trouble.since);
        let told = before.and_then(|trouble| trouble.told);
        let due = match (&stuck, &told) {
            (Stuck::Failed(_), _) => told.as_ref() != Some(&stuck),
            (Stuck::Wait(Wait::Backlog | Wait::Fresh(_)), _) => false,
            // What is waited for may change with every look; that is no news.
            (Stuck::Wait(_), Some(Stuck::Wait(_))) => false,
            (Stuck::Wait(_), _) => now.duration_since(since) >= PATIENCE,
        };
        let told = if due { Some(stuck.clone()) } else { told };
        self.trouble = Some(Trouble { stuck, since, told });
        due
    }

    /// Notes that nothing stands in the way. Returns whether somebody was told otherwise.
    pub(crate) fn unstuck(&mut self) -> bool {
        self.trouble
            .take()
            .is_some_and(|trouble| trouble.told.is_some())
    }

    /// What stands in the way now.
    pub(crate) fn trouble(&self) -> Option<&Stuck> {
        self.trouble.as_ref().map(|trouble| &trouble.stuck)
    }
}

/// All playlists, by path inside the packager's folder.
#[derive(Default)]
pub(crate) struct Catalog(pub(crate) BTreeMap<PathBuf, Entry>);

impl Catalog {
    /// The entry of a playlist, made if there is none.
    pub(crate) fn entry(&mut self, path: &Path) -> &mut Entry {
        self.0.entry(path.to_owned()).or_default()
    }

    /// All files that some published playlist names.
    pub(crate) fn named(&self) -> BTreeSet<PathBuf> {
        let published = self.0.values().filter_map(|entry| entry.published.as_ref());
        published
            .flat_map(|published| published.names.keys().cloned())
            .collect()
    }

    /// The media playlists that are not published as they are now.
    pub(crate) fn due(&self, looks: &Looks) -> Vec<(PathBuf, Arc<Media>)> {
        let media = |(path, entry): (&PathBuf, &Entry)| match &entry.source {
            Some((_, Source::Media(media))) if !entry.is_current(looks) => {
                Some((path.clone(), media.clone()))
            }
            _ => None,
        };
        self.0.iter().filter_map(media).collect()
    }

    /// Whether a file is an MPD that is published as it is, like any other file.
    pub(crate) fn is_plain(&self, path: &Path) -> bool {
        let source = self.0.get(path).and_then(|entry| entry.source.as_ref());
        matches!(source, Some((_, Source::Plain)))
    }

    /// What keeps playlists from being published.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = (&PathBuf, &Stuck)> {
        self.0
            .iter()
            .filter_map(|(path, entry)| Some((path, entry.trouble()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_failures_at_once_and_waits_after_a_while_each_once() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let missing = |name: &str| Stuck::Wait(Wait::Missing(name.into()));
        let failed = |what: &str| Stuck::Failed(what.to_owned());
        let fresh = || Stuck::Wait(Wait::Fresh("i.m3u8".into()));
        let mut entry = Entry::default();
        let told = [
            (missing("1"), 0, false),
            (fresh(), 1, false),
            (missing("1"), 2, true),
            (missing("2"), 3, false),
            (failed("a"), 4, true),
            (fresh(), 5, false),
            (failed("a"), 6, false),
            (failed("b"), 7, true),
        ];
        for (stuck, at, expected) in told {
            assert_eq!(
                entry.stuck(stuck.clone(), after(at)),
                expected,
                "{stuck:?} at {at}"
            );
        }
        assert!(entry.unstuck());
        assert!(
            !entry.stuck(missing("3"), after(9)),
            "a new trouble, a new while"
        );
        assert!(!entry.unstuck());
    }
}
