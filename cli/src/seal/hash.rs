//! Hashing files that somebody else may still be writing.
//!
//! Invariant: a digest leaves here only if the file looked the same before and after it was read,
//! both through the open handle and through its path. A file of which only byte ranges are wanted
//! may grow meanwhile: packagers that put all segments into one file never stop appending to it.

use super::playlist::Part;
use super::scan::{Stamp, is_gone};
use super::stop::Stop;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use swarmline::core::integrity::digest::{Digests, Hasher};

/// A file to hash, in one or several parts.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Path inside the packager's folder.
    pub(crate) path: PathBuf,
    /// What the file looked like when the job was made.
    pub(crate) stamp: Stamp,
    /// Which parts of it.
    pub(crate) parts: Vec<Part>,
}

/// Why there is no digest. All but `Io` pass by themselves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// The file is not (any more) what the job says.
    #[error("changed while it was read")]
    Changed,
    /// A byte range ends past the end of the file.
    #[error("has {size} bytes, but a byte range of the playlist ends at {end}")]
    Short {
        /// Size now.
        size: u64,
        /// End of the range.
        end: u64,
    },
    /// Told to stop, or out of time.
    #[error("not hashed yet")]
    NotYet,
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The digests of a job, in the order of its parts.
pub(crate) type Outcome = Result<Vec<Digests>, HashError>;

/// When to give up, and whom to tell of progress.
pub(crate) struct Limits<'a> {
    /// Ends the work at once.
    pub(crate) stop: &'a Stop,
    /// No job is begun after this, but for the first.
    pub(crate) deadline: Option<Instant>,
    /// Hears how many more bytes have been hashed.
    pub(crate) progress: &'a (dyn Fn(u64) + Sync),
}

/// Carries out jobs on as many threads as the machine has processors, and answers in the order of
/// the jobs.
pub(crate) fn run(root: &Path, jobs: &[Job], limits: &Limits<'_>) -> Vec<Outcome> {
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = || {
        while let Some((index, job)) = take(jobs, &next) {
            let late = limits
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline);
            let outcome = if late && index > 0 {
                Err(HashError::NotYet)
            } else {
                hash_file(&root.join(&job.path), job, limits)
            };
            let mut done = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((index, outcome));
        }
    };
    if workers <= 1 {
        work();
    } else {
        std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    }
    let mut done = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(index).map(|job| (index, job))
}

fn hash_file(path: &Path, job: &Job, limits: &Limits<'_>) -> Outcome {
    let gone_is_changed = |error: io::Error| match error {
        error if is_gone(&error) => HashError::Changed,
        error => HashError::Io(error),
    };
    let mut file = File::open(path).map_err(gone_is_changed)?;
    check(job, &Stamp::of(&file.metadata()?))?;
    let parts = job.parts.iter();
    let digests = parts
        .map(|part| hash_part(&mut file, job.stamp.size, *part, limits))
        .collect::<Result<Vec<_>, _>>()?;
    check(job, &Stamp::of(&file.metadata()?))?;
    check(job, &Stamp::at(path)?.ok_or(HashError::Changed)?)?;
    Ok(digests)
}

fn check(job: &Job, now: &Stamp) -> Result<(), HashError> {
    let ranges_only = !job.parts.contains(&Part::Whole);
    let good = *now == job.stamp || ranges_only && now.may_extend(&job.stamp);
    if good {
        Ok(())
    } else {
        Err(HashError::Changed)
    }
}

