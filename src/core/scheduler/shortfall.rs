//! What neighbours have lately failed to bring, so that as much of the next segments is asked of the CDN at once.
//!
//! Where uplinks or time do not suffice, the CDN has to bring the rest anyway. Asked for at the point of no return,
//! it is of use to one viewer, and until then everybody waits for the same scarce leaves. Asked for at the start,
//! each viewer's part is another one, so that neighbours have something to trade from the first moment on. The
//! share is led so that a little is still missing at the end: then neighbours have given all they can.
//!
//! A viewer whose own few neighbours are the reason, as a newcomer's are, gains nothing by that: what it lacks comes to
//! others in time. So viewers tell each other what they are short of, and only where that is much is anything asked early.

/// Shares are in thousandths.
const ALL: u32 = 1_000;

/// So much may be missing at the point of no return.
const GOAL: u32 = 30;

/// Segments in a row of which more was missing before anything is done: one can fall short by accident.
const IN_A_ROW: usize = 4;

/// Most that is asked for at once.
const MOST: u32 = 900;

/// Neighbours that are short of more than this on average, in 255ths, are not so for reasons of their own.
const COMMON: u64 = 25;

/// The share of leaves that are not worth waiting for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shortfall {
    share: u32,
    lately: [u32; IN_A_ROW],
}

impl Shortfall {
    /// So many of a segment's `leaves` were missing when there was no time left; whether that [`is_common`].
    pub fn measured(&mut self, missing: u32, leaves: u32, common: bool) {
        let short = (u64::from(missing) * u64::from(ALL) / u64::from(leaves.max(1))) as u32;
        self.lately.rotate_left(1);
        if let Some(last) = self.lately.last_mut() {
            *last = short;
        }
        let lasting = self.lately.iter().copied().min().unwrap_or(0);
        self.share = if lasting > GOAL && common {
            (self.share + (lasting - GOAL) / 2).min(MOST)
        } else {
            let less = match short {
                _ if !common => self.share / 3,
                0 => self.share / 3,
                _ if short <= GOAL => self.share / 8,
                _ => return,
            };
            self.share.saturating_sub(less.max(10))
        };
    }

    /// What to tell neighbours: the part that they have lately not brought, asked for early or not, in 255ths.
    pub fn told(&self) -> u8 {
        let own = self.share + self.lately.iter().sum::<u32>() / IN_A_ROW as u32;
        (u64::from(own).min(u64::from(ALL)) * 255 / u64::from(ALL)) as u8
    }

    /// How many of `leaves` to ask of the CDN at once.
    pub fn of(&self, leaves: u32) -> u32 {
        leaves * self.share / ALL
    }
}

/// Whether what neighbours have told ([`Shortfall::told`]) means that there is not enough for all.
pub fn is_common(told: impl Iterator<Item = u8>) -> bool {
    let (short, all) = told.fold((0, 0), |(short, all), told| {
        (short + u64::from(told), all + 1)
    });
    short > all * COMMON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accident_changes_nothing() {
        let mut shortfall = Shortfall::default();
        for missing in [0, 100, 100, 0, 80] {
            shortfall.measured(missing, 100, true);
            assert_eq!(shortfall.of(100), 0);
        }
    }

    #[test]
    fn what_only_this_viewer_lacks_is_not_asked_for() {
        let mut shortfall = Shortfall::default();
        (0..20).for_each(|_| shortfall.measured(40, 100, false));
        assert_eq!((shortfall.of(100), shortfall.told()), (0, 102));
        (0..20).for_each(|_| shortfall.measured(40, 100, true));
        assert_eq!(shortfall.of(100), 90);
        (0..20).for_each(|_| shortfall.measured(40, 100, false));
        assert_eq!(shortfall.of(100), 0);
    }

    #[test]
    fn common_is_what_the_mean_neighbour_is_short_of() {
        assert!(!is_common([].into_iter()));
        assert!(!is_common([200, 0, 0, 0, 0, 0, 0, 0, 0].into_iter()));
        assert!(is_common([90, 0, 60, 0, 0].into_iter()));
    }

    #[test]
    fn what_is_lastingly_short_is_asked_for_up_to_a_little() {
        let mut shortfall = Shortfall::default();
        let mut asked = Vec::new();
        for _ in 0..60 {
            // 40 of 100 leaves come from nobody.
            shortfall.measured(40_u32.saturating_sub(shortfall.of(100)), 100, true);
            asked.push(shortfall.of(100));
        }
        let late = asked.split_off(30);
        assert!(
            late.iter().all(|asked| (25..=40).contains(asked)),
            "{late:?}"
        );
        (0..30).for_each(|_| shortfall.measured(0, 100, true));
        assert_eq!(shortfall.of(100), 0);
    }
}
