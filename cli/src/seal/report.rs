//! What a sealer tells whoever runs it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// News of a running [`super::Sealer`]. Its `Display` is one line for a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Report {
    /// A playlist appeared in the output folder for the first time, or again after trouble.
    Sealed {
        /// Which, in the packager's folder.
        playlist: PathBuf,
        /// Segments it lists.
        segments: usize,
        /// How many of them carry a tag.
        tagged: usize,
    },
    /// A playlist has been waiting for a while for a file it lists; its last good version stays.
    Waiting {
        /// Which playlist.
        playlist: PathBuf,
        /// For what.
        why: String,
    },
    /// Something is wrong that will not pass by itself; what was published before stays. A playlist
    /// that cannot be read is named with file and line.
    Failed {
        /// What, in one line.
        what: String,
    },
    /// Something the publisher should know; the work goes on.
    Warning {
        /// What, in one line.
        what: String,
    },
    /// Long work goes on.
    Progress {
        /// Bytes hashed so far in this pass.
        hashed: u64,
        /// Bytes this pass has to hash.
        of: u64,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STAYS: &str = "the last good output stays";
        match self {
            Self::Sealed {
                playlist,
                segments,
                tagged,
            } => {
                write!(f, "sealed {}", playlist.display())?;
                match (segments, segments - tagged) {
                    (0, _) => Ok(()),
                    (_, 0) => write!(f, ": {segments} segments"),
                    (_, bare) => write!(f, ": {segments} segments, {bare} of them without a hash"),
                }
            }
            Self::Waiting { playlist, why } => {
                write!(f, "waiting: {}: {why}; {STAYS}", playlist.display())
            }
            Self::Failed { what } => write!(f, "error: {what}; {STAYS}"),
            Self::Warning { what } => write!(f, "warning: {what}"),
            Self::Progress { hashed, of } => write!(f, "hashed {hashed} of {of} bytes"),
        }
    }
}

/// Where reports go. Called from several threads.
pub(crate) type Sink = Arc<dyn Fn(Report) + Send + Sync>;

/// Says everything once.
pub(crate) struct Reporter {
    sink: Sink,
    said: BTreeSet<String>,
}

/// More different warnings than this and the memory of them starts anew.
const REMEMBERED: usize = 1000;

impl Reporter {
    /// To this sink.
    pub(crate) fn new(sink: Sink) -> Self {
        Self {
            sink,
            said: BTreeSet::new(),
        }
    }

    /// The sink itself.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Passes a report on.
    pub(crate) fn say(&self, report: Report) {
        (self.sink)(report);
    }

    /// Passes a warning on, unless it was said before.
    pub(crate) fn warn(&mut self, what: String) {
        if self.said.len() >= REMEMBERED {
            self.said.clear();
        }
        if self.said.insert(what.clone()) {
            self.say(Report::Warning { what });
        }
    }
}

/// What was done, all in all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Summary {
    /// Playlists written, each counted once.
    pub(crate) playlists: usize,
    /// Times a playlist was written.
    pub(crate) updates: u64,
    /// Segments hashed, each time counted.
    pub(crate) segments_hashed: u64,
    /// Bytes hashed.
    pub(crate) bytes_hashed: u64,
    /// Files deleted from the output folder because the packager has deleted them.
    pub(crate) files_removed: u64,
    /// What could not be sealed, each in one line. Empty: all is well.
    pub(crate) failures: Vec<String>,
}
