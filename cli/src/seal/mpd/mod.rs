//! MPDs as far as sealing needs them (ISO/IEC 23009-1): which segments, which files, where each segment lies on the
//! timeline, and the same text again with its integrity list named. Pure.
//!
//! Sealed are SegmentTemplate with SegmentTimeline (`$Number$` or `$Time$`), SegmentTemplate with a duration in static
//! MPDs, SegmentList, and what an index in the media names: SegmentBase, or nothing but a BaseURL. The caller reads the
//! indexes. What only a clock names cannot be sealed: a template with a duration in a dynamic MPD.
//!
//! Invariant: apart from one SupplementalProperty element, [`Manifest::named`] gives back byte for byte what
//! [`parse`] took.

mod index;
mod place;
mod timing;

pub(crate) use index::{Subsegment, subsegments};

use super::playlist::{Companion, ParseError, Part};
use super::wait::Wait;
use crate::integrity_list::{List, Representation, SCHEME, Segment};
use place::{Place, Span, based, children, join};
use roxmltree::{Document, Node};
use swarmline::core::integrity::tag::Tag;
use timing::{Timing, seconds};

/// More segments than this in one MPD are a mistake, or worse.
const MOST: usize = 500_000;

/// An MPD that can be sealed.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    text: String,
    /// Where the element goes that names the list; `None`: it is there.
    insert: Option<usize>,
    /// The list's file name, beside the MPD.
    pub(crate) list: String,
    live: bool,
    /// Whether an index in the media names some of its segments.
    pub(crate) indexed: bool,
    representations: Vec<(String, String)>,
    /// Media segments by representation, in the order of time.
    pub(crate) segments: Vec<Listed>,
    /// Init segments.
    pub(crate) companions: Vec<Companion>,
}

/// A media segment of an MPD.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Listed {
    /// Relative to the MPD, or absolute.
    pub(crate) uri: String,
    /// Which bytes at that URI.
    pub(crate) part: Part,
    representation: usize,
    number: u64,
    start: f64,
    duration: f64,
}

/// Why an MPD is not sealed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum MpdError {
    /// It is none.
    #[error(transparent)]
    Broken(#[from] ParseError),
    /// Which segments it has cannot be told; it can be served as it is.
    #[error("{0}")]
    Beyond(String),
    /// A file that it names is not ready.
    #[error("{0}")]
    Wait(Wait),
}

/// Reads the index of the file at a URI; the part is where the MPD says that it is. An error is told without
/// the representation's name.
pub(crate) type ReadIndex<'a> = &'a mut dyn FnMut(&str, Part) -> Result<Vec<Subsegment>, MpdError>;

/// Reads an MPD; `name` is its file name.
///
/// # Errors
/// It is no MPD, or names its segments in a way that sealing cannot follow.
pub(crate) fn parse(
    name: &str,
    bytes: Vec<u8>,
    read_index: ReadIndex<'_>,
) -> Result<Manifest, MpdError> {
    let broken = |line: u32, what: String| ParseError {
        line: line as usize,
        what,
    };
    let text = String::from_utf8(bytes).map_err(|_| broken(1, "is not UTF-8 text".to_owned()))?;
    let document = Document::parse(&text)
        .map_err(|error| broken(error.pos().row, format!("is not XML: {error}")))?;
    let mpd = document.root_element();
    if mpd.tag_name().name() != "MPD" {
        return Err(broken(1, "is no MPD".to_owned()).into());
    }
    let (insert, list) = list_of(name, &text, mpd)?;
    let mut reader = Reader {
        read_index,
        live: mpd.attribute("type") == Some("dynamic"),
        indexed: false,
        representations: Vec::new(),
        segments: Vec::new(),
        companions: Vec::new(),
    };
    reader.periods(mpd)?;
    let Reader {
        live,
        indexed,
        representations,
        segments,
        companions,
        ..
    } = reader;
    Ok(Manifest {
        insert,
        list,
        live,
        indexed,
        representations,
        segments,
        companions,
        text,
    })
}

impl Manifest {
    /// Whether its files will not grow any more.
    pub(crate) fn ended(&self) -> bool {
        !self.live || self.indexed
    }

    /// The MPD again, with its list named.
    pub(crate) fn named(&self) -> String {
        let Some((before, after)) = self.insert.and_then(|at| self.text.split_at_checked(at))
        else {
            return self.text.clone();
        };
        let list = &self.list;
        format!(
            "{before}<SupplementalProperty schemeIdUri=\"{SCHEME}\" value=\"{list}\"/>\n{after}"
        )
    }

