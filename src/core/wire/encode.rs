//! Messages to bytes. Encoding cannot fail: a sender that keeps the module's limits (ranges, numbers
//! of leaves and hashes) writes what every receiver accepts.

use super::message::{Holding, Message};
use super::{CHUNK_HEADER, CHUNK_TAG, MAX_HASHES, VERSION};
use crate::core::ids::TreeHash;

/// The tag bytes, shared with the decoder.
pub(super) mod tag {
    pub(crate) const HELLO: u8 = 1;
    pub(crate) const HAVE: u8 = 2;
    pub(crate) const HAVE_MORE: u8 = 3;
    pub(crate) const DROP: u8 = 4;
    pub(crate) const CLAIM: u8 = 5;
    pub(crate) const UNCLAIM: u8 = 6;
    pub(crate) const REQUEST: u8 = 7;
    pub(crate) const CHUNK: u8 = super::CHUNK_TAG;
    pub(crate) const LEAVES: u8 = 9;
    pub(crate) const REJECT: u8 = 10;
    pub(crate) const CANCEL: u8 = 11;
    pub(crate) const PING: u8 = 12;
    pub(crate) const PONG: u8 = 13;
    pub(crate) const BYE: u8 = 14;
}

/// The header of a chunk message; the bytes of its leaves follow it.
pub fn encode_chunk_header(alias: u32, leaf: u32) -> [u8; CHUNK_HEADER] {
    let [a, b, c, d] = alias.to_be_bytes();
    let [e, f, g, h] = leaf.to_be_bytes();
    [CHUNK_TAG, a, b, c, d, e, f, g, h]
}

/// Most messages are no longer than this.
const MOST: usize = 32;

/// Bytes under construction.
struct Writer(Vec<u8>);

impl Writer {
    fn new(tag: u8) -> Self {
        let mut bytes = Vec::with_capacity(MOST);
        bytes.push(tag);
        Self(bytes)
    }
    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }
    fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend(value);
        self
    }
    fn range(self, alias: u32, first: u32, count: u32) -> Self {
        self.u32(alias).u32(first).u32(count)
    }
    fn holding(self, holding: &Holding) -> Self {
        let writer = self.u32(holding.leaves());
        match holding {
            Holding::Complete(_) => writer.u8(1),
            Holding::Partial(bitmap) => writer.u8(0).bytes(&bitmap.to_bytes()),
        }
    }
    fn hashes(self, hashes: &[TreeHash]) -> Self {
        let hashes = hashes.get(..MAX_HASHES).unwrap_or(hashes);
        let mut writer = self.u16(hashes.len() as u16);
        writer.0.reserve_exact(hashes.len() * 32);
        hashes.iter().fold(writer, |w, hash| w.bytes(&hash.0))
    }
}

impl Message {
    /// The message's bytes; of a chunk message, its header. Hashes past [`MAX_HASHES`] are left out.
    pub fn encode(&self) -> Vec<u8> {
        self.write().0
    }

    fn write(&self) -> Writer {
        let start = |tag| Writer::new(tag);
        match self {
            Self::Hello { peer, upload_kbps } => start(tag::HELLO)
                .u8(VERSION)
                .bytes(&peer.0)
                .u32(*upload_kbps),
            Self::Have {
                alias,
                hash,
                short,
                holding,
            } => start(tag::HAVE)
                .u32(*alias)
                .bytes(&hash.0)
                .u8(*short)
                .holding(holding),
            Self::HaveMore { alias, first, bits } => start(tag::HAVE_MORE)
                .range(*alias, *first, bits.size())
                .bytes(&bits.to_bytes()),
            Self::Drop { alias } => start(tag::DROP).u32(*alias),
            Self::Claim { hash, eta_ms } => start(tag::CLAIM).bytes(&hash.0).u32(*eta_ms),
            Self::Unclaim { hash } => start(tag::UNCLAIM).bytes(&hash.0),
            Self::Request {
                alias,
                first,
                count,
                want_leaves,
                urgency_ms,
                idle,
            } => start(tag::REQUEST)
                .range(*alias, *first, *count)
                .u8(u8::from(*want_leaves))
                .u16(*urgency_ms)
                .u8(*idle),
            Self::Chunk { alias, leaf } => Writer(encode_chunk_header(*alias, *leaf).to_vec()),
            Self::Leaves {
                alias,
                first,
                hashes,
            } => start(tag::LEAVES).u32(*alias).u32(*first).hashes(hashes),
            Self::Reject {
                alias,
                first,
                count,
                reason,
            } => start(tag::REJECT)
                .range(*alias, *first, *count)
                .u8(reason.to_byte()),
            Self::Cancel {
                alias,
                first,
                count,
            } => start(tag::CANCEL).range(*alias, *first, *count),
            Self::Ping { nonce } => start(tag::PING).u32(*nonce),
            Self::Pong { nonce } => start(tag::PONG).u32(*nonce),
            Self::Bye { reason } => start(tag::BYE).u8(reason.to_byte()),
        }
    }
}
