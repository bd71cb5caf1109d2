//! The peer protocol, version 1: what two viewers say to each other over one ordered, reliable data
//! channel. This text is normative; the code below it is one implementation.
//!
//! # Framing
//! One data-channel message carries one protocol message: a tag byte, then that type's fields in the
//! order given, with nothing after them. Integers are unsigned and **big-endian**. No message of any
//! type, known or not, is longer than [`MAX_MESSAGE`] bytes. A receiver
//! * skips a message whose tag it does not know, which leaves room for additions to this version;
//! * treats everything else that breaks a rule below as a violation, and ends the connection.
//!
//! | tag | type | fields |
//! |---|---|---|
//! | 1 | Hello | `version` u8, `peer` 20 bytes, `upload_kbps` u32 |
//! | 2 | Have | `alias` u32, `hash` 32 bytes, `short` u8, `leaves` u32, `form` u8, for form 0 a bitmap |
//! | 3 | HaveMore | `alias` u32, `first` u32, `count` u32, a bitmap of `count` leaves |
//! | 4 | Drop | `alias` u32 |
//! | 5 | Claim | `hash` 32 bytes, `eta_ms` u32 |
//! | 6 | Unclaim | `hash` 32 bytes |
//! | 7 | Request | `alias` u32, `first` u32, `count` u32, `want_leaves` u8, `urgency_ms` u16, `idle` u8 |
//! | 8 | Chunk | `alias` u32, `leaf` u32, then the bytes of 1 to [`MAX_CHUNK_LEAVES`] leaves |
//! | 9 | Leaves | `alias` u32, `first` u32, `count` u16, `count` × 32 bytes |
//! | 10 | Reject | `alias` u32, `first` u32, `count` u32, `reason` u8 |
//! | 11 | Cancel | `alias` u32, `first` u32, `count` u32 |
//! | 12 | Ping | `nonce` u32 |
//! | 13 | Pong | `nonce` u32 |
//! | 14 | Bye | `reason` u8 |
//!
//! # Leaves and ranges
//! A segment is cut into leaves of [`LEAF`] bytes, the last one shorter; the
//! leaves are those of its BEP 52 tree. A segment has 1 to [`MAX_LEAVES`] leaves. A range is `first`
//! and `count`, with `count` > 0 and `first + count` ≤ [`MAX_LEAVES`]; a `leaf` index is below
//! [`MAX_LEAVES`]. That a range lies inside its own segment is checked by who knows the segment.
//!
//! # Opening
//! Hello is the first message in each direction and is sent once. Its version byte keeps its place in
//! every version; a receiver reads it first and refuses any value but its own, whatever follows.
//! `peer` is the sender's identity at the tracker. `upload_kbps` is what the sender is willing to
//! upload, in kbit/s over all of its peers; 0: it answers no Request.
//!
//! # Aliases
//! A holder names a segment once, in Have, by a number of its own choosing; all later messages about
//! *the holder's copy* use that number, whichever side sends them. So in HaveMore, Drop, Chunk, Leaves
//! and Reject the alias is the sender's, and in Request and Cancel it is the receiver's. An alias ends
//! with Drop and is not used again on that connection. No more than [`MAX_ALIASES`] are alive per
//! direction: when one more is announced, the lowest is as good as dropped. Messages may cross: a Request or Cancel for an alias just dropped, and whatever was on
//! its way when a Cancel was sent, are no violations.
//!
//! # Holding
//! Have says what the holder can hand over now. `form` is 1 for all leaves (no bitmap follows), 0 for
//! a bitmap of ⌈`leaves` / 8⌉ bytes: leaf 0 is the highest bit of the first byte, spare bits are zero.
//! HaveMore adds the leaves whose bits are set, counted from `first`. Only verified leaves are announced: those proven by the segment's root, or
//! the whole segment once its SHA-256 matched. Claim says that the sender fetches a segment from the
//! CDN and expects it whole in about `eta_ms`, so that others may wait for it instead of fetching it
//! too; Unclaim takes that back. A claim promises nothing. `short` is which part of the last segments of that rendition
//! neighbours failed to bring the holder in time, in 255ths: what is missing everywhere is better asked of the CDN early.
//!
//! # Transfer
//! Request asks for a range of leaves; `want_leaves` (0 or 1) asks for their hashes as well.
//! `urgency_ms` is how soon the requester needs the range ([`NO_HURRY`] = 65535: no matter when);
//! `idle` is which part of its upload ceiling the requester had no use for in the last seconds, in
//! 255ths: holders serve first who can pass on more. The answer is Chunks, each with exactly the bytes of one or
//! of several adjacent leaves, or Reject for whatever part is not going to be sent. With `want_leaves`, the Leaves covering a range come before its
//! chunks, at most [`MAX_HASHES`] per message, `count` > 0. Leaf hashes are claims like any other
//! and count only once they lead to the publisher's root. Cancel withdraws a range that was requested.
//!
//! Chunk and Leaves may also come unasked for a segment whose Claim or Have the receiver has seen;
//! a receiver that has no use for them drops them.
//!
//! # Liveness and parting
//! Ping is answered by Pong with the same `nonce`, at once. Bye is the last message of its sender.
//! Reasons a receiver does not know, in Reject and Bye, read as unspecified (0): see [`RejectReason`]
//! and [`ByeReason`].

mod bitmap;
mod decode;
mod encode;
mod error;
mod message;
mod reader;
mod reason;
#[cfg(test)]
mod tests;

pub use bitmap::{Bitmap, Runs};
pub use decode::decode;
pub use encode::encode_chunk_header;
pub use error::WireError;
pub use message::{Holding, Message};
pub use reason::{ByeReason, RejectReason};

pub use crate::core::config::CHUNK_HEADER;

use crate::core::config::LEAF;

/// The protocol version this code speaks, and the only one.
pub const VERSION: u8 = 1;

/// First byte of a chunk message.
pub const CHUNK_TAG: u8 = 8;

/// Most leaves a segment may have: 256 MiB.
pub const MAX_LEAVES: u32 = 16_384;

/// Most hashes in one Leaves message.
pub const MAX_HASHES: usize = 512;

/// Most segments of one side that are alive on a connection: bounds what a peer can make us remember.
pub use crate::core::config::strangers::MAX_HOLDINGS as MAX_ALIASES;

/// Most leaves in one chunk message. With its header it stays below 64 KiB, what a data channel takes
/// whose other end did not say more (RFC 8841, section 6.1).
pub const MAX_CHUNK_LEAVES: usize = 3;

/// Longest message in bytes: a full chunk message.
pub const MAX_MESSAGE: usize = CHUNK_HEADER + MAX_CHUNK_LEAVES * LEAF as usize;

/// [`Message::Request::urgency_ms`] of a request that may be served whenever there is time.
pub const NO_HURRY: u16 = u16::MAX;

const _: () = assert!(11 + 32 * MAX_HASHES <= MAX_MESSAGE && MAX_MESSAGE <= 64 * 1024);
const _: () = assert!(MAX_LEAVES as u64 * LEAF as u64 == 256 << 20);
