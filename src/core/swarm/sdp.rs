//! What of a stranger's session description is looked at before a connection is made for it.
//!
//! A browser does what a description says: opens microphones' transports, sends a check to every candidate that it names.
//! So only what a viewer would write is handed on: one data channel, encrypted, with a handful of candidates (RFC 8839, RFC 8841).

use crate::core::config::strangers::{MAX_BLOCKS, MAX_CANDIDATES, MAX_SDP};

/// Why a description is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SdpError {
    /// Longer than [`MAX_SDP`].
    Long,
    /// Not exactly one media section, and that for data channels.
    NotData,
    /// No certificate fingerprint or no ICE credentials: nothing could come of it.
    Incomplete,
    /// More than [`MAX_CANDIDATES`], or in more than [`MAX_BLOCKS`].
    Candidates,
}

impl SdpError {
    /// In words, for a log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Long => "an offer or answer that is too long",
            Self::NotData => "an offer or answer for something else than a data channel",
            Self::Incomplete => "an offer or answer without a fingerprint or ICE credentials",
            Self::Candidates => "an offer or answer with too many candidates",
        }
    }
}

/// A public address block: /24 of IPv4 or /48 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block([u8; 7]);

impl Block {
    /// The block of an address in text; `None` for one that only means something locally, and for a hidden one.
    fn of(address: &str) -> Option<Self> {
        if address.contains(':') {
            Self::of_v6(address)
        } else {
            Self::of_v4(address)
        }
    }

    fn of_v4(address: &str) -> Option<Self> {
        let mut parts = address.split('.').map(|part| part.parse::<u8>().ok());
        let mut part = || parts.next().flatten();
        let (a, b, c, _) = (part()?, part()?, part()?, part()?);
        let local = matches!(
            (a, b),
            (0 | 10 | 127 | 224.., _) | (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168)
        );
        (parts.next().is_none() && !local).then_some(Self([4, a, b, c, 0, 0, 0]))
    }

    /// The first three groups; after `::` they are zero (RFC 4291, section 2.2).
    fn of_v6(address: &str) -> Option<Self> {
        let mut groups = address.split(':').take_while(|group| !group.is_empty());
        let mut group = || match groups.next() {
            None => Some([0, 0]),
            Some(digits) => u16::from_str_radix(digits, 16).ok().map(u16::to_be_bytes),
        };
        let ([a, b], [c, d], [e, f]) = (group()?, group()?, group()?);
        // Global unicast is 2000::/3 (RFC 4291, section 2.4).
        (a & 0xe0 == 0x20).then_some(Self([6, a, b, c, d, e, f]))
    }
}

/// Checks a stranger's description; returns the public address blocks that it names, at most [`MAX_BLOCKS`].
///
/// # Errors
/// It is not what a viewer would send.
pub fn check(sdp: &str) -> Result<Vec<Block>, SdpError> {
    if sdp.len() > MAX_SDP {
        return Err(SdpError::Long);
    }
    let mut media = sdp.lines().filter(|line| line.starts_with("m="));
    let data = |line: &str| line.starts_with("m=application ");
    if !media.next().is_some_and(data) || media.next().is_some() {
        return Err(SdpError::NotData);
    }
    let needed = ["a=fingerprint:", "a=ice-ufrag:", "a=ice-pwd:"];
    if !needed
        .iter()
        .all(|key| sdp.lines().any(|line| line.starts_with(key)))
    {
        return Err(SdpError::Incomplete);
    }
    if candidates(sdp).count() > MAX_CANDIDATES {
        return Err(SdpError::Candidates);
    }
    let blocks = blocks(sdp);
    if blocks.len() > MAX_BLOCKS {
        return Err(SdpError::Candidates);
    }
    Ok(blocks)
}

/// The public address blocks that a description's candidates are in.
pub fn blocks(sdp: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for candidate in candidates(sdp).take(MAX_CANDIDATES) {
        let address = candidate.split(' ').nth(4);
        if let Some(block) = address.and_then(Block::of)
            && !blocks.contains(&block)
        {
            blocks.push(block);
        }
    }
    blocks
}

