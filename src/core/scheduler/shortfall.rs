//! What neighbours have lately failed to bring, so that as much of the next segments is asked of the CDN at once.
//!
//! Where uplinks or time do not suffice, the CDN has to bring the rest anyway. Asked for at the point of no return,
//! it is of use to one viewer, and until then everybody waits for the same scarce leaves. Asked for at the start,
//! each viewer's part is another one, so that neighbours have something to trade from the first moment on. The
//! share is led so that a little is still missing at the end: then neighbours have given all they can.

/// Shares are in thousandths.
const ALL: u32 = 1_000;

/// So much may be missing at the point of no return.
const GOAL: u32 = 30;

/// Segments in a row of which more was missing before anything is done: one can fall short by accident.
const IN_A_ROW: usize = 4;

/// Most that is asked for at once.
const MOST: u32 = 900;

/// The share of leaves that are not worth waiting for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shortfall {
    share: u32,
    lately: [u32; IN_A_ROW],
}

impl Shortfall {
    /// So many of a segment's `leaves` were missing when there was no time left.
    pub fn measured(&mut self, missing: u32, leaves: u32) {
        let short = (u64::from(missing) * u64::from(ALL) / u64::from(leaves.max(1))) as u32;
        self.lately.rotate_left(1);
        if let Some(last) = self.lately.last_mut() {
            *last = short;
        }
        let lasting = self.lately.iter().copied().min().unwrap_or(0);
        self.share = if lasting > GOAL {
            (self.share + (lasting - GOAL) / 2).min(MOST)
        } else {
            let less = match short {
                0 => self.share / 3,
                _ if short <= GOAL => self.share / 8,
                _ => return,
            };
            self.share.saturating_sub(less.max(10))
        };
    }

    /// How many of `leaves` to ask of the CDN at once.
    pub fn of(&self, leaves: u32) -> u32 {
        leaves * self.share / ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accident_changes_nothing() {
        let mut shortfall = Shortfall::default();
        for missing in [0, 100, 100, 0, 80] {
            shortfall.measured(missing, 100);
            assert_eq!(shortfall.of(100), 0);
        }
    }

    #[test]
    fn what_is_lastingly_short_is_asked_for_up_to_a_little() {
        let mut shortfall = Shortfall::default();
        let mut asked = Vec::new();
        for _ in 0..60 {
            // 40 of 100 leaves come from nobody.
            shortfall.measured(40_u32.saturating_sub(shortfall.of(100)), 100);
            asked.push(shortfall.of(100));
        }
        let late = asked.split_off(30);
        assert!(
            late.iter().all(|asked| (25..=40).contains(asked)),
            "{late:?}"
        );
        (0..30).for_each(|_| shortfall.measured(0, 100));
        assert_eq!(shortfall.of(100), 0);
    }
}
