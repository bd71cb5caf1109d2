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
