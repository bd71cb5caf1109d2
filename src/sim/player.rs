//! A player that behaves as hls.js does.
//!
//! It reads the playlist on a fixed cadence (half of it after a refresh that brought nothing), starts a few
//! target durations behind the edge, loads one segment at a time in order, buffers up to the live
//! edge, shows the first frame as soon as the first segment is appended, then plays in real time
//! and stalls when dry. Failed loads are repeated after 1, 2, 4, 8 … s; when the repetitions are used
//! up it gives up for good, as hls.js does with a fatal error.
//!
//! A pure state machine: [`Player::handle`] takes what happened and says what to do next. All media
//! times are whole microseconds on the stream's timeline.

use crate::core::ids::LoadId;
use crate::core::time::{Duration, Time, micros};
use std::ops::Range;

/// The player's parameters.
#[derive(Clone, Debug)]
pub struct PlayerSpec {
    /// Start so far behind the live edge. Default: `None`, three segment durations.
    pub start_behind: Option<Duration>,
    /// Stops loading with this much ahead. Default: 30 s.
    pub max_buffer: Duration,
    /// From delivery of a segment until it can be played. Default: 5 ms.
    pub append: Duration,
    /// How often the playhead is reported while playing. Default: 250 ms.
    pub report_every: Duration,
    /// Repetitions of a failed load. Default: 6.
    pub retries: u32,
    /// Before the first repetition; doubles each time, up to eight times this. Default: 1 s.
    pub retry_delay: Duration,
    /// From the first playlist until the engine can be used; loads begun before go to the stock loader. Default: 150 ms.
    pub engine_ready: Duration,
    /// Whether the engine begins only after the first frame, [`PlayerSpec::engine_ready`] later, so that
    /// it takes nothing from the start. Default: false.
    pub engine_after_first_frame: bool,
    /// With the former, how long the load of the second segment may wait for the engine if the buffer
    /// lasts longer than the CDN needs. Default: 1.5 s.
    pub hold: Duration,
    /// Whether each player counts media time from its own first playlist. Default: true.
    pub own_timeline: bool,
}

impl Default for PlayerSpec {
    fn default() -> Self {
        Self {
            start_behind: None,
            max_buffer: Duration::from_secs(30),
            append: Duration::from_millis(5),
            report_every: Duration::from_millis(250),
            retries: 6,
            retry_delay: Duration::from_secs(1),
            engine_ready: Duration::from_millis(150),
            engine_after_first_frame: false,
            hold: Duration::from_millis(1_500),
            own_timeline: true,
        }
    }
}

/// What happened to the player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayerEvent {
    /// The viewer opened the page.
    Opened,
    /// A playlist arrived: sequence numbers it lists.
    Listed(Range<u32>),
    /// The time given by [`PlayerAction::PollAt`] came.
    PollDue,
    /// A segment was appended.
    Appended(LoadId),
    /// A load failed.
    Failed(LoadId),
    /// The time given by [`PlayerAction::LookAt`] came.
    LookDue,
    /// The time given by [`PlayerAction::DryAt`] came.
    DryDue(u32),
    /// The viewer seeks to this media time, in µs.
    Seek(u64),
    /// The player changes to this rendition.
    Switch(u32),
}

/// What the player does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayerAction {
    /// Request the playlist of the present rendition.
    Poll,
    /// Come back at this time with [`PlayerEvent::PollDue`].
    PollAt(Time),
    /// Load a segment.
    Load {
        /// Number of this request.
        load: LoadId,
        /// Rendition.
        rendition: u32,
        /// Sequence number.
        sn: u32,
    },
    /// Give up a load.
    Abort(LoadId),
    /// Come back with [`PlayerEvent::LookDue`].
    LookAt(Time),
    /// The buffer runs dry then, unless more comes: [`PlayerEvent::DryDue`] with this ticket.
    DryAt(Time, u32),
    /// The playhead jumped, started or stopped.
    Moved,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Waiting for data; since when, and whether the viewer was watching before.
    Waiting { since: Time, stall: bool },
    /// Playing; media time `media` was shown at `at`.
    Playing { media: u64, at: Time },
    /// All played.
    Ended,
    /// Gave up.
    Dead { since: Time },
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    load: LoadId,
    sn: u32,
    since: Time,
}

