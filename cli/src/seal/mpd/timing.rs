//! When segments are: timescales, timelines and durations.

use super::place::{Place, children};
use super::{MOST, MpdError};
use roxmltree::Node;

/// How a representation counts time: in ticks of its own.
pub(super) struct Timing {
    pub(super) scale: u64,
    pub(super) offset: u64,
    pub(super) first: u64,
    pub(super) duration: Option<u64>,
}

impl Timing {
    pub(super) fn of(place: &Place<'_, '_>, kind: &'static str) -> Self {
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
    pub(super) fn spans(
        &self,
        place: &Place<'_, '_>,
        kind: &'static str,
        live: bool,
    ) -> Result<Vec<(u64, u64)>, MpdError> {
        if let Some(timeline) = place.children(kind, "SegmentTimeline").next() {
            return self.timeline(place, timeline);
        }
        let beyond = |how: &str| Err(place.beyond(how));
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
            let wrong = || place.beyond(format!("S element {} is no span", index + 1));
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

/// Seconds of an xs:duration without years and months; `None` for anything else.
pub(super) fn seconds(text: Option<&str>) -> Option<f64> {
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