fn hash_part(
    file: &mut File,
    size: u64,
    part: Part,
    limits: &Limits<'_>,
) -> Result<Digests, HashError> {
    let (offset, len) = match part {
        Part::Whole => (0, size),
        Part::Bytes { offset, len } => (offset, len),
    };
    if offset + len > size {
        return Err(HashError::Short {
            size,
            end: offset + len,
        });
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 256 * 1024];
    let mut reader = file.take(len);
    loop {
        if limits.stop.is_set() {
            return Err(HashError::NotYet);
        }
        let read = reader.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        (limits.progress)(read as u64);
    }
    let digests = hasher.finish();
    if digests.bytes == len {
        Ok(digests)
    } else {
        Err(HashError::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn job(root: &Path, name: &str, parts: &[Part]) -> Job {
        let stamp = Stamp::at(&root.join(name)).unwrap().unwrap();
        Job {
            path: name.into(),
            stamp,
            parts: parts.to_vec(),
        }
    }

    fn run_all(
        root: &Path,
        jobs: &[Job],
        deadline: Option<Instant>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Vec<Outcome> {
        run(
            root,
            jobs,
            &Limits {
                stop: &Stop::default(),
                deadline,
                progress,
            },
        )
    }

    const RANGE: Part = Part::Bytes {
        offset: 10,
        len: 20,
    };

    #[test]
    fn hashes_parts_in_the_order_of_the_jobs() {
        let dir = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..200_000u32).map(|i| (i % 253) as u8).collect();
        let names: Vec<String> = (0..9).map(|i| format!("{i}.ts")).collect();
        for (i, name) in names.iter().enumerate() {
            fs::write(dir.path().join(name), &data[i..]).unwrap();
        }
        let jobs: Vec<Job> = names
            .iter()
            .map(|name| job(dir.path(), name, &[Part::Whole, RANGE]))
            .collect();
        let hashed = AtomicUsize::new(0);
        let progress = |n: u64| {
            hashed.fetch_add(n as usize, Ordering::Relaxed);
        };
        let outcomes = run_all(dir.path(), &jobs, None, &progress);
        for (i, outcome) in outcomes.into_iter().enumerate() {
            let expected = vec![Digests::of(&data[i..]), Digests::of(&data[i + 10..i + 30])];
            assert_eq!(outcome.unwrap(), expected);
        }
        let total: usize = (0..9).map(|i| data.len() - i + 20).sum();
        assert_eq!(hashed.into_inner(), total);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.ts");
        fs::write(&path, vec![1; 400_000]).unwrap();
        let append = |_| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(b"more").unwrap();
        };
        let whole = job(dir.path(), "1.ts", &[Part::Whole]);
        let outcome = run_all(dir.path(), &[whole], None, &append).remove(0);
        assert!(matches!(outcome, Err(HashError::Changed)), "{outcome:?}");
        // Ranges that were there before are as good as ever.
        let range = job(dir.path(), "1.ts", &[RANGE]);
        let outcome = run_all(dir.path(), &[range], None, &append).remove(0);
        assert_eq!(outcome.is_ok(), cfg!(unix), "{outcome:?}");
    }

    #[test]
    fn vanished_replaced_and_short_files() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        for name in ["gone", "new", "short"] {
            write(name, "0123456789");
        }
        let jobs = ["gone", "new", "short"].map(|name| job(dir.path(), name, &[RANGE]));
        fs::remove_file(dir.path().join("gone")).unwrap();
        write("other", "9876543210");
        fs::rename(dir.path().join("other"), dir.path().join("new")).unwrap();
        let outcomes = run_all(dir.path(), &jobs, None, &|_| {});
        assert!(matches!(outcomes[0], Err(HashError::Changed)));
        assert!(matches!(outcomes[1], Err(HashError::Changed)));
        assert!(matches!(
            outcomes[2],
            Err(HashError::Short { size: 10, end: 30 })
        ));
    }

    #[test]
    fn out_of_time_still_does_one_job_and_a_stop_none() {
        let dir = tempfile::tempdir().unwrap();
        let jobs: Vec<Job> = (0..4)
            .map(|i| {
                fs::write(dir.path().join(i.to_string()), [7; 50]).unwrap();
                job(dir.path(), &i.to_string(), &[Part::Whole])
            })
            .collect();
        let outcomes = run_all(dir.path(), &jobs, Some(Instant::now()), &|_| {});
        assert!(outcomes[0].is_ok());
        assert!(
            outcomes[1..]
                .iter()
                .all(|o| matches!(o, Err(HashError::NotYet)))
        );
        let stop = Stop::default();
        stop.set();
        let outcomes = run(
            dir.path(),
            &jobs,
            &Limits {
                stop: &stop,
                deadline: None,
                progress: &|_| {},
            },
        );
        assert!(outcomes.iter().all(|o| matches!(o, Err(HashError::NotYet))));
    }
}
