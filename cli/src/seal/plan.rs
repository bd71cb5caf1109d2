//! What a playlist needs before it can be published. Decides; touches nothing.

use super::looks::Looks;
use super::playlist::{Media, Part, Segment};
use super::scan::Stamp;
use super::uri::{Elsewhere, candidates};
use super::wait::Wait;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A segment that gets a tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Use {
    /// Its file, inside the packager's folder.
    pub(crate) path: PathBuf,
    /// Which bytes of it.
    pub(crate) part: Part,
}

/// Everything a playlist refers to, found in the folder.
#[derive(Default, Debug)]
pub(crate) struct Plan {
    /// For each segment what to hash; `None`: it stays untagged.
    pub(crate) uses: Vec<Option<Use>>,
    /// State of each file in `uses`; `None`: it has vanished, but the output folder still has it.
    pub(crate) files: BTreeMap<PathBuf, Option<Stamp>>,
    /// Other files that have to be there first, such as init segments and keys; `None` as above.
    pub(crate) companions: BTreeMap<PathBuf, Option<Stamp>>,
    /// An index in the media names the segments.
    indexed: bool,
    /// What to tell the publisher.
    pub(crate) warnings: Vec<String>,
}

/// What the output folder still has of files that have vanished from the packager's folder.
pub(crate) trait Held {
    /// Whether it has a segment, with a known hash.
    fn segment(&self, used: &Use) -> bool;
    /// Whether it has a file.
    fn file(&self, path: &Path) -> bool;
}

/// Plans a media playlist.
pub(crate) fn plan(
    path: &Path,
    media: &Media,
    looks: &Looks,
    held: &impl Held,
) -> Result<Plan, Wait> {
    let mut plan = Plan {
        indexed: media.indexed,
        ..Plan::default()
    };
    for segment in &media.segments {
        let found = if segment.gap {
            None
        } else {
            plan.find(path, segment, looks, held)?
        };
        let stamp = |path: &Path| looks.get(path).map(|look| look.stamp);
        // Players read other ranges of I-frame playlists than listed: a tag would be wrong there.
        if let Some(found) = found.as_ref().filter(|_| media.i_frames) {
            plan.companions
                .insert(found.path.clone(), stamp(&found.path));
            plan.uses.push(None);
            continue;
        }
        if let Some(found) = &found {
            plan.files.insert(found.path.clone(), stamp(&found.path));
        }
        plan.uses.push(found);
    }
    plan.find_companions(path, media, looks, held)?;
    Ok(plan)
}

impl Plan {
    /// The parts wanted of each file that is there, in playlist order.
    pub(crate) fn parts(&self) -> BTreeMap<&Path, (Stamp, Vec<Part>)> {
        let mut parts: BTreeMap<&Path, (Stamp, Vec<Part>)> = BTreeMap::new();
        for used in self.uses.iter().flatten() {
            if let Some(Some(stamp)) = self.files.get(&used.path) {
                let entry = parts.entry(&used.path).or_insert((*stamp, Vec::new()));
                entry.1.push(used.part);
            }
        }
        parts
    }

    /// Whether only byte ranges of this file are used, and no index in it names them, so that it may go on growing.
    pub(crate) fn may_grow(&self, path: &Path) -> bool {
        let mut uses = self.uses.iter().flatten().filter(|used| used.path == path);
        !self.indexed && uses.all(|used| used.part != Part::Whole)
    }

    fn find(
        &mut self,
        playlist: &Path,
        segment: &Segment,
        looks: &Looks,
        held: &impl Held,
    ) -> Result<Option<Use>, Wait> {
        let paths = match candidates(playlist, &segment.uri) {
            Ok(paths) => paths,
            Err(why) => {
                self.warn_untagged(playlist, &segment.uri, why);
                return Ok(None);
            }
        };
        let used = |path: &PathBuf| Use {
            path: path.clone(),
            part: segment.part,
        };
        if let Some(path) = paths.iter().find(|path| looks.get(path).is_some()) {
            check_size(path, segment.part, looks)?;
            return Ok(Some(used(path)));
        }
        match paths.iter().map(used).find(|used| held.segment(used)) {
            Some(held) => Ok(Some(held)),
            None => Err(Wait::Missing(paths.into_iter().next().unwrap_or_default())),
        }
    }

    /// One warning for a playlist, not one for each of its segments.
    fn warn_untagged(&mut self, playlist: &Path, uri: &str, why: Elsewhere) {
        let what = format!(
            "{}: a segment stays untagged, because its URI {why}",
            playlist.display()
        );
        if !self
            .warnings
            .iter()
            .any(|warning| warning.starts_with(&what))
        {
            self.warnings.push(format!("{what}: {uri}"));
        }
    }

    fn find_companions(
        &mut self,
        path: &Path,
        media: &Media,
        looks: &Looks,
        held: &impl Held,
    ) -> Result<(), Wait> {
        for companion in &media.companions {
            let Ok(paths) = candidates(path, &companion.uri) else {
                continue;
            };
            let there = |path: &&PathBuf| looks.get(path).is_some() || held.file(path);
            match paths.iter().find(there) {
                // Playlists have their own way into the output folder (EXT-X-RENDITION-REPORT).
                Some(path) if is_playlist(path) => {}
                Some(path) => {
                    let stamp = looks.get(path).map(|look| look.stamp);
                    self.companions.insert(path.clone(), stamp);
                }
                None if companion.needed => {
                    return Err(Wait::Missing(paths.into_iter().next().unwrap_or_default()));
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn check_size(path: &Path, part: Part, looks: &Looks) -> Result<(), Wait> {
    let size = looks.get(path).map_or(0, |look| look.stamp.size);
    match part {
        Part::Bytes { offset, len } if offset + len > size => {
            let what = format!(
                "has {size} bytes, but a listed byte range ends at {}",
                offset + len
            );
            Err(Wait::Short(path.to_owned(), what))
        }
        _ => Ok(()),
    }
}

/// By its name, as packagers and web servers tell it.
pub(crate) fn is_mpd(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("mpd"))
}

/// By its name, as packagers and web servers tell it.
pub(crate) fn is_playlist(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("m3u8") || ext.eq_ignore_ascii_case("m3u"))
}
