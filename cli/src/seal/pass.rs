//! The steps of a pass: media playlists, master playlists, all other files, and what has vanished.

use super::catalog::{Named, Published, Source, Stuck};
use super::digests::Learned;
use super::hash::{self, HashError, Job, Limits};
use super::indexes::Indexes;
use super::looks::Look;
use super::mpd;
use super::output::PlaceError;
use super::plan::{Held, Plan, Use, is_mpd, is_playlist, plan};
use super::playlist::{Companion, Media, Part, Playlist, Segment, parse};
use super::report::Report;
use super::scan::{Stamp, at, scan};
use super::sealer::{Mode, Sealer, file_name};
use super::stop::Stop;
use super::uri::candidates;
use super::wait::Wait;
use crate::integrity_list;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use swarmline::core::ids::TreeHash;
use swarmline::core::integrity::digest::Digests;
use swarmline::core::integrity::tag::Tag;

/// Files that no playlist lists are copied (not linked) only when nobody has written to them for this long.
const QUIET: Duration = Duration::from_millis(500);

/// A media playlist with everything found that it refers to.
struct Due {
    path: PathBuf,
    media: Arc<Media>,
    plan: Plan,
    jobs: Vec<Job>,
}

impl Due {
    /// Bytes to hash.
    fn bytes(&self) -> u64 {
        let part = |job: &Job, part: &Part| match part {
            Part::Whole => job.stamp.size,
            Part::Bytes { len, .. } => *len,
        };
        self.jobs
            .iter()
            .flat_map(|job| job.parts.iter().map(move |p| part(job, p)))
            .sum()
    }
}

impl Held for Sealer {
    fn segment(&self, used: &Use) -> bool {
        self.get_vanished(used).is_some()
    }

    fn file(&self, path: &Path) -> bool {
        self.output.has_any(path)
    }
}

impl Sealer {
    fn get_vanished(&self, used: &Use) -> Option<Digests> {
        let here = self.output.stamp(&used.path)?;
        self.known.get_vanished(&used.path, used.part, &here)
    }

    /// Learns from the output folder what an earlier run has done.
    pub(crate) fn take_over(&mut self, folder: &Path) -> io::Result<()> {
        for (path, stamp) in scan(folder)?.files {
            if !is_playlist(&path) && !is_mpd(&path) {
                continue;
            }
            let full = folder.join(&path);
            let bytes = fs::read(&full).map_err(|error| at(&full, &error))?;
            let mut list = None;
            let names = if is_mpd(&path) {
                // Without its list, or where there cannot be one: it will be written anew.
                let mut indexes = Indexes {
                    mpd: &path,
                    input: None,
                    output: &self.output,
                    read: BTreeMap::new(),
                };
                let read = &mut |uri: &str, part| indexes.read(uri, part);
                let Ok(manifest) = mpd::parse(&file_name(&path), bytes.clone(), read) else {
                    continue;
                };
                let media = Media::from(manifest);
                let beside = full.with_file_name(media.list_name().unwrap_or_default());
                list = fs::read_to_string(beside).ok();
                let tags = integrity_list::tags(list.as_deref().unwrap_or_default());
                let tag =
                    |segment: &Segment| tags.get(&(segment.uri.clone(), segment.part.offset()));
                self.inherit(&path, &media, stamp.modified, |segment| {
                    tag(segment).copied()
                })
            } else {
                match parse(bytes.clone()) {
                    Ok(Playlist::Media(media)) => {
                        self.inherit(&path, &media, stamp.modified, |segment| {
                            media.tag_of(segment)
                        })
                    }
                    Ok(Playlist::Master(companions)) => self.names(&path, &companions),
                    // Not ours, or damaged: it will be written anew.
                    Err(_) => continue,
                }
            };
            let published = Published {
                bytes,
                list,
                of: None,
                names,
            };
            self.catalog.entry(&path).published = Some(published);
        }
        Ok(())
    }

    fn inherit(
        &mut self,
        path: &Path,
        media: &Media,
        sealed: SystemTime,
        tag_of: impl Fn(&Segment) -> Option<Tag>,
    ) -> BTreeMap<PathBuf, Named> {
        let mut names = self.names(path, &media.companions);
        for segment in &media.segments {
            let paths = candidates(path, &segment.uri).unwrap_or_default();
            let Some(file) = paths.into_iter().find(|path| self.output.has_any(path)) else {
                continue;
            };
            let tag = tag_of(segment).filter(|_| !self.options.rehash);
            if let Some(digests) = tag.and_then(digests_of) {
                self.known.inherit(&file, segment.part, digests, sealed);
            }
            names.insert(
                file,
                Named {
                    stamp: None,
                    may_grow: segment.part != Part::Whole,
                },
            );
        }
        names
    }

