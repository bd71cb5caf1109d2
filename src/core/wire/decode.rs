//! Bytes to messages. Whatever a peer sends ends in a message, a skip or a [`WireError`]; never in
//! a panic, and never in an allocation larger than the message itself.

use super::encode::tag;
use super::reader::Reader;
use super::{ByeReason, MAX_MESSAGE, Message, RejectReason, VERSION, WireError};
use crate::core::ids::PeerId;

/// Reads one message; of a chunk message, its header alone. `None`: a type that is unknown here, to
/// be skipped.
///
/// # Errors
/// The message breaks the protocol: the connection should end.
pub fn decode(head: &[u8]) -> Result<Option<Message>, WireError> {
    if head.len() > MAX_MESSAGE {
        return Err(WireError::TooLong);
    }
    let mut reader = Reader::new(head);
    let tag = reader.u8()?;
    let Some(message) = fields(tag, &mut reader)? else {
        return Ok(None);
    };
    reader.end()?;
    Ok(Some(message))
}

fn fields(tag: u8, r: &mut Reader<'_>) -> Result<Option<Message>, WireError> {
    let message = match tag {
        tag::HELLO => hello(r)?,
        tag::HAVE | tag::HAVE_MORE | tag::DROP | tag::CLAIM | tag::UNCLAIM => holding(tag, r)?,
        tag::REQUEST | tag::CHUNK | tag::LEAVES | tag::REJECT | tag::CANCEL => transfer(tag, r)?,
        tag::PING => Message::Ping { nonce: r.u32()? },
        tag::PONG => Message::Pong { nonce: r.u32()? },
        tag::BYE => Message::Bye {
            reason: ByeReason::from_byte(r.u8()?),
        },
        _ => return Ok(None),
    };
    Ok(Some(message))
}

/// The version comes first: what follows it is another version's own affair.
fn hello(r: &mut Reader<'_>) -> Result<Message, WireError> {
    match r.u8()? {
        VERSION => Ok(Message::Hello {
            peer: PeerId(r.array()?),
            upload_kbps: r.u32()?,
        }),
        other => Err(WireError::Version(other)),
    }
}

fn holding(tag: u8, r: &mut Reader<'_>) -> Result<Message, WireError> {
    Ok(match tag {
        tag::CLAIM => Message::Claim {
            hash: r.segment()?,
            eta_ms: r.u32()?,
        },
        tag::UNCLAIM => Message::Unclaim { hash: r.segment()? },
        tag::HAVE => Message::Have {
            alias: r.u32()?,
            hash: r.segment()?,
            short: r.u8()?,
            holding: r.holding()?,
        },
        tag::HAVE_MORE => {
            let (alias, (first, bits)) = (r.u32()?, r.window()?);
            Message::HaveMore { alias, first, bits }
        }
        _ => Message::Drop { alias: r.u32()? },
    })
}

fn transfer(tag: u8, r: &mut Reader<'_>) -> Result<Message, WireError> {
    let alias = r.u32()?;
    if tag == tag::CHUNK {
        return r.leaf().map(|leaf| Message::Chunk { alias, leaf });
    }
    if tag == tag::LEAVES {
        let (first, hashes) = r.hashes()?;
        return Ok(Message::Leaves {
            alias,
            first,
            hashes,
        });
    }
    let (first, count) = r.range()?;
    Ok(match tag {
        tag::REQUEST => Message::Request {
            alias,
            first,
            count,
            want_leaves: r.flag()?,
            urgency_ms: r.u16()?,
            idle: r.u8()?,
        },
        tag::REJECT => Message::Reject {
            alias,
            first,
            count,
            reason: RejectReason::from_byte(r.u8()?),
        },
        _ => Message::Cancel {
            alias,
            first,
            count,
        },
    })
}
