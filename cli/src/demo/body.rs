//! A response body that leaves in small pieces, at a given rate if asked, and is counted as it leaves.
//!
//! Invariant: memory per response is one piece, whatever the size of the resource.

use crate::demo::counters::Counters;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::fs::File;
use std::future::Future as _;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Largest piece, in bytes.
const PIECE: u64 = 16 * 1024;

/// A shaped body leaves in pieces of about this length.
const PACE: Duration = Duration::from_millis(20);

/// What is in a connection's buffers has left them after this.
const FLUSH: Duration = Duration::from_millis(50);

/// Where the bytes are.
pub(super) enum Source {
    /// In memory, shared with other responses.
    Memory(Bytes),
    /// In a file, read as they leave.
    File(File),
}

/// These bytes cannot leave sooner than in this time.
pub(super) struct Gate {
    /// Position of the first.
    pub start: u64,
    /// Position after the last.
    pub end: u64,
    /// From now.
    pub after: Duration,
}

/// The body.
pub(super) struct Outflow {
    source: Source,
    left: Range<u64>,
    growth: Option<Growth>,
    flip: Option<u64>,
    /// The connection breaks here.
    cut: Option<Cut>,
    /// Whether the length is told beforehand.
    sized: bool,
    pace: Option<Pace>,
    meter: Option<(Arc<Counters>, String)>,
}

/// Where a body breaks off.
struct Cut {
    at: u64,
    /// What came before it has left by then.
    due: Option<Pin<Box<Sleep>>>,
}

/// What a resource that still grows has to wait for.
struct Growth {
    /// Where each part ends, and when it is there; the next one last.
    parts: Vec<(u64, Instant)>,
    /// What is there already ends here.
    reached: u64,
    due: Pin<Box<Sleep>>,
}

struct Pace {
    bits_per_second: u64,
    /// When the last byte of the piece before this one had time to leave.
    due: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Outflow {
    /// The bytes in `range` of a source, as fast as they go and not counted.
    pub(super) fn new(source: Source, range: Range<u64>) -> Self {
        Self {
            source,
            left: range,
            growth: None,
            flip: None,
            cut: None,
            sized: true,
            pace: None,
            meter: None,
        }
    }

    /// Of a resource that still grows: `there` bytes of it are there, the others come through these gates.
    pub(super) fn growing(mut self, there: u64, gates: &[Gate]) -> Self {
        let now = Instant::now();
        let parts = gates.iter().rev().map(|gate| (gate.end, now + gate.after));
        self.growth = Some(Growth {
            parts: parts.collect(),
            reached: there,
            due: Box::pin(sleep_until(now)),
        });
        self
    }

    /// Counted under this path.
    pub(super) fn counted(mut self, counters: Arc<Counters>, path: String) -> Self {
        self.meter = Some((counters, path));
        self
    }

    /// At this rate in bit/s; 0 changes nothing.
    pub(super) fn paced(mut self, bits_per_second: u64) -> Self {
        self.pace = (bits_per_second > 0).then(|| Pace {
            bits_per_second,
            due: Box::pin(sleep_until(Instant::now())),
            waiting: false,
        });
        self
    }

    /// With one bit of one byte changed, wherever.
    pub(super) fn corrupted(mut self) -> Self {
        if !self.left.is_empty() {
            self.flip = Some(fastrand::u64(self.left.clone()));
        }
        self
    }

    /// Half of it leaves, then the connection breaks.
    pub(super) fn cut(mut self) -> Self {
        self.cut = Some(Cut {
            at: self.left.start.midpoint(self.left.end),
            due: None,
        });
        self
    }

    /// In chunks, of which nobody knows how many there will be.
    pub(super) fn chunked(mut self) -> Self {
        self.sized = false;
        self
    }

    fn next_piece(&self) -> u64 {
        let paced = self.pace.as_ref().map_or(PIECE, Pace::piece);
        let reached = self
            .growth
            .as_ref()
            .map_or(u64::MAX, |growth| growth.reached);
        let cut = self.cut.as_ref().map_or(u64::MAX, |cut| cut.at);
        let end = self.left.end.min(reached).min(cut);
        paced.min(end.saturating_sub(self.left.start))
    }

    fn take(&mut self, len: u64) -> io::Result<Bytes> {
        let from = self.left.start;
        let mut piece = self.source.read(from, len)?;
        self.left.start = from + len;
        if let Some(at) = self.flip.filter(|at| (from..from + len).contains(at)) {
            let mut changed = piece.to_vec();
            if let Some(byte) = usize::try_from(at - from)
                .ok()
                .and_then(|i| changed.get_mut(i))
            {
                *byte ^= 1;
            }
            piece = changed.into();
        }
        if let Some((counters, path)) = &self.meter {
            counters.sent(path, len);
        }
        Ok(piece)
    }
}

impl Growth {
    /// Ready when the byte at this position is there.
    fn poll(&mut self, at: u64, cx: &mut Context<'_>) -> Poll<()> {
        while at >= self.reached {
            let Some((end, time)) = self.parts.last().copied() else {
                self.reached = u64::MAX;
                break;
            };
            if self.due.deadline() != time {
                self.due.as_mut().reset(time);
            }
            ready!(self.due.as_mut().poll(cx));
            self.parts.pop();
            self.reached = end;
        }
        Poll::Ready(())
    }
}

impl Pace {
    fn piece(&self) -> u64 {
        let bytes = self.bits_per_second / 8 * PACE.as_millis() as u64 / 1000;
        bytes.clamp(256, PIECE)
    }

    /// Ready when a piece of this length has had the time that it takes.
    fn poll(&mut self, len: u64, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            let time = len as f64 * 8.0 / self.bits_per_second as f64;
            // From when the last piece was due, not from now: late timers must not lower the rate.
            let due = self.due.deadline() + Duration::from_secs_f64(time.min(3600.0));
            self.due.as_mut().reset(due);
            self.waiting = true;
        }
        ready!(self.due.as_mut().poll(cx));
        self.waiting = false;
        Poll::Ready(())
    }
}

impl Source {
    /// Bytes from a position on.
    ///
    /// # Errors
    /// They are not there.
    pub(super) fn read(&mut self, at: u64, len: u64) -> io::Result<Bytes> {
        let size = usize::try_from(len).map_err(io::Error::other)?;
        match self {
            Self::Memory(bytes) => {
                let at = usize::try_from(at).map_err(io::Error::other)?;
                let end = at.checked_add(size).filter(|end| *end <= bytes.len());
                let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
                Ok(bytes.slice(at..end))
            }
            Self::File(file) => {
                let mut buffer = vec![0; size];
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(&mut buffer)?;
                Ok(buffer.into())
            }
        }
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let at = self.left.start;
        if let Some(cut) = &mut self.cut
            && at >= cut.at
        {
            let flushed = || Box::pin(sleep_until(Instant::now() + FLUSH));
            ready!(cut.due.get_or_insert_with(flushed).as_mut().poll(cx));
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        if let Some(growth) = &mut self.growth {
            ready!(growth.poll(at, cx));
        }
        let len = self.next_piece();
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll(len, cx));
        }
        Poll::Ready(Some(self.take(len).map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // How long it will become, nobody knows while it grows.
        if self.growth.is_some() || !self.sized {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.left.end.saturating_sub(self.left.start))
    }
}
