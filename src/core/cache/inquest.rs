//! Whose bytes were wrong, where only the whole segment has a hash.
//!
//! When a segment of several sources does not match, nothing tells which of them lied. So the hashes of its leaves
//! are kept together with who sent each, and compared with those of the right bytes, once these are here. Until then nobody is
//! blamed.

use super::entry::Source;
use crate::core::ids::{ConnId, PeerId, TreeHash};
use crate::core::list::List;

#[derive(Clone, Debug)]
enum Stage {
    /// The wrong bytes are being hashed.
    Hashing,
    /// Their hashes are known; the right bytes are not here yet.
    Waiting(Vec<TreeHash>),
    /// The right bytes are being hashed.
    Comparing(Vec<TreeHash>),
}

/// One segment that did not match.
#[derive(Clone, Debug)]
pub struct Inquest {
    /// Who sent each leaf.
    sources: Vec<Source>,
    /// The peers among them by name: they may leave meanwhile.
    pub names: Vec<(ConnId, PeerId)>,
    stage: Stage,
}

impl Inquest {
    /// Begins: the buffer with the wrong bytes is to be hashed, leaf by leaf.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            sources,
            names: Vec::new(),
            stage: Stage::Hashing,
        }
    }

    /// The right bytes are here. True: they are to be hashed, leaf by leaf, as well.
    pub fn resume(&mut self) -> bool {
        let Stage::Waiting(wrong) = &mut self.stage else {
            return false;
        };
        self.stage = Stage::Comparing(std::mem::take(wrong));
        true
    }

    /// Leaf hashes are known. The sources of those that were wrong, once that can be said.
    pub fn hashed(&mut self, hashes: &[TreeHash]) -> Option<Vec<Source>> {
        match &mut self.stage {
            Stage::Hashing => {
                self.stage = Stage::Waiting(hashes.to_vec());
                None
            }
            Stage::Waiting(_) => None,
            Stage::Comparing(wrong) => {
                let all = self.sources.iter().zip(wrong.iter().zip(hashes));
                let guilty = all.filter(|(_, (was, is))| was != is);
                let mut guilty: Vec<Source> = guilty.map(|(source, _)| *source).list();
                crate::core::sorted::sort(&mut guilty);
                guilty.dedup();
                Some(guilty)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(n: u8) -> TreeHash {
        TreeHash([n; 32])
    }

    fn peer(n: u32) -> Source {
        Source::Peer(ConnId(n))
    }

    #[test]
    fn nothing_is_said_before_the_right_bytes_are_known() {
        let mut inquest = Inquest::new(vec![peer(1), peer(2)]);
        assert!(!inquest.resume(), "the wrong bytes are not hashed yet");
        assert_eq!(inquest.hashed(&[hash(1), hash(9)]), None);
        assert_eq!(
            inquest.hashed(&[hash(1), hash(2)]),
            None,
            "nobody asked for these"
        );
        assert!(inquest.resume() && !inquest.resume());
        assert_eq!(inquest.hashed(&[hash(1), hash(2)]), Some(vec![peer(2)]));
    }

    proptest! {
        /// Exactly those who sent a wrong leaf, whoever sent the others.
        #[test]
        fn blame_is_right(leaves in prop::collection::vec((0_u32..6, any::<bool>()), 1..60)) {
            let sources: Vec<Source> = leaves.iter().map(|(who, _)| match who {
                0 => Source::Cdn(0),
                who => peer(*who),
            }).collect();
            let right: Vec<TreeHash> = (0..leaves.len() as u8).map(hash).collect();
            let sent: Vec<TreeHash> = right.iter().zip(&leaves).map(|(right, (_, bad))| {
                if *bad { hash(255) } else { *right }
            }).collect();
            let mut inquest = Inquest::new(sources.clone());
            inquest.hashed(&sent);
            prop_assert!(inquest.resume());
            let guilty = inquest.hashed(&right).unwrap();
            for source in sources.iter() {
                let lied = sources.iter().zip(&leaves).any(|(s, (_, bad))| s == source && *bad);
                prop_assert_eq!(guilty.contains(source), lied);
            }
        }
    }
}
