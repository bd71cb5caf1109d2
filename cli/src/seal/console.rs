//! What the command says on the terminal: all of it on standard error, a line for each event, and a
//! bar for long work (a line every few seconds when nobody is looking at a terminal).

use super::report::{Report, Sink, Summary};
use super::sealer::Options;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Work shorter than this is not worth a word.
const PATIENCE: Duration = Duration::from_secs(2);
/// A longer pause between two pieces of work makes them two works.
const REST: Duration = Duration::from_secs(1);
/// Pause between two progress lines.
const LINES: Duration = Duration::from_secs(5);

/// The terminal, shared by all threads that report.
#[derive(Clone)]
pub(crate) struct Console(Arc<Inner>);

struct Inner {
    began: Instant,
    bar: ProgressBar,
    clock: Mutex<Clock>,
}

impl Console {
    /// `bar`: whether to show one, if this is a terminal.
    pub(crate) fn new(bar: bool) -> Self {
        let shown = bar && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style =
            ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        let bar = ProgressBar::with_draw_target(Some(0), target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let began = Instant::now();
        let clock = Mutex::new(Clock::new(began));
        Self(Arc::new(Inner { began, bar, clock }))
    }

    /// Where a sealer reports to.
    pub(crate) fn sink(&self) -> Sink {
        let inner = self.0.clone();
        Arc::new(move |report| inner.take(&report))
    }

    /// The first words of a watch.
    pub(crate) fn watching(&self, options: &Options) {
        let (input, output) = (options.input.display(), options.output.display());
        let every = options.interval.as_millis();
        self.0.line(&format!(
            "watching {input} every {every} ms, sealing into {output}; Ctrl-C ends"
        ));
    }

    /// The last words.
    pub(crate) fn summary(&self, summary: &Summary) {
        self.0.bar.finish_and_clear();
        for failure in &summary.failures {
            self.0.line(&format!("not sealed: {failure}"));
        }
        self.0.line(&format!(
            "{} playlists sealed in {} updates, {} segments hashed ({}) in {:.1} s, {} old files removed",
            summary.playlists,
            summary.updates,
            summary.segments_hashed,
            HumanBytes(summary.bytes_hashed),
            self.0.began.elapsed().as_secs_f64(),
            summary.files_removed,
        ));
    }
}

impl Inner {
    fn take(&self, report: &Report) {
        match report {
            Report::Progress { hashed, of } => self.progress(*hashed, *of),
            news => self.line(&news.to_string()),
        }
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn progress(&self, hashed: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(hashed);
        if self.bar.is_hidden() && self.clock().is_due(Instant::now()) {
            eprintln!("hashed {} of {}", HumanBytes(hashed), HumanBytes(of));
        }
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to write the next progress line.
struct Clock {
    next: Instant,
    last: Instant,
}

impl Clock {
    fn new(now: Instant) -> Self {
        Self {
            next: now + PATIENCE,
            last: now,
        }
    }

    /// Takes note of progress at `now`; true if a line is due. Progress after a rest is new work.
    fn is_due(&mut self, now: Instant) -> bool {
        if now.duration_since(self.last) >= REST {
            self.next = now + PATIENCE;
        }
        self.last = now;
        let due = now >= self.next;
        if due {
            self.next = now + LINES;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_is_told_now_and_then_and_short_work_never() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut clock = Clock::new(start);
        // A live stream: 50 ms of work every two seconds.
        for segment in 1..50 {
            assert!(!clock.is_due(at(segment * 2000)) && !clock.is_due(at(segment * 2000 + 50)));
        }
        let film = 200_000;
        let told: Vec<u64> = (0..150)
            .filter(|i| clock.is_due(at(film + i * 100)))
            .collect();
        assert_eq!(told, [20, 70, 120], "after two seconds, then every five");
    }
}
