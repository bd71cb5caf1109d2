//! Leaf hashes that led to a publisher's root, kept once for all who share a segment's description.
//!
//! Whoever has them has 2.5 KB for every 77 leaves, and a viewer keeps a dozen segments. Where many engines run in one
//! process, as in the simulator, that is most of their memory. A root fixes its leaf hashes, so it
//! does not matter who proved them first; and who has not got them yet does not get them from here.

use crate::core::ids::TreeHash;
use crate::core::integrity::merkle;
use std::sync::{Arc, OnceLock};

/// The leaf hashes under one root, once somebody has proved them.
#[derive(Clone, Debug, Default)]
pub struct Proof(Arc<OnceLock<Arc<[TreeHash]>>>);

/// What is known of a segment's hashes does not make it another segment.
impl PartialEq for Proof {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Proof {
    /// These leaf hashes, if they lead to the root. The caller has checked that there are as many as
    /// [`merkle::leaf_count`] says.
    pub fn check(&self, root: TreeHash, leaves: &[TreeHash]) -> Option<Arc<[TreeHash]>> {
        if let Some(known) = self.0.get().filter(|known| ***known == *leaves) {
            return Some(known.clone());
        }
        merkle::verify_leaves(root, leaves).then(|| self.0.get_or_init(|| leaves.into()).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_to_the_root_is_proved_and_then_shared() {
        let leaves: Vec<TreeHash> = (0..5).map(|n| TreeHash([n; 32])).collect();
        let root = merkle::pieces_root(&leaves);
        let mut wrong = leaves.clone();
        wrong.swap(0, 1);
        let proof = Proof::default();
        assert!(proof.check(root, &wrong).is_none());
        let first = proof.check(root, &leaves).unwrap();
        assert!(proof.clone().check(root, &wrong).is_none());
        assert!(Arc::ptr_eq(
            &first,
            &proof.clone().check(root, &leaves).unwrap()
        ));
    }
}