    /// The list: what is known of each segment. One without a tag is not in it.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub(crate) fn list(&self, tags: &[Option<Tag>]) -> serde_json::Result<String> {
        let mut all: Vec<Representation> = Vec::new();
        for (period, id) in &self.representations {
            all.push(Representation {
                period: period.clone(),
                id: id.clone(),
                segments: Vec::new(),
            });
        }
        for (listed, tag) in self.segments.iter().zip(tags) {
            let (Some(of), Some(tag)) = (all.get_mut(listed.representation), tag) else {
                continue;
            };
            let (url, number) = (listed.uri.clone(), listed.number);
            let segment = Segment::new(url, number, listed.start, listed.duration, tag);
            of.segments.push(segment.at(listed.part.offset()));
        }
        serde_json::to_string(&List::new(self.live, all))
    }
}

/// Where the element goes that names the list, and the list's name.
fn list_of(name: &str, text: &str, mpd: Node<'_, '_>) -> Result<(Option<usize>, String), MpdError> {
    let mut properties = children(mpd, "SupplementalProperty");
    if let Some(named) = properties.find(|node| node.attribute("schemeIdUri") == Some(SCHEME)) {
        let value = named.attribute("value").unwrap_or_default();
        if value.is_empty() || value.contains(['/', ':', '?', '#', '%']) {
            let what = format!("it names an integrity list that is not beside it: {value:?}");
            return Err(MpdError::Beyond(what));
        }
        return Ok((None, value.to_owned()));
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    // What the name would need an escape for in XML or a URL, it goes without.
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let list = format!(
        "{}.integrity.json",
        stem.chars().map(plain).collect::<String>()
    );
    // Of the children that the schema wants after it, before the first.
    let later = ["UTCTiming", "LeapSecondInformation"];
    let next = mpd
        .children()
        .find(|node| later.contains(&node.tag_name().name()));
    let end = || text.get(mpd.range()).and_then(|whole| whole.rfind("</"));
    let at = match next {
        Some(node) => Some(node.range().start),
        None => end().map(|end| mpd.range().start + end),
    };
    let at = at.ok_or_else(|| MpdError::Beyond("it has no period".to_owned()))?;
    Ok((Some(at), list))
}

struct Reader<'r> {
    read_index: ReadIndex<'r>,
    live: bool,
    indexed: bool,
    representations: Vec<(String, String)>,
    segments: Vec<Listed>,
    companions: Vec<Companion>,
}

