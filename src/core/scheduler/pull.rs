//! Which leaf is asked of which peer.
//!
//! Each viewer walks the missing leaves from a different place, so that viewers waiting for the same
//! source get different leaves and trade them; near the deadline everyone walks from the front.
//! A leaf goes to the peer that is expected to deliver it first, among those with room in their pipeline.

use crate::core::ids::ConnId;
use crate::core::wire::Bitmap;

/// A peer that holds some of the segment.
#[derive(Debug)]
pub struct Holder<'a> {
    /// The peer.
    pub conn: ConnId,
    /// Which leaves it has; `None`: all.
    pub has: Option<&'a Bitmap>,
    /// How many more leaves may be outstanding there.
    pub room: usize,
    /// How many are.
    pub outstanding: usize,
    /// Expected time per leaf, in microseconds.
    pub pace: u64,
}

impl Holder<'_> {
    fn offers(&self, leaf: u32) -> bool {
        self.has.is_none_or(|bits| bits.get(leaf))
    }

    fn expected(&self) -> u64 {
        (self.outstanding as u64 + 1).saturating_mul(self.pace)
    }
}

/// Assigns `leaves`, in the given order, to `holders`. Leaves that nobody has room for are left out.
pub fn assign(leaves: impl Iterator<Item = u32>, holders: &mut [Holder<'_>]) -> Vec<(ConnId, u32)> {
    let mut asks = Vec::new();
    for leaf in leaves {
        if holders.iter().all(|holder| holder.room == 0) {
            break;
        }
        let able = holders
            .iter_mut()
            .filter(|holder| holder.room > 0 && holder.offers(leaf));
        if let Some(best) = able.min_by_key(|holder| (holder.expected(), holder.conn)) {
            best.room -= 1;
            best.outstanding += 1;
            asks.push((best.conn, leaf));
        }
    }
    asks
}

/// Whether any of `holders` has the leaf.
pub fn covered(leaf: u32, holders: &[Holder<'_>]) -> bool {
    holders.iter().any(|holder| holder.offers(leaf))
}
