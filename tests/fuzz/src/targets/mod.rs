//! Drivers of what reads one thing.

pub(crate) mod boxes;
pub(crate) mod headers;
pub(crate) mod list;
pub(crate) mod mpd;
pub(crate) mod playlist;
pub(crate) mod tag;
pub(crate) mod tracker;
pub(crate) mod wire;
