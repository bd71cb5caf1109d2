//! What a script chooses once: the stream, the viewer's configuration, the engine's seed.

use crate::input::Input;
use std::sync::LazyLock;
use swarmline::core::config::Config;
use swarmline::core::time::Duration;
use swarmline::sim::stream::{Stream, StreamSpec};

/// Streams that differ in everything that makes a difference: leaves, roots, byte ranges, renditions.
static STREAMS: LazyLock<Vec<Stream>> = LazyLock::new(|| {
    let spec = |bitrate, renditions, roots, byte_ranges, live| StreamSpec {
        bitrate,
        renditions,
        roots,
        byte_ranges,
        live,
        vod_segments: 8,
        window: 6,
        ..StreamSpec::default()
    };
    let specs = [
        spec(1_000_000, 2, true, false, true),
        spec(300_000, 1, true, true, true),
        spec(60_000, 1, false, false, true),
        spec(1_000_000, 1, false, true, false),
        spec(12_000_000, 1, true, false, true),
        spec(60_000, 2, true, false, false),
    ];
    specs.into_iter().map(of_different_sizes).collect()
});

/// A buffer is known by its size, so no two segments have the same.
fn of_different_sizes(spec: StreamSpec) -> Stream {
    let stream = |seed| Stream::new(seed, spec.clone(), Duration::from_secs(10));
    let mut seed = 1;
    loop {
        let stream = stream(seed);
        let mut sizes: Vec<u32> = (0..stream.len() as u32)
            .filter_map(|id| stream.segment(swarmline::sim::stream::SegmentId(id)))
            .map(|segment| segment.info.bytes)
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        if sizes.len() == stream.len() {
            return stream;
        }
        seed += 1;
    }
}

/// What a script chooses once.
pub(super) struct Choices {
    pub(super) stream: &'static Stream,
    pub(super) config: Config,
    pub(super) seed: u64,
    /// Whether a second engine hears the same.
    pub(super) twice: bool,
}

impl Choices {
    pub(super) fn read(input: &mut Input<'_>) -> Self {
        let [stream, peers, upload, cache, segment, trackers, seed, flags] = input.array();
        let of = |list: &[u64], choice: u8| {
            let at = usize::from(choice) % list.len();
            list.get(at).copied().unwrap_or_default()
        };
        let streams = &*STREAMS;
        #[allow(clippy::indexing_slicing, reason = "the remainder is an index")]
        let stream = &streams[usize::from(stream) % streams.len()];
        Self {
            stream,
            seed: seed.into(),
            twice: flags.is_multiple_of(4),
            config: Config {
                trackers: vec!["wss://t.example".to_owned(); usize::from(trackers % 4)],
                enabled: flags < 200,
                max_peers: 1 + u32::from(peers % 8),
                max_upload_bitrate: of(&[20_000_000, 1_000_000, 0, 4_000_000_000], upload),
                cache_bytes: of(&[64 << 20, 1 << 20, 4 << 20], cache),
                max_segment_bytes: of(&[32 << 20, 200_000, 256 << 20], segment) as u32,
                cdn_timeout_ms: 1_000 + 500 * u32::from(flags % 32),
            },
        }
    }
}
