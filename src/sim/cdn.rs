//! The CDN: answers after a while, serves byte ranges at a rate, and sometimes fails.
//!
//! A [`Transfer`] is one request. It is paced by a per-viewer pipe (the CDN's rate towards that
//! viewer, shared by all of the viewer's requests) and then shares the viewer's downlink with
//! everything else. What the CDN does to a request is drawn from the viewer, the segment and
//! how often this viewer has asked for it, so that a viewer meets the same fate with and without peers.

use crate::core::error::FetchError;
use crate::core::time::Time;
use crate::sim::buffer::Payload;
use crate::sim::chance::{Purpose, between, happens, mix, stream};
use crate::sim::stream::SegmentId;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

/// The CDN's parameters.
#[derive(Clone, Debug)]
pub struct CdnSpec {
    /// From request to first byte, in µs. Default: 30–80 ms.
    pub first_byte_us: RangeInclusive<u64>,
    /// Requests per million whose first byte takes [`CdnSpec::slow_first_byte_us`] instead. Default: 10,000.
    pub slow_per_million: u32,
    /// The slow ones, in µs. Default: 100–400 ms.
    pub slow_first_byte_us: RangeInclusive<u64>,
    /// Rate towards one viewer in bit/s. Default: 40,000,000.
    pub rate_bps: u64,
    /// Body bytes that come at once. Default: 32 KiB.
    pub piece: u32,
    /// When it does not do its work.
    pub faults: Vec<CdnFault>,
}

impl Default for CdnSpec {
    fn default() -> Self {
        Self {
            first_byte_us: 30_000..=80_000,
            slow_per_million: 10_000,
            slow_first_byte_us: 100_000..=400_000,
            rate_bps: 40_000_000,
            piece: 32 << 10,
            faults: Vec::new(),
        }
    }
}

/// Segment requests made in this span of time meet with this.
#[derive(Clone, Debug)]
pub struct CdnFault {
    /// Virtual time.
    pub during: Range<Time>,
    /// Requests per million that are hit.
    pub per_million: u32,
    /// What happens to them.
    pub kind: CdnFaultKind,
}

/// What can happen to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CdnFaultKind {
    /// Answered with this status and no body.
    Status(u16),
    /// Not reached.
    Network,
    /// Never answered.
    Hang,
    /// The body breaks off half-way.
    BreakOff,
    /// One byte of the body is flipped, unless the request goes past the HTTP cache.
    Corrupt,
    /// Served at this rate in bit/s.
    Slow(u64),
    /// The Range header is ignored: 200 and the whole resource.
    IgnoreRange,
}

/// Who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// The engine, under this number.
    Engine(crate::core::ids::FetchId),
    /// The player's own loader, for this load.
    Stock(crate::core::ids::LoadId),
}

/// One request under way.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Who asked.
    pub asker: Asker,
    /// For which segment.
    pub segment: SegmentId,
    /// When.
    pub asked: Time,
    /// When the first byte came.
    pub first_byte: Option<Time>,
    /// Position of the body's first byte in the resource.
    pub offset: u64,
    /// Whether the whole resource is the answer.
    pub whole: bool,
    next: u32,
    end: u32,
    length: u32,
    bad: Option<u32>,
    seen_bad: Option<(u32, u32)>,
    fault: Option<CdnFaultKind>,
}

/// How the CDN answers, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The body begins; so long it will be.
    Body(u32),
    /// It fails.
    Failed(FetchError),
}

impl Transfer {
    /// The answer, at first-byte time. `None`: there never is one.
    pub fn answer(&self) -> Option<Answer> {
        match self.fault {
            Some(CdnFaultKind::Status(status)) => Some(Answer::Failed(FetchError::Status(status))),
            Some(CdnFaultKind::Network) => Some(Answer::Failed(FetchError::Network)),
            Some(CdnFaultKind::Hang) => None,
            _ => Some(Answer::Body(self.end - self.next)),
        }
    }

    /// Whether the body breaks off here: half-way.
    pub fn is_broken(&self) -> bool {
        self.fault == Some(CdnFaultKind::BreakOff) && self.end - self.next <= self.length / 2
    }

    /// A piece got there.
    pub fn note(&mut self, piece: &Payload) {
        if let Some((first, last)) = piece.bad {
            self.seen_bad = Some((piece.at + first, piece.at + last));
        }
    }

    /// Positions of the segment that got there with something else in them.
    pub fn seen_bad(&self) -> Option<(u32, u32)> {
        self.seen_bad
    }

    /// Takes the next piece of the body, of at most `most` bytes; `None` at its end.
    pub fn take(&mut self, most: u32) -> Option<Payload> {
        let len = most.min(self.end - self.next);
        let at = self.next;
        self.next += len;
        let bad = self.bad.filter(|bad| (at..at + len).contains(bad));
        (len > 0).then_some(Payload {
            segment: self.segment,
            at,
            len,
            bad: bad.map(|bad| (bad - at, bad - at + 1)),
        })
    }

    /// Whether all of the body was taken.
    pub fn is_done(&self) -> bool {
        self.next == self.end
    }