/// What a player has seen.
#[derive(Clone, Debug, Default)]
pub struct Experience {
    /// When the page was opened.
    pub opened: Option<Time>,
    /// When the first frame was shown.
    pub first_frame: Option<Time>,
    /// Interruptions after the first frame.
    pub stalls: u32,
    /// Time spent in them, in µs.
    pub stalled_us: u64,
    /// Time spent playing, in µs.
    pub played_us: u64,
    /// Jumps forward because the playlist had left the player behind.
    pub skips: u32,
    /// Loads that failed.
    pub failures: u32,
    /// Longest time from request to append, in µs.
    pub longest_load_us: u64,
    /// Smallest buffer seen when a segment was appended while playing, in µs.
    pub least_buffer_us: Option<u64>,
    /// Whether it gave up for good.
    pub dead: bool,
}

/// One player.
#[derive(Clone, Debug)]
pub struct Player {
    spec: PlayerSpec,
    segment_us: u64,
    live: bool,
    rendition: u32,
    listed: Option<Range<u32>>,
    poll_base: Option<Time>,
    position: u64,
    buffer: Range<u64>,
    next: u32,
    pending: Option<Pending>,
    retry_at: Option<Time>,
    attempts: u32,
    loads: u32,
    ticket: u32,
    state: State,
    seen: Experience,
}

impl Player {
    /// A player that has not been opened yet.
    pub fn new(spec: PlayerSpec, segment: Duration, live: bool) -> Self {
        Self {
            spec,
            segment_us: micros(segment).max(1),
            live,
            rendition: 0,
            listed: None,
            poll_base: None,
            position: 0,
            buffer: 0..0,
            next: 0,
            pending: None,
            retry_at: None,
            attempts: 0,
            loads: 0,
            ticket: 0,
            state: State::Waiting {
                since: Time(0),
                stall: false,
            },
            seen: Experience::default(),
        }
    }

    /// The rendition it plays.
    pub fn rendition(&self) -> u32 {
        self.rendition
    }

    /// Media time shown at `now`, in µs; `None` while nothing plays.
    pub fn position_us(&self, now: Time) -> Option<u64> {
        match self.state {
            State::Playing { media, at } => Some(media + now.0.saturating_sub(at.0)),
            State::Ended => Some(self.buffer.end),
            _ => None,
        }
    }

    /// Whether media time passes.
    pub fn is_playing(&self) -> bool {
        matches!(self.state, State::Playing { .. })
    }

    /// Plays this rendition from the start.
    pub fn start_with(&mut self, rendition: u32) {
        self.rendition = rendition;
    }

    /// Media ahead of what is shown at `now`, in µs.
    pub fn ahead_us(&self, now: Time) -> u64 {
        let shown = self.position_us(now).unwrap_or(self.position);
        self.buffer.end.saturating_sub(shown)
    }

    /// The load under way and since when.
    pub fn pending(&self) -> Option<(LoadId, Time)> {
        self.pending.map(|pending| (pending.load, pending.since))
    }

    /// What it has seen up to `now`.
    pub fn experience(&self, now: Time) -> Experience {
        let mut seen = self.seen.clone();
        match self.state {
            State::Waiting { since, stall: true } => seen.stalled_us += now.0 - since.0,
            State::Dead { since } => seen.stalled_us += now.0 - since.0,
            State::Playing { at, .. } => seen.played_us += now.0.saturating_sub(at.0),
            _ => {}
        }
        seen
    }