/// What follows `a=candidate:`, which any case may begin (RFC 8866, section 9, is case-sensitive, but parsers are not).
fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    let mark = "a=candidate:";
    sdp.lines().filter_map(move |line| {
        let (head, rest) = line.split_at_checked(mark.len())?;
        head.eq_ignore_ascii_case(mark).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    const DATA: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n";
    const KEYS: &str =
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00:11\r\n";

    fn candidate(address: &str) -> String {
        format!("a=candidate:1 1 udp 2113937151 {address} 54321 typ host generation 0\r\n")
    }

    fn with(addresses: &[&str]) -> String {
        let lines: String = addresses.iter().map(|address| candidate(address)).collect();
        format!("{HEAD}{DATA}{KEYS}{lines}")
    }

    #[test]
    fn one_data_section_and_nothing_else() {
        assert_eq!(check(&with(&[])), Ok(Vec::new()));
        // Firefox has the fingerprint before the first media section.
        assert!(check(&format!("{HEAD}a=fingerprint:sha-256 00\r\n{DATA}{KEYS}")).is_ok());
        for media in [
            String::new(),
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".to_owned(),
            format!("{DATA}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"),
            format!("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{DATA}"),
            format!("{DATA}{DATA}"),
            "a=x m=application 9\r\n".to_owned(),
            "m=applications 9 x\r\n".to_owned(),
        ] {
            let sdp = format!("{HEAD}{media}{KEYS}");
            assert_eq!(check(&sdp), Err(SdpError::NotData), "{sdp}");
        }
    }

    #[test]
    fn what_no_connection_can_come_of_is_refused() {
        for missing in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"] {
            let sdp = with(&[]).replace(missing, "a=x:");
            assert_eq!(check(&sdp), Err(SdpError::Incomplete), "{missing}");
        }
    }

    #[test]
    fn long_ones_and_floods_of_candidates_are_refused() {
        let padded = |len: usize| {
            let sdp = with(&[]);
            let more = len - sdp.len();
            sdp + &"a".repeat(more)
        };
        assert!(check(&padded(MAX_SDP)).is_ok());
        assert_eq!(check(&padded(MAX_SDP + 1)), Err(SdpError::Long));
        assert!(check(&with(&["192.0.2.1"; MAX_CANDIDATES])).is_ok());
        let flood = with(&["192.0.2.1"; MAX_CANDIDATES + 1]);
        assert_eq!(check(&flood), Err(SdpError::Candidates));
        assert_eq!(
            check(&flood.replace("a=cand", "a=CAND")),
            Err(SdpError::Candidates)
        );
    }

    #[test]
    fn only_public_addresses_have_a_block() {
        let local = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.9.9",
            "192.168.1.5",
            "169.254.3.3",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::7",
            "5f1b0b2e-9a4e-4c8e-8e25-3d2f3b3b9a11.local",
            "not an address",
        ];
        assert_eq!(check(&with(&local)), Ok(Vec::new()));
        let blocks = |addresses: &[&str]| check(&with(addresses)).unwrap();
        assert_eq!(
            blocks(&["203.0.113.7"]),
            blocks(&["203.0.113.250", "10.0.0.1"])
        );
        assert_ne!(blocks(&["203.0.113.7"]), blocks(&["203.0.114.7"]));
        assert_eq!(
            blocks(&["2001:db8:1:2::3"]),
            blocks(&["2001:db8:1:ffff::9"])
        );
        // What follows `::` is none of the first groups.
        assert_eq!(blocks(&["2600::a:b:c:d"]), blocks(&["2600::e:b:c:d"]));
        assert_ne!(blocks(&["2001:db8:1::3"]), blocks(&["2001:db8:2::3"]));
        // Who names many hides its own behind them.
        let many: Vec<String> = (1..=9).map(|n| format!("{n}.1.1.1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(blocks(&many[..MAX_BLOCKS]).len(), MAX_BLOCKS);
        assert_eq!(check(&with(&many)), Err(SdpError::Candidates));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(a=candidate:|m=application |\\PC|\r\n| ){0,200}") {
            prop_assert!(check(&text).map_or(0, |blocks| blocks.len()) <= MAX_BLOCKS);
            prop_assert!(blocks(&text).len() <= MAX_CANDIDATES);
        }
    }
}
