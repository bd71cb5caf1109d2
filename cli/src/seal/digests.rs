//! Digests that need not be computed again, and the proof behind each.
//!
//! Invariant: [`Known::get`] answers only for bytes that are, as far as size, time and identity of
//! the file can tell, those that were hashed:
//! * hashed in this run: the file has the very same stamp; or it is a byte range of a file that has
//!   only grown, which was checked by hashing its last range again. Once a playlist has ended,
//!   growth is no excuse any more: every range is hashed against the file's final state.
//! * taken over from a sealed playlist of an earlier run: the file was last changed clearly before
//!   that playlist was written, and the output folder has the same file or a copy that kept its time.

use super::hash::Job;
use super::output::Output;
use super::playlist::Part;
use super::scan::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use swarmline::core::integrity::digest::Digests;

/// File times may be this coarse (FAT); anything closer together proves nothing.
const COARSE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
enum Proof {
    /// Hashed when the file looked like this.
    Read(Stamp),
    /// Listed by a sealed playlist that was written then.
    Listed(SystemTime),
}

/// What a job has shown of its file's past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Learned {
    /// Nothing that was hashed before has changed.
    Consistent,
    /// The file is another one than before, or was begun anew.
    Anew,
    /// A whole segment was overwritten in place by another one.
    Overwritten,
}

#[derive(Default)]
struct FileDigests {
    parts: BTreeMap<Part, (Digests, Proof)>,
    /// The latest state in which an earlier range was found unchanged.
    grew_to: Option<Stamp>,
}

/// What is known of files, by path inside the packager's folder.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<PathBuf, FileDigests>);

impl Known {
    /// Takes over what a sealed playlist of an earlier run says.
    pub(crate) fn inherit(
        &mut self,
        path: &Path,
        part: Part,
        digests: Digests,
        sealed: SystemTime,
    ) {
        let parts = &mut self.0.entry(path.to_owned()).or_default().parts;
        parts.insert(part, (digests, Proof::Listed(sealed)));
    }

    /// The digests of a part of a file that looks like `now`. `ended`: its playlist is complete.
    pub(crate) fn get(&self, path: &Path, part: Part, now: &Stamp, ended: bool) -> Option<Digests> {
        let file = self.0.get(path)?;
        let (digests, proof) = file.parts.get(&part)?;
        let Proof::Read(stamp) = proof else {
            return None;
        };
        let checked = file.grew_to.as_ref() == Some(now) && now.may_extend(stamp);
        let grown = part != Part::Whole && !ended && checked;
        (stamp == now || grown).then_some(*digests)
    }

    /// The digests of a part of a file that has vanished, if they are those of what the output folder
    /// still has of it, which looks like `here`.
    pub(crate) fn get_vanished(&self, path: &Path, part: Part, here: &Stamp) -> Option<Digests> {
        let (digests, proof) = self.0.get(path)?.parts.get(&part)?;
        // Both a link and a copy keep the time of the packager's file.
        let same = match (proof, part) {
            (Proof::Read(stamp), Part::Whole) => {
                (stamp.size, stamp.modified) == (here.size, here.modified)
            }
            (Proof::Read(stamp), Part::Bytes { .. }) => stamp.size <= here.size,
            (Proof::Listed(_), Part::Bytes { offset, len }) => offset + len <= here.size,
            (Proof::Listed(sealed), Part::Whole) => {
                digests.bytes == here.size && here.modified <= *sealed
            }
        };
        same.then_some(*digests)
    }

    /// Turns inherited digests into good ones if the file is provably unchanged.
    pub(crate) fn confirm(&mut self, path: &Path, now: &Stamp, output: &Output) {
        let Some(file) = self.0.get_mut(path) else {
            return;
        };
        let mirrored = || output.mirrors(path, now);
        let mut same_file = None;
        for (part, (digests, proof)) in &mut file.parts {
            let Proof::Listed(sealed) = *proof else {
                continue;
            };
            let fits = match part {
                Part::Whole => digests.bytes == now.size,
                Part::Bytes { offset, len } => digests.bytes == *len && offset + len <= now.size,
            };
            let older = now.modified + COARSE < sealed;
            if fits && older && *same_file.get_or_insert_with(mirrored) {
                *proof = Proof::Read(*now);
            }
        }
    }

    /// The job that finds what is missing of a file; `None` if nothing is.
    pub(crate) fn job(&self, path: &Path, parts: &[Part], now: &Stamp, ended: bool) -> Option<Job> {
        let missing = |part: &&Part| self.get(path, **part, now, ended).is_none();
        let mut wanted: Vec<Part> = parts.iter().filter(missing).copied().collect();
        if wanted.is_empty() {
            return None;
        }
        if !ended && let Some(probe) = self.probe(path, now) {
            // Ranges that only lack the proof of growth get it by the probe alone.
            wanted.retain(|part| !self.may_have_kept(path, *part, now));
            wanted.push(probe);
        }
        Some(Job {
            path: path.to_owned(),
            stamp: *now,
            parts: wanted,
        })
    }

    /// A range to hash again when its file has grown.
    fn probe(&self, path: &Path, now: &Stamp) -> Option<Part> {
        let file = self.0.get(path)?;
        let candidate = |(part, (_, proof)): (&Part, &(Digests, Proof))| match (part, proof) {
            (Part::Bytes { .. }, Proof::Read(at)) if at != now && now.may_extend(at) => Some(*part),
            _ => None,
        };
        file.parts.iter().filter_map(candidate).next_back()
    }

    fn may_have_kept(&self, path: &Path, part: Part, now: &Stamp) -> bool {
        let found = self.0.get(path).and_then(|file| file.parts.get(&part));
        let kept =
            |(_, proof): &(Digests, Proof)| matches!(proof, Proof::Read(at) if now.may_extend(at));
        part != Part::Whole && found.is_some_and(kept)
    }

    /// Takes the result of a job.
    pub(crate) fn learn(&mut self, job: &Job, digests: &[Digests]) -> Learned {
        let file = self.0.entry(job.path.clone()).or_default();
        let results = || job.parts.iter().zip(digests);
        let changed = |(part, new): (&Part, &Digests)| match file.parts.get(part) {
            Some((old, Proof::Read(at))) if old != new => Some((*part, *at)),
            _ => None,
        };
        let learned = match results().find_map(changed) {
            None => Learned::Consistent,
            Some((Part::Whole, at)) if job.stamp.is_same_file(&at) => Learned::Overwritten,
            Some(_) => Learned::Anew,
        };
        if learned != Learned::Consistent {
            file.parts.clear();
        }
        file.parts.retain(|_, (_, proof)| match proof {
            Proof::Read(at) => job.stamp.may_extend(at),
            Proof::Listed(_) => true,
        });
        for (part, digests) in results() {
            file.parts.insert(*part, (*digests, Proof::Read(job.stamp)));
        }
        file.grew_to = Some(job.stamp);
        learned
    }

    /// Forgets files for which `keep` says no.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        self.0.retain(|path, _| keep(path));
    }
}
