//! MPDs of the built-in stream (ISO/IEC 23009-1), over the same segments as its HLS playlists, and the integrity list
//! beside them.

use crate::demo::clip::{Picture, SEGMENT_SECONDS, Track};
use crate::demo::playlist::date_time;
use crate::integrity_list::SCHEME;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// Where a manifest's integrity list lies, relative to it.
pub(super) const LIST: &str = "integrity.json";

/// Where players ask for the time, relative to a manifest.
const CLOCK: &str = "../time";

/// The one period's id.
pub(super) const PERIOD: &str = "event";

/// How far behind the live edge a player of the low-latency stream should be, in ms.
const TARGET_MS: u64 = 3000;

/// Segments of one track: the first one's number, and each one's start and duration in ticks of the track's timescale.
pub(super) struct Timeline {
    pub(super) first: u64,
    pub(super) spans: Vec<(u64, u64)>,
}

/// What an MPD says of time.
pub(super) enum Kind {
    /// An event that began then and goes on; as many seconds of it can be listed.
    Live {
        began: SystemTime,
        window: Duration,
        now: SystemTime,
    },
    /// A recording of this length.
    Recording(Duration),
}

/// The manifest of these tracks.
pub(super) fn mpd(tracks: &[(&Track, Timeline)], kind: &Kind) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" "
        .to_owned();
    // Writing to a String cannot fail.
    let _ = match kind {
        Kind::Live { began, window, now } => write!(
            text,
            "type=\"dynamic\" availabilityStartTime=\"{}\" publishTime=\"{}\" minimumUpdatePeriod=\"PT{SEGMENT_SECONDS}S\" \
             timeShiftBufferDepth=\"PT{}S\" ",
            date_time(*began),
            date_time(*now),
            window.as_secs(),
        ),
        Kind::Recording(length) => write!(
            text,
            "type=\"static\" mediaPresentationDuration=\"PT{}S\" ",
            length.as_secs()
        ),
    };
    let _ = write!(
        text,
        "maxSegmentDuration=\"PT{SEGMENT_SECONDS}S\" minBufferTime=\"PT{SEGMENT_SECONDS}S\">\n\
         <Period id=\"{PERIOD}\" start=\"PT0S\">\n"
    );
    let templates = tracks
        .iter()
        .map(|(track, timeline)| (*track, timed(track, timeline)));
    adaptation_sets(&mut text, &templates.collect::<Vec<_>>());
    ending(&mut text, matches!(kind, Kind::Live { .. }));
    text
}

/// The manifest of the same tracks as a low-latency stream (DASH-IF "Low-latency Modes for DASH"): segments are announced
/// as soon as their first chunk is there, and are sent while they grow.
pub(super) fn low_latency(
    tracks: &[Track],
    began: SystemTime,
    window: Duration,
    chunk_seconds: f64,
) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011,\
         http://www.dashif.org/guidelines/low-latency-live-v5\" type=\"dynamic\" availabilityStartTime=\"{began}\" \
         publishTime=\"{began}\" minimumUpdatePeriod=\"PT60S\" timeShiftBufferDepth=\"PT{window}S\" \
         maxSegmentDuration=\"PT{SEGMENT_SECONDS}S\" minBufferTime=\"PT{chunk_seconds}S\">\n\
         <ServiceDescription id=\"0\"><Latency target=\"{TARGET_MS}\"/>\
         <PlaybackRate min=\"0.94\" max=\"1.06\"/></ServiceDescription>\n\
         <Period id=\"{PERIOD}\" start=\"PT0S\">\n",
        began = date_time(began),
        window = window.as_secs(),
    );
    let templates = tracks
        .iter()
        .map(|track| (track, numbered(track, chunk_seconds)));
    adaptation_sets(&mut text, &templates.collect::<Vec<_>>());
    ending(&mut text, true);
    text
}

/// The tracks by kind, each with its `SegmentTemplate`.
fn adaptation_sets(text: &mut String, tracks: &[(&Track, String)]) {
    for video in [true, false] {
        let same = tracks
            .iter()
            .filter(|(track, _)| track.picture.is_some() == video);
        adaptation_set(text, video, same);
    }
}

fn ending(text: &mut String, live: bool) {
    *text += "</Period>\n";
    let _ = writeln!(
        text,
        "<SupplementalProperty schemeIdUri=\"{SCHEME}\" value=\"{LIST}\"/>"
    );
    if live {
        let _ = writeln!(
            text,
            "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"{CLOCK}\"/>"
        );
    }
    *text += "</MPD>\n";
}

/// The same manifest as a publisher without Swarmline would write it.
pub(super) fn without_list(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.contains(SCHEME))
        .collect()
}

fn adaptation_set<'a>(
    text: &mut String,
    video: bool,
    tracks: impl Iterator<Item = &'a (&'a Track, String)>,
) {
    let content = if video { "video" } else { "audio" };
    let _ = writeln!(
        text,
        "<AdaptationSet contentType=\"{content}\" mimeType=\"{content}/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">"
    );
    for (track, template) in tracks {
        representation(text, track, template);
    }
    *text += "</AdaptationSet>\n";
}

fn representation(text: &mut String, track: &Track, template: &str) {
    let Track { name, codec, .. } = track;
    let (_, bandwidth) = track.bandwidth();
    let _ = write!(
        text,
        "<Representation id=\"{name}\" codecs=\"{codec}\" bandwidth=\"{bandwidth}\""
    );
    let _ = match track.picture {
        Some(Picture {
            width,
            height,
            rate,
        }) => {
            // A whole number or a fraction (ISO/IEC 23009-1 §5.3.7.2).
            let rate = match rate {
                whole if whole.fract() == 0.0 => format!("{whole}"),
                other => format!("{:.0}/1000", other * 1000.0),
            };
            writeln!(
                text,
                " width=\"{width}\" height=\"{height}\" frameRate=\"{rate}\">"
            )
        }
        None => writeln!(text, ">"),
    };
    *text += template;
    *text += "</Representation>\n";
}

/// What every `SegmentTemplate` of a track begins with.
fn template(track: &Track, first: u64) -> String {
    format!(
        "<SegmentTemplate timescale=\"{}\" initialization=\"$RepresentationID$/init.mp4\" \
         media=\"$RepresentationID$/$Number$.m4s\" startNumber=\"{first}\"",
        track.timescale
    )
}

/// Segments with their times one by one.
fn timed(track: &Track, timeline: &Timeline) -> String {
    let mut text = template(track, timeline.first) + ">\n<SegmentTimeline>";
    text.push('\n');
    for (start, duration) in &timeline.spans {
        let _ = writeln!(text, "<S t=\"{start}\" d=\"{duration}\"/>");
    }
    text + "</SegmentTimeline>\n</SegmentTemplate>\n"
}

/// Segments counted from the event's beginning, to be had while they grow, from their first chunk on.
fn numbered(track: &Track, chunk_seconds: f64) -> String {
    let duration = SEGMENT_SECONDS * track.timescale;
    let early = SEGMENT_SECONDS as f64 - chunk_seconds;
    template(track, 0)
        + &format!(
            " duration=\"{duration}\" availabilityTimeOffset=\"{early}\" availabilityTimeComplete=\"false\"/>\n"
        )
}
