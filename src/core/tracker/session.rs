//! One open connection to a tracker: what it has told, and what is due when.

use super::{
    MAX_INTERVAL, MAX_OFFERS, MIN_GAP, MIN_INTERVAL, NEWS_INTERVAL, Need, PATIENCE, SEEK_INTERVAL,
};
use crate::core::config::strangers::{TRACKER_BURST, TRACKER_RATE, TRACKER_UNREAD};
use crate::core::time::{Duration, Time, micros};

/// How long the first response may take before offers go out without knowing the swarm's size.
const BLIND_AFTER: Duration = Duration::from_secs(2);
/// Batches of offers that led nowhere after which the gap between them grows no more (48 s).
const MAX_MISSES: u32 = 4;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Admission {
    /// It is read.
    Read,
    /// It is the first one too many.
    Tell,
    /// It is not read.
    Skip,
    /// There have been so many that the connection is of no use.
    Leave,
}

/// State of an open connection.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Messages that will be read, and when that was reckoned; those that were not.
    budget: u32,
    budgeted: Time,
    unread: u32,
    /// When the socket opened.
    pub(super) opened: Time,
    /// Viewers in the swarm, ourselves included, if the tracker says.
    pub(super) population: Option<u32>,
    announced: Time,
    /// The oldest announce since the tracker was last heard.
    unanswered: Option<Time>,
    interval: Duration,
    /// When the last batch of offers was asked for.
    wished: Option<Time>,
    /// Batches of offers since there was reason to hope.
    misses: u32,
}

impl Session {
    /// Opened, and announced, now.
    pub(super) fn new(now: Time) -> Self {
        Self {
            budget: TRACKER_BURST,
            budgeted: now,
            unread: 0,
            opened: now,
            population: None,
            announced: now,
            unanswered: Some(now),
            interval: SEEK_INTERVAL,
            wished: None,
            misses: 0,
        }
    }

    /// Whether there were more messages than anybody could read.
    pub(super) fn is_flooding(&self) -> bool {
        self.unread > 0
    }

    /// A message came: what is to become of it.
    pub(super) fn admit(&mut self, now: Time) -> Admission {
        let new = micros(now - self.budgeted).saturating_mul(u64::from(TRACKER_RATE)) / 1_000_000;
        if new > 0 {
            self.budgeted = now;
            let sum = new.saturating_add(u64::from(self.budget));
            self.budget = sum.min(u64::from(TRACKER_BURST)) as u32;
        }
        if let Some(left) = self.budget.checked_sub(1) {
            self.budget = left;
            return Admission::Read;
        }
        self.unread += 1;
        match self.unread {
            1 => Admission::Tell,
            TRACKER_UNREAD.. => Admission::Leave,
            _ => Admission::Skip,
        }
    }

    /// An announce was sent.
    pub(super) fn announced(&mut self, now: Time) {
        self.announced = now;
        self.unanswered.get_or_insert(now);
    }

    /// Some message came.
    pub(super) fn heard(&mut self) {
        self.unanswered = None;
    }

    /// The tracker answered an announce. New viewers are a new chance for offers.
    pub(super) fn responded(&mut self, interval: Option<Duration>, population: Option<u32>) {
        if let Some(interval) = interval {
            self.interval = interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
        }
        if population > self.population {
            self.misses = 0;
        }
        self.population = population.or(self.population);
    }

    /// There is a new reason to ask.
    pub(super) fn hopeful(&mut self) {
        self.misses = 0;
    }

    /// Whether an announce has been waiting for a sign of life for too long.
    pub(super) fn is_silent(&self, now: Time) -> bool {
        self.unanswered.is_some_and(|since| now >= since + PATIENCE)
    }

    /// Whether it is time for an announce without offers.
    pub(super) fn is_due(&self, now: Time, need: Need) -> bool {
        now >= self.due(need)
    }

    fn due(&self, need: Need) -> Time {
        let patient = need.missing == 0;
        let most = if patient { MAX_INTERVAL } else { SEEK_INTERVAL };
        // An audience may be assembling: the count that a newcomer was told is soon much too low.
        let young = (self.announced - self.opened).max(NEWS_INTERVAL);
        self.announced + self.interval.min(most).min(young)
    }

    /// How many offers to ask for, if now is the time; asks once.
    pub(super) fn wish(&mut self, now: Time, need: Need) -> Option<u32> {
        let due = self.wish_due(need).is_some_and(|at| now >= at);
        due.then(|| {
            self.wished = Some(now);
            self.misses = (self.misses + 1).min(MAX_MISSES + 1);
            self.useful(need)
        })
    }

    fn wish_due(&self, need: Need) -> Option<Time> {
        if self.useful(need) == 0 {
            return None;
        }
        let informed = match self.population {
            Some(_) => self.opened,
            None => self.opened + BLIND_AFTER,
        };
        let spaced = self.wished.map(|at| at + self.gap());
        Some(spaced.map_or(informed, |at| at.max(informed)))
    }

    fn gap(&self) -> Duration {
        MIN_GAP * (1 << self.misses.saturating_sub(1).min(MAX_MISSES))
    }

    /// How many offers it takes to gain the missing peers. The tracker picks receivers at random, so
    /// that a share of the offers goes to peers we have; more offers than others are pointless.
    fn useful(&self, need: Need) -> u32 {
        let Some(population) = self.population else {
            return need.missing.min(MAX_OFFERS);
        };
        let others = population.saturating_sub(1);
        let new = others.saturating_sub(need.connected);
        let wanted = u64::from(need.missing.min(new)) * u64::from(others);
        let offers = wanted.div_ceil(u64::from(new.max(1)));
        offers.min(u64::from(MAX_OFFERS.min(others))) as u32
    }

    /// When something is due next.
    pub(super) fn next_deadline(&self, need: Need) -> Time {
        let silent = self.unanswered.map(|since| since + PATIENCE);
        let others = [silent, self.wish_due(need)];
        others.into_iter().flatten().fold(self.due(need), Time::min)
    }
}
