//! Why a playlist is not published yet.

use std::path::PathBuf;

/// A reason to wait. All may pass by themselves: the packager may be about to write the file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Wait {
    /// It is listed and not there.
    #[error("{} is listed but not there", .0.display())]
    Missing(PathBuf),
    /// It is there and empty.
    #[error("{} is listed but empty", .0.display())]
    Empty(PathBuf),
    /// It is shorter than a byte range in it.
    #[error("{path} {what}", path = .0.display(), what = .1)]
    Short(PathBuf, String),
    /// It is being written.
    #[error("{} keeps changing", .0.display())]
    Changing(PathBuf),
    /// It arrived a moment ago and may still be changing.
    #[error("{} has only just been written", .0.display())]
    Fresh(PathBuf),
    /// Other work comes first.
    #[error("there is much to hash")]
    Backlog,
}
