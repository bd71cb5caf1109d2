//! How a peer's message can be wrong. Every variant ends the connection.

use thiserror::Error;

/// A message that breaks the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum WireError {
    /// The peer speaks another version of the protocol.
    #[error("protocol version {0} is not spoken here")]
    Version(u8),
    /// The message ends before its fields do, or is empty.
    #[error("the message ends too early")]
    Truncated,
    /// Bytes follow the last field.
    #[error("bytes follow the message's end")]
    Trailing,
    /// Longer than [`super::MAX_MESSAGE`].
    #[error("the message is longer than allowed")]
    TooLong,
    /// An empty range, or one past [`super::MAX_LEAVES`].
    #[error("the range of leaves is empty or too large")]
    Range,
    /// A segment with no leaf, or more than [`super::MAX_LEAVES`].
    #[error("the number of leaves is not allowed")]
    Leaves,
    /// A bitmap with spare bits set.
    #[error("the bitmap does not fit its segment")]
    Bitmap,
    /// No hash in a Leaves message, or more than [`super::MAX_HASHES`].
    #[error("the number of hashes is not allowed")]
    Hashes,
    /// A flag or form byte that is neither 0 nor 1.
    #[error("a flag is neither 0 nor 1")]
    Flag,
}
