//! The sealer: keeps an output folder in step with a packager's folder.
//!
//! It works in passes. A pass looks at the whole input folder, reads the playlists that changed,
//! hashes what they list, places the files, and only then writes the playlists, media before master.
//! Nothing is remembered that a crash could falsify: what a restart needs is read back from the
//! sealed playlists themselves.
//!
//! It polls instead of waiting for notifications: a folder of a packager may be a network share,
//! where no notification ever comes, and looking costs little. Where looking is slow, it looks
//! less often, so that it never takes more than a tenth of the time.
//!
//! Invariants:
//! * A playlist in the output folder lists only segments that are there, with the hash of their
//!   bytes. What cannot be published yet waits, alone: other playlists go on, and its last good
//!   version stays.
//! * The packager's folder is only read.
//! * Nothing is deleted but files this program has placed, that no published playlist names, and
//!   that the packager itself has deleted.

use super::catalog::{Catalog, Published, Source, Stuck};
use super::digests::Known;
use super::folders::{self, FolderError};
use super::indexes::{Indexes, Input};
use super::ledger::LedgerError;
use super::looks::{Look, Looks};
use super::mpd::{self, MpdError};
use super::output::Output;
use super::plan::{is_mpd, is_playlist};
use super::playlist::{MAX_PLAYLIST, Playlist, parse};
use super::report::{Report, Reporter, Sink, Summary};
use super::scan::{Stamp, at, is_gone, scan};
use super::stop::Stop;
use super::wait::Wait;
use crate::signature::Signer;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Default pause between two looks at the packager's folder.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

/// A file that is written in place counts as complete when it has looked the same for this long (or
/// for as long as the pause between two looks, if that is longer).
const SETTLE: Duration = Duration::from_millis(50);

/// How long a pass beside a packager may begin to hash files before it publishes what it has.
const HASHING: Duration = Duration::from_millis(250);

/// How to seal.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The packager's folder. Only read.
    pub(crate) input: PathBuf,
    /// Where the sealed stream goes. Created if missing.
    pub(crate) output: PathBuf,
    /// Pause between two looks at the folder. Default: [`INTERVAL`].
    pub(crate) interval: Duration,
    /// Never link, always copy: for packagers that overwrite old segments in place. Default: false.
    pub(crate) copy: bool,
    /// Hash everything anew instead of trusting what an earlier run has written to `output`.
    /// Default: false.
    pub(crate) rehash: bool,
    /// Who signs what is published. Default: nobody.
    pub(crate) signer: Option<Signer>,
}

impl Options {
    /// Seal `input` into `output`, everything else at its default.
    pub(crate) fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            interval: INTERVAL,
            copy: false,
            rehash: false,
            signer: None,
        }
    }
}

/// What was read of a playlist or an MPD, and the files whose indexes that took.
type Read = (Source, BTreeMap<PathBuf, Stamp>);

/// Why sealing cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The two folders cannot be used.
    #[error(transparent)]
    Folders(#[from] FolderError),
    /// The output folder cannot be opened.
    #[error("{}: {error}", .folder.display())]
    Output {
        /// The output folder.
        folder: PathBuf,
        /// What is wrong.
        error: LedgerError,
    },
}

/// Whether the packager has finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Yes: everything is there.
    Once,
    /// No, or who knows.
    Watch,
}

/// Seals one folder into another.
///
/// To seal a folder for as long as a program runs:
///
/// ```ignore
/// let options = Options::new("packager-out", "sealed");
/// let mut sealer = Sealer::open(options, true, Arc::new(|report| eprintln!("{report}")))?;
/// let stop = Stop::default();
/// let thread = std::thread::spawn({ let stop = stop.clone(); move || sealer.watch(&stop) });
/// // … serve the folder `sealed` …
/// stop.set();
/// let summary = thread.join();
/// ```
///
/// It blocks its thread and needs no async runtime.
pub(crate) struct Sealer {
    pub(crate) input: PathBuf,
    pub(crate) options: Options,
    pub(crate) output: Output,
    pub(crate) looks: Looks,
    pub(crate) known: Known,
    pub(crate) catalog: Catalog,
    pub(crate) reporter: Reporter,
    pub(crate) summary: Summary,
    /// A file other than a playlist could not be placed in this pass, and may be in the next.
    pub(crate) unplaced: bool,
    /// Folders inside the packager's folder that may not be read.
    pub(crate) unreadable: Vec<PathBuf>,
    /// The folder could not be looked at, and that was reported.
    blind: bool,
}

impl Sealer {
    /// Opens both folders. The output folder is locked for as long as the value lives; what an earlier
    /// run has left there is taken over.
    ///
    /// With `watching`, the input folder may be missing: the packager will create it.
    ///
    /// # Errors
    /// Folders that are missing, unusable, nested or the same, or an output folder that another
    /// sealer writes to.
    pub(crate) fn open(options: Options, watching: bool, sink: Sink) -> Result<Self, OpenError> {
        let (input, folder) = folders::resolve(&options.input, &options.output, watching)?;
        let failed = |error| OpenError::Output {
            folder: folder.clone(),
            error,
        };
        let output = Output::open(&folder, options.copy).map_err(failed)?;
        let mut sealer = Self {
            input,
            options,
            output,
            looks: Looks::default(),
            known: Known::default(),
            catalog: Catalog::default(),
            reporter: Reporter::new(sink),
            summary: Summary::default(),
            unplaced: false,
            unreadable: Vec::new(),
            blind: false,
        };
        sealer
            .take_over(&folder)
            .map_err(|error| failed(error.into()))?;
        Ok(sealer)
    }

