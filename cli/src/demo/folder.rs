//! `--input`: a packager's output folder, sealed into a temporary folder and served from there.
//!
//! Invariants: only what has been sealed is served; a request path never leaves the temporary
//! folder, and never names a hidden file; the temporary folder goes with the process.

use crate::demo::body::Source;
use crate::demo::origin::{Format, Found, MASTER, Resource, looks_like_segment};
use crate::seal::{Options, Report, Sealer, Stop};
use crate::signature::Signer;
use percent_encoding::percent_decode_str;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;
use swarmline::core::integrity::digest::Hasher;
use tempfile::TempDir;

/// A larger playlist is not served, in bytes.
const MAX_PLAYLIST: u64 = 64 << 20;

/// Files whose hash is remembered.
const MAX_DIGESTS: usize = 1000;

/// How deep playlists are looked for.
const MAX_DEPTH: usize = 4;

/// Packagers that are started anew use file names again.
const A_WHILE: &str = "public, max-age=30";

/// A folder that is sealed for as long as this value lives.
pub(super) struct Folder {
    input: PathBuf,
    sealed: TempDir,
    stop: Stop,
    sealer: Option<JoinHandle<()>>,
    /// What each playlist said when it was last served.
    listings: Mutex<BTreeMap<String, Listing>>,
    digests: Mutex<BTreeMap<(PathBuf, u64, SystemTime), [u8; 32]>>,
}

/// The files a media playlist names.
#[derive(Default)]
struct Listing {
    segments: BTreeSet<String>,
    inits: BTreeSet<String>,
}

impl Folder {
    /// Begins to seal a folder, which may still be missing. Trouble goes to standard error; so does
    /// everything else, if `verbose`. What is published is signed by `signer`.
    ///
    /// # Errors
    /// There is no room for a temporary folder, or the folder cannot be sealed.
    pub(super) fn seal(
        input: &Path,
        signer: Option<Signer>,
        verbose: bool,
    ) -> anyhow::Result<Self> {
        let sealed = tempfile::Builder::new().prefix("swarmline-").tempdir()?;
        let options = Options {
            signer,
            ..Options::new(input, sealed.path())
        };
        let sink = Arc::new(move |report| say(&report, verbose));
        let mut sealer = Sealer::open(options, true, sink)?;
        let stop = Stop::default();
        let sealer = std::thread::Builder::new().name("seal".to_owned()).spawn({
            let stop = stop.clone();
            move || drop(sealer.watch(&stop))
        })?;
        Ok(Self {
            input: input.to_owned(),
            sealed,
            stop,
            sealer: Some(sealer),
            listings: Mutex::default(),
            digests: Mutex::default(),
        })
    }

    /// What lies at a path; `digest`: whether to hash it.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn find(&self, path: &str, digest: bool) -> anyhow::Result<Option<Found>> {
        let Some(file) = inside(self.sealed.path(), path) else {
            return Ok(None);
        };
        if path.ends_with(".m3u8") {
            if let Some(text) = read_text(&file)? {
                self.note(path, &text);
                return Ok(Some(Found::Manifest(Format::Hls, text)));
            }
            return Ok(if path == MASTER {
                self.stand_in()?
            } else {
                None
            });
        }
        let manifest = [(".mpd", Format::Dash), (".integrity.json", Format::List)];
        if let Some((_, format)) = manifest.iter().find(|(end, _)| path.ends_with(end)) {
            return Ok(read_text(&file)?.map(|text| Found::Manifest(*format, text)));
        }
        self.resource(path, &file, digest)
    }

    fn resource(&self, path: &str, file: &Path, digest: bool) -> anyhow::Result<Option<Found>> {
        let Some((open, meta)) = open(file)? else {
            return Ok(None);
        };
        let segment = self.is_segment(path);
        let sha256 = if segment && digest {
            Some(self.sha256(file, &meta)?)
        } else {
            None
        };
        Ok(Some(Found::Resource(Resource {
            source: Source::File(open),
            len: meta.len(),
            mime: mime(path),
            segment,
            sha256,
            cache: A_WHILE,
            gates: Vec::new(),
        })))
    }

    /// The playlist that stands in for `master.m3u8` where the packager has written none of that name.
    fn stand_in(&self) -> anyhow::Result<Option<Found>> {
        // Chosen from what the packager has written: its master may be there, and not yet sealed.
        let mut playlists = Vec::new();
        walk(&self.input, "", MAX_DEPTH, &mut playlists)?;
        let rank = |path: &String| {
            let text = read_text(&self.input.join(path)).ok().flatten();
            let master = text.is_some_and(|text| text.contains("#EXT-X-STREAM-INF"));
            let depth = path.matches('/').count();
            (
                path != MASTER,
                path != "index.m3u8",
                !master,
                depth,
                path.clone(),
            )
        };
        playlists.sort_by_cached_key(rank);
        let Some(path) = playlists.into_iter().next() else {
            return Ok(None);
        };
        let file = inside(self.sealed.path(), &path);
        let Some(text) = file.map(|file| read_text(&file)).transpose()?.flatten() else {
            return Ok(None);
        };
        if path.contains('/') {
            // What it names is relative to where it is.
            return Ok(Some(Found::Elsewhere(path)));
        }
        self.note(&path, &text);
        Ok(Some(Found::Manifest(Format::Hls, text)))
    }

    fn note(&self, path: &str, text: &str) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut listing = Listing::default();
        for line in text.lines() {
            if let Some(attributes) = line.strip_prefix("#EXT-X-MAP:") {
                let uri = attributes
                    .split_once("URI=\"")
                    .and_then(|(_, rest)| rest.split_once('"'));
                listing
                    .inits
                    .extend(uri.and_then(|(uri, _)| join(folder, uri)));
            } else if !line.starts_with('#') && !line.is_empty() {
                listing.segments.extend(join(folder, line));
            }
        }
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        listings.insert(path.to_owned(), listing);
    }

    /// One file may be both (byte ranges of one file); then it counts as a segment.
    fn is_segment(&self, path: &str) -> bool {
        let listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = listings.values().any(|l| l.segments.contains(path));
        let init = listings.values().any(|l| l.inits.contains(path));
        listed || (looks_like_segment(path) && !init)
    }

    fn sha256(&self, file: &Path, meta: &fs::Metadata) -> io::Result<[u8; 32]> {
        let key = (file.to_owned(), meta.len(), meta.modified()?);
        let mut known = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sha256) = known.get(&key) {
            return Ok(*sha256);
        }
        let sha256 = tokio::task::block_in_place(|| hash(file))?;
        if known.len() >= MAX_DIGESTS {
            known.clear();
        }
        known.insert(key, sha256);
        Ok(sha256)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(sealer) = self.sealer.take() {
            // It must not write into a folder that is being deleted.
            let _ = sealer.join();
        }
    }
}

