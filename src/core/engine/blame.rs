//! Whom to blame for a segment of several sources that has no hash but its own.

use super::Engine;
use crate::core::action::Action;
use crate::core::cache::entry::Source;
use crate::core::ids::{ConnId, SegKey, TreeHash};
use crate::core::list::List;
use crate::core::swarm::Offence;

impl Engine {
    /// Has the wrong bytes hashed before anything is written over them.
    pub(super) fn begin_inquest(
        &mut self,
        seg: SegKey,
        suspects: &[ConnId],
        out: &mut Vec<Action>,
    ) {
        let names = suspects
            .iter()
            .filter_map(|conn| {
                let here = self.swarm.peer(*conn).map(|peer| peer.id);
                Some((*conn, here.or_else(|| self.swarm.departed(*conn))?))
            })
            .list();
        let entry = self.cache.get_mut(seg);
        if let Some(inquest) = entry.and_then(|entry| entry.inquest.as_mut()) {
            inquest.names = names;
            self.hash_all(seg, out);
        }
    }

    /// Has the right bytes hashed, if there were wrong ones.
    pub(super) fn resume_inquest(&mut self, seg: SegKey, out: &mut Vec<Action>) {
        let entry = self.cache.get_mut(seg);
        let inquest = entry.and_then(|entry| entry.inquest.as_mut());
        if inquest.is_some_and(|inquest| inquest.resume()) {
            self.hash_all(seg, out);
        }
    }

    fn hash_all(&self, seg: SegKey, out: &mut Vec<Action>) {
        if let Some(len) = self.cache.get(seg).map(|entry| entry.info.bytes) {
            let (first, at) = (0, 0);
            out.push(Action::HashLeaves {
                seg,
                first,
                at,
                len,
            });
        }
    }

    /// Whether these hashes are for an inquest; who turns out to be guilty is sent away.
    pub(super) fn hold_inquest(
        &mut self,
        seg: SegKey,
        hashes: &[TreeHash],
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(entry) = self.cache.get_mut(seg) else {
            return false;
        };
        let Some(inquest) = entry.inquest.as_mut() else {
            return false;
        };
        if let Some(guilty) = inquest.hashed(hashes) {
            let names = std::mem::take(&mut inquest.names);
            entry.inquest = None;
            let of = |(conn, _): &(ConnId, _)| guilty.contains(&Source::Peer(*conn));
            for (conn, id) in names.into_iter().filter(of) {
                if self.swarm.peer(conn).is_some() {
                    self.ban(conn, Offence::BadHash, out);
                } else {
                    let new = (self.swarm).ban_absent(self.now, Some(id), Offence::BadHash);
                    self.stats.bans += u32::from(new);
                }
            }
        }
        true
    }
}
