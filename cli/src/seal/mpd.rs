//! MPDs as far as sealing needs them (ISO/IEC 23009-1): which segments, which files, where each segment lies on the
//! timeline, and the same text again with its integrity list named. Pure.
//!
//! Sealed are SegmentTemplate with SegmentTimeline (`$Number$` or `$Time$`), SegmentTemplate with a duration in static
//! MPDs, and SegmentList. What an MPD does not say itself cannot be sealed: segments that only an index in the media
//! names (SegmentBase), and those of a dynamic MPD that only a clock names (a template with a duration).
//!
//! Invariant: apart from one SupplementalProperty element, [`Manifest::named`] gives back byte for byte what
//! [`parse`] took.

use super::playlist::{Companion, ParseError, Part};
use crate::integrity_list::{List, Representation, SCHEME, Segment};
use roxmltree::{Document, Node};
use swarmline::core::integrity::tag::Tag;

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
    /// It does not name its segments itself; it can be served as it is.
    #[error("{0}")]
    Beyond(String),
}

/// Reads an MPD; `name` is its file name.
///
/// # Errors
/// It is no MPD, or names its segments in a way that sealing cannot follow.
pub(crate) fn parse(name: &str, bytes: Vec<u8>) -> Result<Manifest, MpdError> {
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
        live: mpd.attribute("type") == Some("dynamic"),
        representations: Vec::new(),
        segments: Vec::new(),
        companions: Vec::new(),
    };
    reader.periods(mpd)?;
    let Reader {
        live,
        representations,
        segments,
        companions,
    } = reader;
    Ok(Manifest {
        insert,
        list,
        live,
        representations,
        segments,
        companions,
        text,
    })
}