    fn names(&self, path: &Path, companions: &[Companion]) -> BTreeMap<PathBuf, Named> {
        let paths = companions
            .iter()
            .flat_map(|companion| candidates(path, &companion.uri))
            .flatten();
        let there = |path: &PathBuf| self.output.has_any(path) || self.looks.get(path).is_some();
        let here = paths.filter(|path| !is_playlist(path) && there(path));
        here.map(|path| {
            (
                path,
                Named {
                    stamp: None,
                    may_grow: false,
                },
            )
        })
        .collect()
    }

    /// Seals the media playlists that have changed, those with the least to hash first: a live
    /// stream does not wait for a film that was just dropped beside it.
    pub(crate) fn seal_due(&mut self, mode: Mode, deadline: Option<Instant>, stop: &Stop) {
        let mut due = Vec::new();
        for (path, media) in self.catalog.due(&self.looks) {
            match plan(&path, &media, &self.looks, self) {
                Ok(plan) => due.push(self.prepare(path, media, plan)),
                Err(why) => self.stuck(&path, Stuck::Wait(why)),
            }
        }
        due.sort_by_key(Due::bytes);
        let of = due.iter().map(Due::bytes).sum();
        let hashed = AtomicU64::new(0);
        let sink = self.reporter.sink().clone();
        let progress = |bytes| {
            let hashed = hashed.fetch_add(bytes, Ordering::Relaxed) + bytes;
            sink(Report::Progress { hashed, of });
        };
        let limits = Limits {
            stop,
            deadline,
            progress: &progress,
        };
        for due in due {
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let result = if late && !due.jobs.is_empty() && hashed.load(Ordering::Relaxed) > 0 {
                Err(Stuck::Wait(Wait::Backlog))
            } else {
                self.seal(&due, mode, &limits)
            };
            if let Err(stuck) = result {
                self.stuck(&due.path, stuck);
            }
        }
        self.summary.bytes_hashed += hashed.into_inner();
    }

    fn prepare(&mut self, path: PathBuf, media: Arc<Media>, plan: Plan) -> Due {
        let mut jobs = Vec::new();
        for (file, (stamp, parts)) in plan.parts() {
            self.known.confirm(file, &stamp, &self.output);
            jobs.extend(self.known.job(file, &parts, &stamp, media.ended));
        }
        for warning in &plan.warnings {
            self.reporter.warn(warning.clone());
        }
        Due {
            path,
            media,
            plan,
            jobs,
        }
    }

    fn seal(&mut self, due: &Due, mode: Mode, limits: &Limits<'_>) -> Result<(), Stuck> {
        self.hash(&due.jobs, limits)?;
        if mode == Mode::Watch {
            self.check_quiet(&due.plan)?;
        }
        let tags = self.tags(due)?;
        self.place_all(&due.plan)?;
        self.check_unchanged(&due.plan)?;
        let counts = (tags.len(), tags.iter().flatten().count());
        let sealed = due.media.sealed(&tags);
        let sealed = sealed.map_err(|error| Stuck::Failed(error.to_string()))?;
        let sealed = self.signed(&due.path, sealed)?;
        // No player sees a manifest before the list that it names.
        if let Some((name, text)) = &sealed.list {
            self.write_list(&due.path, name, text)?;
        }
        let published = Published {
            bytes: sealed.text.into_bytes(),
            list: sealed.list.map(|(_, text)| text),
            of: self.looks.get(&due.path).map(|look| look.stamp),
            names: Published::names_of(&due.plan),
        };
        self.publish(&due.path, published, counts);
        Ok(())
    }

    fn write_list(&mut self, mpd: &Path, name: &str, text: &str) -> Result<(), Stuck> {
        let path = mpd.with_file_name(name);
        let before = self.catalog.entry(mpd).published.as_ref();
        let same = before.is_some_and(|published| published.list.as_deref() == Some(text));
        if same && self.output.has_any(&path) {
            return Ok(());
        }
        let written = self.output.write(&path, text.as_bytes());
        written.map_err(|error| Stuck::Failed(error.to_string()))
    }

