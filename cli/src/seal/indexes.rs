//! The files in which an MPD's segments are looked up, and what they looked like then.

use super::looks::Looks;
use super::mpd::{MpdError, Subsegment, subsegments};
use super::output::Output;
use super::playlist::Part;
use super::scan::{Stamp, is_gone};
use super::uri::candidates;
use super::wait::Wait;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The packager's folder, and when a file in it may be read.
pub(crate) struct Input<'a> {
    /// The folder.
    pub(crate) root: &'a Path,
    /// What is in it.
    pub(crate) looks: &'a Looks,
    /// How long a file has to rest first.
    pub(crate) settle: Duration,
}

/// Reads indexes for one MPD.
pub(crate) struct Indexes<'a> {
    /// The MPD, inside the packager's folder.
    pub(crate) mpd: &'a Path,
    /// Where its files are; `None`: only the output folder counts.
    pub(crate) input: Option<Input<'a>>,
    /// Where they may still be when the packager has deleted them.
    pub(crate) output: &'a Output,
    /// The packager's files that were read, in the state they were in.
    pub(crate) read: BTreeMap<PathBuf, Stamp>,
}

impl Indexes<'_> {
    /// The segments that the index of the file at a URI names.
    ///
    /// # Errors
    /// The file is not ready, or elsewhere, or its index is of no use.
    pub(crate) fn read(&mut self, uri: &str, part: Part) -> Result<Vec<Subsegment>, MpdError> {
        let beyond = |why: String| MpdError::Beyond(format!("{uri} {why}"));
        let paths = candidates(self.mpd, uri).map_err(|why| beyond(why.to_string()))?;
        let full = self.find(&paths)?;
        let file = match File::open(&full) {
            Err(error) if is_gone(&error) => {
                let path = paths.into_iter().next().unwrap_or_default();
                return Err(MpdError::Wait(Wait::Changing(path)));
            }
            file => file.map_err(|error| beyond(format!("cannot be read: {error}")))?,
        };
        subsegments(&mut BufReader::new(file), part).map_err(|error| beyond(error.to_string()))
    }

    fn find(&mut self, paths: &[PathBuf]) -> Result<PathBuf, MpdError> {
        if let Some(input) = &self.input
            && let Some((path, look)) = paths
                .iter()
                .find_map(|path| Some((path, input.looks.get(path)?)))
        {
            if !look.is_whole(Instant::now(), input.settle) {
                return Err(MpdError::Wait(Wait::Fresh(path.clone())));
            }
            self.read.insert(path.clone(), look.stamp);
            return Ok(input.root.join(path));
        }
        match paths.iter().find(|path| self.output.has_any(path)) {
            Some(path) => Ok(self.output.full(path)),
            None => {
                let first = paths.first().cloned().unwrap_or_default();
                Err(MpdError::Wait(Wait::Missing(first)))
            }
        }
    }
}
