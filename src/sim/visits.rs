//! Who comes when, and stays for how long.
//!
//! An audience is a number of seats. Whoever sits down stays for an exponentially distributed time; then
//! another viewer takes the seat, so that the audience keeps its size. Waves add seats while
//! they last (a kick-off), exits empty seats for good (a final whistle, a power cut). All of it is drawn from the
//! seed and the seat's number before the run, so that a run and its twin meet the same visits.

use crate::core::time::{Duration, Time, micros};
use crate::sim::chance::{Purpose, exponential, happens, stream};
use crate::sim::scenario::Departure;
use std::ops::Range;

/// How an audience comes and goes.
#[derive(Clone, Debug)]
pub struct Visits {
    /// The first audience arrives at random within this span. Default: 20 s.
    pub assemble: Duration,
    /// Mean viewing time; `None`: nobody leaves by himself. Default: 30 minutes.
    pub mean_stay: Option<Duration>,
    /// Of those who leave, this share (per million) vanishes without a goodbye. Default: 500,000, since
    /// phones lock and tabs are killed about as often as they are closed.
    pub vanish_per_million: u32,
    /// Crowds that come besides. Default: none.
    pub waves: Vec<Wave>,
    /// Crowds that leave and are not replaced. Default: none.
    pub exits: Vec<Exit>,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            assemble: Duration::from_secs(20),
            mean_stay: Some(Duration::from_secs(30 * 60)),
            vanish_per_million: 500_000,
            waves: Vec::new(),
            exits: Vec::new(),
        }
    }
}

/// So many viewers arrive at random in this span of virtual time.
#[derive(Clone, Debug)]
pub struct Wave {
    /// When.
    pub during: Range<Time>,
    /// How many.
    pub viewers: u32,
}

/// A share of all who are there leaves at random in this span of virtual time.
#[derive(Clone, Debug)]
pub struct Exit {
    /// When; an empty span means at that moment.
    pub during: Range<Time>,
    /// Share of the seats, per million.
    pub per_million: u32,
    /// Of these, the share (per million) that vanishes without a goodbye.
    pub vanish_per_million: u32,
}

/// One viewer's arrival and departure, the latter if before the end of the run.
pub type Visit = (Time, Option<(Time, Departure)>);

impl Visits {
    /// Every visit that begins before `end`: first those of all seats, then those of whoever follows on a seat.
    pub fn draw(&self, seed: u64, viewers: u32, end: Time) -> Vec<Visit> {
        let mut arrivals: Vec<Range<Time>> = Vec::new();
        let first = Time(0)..Time(0) + self.assemble;
        arrivals.extend((0..viewers).map(|_| first.clone()));
        for wave in &self.waves {
            arrivals.extend((0..wave.viewers).map(|_| wave.during.clone()));
        }
        let mut visits = Vec::with_capacity(arrivals.len());
        let mut followers = Vec::new();
        for (seat, span) in (0_u64..).zip(&arrivals) {
            let mut rng = stream(seed, Purpose::Arrival, &[seat]);
            let mut all = self.seat(&mut rng, span, end);
            visits.push(all.next().unwrap_or((span.start, None)));
            followers.extend(all);
        }
        visits.append(&mut followers);
        visits
    }

    /// The visits of one seat.
    fn seat<'a>(
        &'a self,
        rng: &'a mut fastrand::Rng,
        span: &Range<Time>,
        end: Time,
    ) -> impl Iterator<Item = Visit> + 'a {
        let start = Time(within(rng, span));
        let emptied = self.emptied(rng, start);
        let mut next = Some(start);
        std::iter::from_fn(move || {
            let arrives = next.filter(|at| *at < end)?;
            let stay = self.mean_stay.map(|mean| exponential(rng, micros(mean)));
            let own = stay.map(|stay| Time(arrives.0.saturating_add(stay)));
            let departure = match (own, emptied) {
                (Some(own), Some((at, _))) if own < at => Some(own),
                (Some(own), None) => Some(own),
                _ => None,
            };
            next = departure;
            let leaves = match departure {
                Some(at) => Some((at, how(rng, self.vanish_per_million))),
                None => emptied,
            };
            Some((arrives, leaves.filter(|(at, _)| *at < end)))
        })
    }

    /// When and how this seat is emptied for good.
    fn emptied(&self, rng: &mut fastrand::Rng, from: Time) -> Option<(Time, Departure)> {
        let hits = self.exits.iter().filter_map(|exit| {
            let hit = happens(rng, exit.per_million);
            let at = Time(within(rng, &exit.during));
            let how = how(rng, exit.vanish_per_million);
            (hit && at > from).then_some((at, how))
        });
        hits.min_by_key(|(at, _)| *at)
    }
}

fn within(rng: &mut fastrand::Rng, span: &Range<Time>) -> u64 {
    rng.u64(span.start.0..=span.end.0.max(span.start.0))
}

fn how(rng: &mut fastrand::Rng, vanish_per_million: u32) -> Departure {
    if happens(rng, vanish_per_million) {
        Departure::Vanish
    } else {
        Departure::Bye
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn there(visits: &[Visit], at: Time) -> usize {
        visits
            .iter()
            .filter(|(from, to)| *from <= at && to.is_none_or(|(to, _)| at < to))
            .count()
    }

    #[test]
    fn an_audience_keeps_its_size_while_viewers_come_and_go() {
        let visits = Visits {
            mean_stay: Some(Duration::from_secs(60)),
            ..Visits::default()
        };
        let all = visits.draw(1, 1_000, Time(100 * SECOND));
        for second in [25, 50, 99] {
            assert_eq!(there(&all, Time(second * SECOND)), 1_000);
        }
        // 1,000 seats for about 90 s each at one change a minute.
        assert!((2_300..2_700).contains(&all.len()), "{}", all.len());
        let left = all.iter().filter_map(|(_, leaves)| *leaves);
        let vanished = left.filter(|(_, how)| *how == Departure::Vanish).count();
        assert!((650..850).contains(&vanished), "{vanished}");
    }

    #[test]
    fn waves_fill_and_exits_empty_seats_for_good() {
        let span = |from: u64, to: u64| Time(from * SECOND)..Time(to * SECOND);
        let visits = Visits {
            waves: vec![Wave {
                during: span(30, 40),
                viewers: 900,
            }],
            exits: vec![Exit {
                during: span(60, 70),
                per_million: 900_000,
                vanish_per_million: 0,
            }],
            ..Visits::default()
        };
        let all = visits.draw(1, 100, Time(100 * SECOND));
        assert_eq!(there(&all, Time(29 * SECOND)), 100);
        assert_eq!(there(&all, Time(50 * SECOND)), 1_000);
        let rest = there(&all, Time(80 * SECOND));
        assert!((70..130).contains(&rest), "{rest}");
    }
}
