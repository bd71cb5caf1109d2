//! A segment that is being got: who waits for it, and what has been tried.

use crate::core::error::FetchError;
use crate::core::ids::{ConnId, FetchId, LoadId};
use crate::core::time::{Duration, Time};
use crate::core::wire::Bitmap;

/// The effort to get one segment.
#[derive(Debug)]
pub(super) struct Get {
    /// The player's requests that wait for it; none: it is got ahead of the player.
    pub(super) loads: Vec<LoadId>,
    /// Since when this viewer has known that it exists.
    pub(super) known: Time,
    /// Whether some neighbour has told of it since.
    pub(super) seen: bool,
    /// Since when some missing leaf has had nobody to come from.
    pub(super) uncovered: Option<Time>,
    /// How long this viewer waits for its turn, and when that was found.
    pub(super) wait: Option<(Time, Duration)>,
    /// This viewer's share of the jitter: how much before the common point of no return it acts.
    pub(super) jitter: Duration,
    /// CDN requests under way.
    pub(super) fetches: Vec<FetchId>,
    /// Leaves asked of neighbours and not here yet.
    pub(super) asked: Bitmap,
    /// Whether the CDN is asked for all of the resource, whatever is missing: byte ranges did not work.
    pub(super) asks_whole: bool,
    /// Whether it is asked past every cache: a body ended too soon, and may do so again.
    pub(super) asks_fresh: bool,
    /// How often the CDN failed in a row.
    pub(super) failures: u32,
    /// Since when it failed with nothing left to play.
    pub(super) dry: Option<Time>,
    /// Not before this is the CDN asked again.
    pub(super) retry_at: Time,
    /// The latest failure.
    pub(super) error: Option<FetchError>,
    /// Whether the point of no return has passed with leaves missing.
    pub(super) rescued: bool,
    /// When the CDN is asked for what neighbours were about to bring then, and have not.
    pub(super) second_call: Option<Time>,
    /// Leaves that were missing then, and not asked for.
    pub(super) short: u32,
    /// Leaves that the CDN was asked for from the start, because neighbours do not suffice; the requests go on.
    pub(super) early: Option<Bitmap>,
    /// Where this viewer begins to walk the missing leaves.
    pub(super) rotation: u32,
    /// The one neighbour that nobody vouches for whose bytes this segment takes, where only the whole has a hash.
    pub(super) tries: Option<ConnId>,
    /// Whether neighbours were told that this viewer fetches it.
    pub(super) claimed: bool,
    /// When the player's counters were last refreshed.
    pub(super) progressed: Time,
}

impl Get {
    pub(super) fn new(now: Time, leaves: u32, jitter: Duration, rotation: u32) -> Self {
        Self {
            loads: Vec::new(),
            known: now,
            seen: false,
            uncovered: None,
            wait: None,
            jitter,
            fetches: Vec::new(),
            asked: Bitmap::new(leaves),
            asks_whole: false,
            asks_fresh: false,
            failures: 0,
            dry: None,
            retry_at: now,
            error: None,
            rescued: false,
            second_call: None,
            short: 0,
            early: None,
            rotation: rotation.checked_rem(leaves).unwrap_or(0),
            tries: None,
            claimed: false,
            progressed: now,
        }
    }

    /// Whether the player waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.loads.is_empty()
    }
}
