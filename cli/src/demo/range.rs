//! Byte ranges of one request (RFC 9110 §14): one range is honoured, several or none give the whole.

use std::ops::Range;

/// What a request asks for of a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Nothing,
}

/// Reads a Range header for a resource of `len` bytes. What cannot be read is as good as absent.
pub(super) fn parse(header: &str, len: u64) -> Wanted {
    let Some(spec) = header.trim().strip_prefix("bytes=") else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Wanted::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => part(first..last.saturating_add(1).min(len)),
        (Some(first), None) if last.is_empty() => part(first..len),
        (None, Some(count)) if first.is_empty() => part(len.saturating_sub(count)..len),
        _ => Wanted::Whole,
    }
}

fn part(range: Range<u64>) -> Wanted {
    if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

fn number(text: &str) -> Option<u64> {
    let decimal = text.bytes().all(|c| c.is_ascii_digit());
    // More digits than fit are still a number: one beyond any end.
    (decimal && !text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_has_it() {
        let cases = [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-", Wanted::Part(10..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=90-1000", Wanted::Part(90..100)),
            ("bytes=90-99999999999999999999999", Wanted::Part(90..100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=100-200", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ];
        for (header, wanted) in cases {
            assert_eq!(parse(header, 100), wanted, "{header}");
        }
    }

    #[test]
    fn nothing_has_no_parts() {
        assert_eq!(parse("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(parse("bytes=-5", 0), Wanted::Nothing);
    }
}