    fn hash(&mut self, jobs: &[Job], limits: &Limits<'_>) -> Result<(), Stuck> {
        let mut result = Ok(());
        for (job, outcome) in jobs.iter().zip(hash::run(&self.input, jobs, limits)) {
            let wait = |wait| Err(Stuck::Wait(wait));
            let path = || job.path.clone();
            result = match outcome {
                Ok(digests) => {
                    match self.known.learn(job, &digests) {
                        Learned::Consistent => {}
                        Learned::Anew => self.output.outdate(&job.path),
                        Learned::Overwritten => self.output.stop_linking(),
                    }
                    self.summary.segments_hashed += digests.len() as u64;
                    continue;
                }
                Err(HashError::Changed) => wait(Wait::Changing(path())),
                Err(error @ HashError::Short { .. }) => {
                    wait(Wait::Short(path(), error.to_string()))
                }
                Err(HashError::NotYet) => wait(Wait::Backlog),
                Err(HashError::Io(error)) => Err(failed(&self.input.join(&job.path), &error)),
            };
        }
        result
    }

    /// Files written in place may still be growing although the playlist lists them.
    fn check_quiet(&self, plan: &Plan) -> Result<(), Stuck> {
        let now = Instant::now();
        for used in plan
            .uses
            .iter()
            .flatten()
            .filter(|used| used.part == Part::Whole)
        {
            let Some(look) = self.looks.get(&used.path) else {
                continue;
            };
            if look.stamp.size == 0 {
                return Err(Stuck::Wait(Wait::Empty(used.path.clone())));
            }
            if !look.is_whole(now, self.settle()) {
                return Err(Stuck::Wait(Wait::Fresh(used.path.clone())));
            }
        }
        Ok(())
    }

    fn tags(&mut self, due: &Due) -> Result<Vec<Option<Tag>>, Stuck> {
        let mut tags = Vec::with_capacity(due.plan.uses.len());
        for used in &due.plan.uses {
            let Some(used) = used else {
                tags.push(None);
                continue;
            };
            let digests = match due.plan.files.get(&used.path) {
                Some(Some(stamp)) => self
                    .known
                    .get(&used.path, used.part, stamp, due.media.ended),
                _ => self.get_vanished(used),
            };
            let digests = digests.ok_or(Stuck::Wait(Wait::Changing(used.path.clone())))?;
            let tag = Tag::try_from(&digests).map_err(|error| {
                let full = self.input.join(&used.path);
                self.reporter.warn(format!("{}: {error}", full.display()));
            });
            tags.push(tag.ok());
        }
        Ok(tags)
    }

    fn place_all(&mut self, plan: &Plan) -> Result<(), Stuck> {
        for (path, stamp) in plan.companions.iter().chain(&plan.files) {
            let Some(stamp) = stamp else { continue };
            let full = self.input.join(path);
            let grows = plan.files.contains_key(path) && plan.may_grow(path);
            let placed = if grows {
                self.output.place_grown(&full, path, stamp)
            } else {
                self.output.place(&full, path, stamp)
            };
            placed.map_err(|error| match error {
                PlaceError::Changed => Stuck::Wait(Wait::Changing(path.clone())),
                PlaceError::Io(error) => failed(&full, &error),
            })?;
        }
        self.say_if_copying();
        Ok(())
    }

    /// The last look before a playlist is written: every segment is what was hashed.
    fn check_unchanged(&self, plan: &Plan) -> Result<(), Stuck> {
        for (path, stamp) in &plan.files {
            let Some(stamp) = stamp else { continue };
            let full = self.input.join(path);
            match Stamp::at(&full).map_err(|error| failed(&full, &error))? {
                Some(now) if now == *stamp => {}
                Some(now) if now.may_extend(stamp) && plan.may_grow(path) => {}
                // Deleted since; what was placed is what was hashed.
                None => {}
                Some(_) => return Err(Stuck::Wait(Wait::Changing(path.clone()))),
            }
        }
        Ok(())
    }

    fn say_if_copying(&mut self) {
        if let Some(why) = self.output.copies_because() {
            self.reporter
                .warn(format!("files are copied, because {why}"));
        }
    }

