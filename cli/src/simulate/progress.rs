//! The bar on a terminal: viewers, virtual time, speed.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::Instant;
use swarmline::core::time::Time;
use swarmline::sim::world::World;

/// A bar on standard error; nothing where nobody looks.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    pub(crate) fn new(name: &str, what: &str, end: Time, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let template = "{prefix} {bar:30} {msg} {eta} left";
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::with_draw_target(Some(end.0 / 1_000), target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(format!("{name}, {what}"));
        Self {
            bar,
            begun: Instant::now(),
        }
    }

    /// The world has got so far.
    pub(crate) fn show(&self, world: &World, now: Time) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = now.0 as f64 / 1e6;
        let speed = seconds / self.begun.elapsed().as_secs_f64().max(1e-9);
        let viewers = world.audience(now);
        let message =
            format!("{viewers} viewers, {seconds:.1} s of stream, {speed:.2} × real time,");
        self.bar.set_message(message);
        self.bar.set_position(now.0 / 1_000);
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
