//! Who this viewer is connected to, and how connections come about.
//!
//! * [`signalling`]: offers, answers, glare, time-outs; one [`Link`] per RTCPeerConnection.
//! * [`peer`]: what is known of a peer whose data channel is open.
//! * [`presence`]: heartbeat; a crashed peer looks connected to WebRTC for ten seconds and more.

pub mod peer;
pub mod presence;
pub mod signalling;

pub use peer::Peer;
pub use signalling::{Link, State, Swarm};
