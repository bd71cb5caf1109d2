//! The whole engine, with any events, against a model of what it has promised.
//!
//! The bytes are a [`script`]: a header that chooses stream and configuration, then steps of six bytes each. A step
//! is something that may happen to a viewer ([`steps`], [`strangers`], [`sources`]): the player asks, a playlist comes,
//! the CDN answers rightly or wrongly, strangers say anything, hashes are ready, time passes or jumps. [`host`] tells
//! the engine and keeps, by itself, what a host knows: buffers with the truth about their bytes (the
//! simulator's), loads, requests, connections, sockets. [`promises`] looks at every action before it is carried out:
//!
//! * nothing is delivered, announced or uploaded that is not the publisher's and was not shown to be;
//! * peers are asked only for what they said they have, of segments that the publisher named;
//! * the CDN is asked only for bytes of such segments, a few requests at a time;
//! * nobody is sent away for wrong bytes or hashes but who sent some, nor is the CDN taken for one who did;
//! * every load is answered exactly once, unless it was taken back, and fails only where the CDN did;
//! * buffers, peers, requests, actions, channels and the upload stay within their limits;
//! * sockets and connections are opened once, used while they are open, and closed once;
//! * the next deadline lies ahead, and waking again and again without anything to do is not asked for;
//! * the same events lead a second engine to the same actions.
//!
//! In the end the CDN answers everything rightly, and whoever still waits must get an answer.

mod choices;
mod host;
mod ledger;
mod promises;
mod script;
mod sources;
mod steps;
mod stories;
mod strangers;
mod strangers_say;

use std::collections::BTreeSet;

pub(crate) use stories::stories;

/// Runs a script, and tells in a word each what came about.
pub(crate) fn run(bytes: &[u8]) -> BTreeSet<&'static str> {
    let (choices, steps) = script::read(bytes);
    let Some(mut host) = host::Host::new(&choices) else {
        return BTreeSet::new();
    };
    for step in steps {
        host.step(&step);
    }
    host.end();
    host.reached
}
