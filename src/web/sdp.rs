//! A guard for session descriptions that came from strangers.

/// A longer session description is refused, in bytes. One data channel with many candidates stays under 8 KiB.
pub const MAX_SDP: usize = 64 * 1024;

/// Whether a description holds exactly one media section, and that one is for data channels:
/// anything else (microphones, cameras, nothing at all) is not what a viewer offers.
pub fn is_data_only(sdp: &str) -> bool {
    let mut sections = sdp.lines().filter(|line| line.starts_with("m="));
    sdp.len() <= MAX_SDP
        && sections
            .next()
            .is_some_and(|line| line.starts_with("m=application "))
        && sections.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{MAX_SDP, is_data_only};

    const DATA: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

    #[test]
    fn one_data_section_and_nothing_else() {
        assert!(is_data_only(&format!("v=0\r\ns=-\r\n{DATA}a=mid:0\r\n")));
        for sdp in [
            String::new(),
            "v=0\r\n".into(),
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".into(),
            format!("{DATA}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"),
            format!("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{DATA}"),
            format!("{DATA}{DATA}"),
            "a=x m=application 9\r\n".into(),
            "m=applications 9 x\r\n".into(),
        ] {
            assert!(!is_data_only(&sdp), "{sdp}");
        }
    }

    #[test]
    fn a_long_one_is_refused() {
        let padded = |len: usize| format!("{DATA}{}", "a".repeat(len - DATA.len()));
        assert!(is_data_only(&padded(MAX_SDP)));
        assert!(!is_data_only(&padded(MAX_SDP + 1)));
    }
}