    /// Seals everything that is there. What cannot be sealed is in [`Summary::failures`]; the rest is
    /// published all the same. Never deletes anything. Ends early, with less done, when `stop` is set.
    ///
    /// # Errors
    /// The input folder cannot be read.
    pub(crate) fn once(&mut self, stop: &Stop) -> io::Result<Summary> {
        // Three times, for a packager that has not quite finished.
        for attempt in 0..3 {
            if attempt > 0 && stop.wait(Duration::from_millis(200)) {
                break;
            }
            self.pass(Mode::Once, stop)?;
            let waiting = |(_, stuck): (_, &Stuck)| matches!(stuck, Stuck::Wait(_));
            if !self.unplaced && !self.catalog.troubles().any(waiting) {
                break;
            }
        }
        let unreadable = self.unreadable.iter().map(|folder| self.input.join(folder));
        let unreadable = unreadable.map(|folder| format!("{}: no permission", folder.display()));
        self.summary.failures.extend(unreadable);
        if self.catalog.0.is_empty() {
            let what = format!(
                "{}: there is no HLS playlist and no MPD",
                self.input.display()
            );
            self.summary.failures.push(what);
        }
        Ok(self.finish())
    }

    /// Seals, and goes on sealing as the packager goes on, until `stop` is set. Nothing that goes
    /// wrong ends it: what fails is reported, waits and is tried again.
    pub(crate) fn watch(&mut self, stop: &Stop) -> Summary {
        while !stop.is_set() {
            let pause = match self.pass(Mode::Watch, stop) {
                Ok(scanned) => self.pause(scanned),
                Err(error) => self.cannot_look(&error),
            };
            stop.wait(pause);
        }
        self.finish()
    }

    /// How long a file that is written in place has to rest.
    pub(crate) fn settle(&self) -> Duration {
        self.options.interval.max(SETTLE)
    }

    fn pause(&mut self, scanned: Duration) -> Duration {
        self.blind = false;
        let waits_for = |wait: fn(&Wait) -> bool| {
            let mut troubles = self.catalog.troubles();
            troubles.any(|(_, stuck)| matches!(stuck, Stuck::Wait(why) if wait(why)))
        };
        if waits_for(|why| matches!(why, Wait::Backlog)) {
            return Duration::ZERO;
        }
        let soon = waits_for(|why| matches!(why, Wait::Fresh(_) | Wait::Changing(_)));
        let interval = self.options.interval;
        let wanted = if soon {
            interval.min(SETTLE / 2)
        } else {
            interval
        };
        wanted.max(scanned * 9)
    }

    fn cannot_look(&mut self, error: &io::Error) -> Duration {
        if !self.blind {
            self.blind = true;
            let what = format!("the packager's folder cannot be read, waiting for it: {error}");
            self.reporter.say(Report::Warning { what });
        }
        self.options.interval.max(Duration::from_millis(200))
    }

    fn finish(&mut self) -> Summary {
        let mut summary = self.summary.clone();
        let what = |(path, stuck): (&PathBuf, &Stuck)| match stuck {
            Stuck::Failed(what) => Some(what.clone()),
            // At the end of a watch some playlist is always about to be published.
            Stuck::Wait(Wait::Fresh(_) | Wait::Backlog) => None,
            Stuck::Wait(why) => Some(format!("{}: {why}", self.input.join(path).display())),
        };
        summary
            .failures
            .extend(self.catalog.troubles().filter_map(what));
        summary
    }

    /// One pass. Returns how long looking took.
    fn pass(&mut self, mode: Mode, stop: &Stop) -> io::Result<Duration> {
        let began = Instant::now();
        let found = scan(&self.input)?;
        let scanned = began.elapsed();
        self.looks.update(found.files, Instant::now());
        self.unreadable = found.unreadable;
        for folder in &self.unreadable {
            let what = format!(
                "{}: no permission to read it",
                self.input.join(folder).display()
            );
            self.reporter.warn(what);
        }
        self.unplaced = false;
        self.read_changed(mode);
        let deadline = (mode == Mode::Watch).then(|| Instant::now() + HASHING);
        self.seal_due(mode, deadline, stop);
        if !stop.is_set() {
            self.copy_masters(mode);
            self.mirror_others(mode);
            self.clear_up(mode);
        }
        Ok(scanned)
    }

