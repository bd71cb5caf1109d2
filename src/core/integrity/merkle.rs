//! The BEP 52 hash tree over the 16 KiB leaves of one segment.
//!
//! A leaf hash is SHA-256 of the leaf's bytes; the last leaf may be short and is not padded. The
//! row of leaf hashes is filled with zero hashes up to the next power of two, and each parent is
//! SHA-256 of its two children. A segment of one leaf has its leaf hash as root. This is the
//! "pieces root" of a file in a BitTorrent v2 torrent, and can be checked with any such tool.
//!
//! Invariant: the root fixes the leaf hashes only together with their number, because a list that
//! ends in zero hashes has the same root as one without them. Check
//! [`leaf_count`] before [`verify_leaves`].

use crate::core::config::LEAF;
use crate::core::ids::TreeHash;
use sha2::{Digest, Sha256};

const ZERO: TreeHash = TreeHash([0; 32]);

/// How many leaves a segment of `bytes` bytes has. An empty segment has none.
pub fn leaf_count(bytes: u32) -> u32 {
    bytes.div_ceil(LEAF)
}

/// Where leaf `leaf` lies in a segment of `bytes` bytes: its first byte and its length. A leaf past
/// the end has length 0.
pub fn leaf_range(bytes: u32, leaf: u32) -> (u32, u32) {
    let at = leaf.saturating_mul(LEAF).min(bytes);
    (at, (bytes - at).min(LEAF))
}

/// The pieces root over all leaf hashes of a segment, first leaf first. Of no leaves: the zero hash,
/// which no segment has.
pub fn pieces_root(leaves: &[TreeHash]) -> TreeHash {
    let mut row = leaves.to_vec();
    // A row's missing right end is all zero leaves; one hash per row stands for any number of them.
    let mut padding = ZERO;
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| {
                parent(
                    pair.first().unwrap_or(&padding),
                    pair.get(1).unwrap_or(&padding),
                )
            })
            .collect();
        padding = parent(&padding, &padding);
    }
    row.first().copied().unwrap_or(ZERO)
}

/// Whether these leaf hashes make this root. The caller has checked that there are as many as
/// [`leaf_count`] says; an empty list never verifies.
pub fn verify_leaves(root: TreeHash, leaves: &[TreeHash]) -> bool {
    !leaves.is_empty() && pieces_root(leaves) == root
}

fn parent(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut hash = Sha256::new();
    hash.update(left.0);
    hash.update(right.0);
    TreeHash(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word: fill up to a power of two, then split in halves.
    fn by_definition(leaves: &[TreeHash]) -> TreeHash {
        fn node(row: &[TreeHash]) -> TreeHash {
            if row.len() == 1 {
                return row[0];
            }
            let (left, right) = row.split_at(row.len() / 2);
            parent(&node(left), &node(right))
        }
        let mut row = leaves.to_vec();
        row.resize(leaves.len().next_power_of_two(), ZERO);
        node(&row)
    }

    fn leaves() -> impl Strategy<Value = Vec<TreeHash>> {
        prop::collection::vec(any::<[u8; 32]>().prop_map(TreeHash), 1..80)
    }

    proptest! {
        #[test]
        fn root_matches_the_definition(leaves in leaves()) {
            prop_assert_eq!(pieces_root(&leaves), by_definition(&leaves));
            prop_assert!(verify_leaves(by_definition(&leaves), &leaves));
        }

        #[test]
        fn one_changed_bit_changes_the_root(leaves in leaves(), at in any::<prop::sample::Index>(), bit in 0usize..256) {
            let root = pieces_root(&leaves);
            let mut bad = leaves.clone();
            bad[at.index(leaves.len())].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_leaves(root, &bad));
        }

        #[test]
        fn ranges_tile_the_segment(bytes in 0u32..40 * LEAF) {
            let mut next = 0;
            for leaf in 0..leaf_count(bytes) {
                let (at, len) = leaf_range(bytes, leaf);
                prop_assert_eq!(at, next);
                prop_assert!(len > 0 && len <= LEAF);
                next += len;
            }
            prop_assert_eq!(next, bytes);
            prop_assert_eq!(leaf_range(bytes, leaf_count(bytes)).1, 0);
        }
    }

    #[test]
    fn the_largest_segment_does_not_overflow() {
        assert_eq!(leaf_count(u32::MAX), 1 << 18);
        assert_eq!(
            leaf_range(u32::MAX, (1 << 18) - 1),
            (u32::MAX - (LEAF - 1), LEAF - 1)
        );
        assert_eq!(leaf_range(u32::MAX, u32::MAX), (u32::MAX, 0));
    }

    #[test]
    fn no_leaves_never_verify() {
        assert!(!verify_leaves(pieces_root(&[]), &[]));
    }
}