impl Reader<'_> {
    fn periods(&mut self, mpd: Node<'_, '_>) -> Result<(), MpdError> {
        let whole = seconds(mpd.attribute("mediaPresentationDuration"));
        let base = based("", mpd);
        let periods: Vec<_> = children(mpd, "Period").collect();
        let starts: Vec<Option<f64>> = periods
            .iter()
            .map(|period| seconds(period.attribute("start")))
            .collect();
        let mut end = 0.0;
        for (at, period) in periods.iter().enumerate() {
            let start = starts.get(at).copied().flatten().unwrap_or(end);
            let next = starts.get(at + 1).copied().flatten().or(whole);
            let stated = seconds(period.attribute("duration"));
            let duration = stated.or_else(|| next.map(|next| next - start));
            end = start + duration.unwrap_or(0.0);
            let span = Span { start, duration };
            self.period(*period, &based(&base, *period), span)?;
        }
        Ok(())
    }

    fn period(&mut self, period: Node<'_, '_>, base: &str, span: Span) -> Result<(), MpdError> {
        let name = period.attribute("id").unwrap_or_default();
        for set in children(period, "AdaptationSet") {
            let base = based(base, set);
            for node in children(set, "Representation") {
                let id = node.attribute("id").unwrap_or_default();
                self.representations.push((name.to_owned(), id.to_owned()));
                let place = Place {
                    levels: [node, set, period],
                    base: based(&base, node),
                    span,
                    id,
                    bandwidth: node.attribute("bandwidth").unwrap_or_default(),
                };
                self.representation(&place)?;
                if self.segments.len() > MOST {
                    let what = format!("it lists more than {MOST} segments");
                    return Err(MpdError::Beyond(what));
                }
            }
        }
        Ok(())
    }

    fn representation(&mut self, place: &Place<'_, '_>) -> Result<(), MpdError> {
        match place.kind() {
            Some("SegmentTemplate") => self.template(place),
            Some("SegmentList") => self.segment_list(place),
            _ if place.base.is_empty() || place.base.ends_with('/') => {
                Err(place.beyond("it names no segments"))
            }
            // One file for all of it, without an index.
            _ if place.is_text() => {
                self.companion(&place.base, false);
                Ok(())
            }
            _ => self.segment_base(place),
        }
    }

    fn template(&mut self, place: &Place<'_, '_>) -> Result<(), MpdError> {
        let kind = "SegmentTemplate";
        let Some(media) = place.attribute(kind, "media") else {
            return Err(place.beyond("its template has no media"));
        };
        if let Some(init) = place.attribute(kind, "initialization") {
            self.companion(&join(&place.base, &place.fill(init, 0, 0)), true);
        }
        let counted = media.contains("$Number");
        let timing = Timing::of(place, kind);
        for (index, (time, ticks)) in timing
            .spans(place, kind, self.live)?
            .into_iter()
            .enumerate()
        {
            let number = timing.first.saturating_add(index as u64);
            let uri = join(&place.base, &place.fill(media, number, time));
            // Without a count in the name, the place in the list slides with a live window; the time does not.
            let number = if counted { number } else { time };
            self.add(place, &timing, (uri, Part::Whole), (number, time, ticks));
        }
        Ok(())
    }

    fn segment_list(&mut self, place: &Place<'_, '_>) -> Result<(), MpdError> {
        let kind = "SegmentList";
        let timing = Timing::of(place, kind);
        let entries: Vec<_> = place.children(kind, "SegmentURL").collect();
        self.initialization(place, kind);
        let spans = match timing.duration {
            Some(ticks) => (0..entries.len() as u64)
                .map(|at| ticks.saturating_mul(at).saturating_add(timing.offset))
                .map(|time| (time, ticks))
                .collect(),
            None => timing.spans(place, kind, self.live)?,
        };
        for (index, (entry, (time, ticks))) in entries.iter().zip(spans).enumerate() {
            let uri = join(&place.base, entry.attribute("media").unwrap_or_default());
            let part = entry
                .attribute("mediaRange")
                .map_or(Some(Part::Whole), range);
            let part = part.ok_or_else(|| place.beyond("a mediaRange is no range"))?;
            let number = timing.first.saturating_add(index as u64);
            self.add(place, &timing, (uri, part), (number, time, ticks));
        }
        Ok(())
    }

    /// §5.3.9.2: one file, whose index names its segments.
    fn segment_base(&mut self, place: &Place<'_, '_>) -> Result<(), MpdError> {
        let kind = "SegmentBase";
        if place.children(kind, "RepresentationIndex").next().is_some() {
            return Err(place.beyond("its index is a file of its own (RepresentationIndex)"));
        }
        let part = place
            .attribute(kind, "indexRange")
            .map_or(Some(Part::Whole), range);
        let part = part.ok_or_else(|| place.beyond("its indexRange is no range"))?;
        self.initialization(place, kind);
        self.indexed = true;
        let subsegments = (self.read_index)(&place.base, part).map_err(|error| match error {
            MpdError::Beyond(how) => place.beyond(how),
            other => other,
        })?;
        let timing = Timing::of(place, kind);
        let origin = place.span.start - timing.offset as f64 / timing.scale as f64;
        for (index, subsegment) in subsegments.into_iter().enumerate() {
            let start = origin + subsegment.start;
            // Other periods may play other parts of the same file.
            if place.span.has(start, subsegment.duration) {
                self.segments.push(Listed {
                    uri: place.base.clone(),
                    part: subsegment.part,
                    representation: self.representations.len().saturating_sub(1),
                    number: timing.first.saturating_add(index as u64),
                    start,
                    duration: subsegment.duration,
                });
            }
        }
        Ok(())
    }

    /// An init segment in a file of its own.
    fn initialization(&mut self, place: &Place<'_, '_>, kind: &'static str) {
        let init = place.children(kind, "Initialization").next();
        if let Some(uri) = init.and_then(|init| init.attribute("sourceURL")) {
            self.companion(&join(&place.base, uri), true);
        }
    }

    fn companion(&mut self, uri: &str, needed: bool) {
        if !self.companions.iter().any(|known| known.uri == uri) {
            let uri = uri.to_owned();
            self.companions.push(Companion { uri, needed });
        }
    }

    fn add(
        &mut self,
        place: &Place<'_, '_>,
        timing: &Timing,
        (uri, part): (String, Part),
        (number, time, ticks): (u64, u64, u64),
    ) {
        let scale = timing.scale as f64;
        self.segments.push(Listed {
            uri,
            part,
            representation: self.representations.len().saturating_sub(1),
            number,
            start: place.span.start + (time as f64 - timing.offset as f64) / scale,
            duration: ticks as f64 / scale,
        });
    }
}

/// `first-last`, both inclusive.
fn range(text: &str) -> Option<Part> {
    let (first, last) = text.split_once('-')?;
    let (offset, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    Part::bytes(offset, last.checked_sub(offset)?.checked_add(1)?)
}

#[cfg(test)]
mod tests;