    /// Reads playlists that look other than when they were last read.
    pub(crate) fn read_changed(&mut self, mode: Mode) {
        let now = Instant::now();
        let playlists = self.looks.iter();
        let playlists = playlists.filter(|(path, _)| is_playlist(path) || is_mpd(path));
        let playlists: Vec<(PathBuf, Look)> = playlists
            .map(|(path, look)| (path.clone(), *look))
            .collect();
        for (path, look) in playlists {
            if self.catalog.entry(&path).was_read(&look.stamp, &self.looks) {
                continue;
            }
            let result = if mode == Mode::Once || look.is_whole(now, self.settle()) {
                self.read(&path, &look.stamp, mode)
            } else {
                Err(Stuck::Wait(Wait::Fresh(path.clone())))
            };
            let entry = self.catalog.entry(&path);
            match result {
                Ok((source, indexes)) => entry.read(look.stamp, source, indexes),
                Err(stuck) => {
                    entry.outdate();
                    self.stuck(&path, stuck);
                }
            }
        }
        let looks = &self.looks;
        for (path, entry) in &mut self.catalog.0 {
            if looks.get(path).is_none() {
                // The packager has deleted it. What was published stays, and nothing is due.
                entry.source = None;
                entry.unstuck();
            }
        }
    }

    fn read(&mut self, path: &Path, stamp: &Stamp, mode: Mode) -> Result<Read, Stuck> {
        let full = self.input.join(path);
        let failed = |what: String| Stuck::Failed(format!("{}:{what}", full.display()));
        if stamp.size > MAX_PLAYLIST {
            return Err(failed(format!(
                "1: {} bytes are too much for a playlist",
                stamp.size
            )));
        }
        let changing = || Stuck::Wait(Wait::Changing(path.to_owned()));
        let bytes = match fs::read(&full) {
            Err(error) if is_gone(&error) => return Err(changing()),
            bytes => bytes.map_err(|error| Stuck::Failed(at(&full, &error).to_string()))?,
        };
        if !matches!(Stamp::at(&full), Ok(Some(now)) if now == *stamp) {
            return Err(changing());
        }
        if is_mpd(path) {
            return self.read_mpd(path, bytes, mode);
        }
        let source = match parse(bytes.clone()) {
            Ok(Playlist::Media(media)) => Source::Media(media.into()),
            Ok(Playlist::Master(companions)) => Source::Master(companions.into(), bytes.into()),
            Err(error) => {
                // Once per version, not once per look.
                self.stuck(path, failed(error.to_string()));
                Source::Broken
            }
        };
        Ok((source, BTreeMap::new()))
    }

    fn read_mpd(&mut self, path: &Path, bytes: Vec<u8>, mode: Mode) -> Result<Read, Stuck> {
        let full = self.input.join(path);
        let settle = match mode {
            Mode::Once => Duration::ZERO,
            Mode::Watch => self.settle(),
        };
        let mut indexes = Indexes {
            mpd: path,
            input: Some(Input {
                root: &self.input,
                looks: &self.looks,
                settle,
            }),
            output: &self.output,
            read: BTreeMap::new(),
        };
        let parsed = mpd::parse(&file_name(path), bytes, &mut |uri, part| {
            indexes.read(uri, part)
        });
        let indexes = indexes.read;
        let source = match parsed {
            Ok(manifest) => Source::Media(Arc::new(manifest.into())),
            Err(MpdError::Wait(wait)) => return Err(Stuck::Wait(wait)),
            Err(MpdError::Beyond(why)) => {
                let what = format!("{}: served without hashes, because {why}", full.display());
                self.reporter.warn(what);
                Source::Plain
            }
            Err(MpdError::Broken(error)) => {
                let what = format!("{}:{error}", full.display());
                self.stuck(path, Stuck::Failed(what));
                Source::Broken
            }
        };
        Ok((source, indexes))
    }

    /// Notes what keeps a playlist from being published, and reports it when it is time.
    pub(crate) fn stuck(&mut self, path: &Path, stuck: Stuck) {
        if !self
            .catalog
            .entry(path)
            .stuck(stuck.clone(), Instant::now())
        {
            return;
        }
        self.reporter.say(match stuck {
            Stuck::Failed(what) => Report::Failed { what },
            Stuck::Wait(why) => Report::Waiting {
                playlist: self.input.join(path),
                why: why.to_string(),
            },
        });
    }

    /// Writes a playlist if its text is another one than before, and notes that all is well with it.
    pub(crate) fn publish(&mut self, path: &Path, new: Published, counts: (usize, usize)) {
        let entry = self.catalog.entry(path);
        let unchanged = entry
            .published
            .as_ref()
            .is_some_and(|old| old.bytes == new.bytes);
        if !unchanged || !self.output.has_any(path) {
            if let Err(error) = self.output.write(path, &new.bytes) {
                return self.stuck(path, Stuck::Failed(error.to_string()));
            }
            self.summary.updates += 1;
        }
        self.published(path, new, counts);
    }

    fn published(&mut self, path: &Path, new: Published, counts: (usize, usize)) {
        let entry = self.catalog.entry(path);
        entry.published = Some(new);
        let recovered = entry.unstuck();
        if entry.announced && !recovered {
            return;
        }
        self.summary.playlists += usize::from(!entry.announced);
        entry.announced = true;
        self.reporter.say(Report::Sealed {
            playlist: self.input.join(path),
            segments: counts.0,
            tagged: counts.1,
        });
    }
}

/// As text; a name that is none is given a stand-in.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