    /// Takes what happened; appends what to do.
    pub fn handle(&mut self, now: Time, event: PlayerEvent, actions: &mut Vec<PlayerAction>) {
        match event {
            PlayerEvent::Opened => {
                self.seen.opened = Some(now);
                actions.push(PlayerAction::Poll);
            }
            PlayerEvent::PollDue => {
                // After a change of rendition an older appointment may still come.
                if self.poll_base.is_none_or(|base| base <= now) {
                    actions.push(PlayerAction::Poll);
                }
            }
            PlayerEvent::Listed(range) => self.listed(now, range, actions),
            PlayerEvent::Appended(load) => self.appended(now, load, actions),
            PlayerEvent::Failed(load) => self.failed(now, load, actions),
            PlayerEvent::LookDue => self.look(now, actions),
            PlayerEvent::DryDue(ticket) => self.dry(now, ticket, actions),
            PlayerEvent::Seek(media) => self.seek(now, media, actions),
            PlayerEvent::Switch(rendition) => self.switch(rendition, actions),
        }
    }

    fn listed(&mut self, now: Time, range: Range<u32>, actions: &mut Vec<PlayerAction>) {
        let first = self.listed.is_none();
        let news = self.listed.as_ref() != Some(&range);
        self.listed = Some(range);
        if first && self.buffer.is_empty() && self.seen.first_frame.is_none() {
            self.start_at(self.starting_point());
        }
        if self.live {
            let interval = if news {
                self.segment_us
            } else {
                self.segment_us / 2
            };
            let base = self.poll_base.unwrap_or(now).0 + interval;
            let base = Time(base.max(now.0));
            self.poll_base = Some(base);
            actions.push(PlayerAction::PollAt(base));
        }
        self.look(now, actions);
    }

    fn starting_point(&self) -> u64 {
        let Some(range) = self.listed.as_ref().filter(|_| self.live) else {
            return 0;
        };
        let behind = self.spec.start_behind.map_or(3 * self.segment_us, micros);
        let edge = u64::from(range.end) * self.segment_us;
        edge.saturating_sub(behind)
            .max(u64::from(range.start) * self.segment_us)
    }

    fn start_at(&mut self, media: u64) {
        self.position = media;
        self.next = u32::try_from(media / self.segment_us).unwrap_or(u32::MAX);
        let start = u64::from(self.next) * self.segment_us;
        self.buffer = start..start;
    }

    /// Loads the next segment, if it is time.
    fn look(&mut self, now: Time, actions: &mut Vec<PlayerAction>) {
        let idle = self.pending.is_none() && !matches!(self.state, State::Dead { .. });
        let Some(range) = self.listed.clone().filter(|_| idle) else {
            return;
        };
        if self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        if self.live && self.next < range.start {
            self.fall_forward(now, actions);
        }
        if self.next >= range.end {
            return;
        }
        let shown = self.position_us(now).unwrap_or(self.position);
        let ahead = self.buffer.end.saturating_sub(shown);
        if ahead >= micros(self.spec.max_buffer) {
            let over = ahead - micros(self.spec.max_buffer) + 1_000;
            actions.push(PlayerAction::LookAt(Time(now.0 + over)));
            return;
        }
        self.request(now, actions);
    }

    fn request(&mut self, now: Time, actions: &mut Vec<PlayerAction>) {
        let load = LoadId(self.loads);
        self.loads += 1;
        self.pending = Some(Pending {
            load,
            sn: self.next,
            since: now,
        });
        actions.push(PlayerAction::Load {
            load,
            rendition: self.rendition,
            sn: self.next,
        });
    }

    /// The playlist no longer lists what is needed: on from near the edge.
    fn fall_forward(&mut self, now: Time, actions: &mut Vec<PlayerAction>) {
        self.seen.skips += 1;
        self.pause(now, true);
        self.start_at(self.starting_point());
        actions.push(PlayerAction::Moved);
    }

