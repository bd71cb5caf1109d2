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

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_servers_send() {
        assert_eq!(parse("bytes 100-299/1000"), Some((100, 299)));
        assert_eq!(parse("bytes 0-0/*"), Some((0, 0)));
        assert_eq!(parse(" bytes 5-9/10 "), Some((5, 9)));
        let far = u64::MAX - 1;
        assert_eq!(parse(&format!("bytes {far}-{far}/*")), Some((far, far)));
    }

    #[test]
    fn refuses_everything_else() {
        for header in [
            "",
            "bytes",
            "bytes */1000",
            "items 1-2/3",
            "bytes 1-2",
            "bytes 2-1/3",
            "bytes 1-3/3",
            "bytes +1-2/3",
            "bytes -2/3",
            "bytes 1-/3",
            "bytes 1-2/",
            "bytes 1-2/3/4",
            "bytes 1-99999999999999999999/*",
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
    }
}
