//! Who this viewer is connected to, and how connections come about.
//!
//! * [`signalling`]: offers, answers, glare, time-outs; one [`Link`] per RTCPeerConnection.
//! * [`peer`]: what is known of a peer whose data channel is open.
//! * `neighbours`: which of them are worth their place.
//! * [`presence`]: heartbeat; a crashed peer looks connected to WebRTC for ten seconds and more.

mod neighbours;
pub mod peer;
pub mod presence;
pub mod signalling;

pub use peer::Peer;
pub use signalling::{Link, State, Swarm};
