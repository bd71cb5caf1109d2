//! Short texts from elsewhere: headers and descriptions.

use crate::input::Input;
use crate::range::{self, Wanted};
use crate::{base64url, content_range};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use swarmline::core::config::strangers::{MAX_BLOCKS, MAX_SDP};
use swarmline::core::swarm::sdp;

/// Any text is read as each of them.
pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some((first, last)) = content_range::parse(&text) {
        assert!(first <= last);
        let again = format!("bytes {first}-{last}/*");
        assert_eq!(content_range::parse(&again), Some((first, last)));
    }
    for len in [0, 1, 1_000, u64::MAX] {
        if let Wanted::Part(part) = range::parse(&text, len) {
            assert!(part.start < part.end && part.end <= len);
        }
    }
    if let Ok(blocks) = sdp::check(&text) {
        assert!(text.len() <= MAX_SDP && text.contains("m=application "));
        assert!(blocks.len() <= MAX_BLOCKS);
        // With one more section it is not what a viewer would send.
        let more = format!(
            "{text}
m=audio 9 UDP/TLS/RTP/SAVPF 111
"
        );
        assert!(sdp::check(&more).is_err());
    }
    spellings(&text, &mut Input::new(bytes));
}

/// The browser's own base64url agrees with the library that the sealer uses.
fn spellings(text: &str, input: &mut Input<'_>) {
    let by_library = URL_SAFE_NO_PAD.decode(text).ok();
    let by_library = by_library.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    assert_eq!(base64url::decode(text), by_library);
    let bytes: [u8; 32] = input.array();
    assert_eq!(
        base64url::decode(&URL_SAFE_NO_PAD.encode(bytes)),
        Some(bytes)
    );
}