    /// Publishes master playlists as they are, once the playlists they name are there or never will be.
    pub(crate) fn copy_masters(&mut self, mode: Mode) {
        let mut due = Vec::new();
        for (path, entry) in &self.catalog.0 {
            let Some((stamp, Source::Master(companions, bytes))) = &entry.source else {
                continue;
            };
            let current = entry
                .published
                .as_ref()
                .is_some_and(|p| p.of.as_ref() == Some(stamp));
            if !current {
                due.push((path.clone(), *stamp, companions.clone(), bytes.clone()));
            }
        }
        for (path, stamp, companions, bytes) in due {
            if mode == Mode::Watch
                && let Some(pending) = self.pending(&path, &companions)
            {
                self.stuck(&path, Stuck::Wait(Wait::Missing(pending)));
                continue;
            }
            let names = self.names(&path, &companions);
            let published = Published {
                bytes: bytes.to_vec(),
                list: None,
                of: Some(stamp),
                names,
            };
            self.publish(&path, published, (0, 0));
        }
    }

    /// A playlist that a master playlist names and that is about to be published for the first time.
    fn pending(&self, master: &Path, companions: &[Companion]) -> Option<PathBuf> {
        let paths = companions
            .iter()
            .flat_map(|companion| candidates(master, &companion.uri))
            .flatten();
        let pending = |path: &PathBuf| {
            let entry = self.catalog.0.get(path);
            let waits = entry.is_some_and(|entry| matches!(entry.trouble(), Some(Stuck::Wait(_))));
            waits && !self.output.has_any(path)
        };
        paths.into_iter().find(pending)
    }

    /// Places everything that no playlist answers for: init segments before they are listed, keys,
    /// images, and MPDs, these last and after every file that is older than they are.
    pub(crate) fn mirror_others(&mut self, mode: Mode) {
        let named = self.catalog.named();
        let mirrored =
            |path: &Path| !is_playlist(path) && (!is_mpd(path) || self.catalog.is_plain(path));
        let missing = |(path, look): &(&PathBuf, &Look)| {
            mirrored(path) && !named.contains(*path) && !self.output.has(path, &look.stamp)
        };
        let missing = self
            .looks
            .iter()
            .filter(missing)
            .map(|(path, look)| (path.clone(), *look));
        let (manifests, files): (Vec<_>, Vec<_>) = missing.partition(|(path, _)| is_mpd(path));
        let (now, mut oldest) = (Instant::now(), None);
        for (path, look) in files {
            let ready = mode == Mode::Once || !self.output.copies() || look.is_quiet(now, QUIET);
            if !ready || !self.mirror(&path, &look, mode) {
                oldest = Some(look.stamp.modified).into_iter().chain(oldest).min();
            }
        }
        for (path, look) in manifests {
            if mode == Mode::Once || oldest.is_none_or(|oldest| look.stamp.modified < oldest) {
                self.mirror(&path, &look, mode);
            }
        }
        self.say_if_copying();
    }

    /// Returns false if another pass may succeed.
    fn mirror(&mut self, path: &Path, look: &Look, mode: Mode) -> bool {
        let full = self.input.join(path);
        match self.output.place(&full, path, &look.stamp) {
            Ok(()) => true,
            Err(PlaceError::Changed) => {
                self.unplaced = true;
                false
            }
            Err(PlaceError::Io(error)) => {
                let what = at(&full, &error).to_string();
                if mode == Mode::Once {
                    self.summary.failures.push(what);
                } else {
                    self.reporter.warn(what);
                }
                true
            }
        }
    }

    /// Deletes what the packager has deleted and nobody lists any more, and forgets it.
    pub(crate) fn clear_up(&mut self, mode: Mode) {
        let named = self.catalog.named();
        let hidden = |path: &Path| {
            self.unreadable
                .iter()
                .any(|folder| path.starts_with(folder))
        };
        let wanted =
            |path: &Path| self.looks.get(path).is_some() || named.contains(path) || hidden(path);
        self.known.retain(wanted);
        if mode == Mode::Once {
            return;
        }
        for path in self.output.ours(wanted) {
            match self.output.remove(&path) {
                Ok(()) => self.summary.files_removed += 1,
                Err(error) => self.reporter.warn(error.to_string()),
            }
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Stuck {
    Stuck::Failed(at(path, error).to_string())
}

fn digests_of(tag: Tag) -> Option<Digests> {
    let root: TreeHash = tag.root?;
    Some(Digests {
        hash: tag.hash,
        root,
        bytes: tag.bytes.into(),
    })
}

#[cfg(test)]
mod tests;
