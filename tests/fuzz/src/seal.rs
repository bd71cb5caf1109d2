//! The sealer's sources that only read and write text.

#[path = "../../../cli/src/seal/mpd/mod.rs"]
pub(crate) mod mpd;
#[path = "../../../cli/src/seal/playlist/mod.rs"]
pub(crate) mod playlist;
#[path = "../../../cli/src/seal/wait.rs"]
pub(crate) mod wait;
