//! Who this viewer is connected to, and how connections come about.
//!
//! * [`signalling`]: offers, answers, glare, time-outs; one [`Link`] per RTCPeerConnection.
//! * [`peer`]: what is known of a peer whose data channel is open.
//! * `neighbours`: which of them are worth their place.
//! * [`bans`]: whom it keeps away; [`allowance`]: how much a neighbour may send; [`sdp`]: what a stranger may offer.
//! * [`presence`]: heartbeat; a crashed peer looks connected to WebRTC for ten seconds and more.

pub mod allowance;
pub mod bans;
mod neighbours;
pub mod peer;
pub mod presence;
pub mod sdp;
pub mod signalling;

pub use bans::Offence;
pub use peer::Peer;
pub use signalling::{Link, Refusal, State, Swarm};
