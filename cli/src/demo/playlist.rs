//! HLS playlists of the built-in stream (RFC 8216), every media segment with its integrity tag.

use crate::demo::clip::{Picture, SEGMENT_SECONDS, Track};
use crate::demo::event::Place;
use crate::signature::is_signature;
use std::fmt::Write as _;
use std::time::SystemTime;
use swarmline::core::integrity::tag::Tag;

/// Video renditions that share one audio group.
pub(super) fn master(tracks: &[Track]) -> String {
    let (audio, video): (Vec<_>, Vec<_>) = tracks.iter().partition(|t| t.picture.is_none());
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for track in &audio {
        text += "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Music\",LANGUAGE=\"zxx\",";
        text += "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",";
        text += &format!("URI=\"{}/index.m3u8\"\n", track.name);
    }
    let sound = audio.iter().map(|t| t.bandwidth());
    let (sound_peak, sound_average) = sound.max().unwrap_or_default();
    let sound_codecs: String = audio.iter().map(|t| format!(",{}", t.codec)).collect();
    for track in video {
        let (peak, average) = track.bandwidth();
        let Picture {
            width,
            height,
            rate,
        } = track.picture.unwrap_or_default();
        text += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}{sound_codecs}\",\
             RESOLUTION={width}x{height},FRAME-RATE={rate:.3},AUDIO=\"audio\"\n{}/index.m3u8\n",
            peak + sound_peak,
            average + sound_average,
            track.codec,
            track.name,
        );
    }
    text
}

/// A media playlist: `entries` from media sequence number `first` on, the first one's wall-clock
/// time, and whether nothing more will come.
pub(super) fn media(
    entries: &[(u64, Place, Tag)],
    first: u64,
    time: Option<SystemTime>,
    ended: bool,
) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    );
    if ended {
        text += "#EXT-X-PLAYLIST-TYPE:VOD\n";
    }
    text += "#EXT-X-MAP:URI=\"init.mp4\"\n";
    if let Some(time) = time {
        text += &format!("#EXT-X-PROGRAM-DATE-TIME:{}\n", date_time(time));
    }
    for (n, place, tag) in entries {
        // Writing to a String cannot fail.
        let _ = write!(text, "#EXTINF:{:.6},\n{tag}\n{n}.m4s\n", place.duration);
    }
    if ended {
        text += "#EXT-X-ENDLIST\n";
    }
    text
}

/// The same playlist as a publisher without Swarmline would write it.
pub(super) fn without_tags(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !Tag::is_tag(line) && !is_signature(line))
        .collect()
}

/// ISO 8601 in UTC with milliseconds. Times before 1970 become 1970.
pub(super) fn date_time(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Gregorian year, month and day of a count of days since 1970-01-01. Counts in eras of 400 years
/// that begin on 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_as_the_date_command_gives_them() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_798_761_599_500, "2026-12-31T23:59:59.500Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, text) in cases {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(date_time(time), text);
        }
    }

    #[test]
    fn hiding_tags_leaves_every_other_line() {
        let text = "#EXTM3U\r\n#EXTINF:2,\r\n#EXT-X-SWARMLINE:x\r\na.m4s\r\n";
        assert_eq!(without_tags(text), "#EXTM3U\r\n#EXTINF:2,\r\na.m4s\r\n");
    }
}
