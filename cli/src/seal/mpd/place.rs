//! Where a representation stands in its MPD, and what it inherits there.

use super::MpdError;
use roxmltree::Node;
use std::fmt::Display;

/// When a period is, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: f64,
    pub(super) duration: Option<f64>,
}

impl Span {
    /// Whether a player may ask in the period for what begins at `start` and lasts `duration` seconds: dash.js begins with
    /// what ended less than half a duration before.
    pub(super) fn has(&self, start: f64, duration: f64) -> bool {
        let end = self.duration.map(|length| self.start + length);
        start + 1.5 * duration > self.start && end.is_none_or(|end| start < end)
    }
}

/// The nodes whose attributes and children a representation inherits, nearest first.
pub(super) struct Place<'a, 'i> {
    pub(super) levels: [Node<'a, 'i>; 3],
    pub(super) base: String,
    pub(super) span: Span,
    pub(super) id: &'a str,
    pub(super) bandwidth: &'a str,
}

/// The ways in which an MPD names segments.
pub(super) const KINDS: [&str; 3] = ["SegmentTemplate", "SegmentList", "SegmentBase"];

impl<'a, 'i> Place<'a, 'i> {
    fn elements(&self, kind: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
        self.levels
            .iter()
            .filter_map(move |level| children(*level, kind).next())
    }

    /// How the nearest element that does so names the segments.
    pub(super) fn kind(&self) -> Option<&'static str> {
        let at = |level: &Node<'a, 'i>| {
            let named = |kind: &&'static str| children(*level, kind).next().is_some();
            KINDS.into_iter().find(named)
        };
        self.levels.iter().find_map(at)
    }

    /// Whether it is subtitles or pictures, which nobody shares.
    pub(super) fn is_text(&self) -> bool {
        let nearest = |name| self.levels.iter().find_map(|level| level.attribute(name));
        let kinds = [nearest("contentType"), nearest("mimeType")];
        let mut kinds = kinds.into_iter().flatten();
        kinds.any(|kind| {
            ["text", "image", "application/ttml"]
                .iter()
                .any(|text| kind.starts_with(text))
        })
    }

    /// Why it cannot be sealed.
    pub(super) fn beyond(&self, how: impl Display) -> MpdError {
        MpdError::Beyond(format!("representation {:?}: {how}", self.id))
    }

    /// The nearest element's attribute that is there.
    pub(super) fn attribute(&self, kind: &'static str, name: &str) -> Option<&'a str> {
        self.elements(kind).find_map(|node| node.attribute(name))
    }

    /// Children of the nearest element that has any of them.
    pub(super) fn children(
        &self,
        kind: &'static str,
        name: &'static str,
    ) -> impl Iterator<Item = Node<'a, 'i>> {
        let mut nearest = self.elements(kind);
        let of = nearest.find(|node| children(*node, name).next().is_some());
        of.into_iter().flat_map(move |node| children(node, name))
    }

    /// §5.3.9.4.4: `$Identifier$`, `$Identifier%0Nd$`, and `$$` for a dollar sign.
    pub(super) fn fill(&self, template: &str, number: u64, time: u64) -> String {
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

pub(super) fn children<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children()
        .filter(move |child| child.tag_name().name() == name)
}

/// The base that a level's first BaseURL makes of the one above.
pub(super) fn based(base: &str, node: Node<'_, '_>) -> String {
    let own = children(node, "BaseURL")
        .next()
        .and_then(|node| node.text());
    own.map_or_else(|| base.to_owned(), |own| join(base, own.trim()))
}

/// A reference at a base, both relative to the MPD or absolute.
pub(super) fn join(base: &str, reference: &str) -> String {
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