    /// The rate this answer is held to, in bit/s.
    pub fn rate(&self, spec: &CdnSpec) -> u64 {
        match self.fault {
            Some(CdnFaultKind::Slow(bps)) => bps,
            _ => spec.rate_bps,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub asker: Asker,
    /// The segment.
    pub segment: SegmentId,
    /// Its size.
    pub bytes: u32,
    /// Where it lies in the resource.
    pub base: u64,
    /// Bytes of the segment that are wanted.
    pub part: Range<u32>,
    /// Whether there is no Range header.
    pub whole: bool,
    /// Whether the CDN does not have it (yet).
    pub missing: bool,
    /// Whether the request goes past the HTTP cache.
    pub bypass_cache: bool,
}

/// One viewer's side of the CDN: how often it has asked for what.
#[derive(Clone, Debug, Default)]
pub struct Asked(BTreeMap<SegmentId, u64>);

/// Attempts are counted for this many segments back.
const REMEMBERED: usize = 64;

impl Asked {
    /// Decides the fate of a request; says after how many microseconds it is answered.
    pub fn begin(
        &mut self,
        seed: u64,
        viewer: u32,
        spec: &CdnSpec,
        now: Time,
        request: Request,
    ) -> (Transfer, u64) {
        let count = self.0.entry(request.segment).or_default();
        let labels = [u64::from(viewer), u64::from(request.segment.0), *count];
        *count += 1;
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
        let mut rng = stream(seed, Purpose::Cdn, &labels);
        let slow = happens(&mut rng, spec.slow_per_million);
        let (quick, late) = (
            between(&mut rng, &spec.first_byte_us),
            between(&mut rng, &spec.slow_first_byte_us),
        );
        let draw = rng.u32(0..1_000_000);
        let fault = spec
            .faults
            .iter()
            .find(|fault| fault.during.contains(&now) && draw < fault.per_million)
            .map(|fault| fault.kind)
            .filter(|kind| *kind != CdnFaultKind::Corrupt || !request.bypass_cache);
        let fault = if request.missing {
            Some(CdnFaultKind::Status(404))
        } else {
            fault
        };
        (
            transfer(request, now, fault, &labels, seed),
            if slow { late } else { quick },
        )
    }
}

fn transfer(
    request: Request,
    now: Time,
    fault: Option<CdnFaultKind>,
    labels: &[u64; 3],
    seed: u64,
) -> Transfer {
    let whole = request.whole || fault == Some(CdnFaultKind::IgnoreRange);
    let part = if whole {
        0..request.bytes
    } else {
        request.part
    };
    let length = u64::from(part.end - part.start).max(1);
    let flip = mix(seed, Purpose::Hostile, labels) % length;
    let flip = part.start + u32::try_from(flip).unwrap_or(0);
    Transfer {
        asker: request.asker,
        segment: request.segment,
        asked: now,
        first_byte: None,
        offset: request.base + u64::from(part.start),
        whole,
        next: part.start,
        end: part.end,
        length: part.end - part.start,
        seen_bad: None,
        bad: (fault == Some(CdnFaultKind::Corrupt)).then_some(flip),
        fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(part: Range<u32>) -> Request {
        Request {
            asker: Asker::Stock(crate::core::ids::LoadId(0)),
            segment: SegmentId(4),
            bytes: 100_000,
            base: 0,
            part,
            whole: false,
            missing: false,
            bypass_cache: false,
        }
    }

    fn fault(kind: CdnFaultKind) -> CdnSpec {
        let during = Time(10)..Time(20);
        CdnSpec {
            faults: vec![CdnFault {
                during,
                per_million: 1_000_000,
                kind,
            }],
            ..CdnSpec::default()
        }
    }

    fn begin(spec: &CdnSpec, now: u64, part: Range<u32>) -> Transfer {
        Asked::default()
            .begin(1, 2, spec, Time(now), request(part))
            .0
    }

    #[test]
    fn serves_exactly_the_range_in_pieces() {
        let mut transfer = begin(&CdnSpec::default(), 0, 1_000..71_000);
        assert_eq!(transfer.answer(), Some(Answer::Body(70_000)));
        let mut got = Vec::new();
        while let Some(piece) = transfer.take(32 << 10) {
            assert_eq!(piece.bad, None);
            got.push((piece.at, piece.len));
        }
        assert_eq!(got, [(1_000, 32_768), (33_768, 32_768), (66_536, 4_464)]);
        assert!(transfer.is_done());
    }

    #[test]
    fn faults_hold_for_their_time_only() {
        let spec = fault(CdnFaultKind::Status(503));
        let failed = Some(Answer::Failed(FetchError::Status(503)));
        assert_eq!(begin(&spec, 10, 0..5).answer(), failed);
        assert_eq!(begin(&spec, 20, 0..5).answer(), Some(Answer::Body(5)));
        assert_eq!(begin(&fault(CdnFaultKind::Hang), 10, 0..5).answer(), None);
    }

    #[test]
    fn a_corrupt_answer_has_one_bad_byte_inside_the_range() {
        let mut transfer = begin(&fault(CdnFaultKind::Corrupt), 10, 500..900);
        let piece = transfer.take(1_000).unwrap();
        let (from, to) = piece.bad.unwrap();
        assert!(to == from + 1 && to <= piece.len);
    }

    #[test]
    fn a_server_without_ranges_sends_all() {
        let transfer = begin(&fault(CdnFaultKind::IgnoreRange), 10, 500..900);
        assert_eq!(transfer.answer(), Some(Answer::Body(100_000)));
        assert!(transfer.whole && transfer.offset == 0);
    }

    #[test]
    fn the_same_ask_meets_the_same_fate_and_the_next_ask_another() {
        let spec = CdnSpec::default();
        let mut asked = Asked::default();
        let first = asked.begin(1, 2, &spec, Time(0), request(0..9)).1;
        let second = asked.begin(1, 2, &spec, Time(0), request(0..9)).1;
        assert_ne!(first, second);
        let again = Asked::default()
            .begin(1, 2, &spec, Time(5), request(3..7))
            .1;
        assert_eq!(first, again);
    }
}
