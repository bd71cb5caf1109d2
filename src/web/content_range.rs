//! The `Content-Range` header of a 206 answer (RFC 9110 §14.4).

/// First and last byte (inclusive) of `bytes <first>-<last>/<length or *>`; `None` for anything else.
pub fn parse(header: &str) -> Option<(u64, u64)> {
    let range = header.trim().strip_prefix("bytes ")?;
    let (range, length) = range.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let within = match length.trim() {
        "*" => true,
        length => last < number(length)?,
    };
    (first <= last && within).then_some((first, last))
}

/// Digits only: `parse` alone would also take a plus sign.
fn number(digits: &str) -> Option<u64> {
    let digits = digits.trim();
    digits
        .bytes()
        .all(|c| c.is_ascii_digit())
        .then(|| digits.parse().ok())?
}
