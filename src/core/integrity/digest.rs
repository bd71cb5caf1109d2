//! SHA-256 of bytes in memory, native and in wasm where `crypto.subtle` is missing.
//!
//! [`Hasher`] computes a segment's name and its pieces root in one pass over bytes that come in
//! pieces of any size; it keeps 32 bytes for each 16 KiB seen and nothing of the bytes themselves.
//!
//! Invariant: how the bytes were cut into pieces never shows in the result.

use crate::core::config::LEAF;
use crate::core::ids::{SegmentHash, TreeHash};
use crate::core::integrity::merkle::pieces_root;
use sha2::{Digest, Sha256};

/// Everything a publisher says of a segment's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digests {
    /// SHA-256 of all the bytes.
    pub hash: SegmentHash,
    /// BEP 52 pieces root over their 16 KiB leaves. Zero for no bytes.
    pub root: TreeHash,
    /// How many bytes.
    pub bytes: u64,
}

impl Digests {
    /// Of a segment that is in memory.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// SHA-256 of a whole segment.
pub fn hash_segment(bytes: &[u8]) -> SegmentHash {
    SegmentHash(Sha256::digest(bytes).into())
}

/// SHA-256 of one leaf.
pub fn hash_leaf(bytes: &[u8]) -> TreeHash {
    TreeHash(Sha256::digest(bytes).into())
}

/// Hashes a segment that comes piece by piece.
#[derive(Clone, Default)]
pub struct Hasher {
    whole: Sha256,
    leaf: Sha256,
    leaf_len: usize,
    leaves: Vec<TreeHash>,
    bytes: u64,
}

impl Hasher {
    /// Takes the next bytes. Large pieces are faster; 64 KiB is large enough.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = LEAF as usize - self.leaf_len;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            // Both hashes over the same leaf while it is in the processor's cache.
            self.whole.update(now);
            self.leaf.update(now);
            self.leaf_len += now.len();
            self.bytes += now.len() as u64;
            if self.leaf_len == LEAF as usize {
                self.end_leaf();
            }
            bytes = later;
        }
    }

    /// The result over all bytes taken.
    pub fn finish(self) -> Digests {
        self.finish_with_leaves().0
    }

    /// The result, and the leaf hashes behind its root, first leaf first.
    pub fn finish_with_leaves(mut self) -> (Digests, Vec<TreeHash>) {
        if self.leaf_len > 0 {
            self.end_leaf();
        }
        let digests = Digests {
            hash: SegmentHash(self.whole.finalize().into()),
            root: pieces_root(&self.leaves),
            bytes: self.bytes,
        };
        (digests, self.leaves)
    }

    fn end_leaf(&mut self) {
        self.leaves
            .push(TreeHash(self.leaf.finalize_reset().into()));
        self.leaf_len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    /// Sizes, SHA-256 and pieces root of `sample`. Not computed by this crate: derived with
    /// Python's hashlib from BEP 52's words (pad the leaf row to a power of two, then recurse on halves).
    const VECTORS: &[(usize, &str, &str)] = &[
        (
            1,
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ),
        (
            16384,
            "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c",
            "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c",
        ),
        (
            16385,
            "ba4f9b37402df1e3ad948a794ab43a9ed887d63e3a389c208ca4314fdd5add58",
            "9d7887c65d577a0237fb3c0998b87b3a62762d03796889a2caea01db914ccbb8",
        ),
        (
            49157,
            "b5b694110391320d55bb58dd37d57f01af93b65ce88b02c509ae4c54fa1376c3",
            "4be4cf030e4a5aadb5045abee9adbc1486d339a1d34fb4ee0632e6c767e02885",
        ),
        (
            81920,
            "2302a0805fdc671658230dccc47913927f5ae4a809a65f76e4313426ba9ec920",
            "ecc31c9c67d9c7b8c7f2540df72208ac59a0dc2f7b2477b26638db313a245ca4",
        ),
        (
            147455,
            "90ed5a5276466a79e983c1cf7b64832d77bf7e7f36943ae587c3a88657b222d3",
            "704238973baff1ff5d21be9d8b69ed8320b01ea762569783700017d1f1bf2028",
        ),
    ];

    #[test]
    fn matches_independent_vectors() {
        for &(len, hash, root) in VECTORS {
            let got = Digests::of(&sample(len));
            assert_eq!(got.hash.to_string(), hash, "SHA-256 of {len} bytes");
            assert_eq!(got.root.to_string(), root, "root of {len} bytes");
            assert_eq!(got.bytes, len as u64);
        }
    }

    #[test]
    fn leaves_are_the_hashes_of_the_ranges() {
        let data = sample(2 * LEAF as usize + 77);
        let mut hasher = Hasher::default();
        hasher.update(&data);
        let (digests, leaves) = hasher.finish_with_leaves();
        let expected: Vec<_> = data.chunks(LEAF as usize).map(hash_leaf).collect();
        assert_eq!(leaves, expected);
        assert_eq!(digests.hash, hash_segment(&data));
    }

    proptest! {
        #[test]
        fn cuts_do_not_show(len in 0usize..4 * LEAF as usize, cuts in prop::collection::vec(1usize..40_000, 0..12)) {
            let data = sample(len);
            let mut hasher = Hasher::default();
            let mut rest = data.as_slice();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                hasher.update(now);
                rest = later;
            }
            hasher.update(rest);
            prop_assert_eq!(hasher.finish(), Digests::of(&data));
        }
    }
}