    fn appended(&mut self, now: Time, load: LoadId, actions: &mut Vec<PlayerAction>) {
        let Some(pending) = self.pending.take_if(|pending| pending.load == load) else {
            return;
        };
        let took = now.0 - pending.since.0;
        self.seen.longest_load_us = self.seen.longest_load_us.max(took);
        self.attempts = 0;
        if let Some(shown) = self.position_us(now) {
            let ahead = self.buffer.end.saturating_sub(shown);
            let least = self.seen.least_buffer_us.unwrap_or(u64::MAX);
            self.seen.least_buffer_us = Some(least.min(ahead));
        }
        self.buffer.end = (u64::from(pending.sn) + 1) * self.segment_us;
        self.next = pending.sn + 1;
        self.resume(now, actions);
        self.look(now, actions);
    }

    fn resume(&mut self, now: Time, actions: &mut Vec<PlayerAction>) {
        if let State::Waiting { since, stall } = self.state {
            if stall {
                self.seen.stalled_us += now.0 - since.0;
            }
            self.seen.first_frame.get_or_insert(now);
            self.state = State::Playing {
                media: self.position,
                at: now,
            };
            actions.push(PlayerAction::Moved);
        }
        if let State::Playing { media, at } = self.state {
            self.ticket += 1;
            let dry = at.0 + self.buffer.end.saturating_sub(media);
            actions.push(PlayerAction::DryAt(Time(dry), self.ticket));
        }
    }

    /// Stops the clock where it is.
    fn pause(&mut self, now: Time, stall: bool) {
        if let State::Playing { at, .. } = self.state {
            self.position = self.position_us(now).unwrap_or(self.position);
            self.seen.played_us += now.0.saturating_sub(at.0);
            self.seen.stalls += u32::from(stall);
            self.state = State::Waiting { since: now, stall };
        }
    }

    fn dry(&mut self, now: Time, ticket: u32, actions: &mut Vec<PlayerAction>) {
        if ticket != self.ticket || !self.is_playing() {
            return;
        }
        let all = self
            .listed
            .as_ref()
            .is_some_and(|range| self.next >= range.end);
        let over = all && !self.live;
        self.pause(now, !over);
        self.position = self.buffer.end;
        if over {
            self.state = State::Ended;
        }
        actions.push(PlayerAction::Moved);
    }

    fn failed(&mut self, now: Time, load: LoadId, actions: &mut Vec<PlayerAction>) {
        if self
            .pending
            .take_if(|pending| pending.load == load)
            .is_none()
        {
            return;
        }
        self.seen.failures += 1;
        if self.attempts >= self.spec.retries {
            self.pause(now, true);
            self.seen.dead = true;
            self.state = State::Dead { since: now };
            return;
        }
        let delay = micros(self.spec.retry_delay) << self.attempts.min(3);
        self.attempts += 1;
        self.retry_at = Some(Time(now.0 + delay));
        actions.push(PlayerAction::LookAt(Time(now.0 + delay)));
    }

    fn abort(&mut self, actions: &mut Vec<PlayerAction>) {
        if let Some(pending) = self.pending.take() {
            actions.push(PlayerAction::Abort(pending.load));
        }
        self.retry_at = None;
        self.attempts = 0;
    }

    fn seek(&mut self, now: Time, media: u64, actions: &mut Vec<PlayerAction>) {
        self.pause(now, false);
        if self.buffer.contains(&media) {
            self.position = media;
            self.resume(now, actions);
            return;
        }
        self.abort(actions);
        self.state = State::Waiting {
            since: now,
            stall: false,
        };
        self.start_at(media);
        actions.push(PlayerAction::Moved);
        self.look(now, actions);
    }

    fn switch(&mut self, rendition: u32, actions: &mut Vec<PlayerAction>) {
        self.abort(actions);
        self.rendition = rendition;
        actions.push(PlayerAction::Poll);
    }
}

#[cfg(test)]
mod tests;
