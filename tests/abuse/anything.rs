//! Anything at all, in any order.

use crate::rig::{Rig, SDP, id, latin1};
use crate::stream::WRONG;
use crate::upload::{holder, request};
use proptest::prelude::*;
use std::time::Duration;
use swarmline::core::action::Action;
use swarmline::core::engine::info_hash;
use swarmline::core::event::Event;
use swarmline::core::ids::*;
use swarmline::core::wire::{self, Bitmap, Holding, Message};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a neighbour sends, in whatever order: no panic, its connection ends once at most, and no message is answered
    /// after that.
    #[test]
    fn any_bytes_are_survived(messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..60), 0_usize..60_000, 0_u64..500), 1..200)) {
        let (mut rig, conn, segment, _) = holder();
        rig.announce(conn, 3, &segment);
        for (head, payload, ms) in messages {
            rig.now += Duration::from_millis(ms);
            rig.bytes(conn, &head, payload);
        }
        let close = rig.done.iter().position(|action| *action == Action::CloseConn { conn });
        if let Some(at) = close {
            let after = |action: &Action| matches!(action, Action::Send { conn: to, .. } | Action::CloseConn { conn: to } if *to == conn);
            prop_assert!(!rig.done[at + 1..].iter().any(after));
        }
    }

    /// Whatever a tracker passes on, in whatever order: connections are never more than are allowed, with the offers that
    /// this viewer has out.
    #[test]
    fn any_signalling_is_bounded(steps in prop::collection::vec((0_u8..6, 0_u32..40, 0_u64..3_000), 1..300)) {
        let mut rig = Rig::new();
        let (mut live, mut most) = (Vec::new(), 0);
        for (kind, n, ms) in steps {
            let conn = live.get(n as usize % live.len().max(1)).copied().unwrap_or(ConnId(n));
            rig.now += Duration::from_millis(ms);
            let from = rig.done.len();
            match kind {
                0 | 1 => drop(rig.offer(id(n), SDP)),
                2 => rig.tell(Event::AnswerCreated { conn, sdp: SDP.into() }),
                3 => rig.tell(Event::ConnOpened { conn }),
                4 => rig.tell(Event::OfferCreated { conn, sdp: SDP.into() }),
                _ => rig.text(&serde_json::json!({"action": "announce", "info_hash": latin1(&info_hash("x").0),
                    "interval": n, "complete": u64::from(n) << 30}).to_string()),
            }
            rig.attend();
            for action in &rig.done[from..] {
                match action {
                    Action::CreateOffer { conn } | Action::AcceptOffer { conn, .. } => live.push(*conn),
                    Action::CloseConn { conn } => live.retain(|other| other != conn),
                    _ => {}
                }
            }
            most = most.max(live.len());
        }
        prop_assert!(most <= 16 + 2 + 6, "{most}");
    }

    /// Well-formed messages, at random.
    #[test]
    fn any_messages_are_survived(messages in prop::collection::vec((0_u8..9, any::<u32>(), 0_u32..300, 1_u32..300), 1..300)) {
        let (mut rig, conn, segment, alias) = holder();
        rig.announce(conn, 3, &segment);
        for (kind, n, first, count) in messages {
            let alias = if n % 3 == 0 { n } else { alias };
            let hash = segment.info.hash;
            let message = match kind {
                0 => request(alias, first, count, n % 2 == 0),
                1 => Message::Cancel { alias, first, count },
                2 => Message::Reject { alias, first, count, reason: wire::RejectReason::from_byte(n as u8) },
                3 => Message::Drop { alias: n % 5 },
                4 => Message::Claim { hash, eta_ms: n },
                5 => Message::Unclaim { hash },
                6 => Message::Have { alias: n % 5, hash, short: 0, holding: Holding::Complete(if n % 4 == 0 { count } else { 200 }) },
                7 => Message::HaveMore { alias: n % 5, first, bits: Bitmap::full(count) },
                _ => Message::Leaves { alias: 3, first, hashes: vec![WRONG; count as usize] },
            };
            rig.now += Duration::from_millis(u64::from(n % 50));
            rig.say(conn, &message);
        }
        let queued: usize = rig.done.iter().filter(|action| matches!(action, Action::SendChunk { .. })).count();
        prop_assert!(queued <= 200 * 40);
    }
}
