//! Who is asked for what, and when: small pure decisions that the engine strings together.
//!
//! * [`cdn`]: what the CDN can do, and so the point of no return.
//! * [`election`]: which viewers copy a segment from the CDN for the others.
//! * [`lag`]: how long news of a segment takes to get here.
//! * [`pull`]: which leaf is asked of which peer.
//! * [`shortfall`]: how much the CDN is asked for at once, where neighbours cannot bring all.
//! * [`bucket`]: the upload ceiling.
//! * [`meter`]: the rate that the player's bandwidth estimator is told.

pub mod bucket;
pub mod cdn;
pub mod election;
pub mod lag;
pub mod meter;
pub mod pull;
pub mod shortfall;