fn say(report: &Report, verbose: bool) {
    match report {
        Report::Failed { what } => eprintln!("error: {what}"),
        Report::Warning { what } => eprintln!("warning: {what}"),
        Report::Waiting { playlist, why } => eprintln!("waiting: {}: {why}", playlist.display()),
        Report::Sealed { playlist, .. } if verbose => eprintln!("sealed {}", playlist.display()),
        Report::Sealed { .. } | Report::Progress { .. } => {}
    }
}

/// The file that a request path names below `root`, if that is a path we would ever give out.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
    };
    path.split('/').all(plain).then(|| root.join(path))
}

/// The path that a URI in a playlist means, as a request has it. `None` for other hosts and the like.
fn join(folder: &str, uri: &str) -> Option<String> {
    let path = uri
        .split(['?', '#'])
        .next()
        .filter(|path| !path.contains(':'))?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn open(file: &Path) -> io::Result<Option<(File, fs::Metadata)>> {
    let file = match File::open(file) {
        Err(error) if gone(&error) => return Ok(None),
        file => file?,
    };
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta)))
}

fn read_text(file: &Path) -> io::Result<Option<String>> {
    let Some((file, meta)) = open(file)? else {
        return Ok(None);
    };
    if meta.len() > MAX_PLAYLIST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut text = String::new();
    file.take(MAX_PLAYLIST).read_to_string(&mut text)?;
    Ok(Some(text))
}

fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Adds the playlists below `root`, as paths with slashes.
fn walk(root: &Path, folder: &str, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(error) if gone(&error) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if path.ends_with(".m3u8") {
            found.push(path);
        } else if depth > 0 && entry.file_type()?.is_dir() {
            walk(root, &path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn hash(file: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(file)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(hasher.finish().hash.0),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "m4s" => "video/iso.segment",
        "mp4" | "m4v" | "cmfv" => "video/mp4",
        "m4a" | "cmfa" => "audio/mp4",
        "ts" => "video/mp2t",
        "aac" => "audio/aac",
        "mp3" => "audio/mpeg",
        "ac3" => "audio/ac3",
        "ec3" => "audio/eac3",
        "vtt" => "text/vtt",
        "mpd" => "application/dash+xml",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_and_hidden_files_hidden() {
        let root = Path::new("/sealed");
        assert_eq!(inside(root, "a/b c.ts"), Some("/sealed/a/b c.ts".into()));
        for path in [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            ".lock",
            "a/.b",
            "a\\b",
            "C:/x",
            "a\0",
        ] {
            assert_eq!(inside(root, path), None, "{path}");
        }
    }

    #[test]
    fn what_a_playlist_names_is_found_where_a_request_would_look() {
        assert_eq!(join("", "a.ts").as_deref(), Some("a.ts"));
        assert_eq!(
            join("v0", "../a/b%20c.ts?t=1#x").as_deref(),
            Some("a/b c.ts")
        );
        assert_eq!(join("v0", "./a.ts").as_deref(), Some("v0/a.ts"));
        assert_eq!(join("", "../a.ts"), None);
        assert_eq!(join("", "https://cdn.example/a.ts"), None);
    }
}