impl Manifest {
    /// Whether it will not change any more.
    pub(crate) fn ended(&self) -> bool {
        !self.live
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

struct Reader {
    live: bool,
    representations: Vec<(String, String)>,
    segments: Vec<Listed>,
    companions: Vec<Companion>,
}

/// When a period is, in seconds.
#[derive(Clone, Copy)]
struct Span {
    start: f64,
    duration: Option<f64>,
}

/// The nodes whose attributes and children a representation inherits, nearest first.
struct Place<'a, 'i> {
    levels: [Node<'a, 'i>; 3],
    base: String,
    span: Span,
    id: &'a str,
    bandwidth: &'a str,
}

impl Reader {
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
        if place.has("SegmentTemplate") {
            return self.template(place);
        }
        if place.has("SegmentList") {
            return self.segment_list(place);
        }
        let how = if place.has("SegmentBase") {
            "only an index in the media names its segments (SegmentBase)"
        } else {
            "it names no segments"
        };
        Err(MpdError::Beyond(format!(
            "representation {:?}: {how}",
            place.id
        )))
    }

    fn template(&mut self, place: &Place<'_, '_>) -> Result<(), MpdError> {
        let kind = "SegmentTemplate";
        let Some(media) = place.attribute(kind, "media") else {
            let what = format!("representation {:?}: its template has no media", place.id);
            return Err(MpdError::Beyond(what));
        };
        if let Some(init) = place.attribute(kind, "initialization") {
            self.companion(place, &place.fill(init, 0, 0));
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
        if let Some(init) = place.children(kind, "Initialization").next()
            && let Some(uri) = init.attribute("sourceURL")
        {
            self.companion(place, uri);
        }
        let spans = match timing.duration {
            Some(ticks) => (0..entries.len() as u64)
                .map(|at| (ticks.saturating_mul(at), ticks))
                .collect(),
            None => timing.spans(place, kind, self.live)?,
        };
        for (index, (entry, (time, ticks))) in entries.iter().zip(spans).enumerate() {
            let uri = join(&place.base, entry.attribute("media").unwrap_or_default());
            let part = entry
                .attribute("mediaRange")
                .map_or(Some(Part::Whole), range);
            let part = part.ok_or_else(|| {
                MpdError::Beyond(format!(
                    "representation {:?}: a mediaRange is no range",
                    place.id
                ))
            })?;
            let number = timing.first.saturating_add(index as u64);
            self.add(place, &timing, (uri, part), (number, time, ticks));
        }
        Ok(())
    }

    fn companion(&mut self, place: &Place<'_, '_>, uri: &str) {
        let uri = join(&place.base, uri);
        if !self.companions.iter().any(|known| known.uri == uri) {
            self.companions.push(Companion { uri, needed: true });
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

/// How a representation counts time: in ticks of its own.
struct Timing {
    scale: u64,
    offset: u64,
    first: u64,
    duration: Option<u64>,
}

impl Timing {
    fn of(place: &Place<'_, '_>, kind: &'static str) -> Self {
        let number = |name| {
            place
                .attribute(kind, name)
                .and_then(|text| text.parse().ok())
        };
        Self {
            scale: number("timescale").filter(|scale| *scale > 0).unwrap_or(1),
            offset: number("presentationTimeOffset").unwrap_or(0),
            first: number("startNumber").unwrap_or(1),
            duration: number("duration").filter(|ticks| *ticks > 0),
        }
    }

    /// Start and duration of each segment, in ticks.
    fn spans(
        &self,
        place: &Place<'_, '_>,
        kind: &'static str,
        live: bool,
    ) -> Result<Vec<(u64, u64)>, MpdError> {
        if let Some(timeline) = place.children(kind, "SegmentTimeline").next() {
            return self.timeline(place, timeline);
        }
        let beyond = |how: &str| {
            Err(MpdError::Beyond(format!(
                "representation {:?}: {how}",
                place.id
            )))
        };
        let (Some(ticks), Some(length)) = (self.duration, place.span.duration) else {
            return beyond(
                "neither a SegmentTimeline nor a duration says how many segments there are",
            );
        };
        if live {
            return beyond(
                "only a clock names its segments (a dynamic MPD without SegmentTimeline)",
            );
        }
        let end = self
            .offset
            .saturating_add((length * self.scale as f64).round() as u64);
        let starts = (self.offset..end).step_by(usize::try_from(ticks).unwrap_or(usize::MAX));
        let spans = starts.map(|start| (start, ticks.min(end - start)));
        Ok(spans.take(MOST + 1).collect())
    }

    /// ISO/IEC 23009-1 §5.3.9.6: `t` start, `d` duration, `r` how often more; −1: until the next, or the end.
    fn timeline(
        &self,
        place: &Place<'_, '_>,
        timeline: Node<'_, '_>,
    ) -> Result<Vec<(u64, u64)>, MpdError> {
        let entries: Vec<_> = children(timeline, "S").collect();
        let number = |node: &Node<'_, '_>, name| {
            node.attribute(name)
                .and_then(|text| text.parse::<u64>().ok())
        };
        let mut spans = Vec::new();
        let mut at = 0;
        for (index, entry) in entries.iter().enumerate() {
            let wrong = || {
                MpdError::Beyond(format!(
                    "representation {:?}: S element {} is no span",
                    place.id,
                    index + 1
                ))
            };
            at = number(entry, "t").unwrap_or(at);
            let ticks = number(entry, "d")
                .filter(|ticks| *ticks > 0)
                .ok_or_else(wrong)?;
            let more: i64 = entry
                .attribute("r")
                .map_or(Ok(0), str::parse)
                .map_err(|_| wrong())?;
            let next = entries.get(index + 1).and_then(|next| number(next, "t"));
            let end = place.span.duration.map(|length| {
                self.offset
                    .saturating_add((length * self.scale as f64).round() as u64)
            });
            let count = match u64::try_from(more) {
                Ok(more) => more + 1,
                Err(_) => next
                    .or(end)
                    .ok_or_else(wrong)?
                    .saturating_sub(at)
                    .div_ceil(ticks),
            };
            for _ in 0..count {
                if spans.len() > MOST {
                    return Err(wrong());
                }
                spans.push((at, ticks));
                at = at.checked_add(ticks).ok_or_else(wrong)?;
            }
        }
        Ok(spans)
    }
}

impl<'a, 'i> Place<'a, 'i> {
    fn elements(&self, kind: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
        self.levels
            .iter()
            .filter_map(move |level| children(*level, kind).next())
    }

    fn has(&self, kind: &'static str) -> bool {
        self.elements(kind).next().is_some()
    }

    /// The nearest element's attribute that is there.
    fn attribute(&self, kind: &'static str, name: &str) -> Option<&'a str> {
        self.elements(kind).find_map(|node| node.attribute(name))
    }

    /// Children of the nearest element that has any of them.
    fn children(
        &self,
        kind: &'static str,
        name: &'static str,
    ) -> impl Iterator<Item = Node<'a, 'i>> {
        let mut nearest = self.elements(kind);
        let of = nearest.find(|node| children(*node, name).next().is_some());
        of.into_iter().flat_map(move |node| children(node, name))
    }

    /// §5.3.9.4.4: `$Identifier$`, `$Identifier%0Nd$`, and `$$` for a dollar sign.
    fn fill(&self, template: &str, number: u64, time: u64) -> String {
        let mut filled = String::new();
        for (index, piece) in template.split('$').enumerate() {
            if index % 2 == 0 {
                filled.push_str(piece);
                continue;
            }
            let (name, width) = piece.split_once('%').unwrap_or((piece, "0"));
            let width = width
                .trim_end_matches('d')
                .parse()
                .unwrap_or(0)
                .min(32_usize);
            match name {
                "" => filled.push('$'),
                "RepresentationID" => filled.push_str(self.id),
                "Bandwidth" => filled.push_str(&format!("{:0>width$}", self.bandwidth)),
                "Number" => filled.push_str(&format!("{number:0>width$}")),
                "Time" => filled.push_str(&format!("{time:0>width$}")),
                other => filled.push_str(other),
            }
        }
        filled
    }
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children()
        .filter(move |child| child.tag_name().name() == name)
}

/// The base that a level's first BaseURL makes of the one above.
fn based(base: &str, node: Node<'_, '_>) -> String {
    let own = children(node, "BaseURL")
        .next()
        .and_then(|node| node.text());
    own.map_or_else(|| base.to_owned(), |own| join(base, own.trim()))
}

/// A reference at a base, both relative to the MPD or absolute.
fn join(base: &str, reference: &str) -> String {
    let absolute = reference.starts_with('/')
        || reference
            .split('/')
            .next()
            .is_some_and(|head| head.contains(':'));
    match base.rfind('/') {
        _ if absolute => reference.to_owned(),
        Some(end) if !reference.is_empty() => {
            format!("{}{reference}", base.get(..=end).unwrap_or_default())
        }
        _ if reference.is_empty() => base.to_owned(),
        _ => reference.to_owned(),
    }
}

/// `first-last`, both inclusive.
fn range(text: &str) -> Option<Part> {
    let (first, last) = text.split_once('-')?;
    let (offset, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let len = last.checked_sub(offset)?.checked_add(1)?;
    Some(Part::Bytes { offset, len })
}

/// Seconds of an xs:duration without years and months; `None` for anything else.
fn seconds(text: Option<&str>) -> Option<f64> {
    let spans = text?.trim().strip_prefix('P')?;
    let (days, time) = spans.split_once('T').unwrap_or((spans, ""));
    let mut sum = 0.0;
    for (part, units) in [
        (days, [('D', 86_400.0)].as_slice()),
        (time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)]),
    ] {
        let mut rest = part;
        for (unit, worth) in units {
            if let Some((number, after)) = rest.split_once(*unit) {
                sum += number.parse::<f64>().ok()? * worth;
                rest = after;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests;
