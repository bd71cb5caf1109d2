//! Integrity: from bytes to names, and from names to what a playlist says of them.
//!
//! Leaves that know nothing of each other's users: [`digest`] hashes bytes, [`merkle`]
//! combines leaf hashes into a BEP 52 pieces root, [`proof`] remembers which ones led to it, [`tag`] writes both into an HLS playlist and
//! reads them back. All are pure and the same on every target, so what `swarmline seal` writes is what a viewer
//! checks.
//!
//! Invariants: a segment's name covers exactly the bytes a player asks for; a leaf list is worth
//! something only once it matches a root of the publisher *and* has
//! [`merkle::leaf_count`] entries; nothing of a tag is believed unless all of it parses.

pub mod digest;
pub mod merkle;
pub mod proof;
pub mod tag;
