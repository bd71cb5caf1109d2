//! A WebTorrent tracker: introduces the viewers of one swarm to each other.
//!
//! Speaks what bittorrent-tracker's server speaks: JSON over a WebSocket, ids as strings of 20
//! characters U+0000 to U+00FF. A peer *announces* itself to a swarm (`info_hash`) together with
//! WebRTC offers; each offer is handed to a different, randomly chosen other peer of the swarm, and
//! its answer back to the one who offered. Nothing that peers say to each other is looked into.
//!
//! Invariants: a peer is in a swarm only while its socket is open; messages, offers, peers, swarms
//! and queues have caps; what cannot be read is answered with a `failure reason`.

mod message;
mod socket;
mod swarms;

pub(super) use socket::connect;

use crate::demo::faults::Faults;
use crate::demo::server::Stop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use swarms::{SocketId, Swarms};
use tokio::sync::watch;

/// The tracker, shared by its sockets.
pub(super) struct Tracker {
    swarms: Mutex<Swarms>,
    next_socket: AtomicU64,
    faults: watch::Receiver<Faults>,
    stop: Stop,
}

impl Tracker {
    /// A tracker that knows nobody. It closes its sockets when `faults` say that it is down, and at `stop`.
    pub(super) fn new(faults: watch::Receiver<Faults>, stop: Stop) -> Self {
        Self {
            swarms: Mutex::default(),
            next_socket: AtomicU64::new(0),
            faults,
            stop,
        }
    }

    /// Peers over all swarms.
    pub(super) fn peers(&self) -> usize {
        self.swarms().peers()
    }

    fn is_down(&self) -> bool {
        self.faults.borrow().tracker_down
    }

    fn swarms(&self) -> MutexGuard<'_, Swarms> {
        self.swarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_socket(&self) -> SocketId {
        SocketId(self.next_socket.fetch_add(1, Ordering::Relaxed))
    }
}
