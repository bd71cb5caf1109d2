//! Messages between the data channel and the core: what is copied into wasm memory and what is not.

use crate::core::ids::ConnId;
use crate::core::wire::{CHUNK_HEADER, CHUNK_TAG, MAX_MESSAGE};
use crate::web::buffers::allocate;
use crate::web::inbox::Input;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageEvent;

/// Reads a message. Text, and what is longer than the protocol allows, is not copied: it becomes an empty message,
/// which breaks the protocol just as well, so that the engine knows whom to keep away.
pub(super) fn read(conn: ConnId, event: &MessageEvent) -> Input {
    let message = match event.data().dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Uint8Array::new(&buffer),
        Err(_) => Uint8Array::new_with_length(0),
    };
    let len = message.length() as usize;
    if len > MAX_MESSAGE {
        return whole(conn, &Uint8Array::new_with_length(0));
    }
    if len > 0 && message.get_index(0) == CHUNK_TAG {
        split(conn, &message)
    } else {
        whole(conn, &message)
    }
}

fn whole(conn: ConnId, message: &Uint8Array) -> Input {
    Input::Message {
        conn,
        head: message.to_vec(),
        payload: None,
    }
}

fn split(conn: ConnId, message: &Uint8Array) -> Input {
    let len = message.length();
    let cut = len.min(CHUNK_HEADER as u32);
    Input::Message {
        conn,
        head: message.subarray(0, cut).to_vec(),
        payload: Some(message.subarray(cut, len)),
    }
}

/// A message made of a header and media bytes, without a detour through wasm memory.
pub(super) fn join(head: &[u8], media: &Uint8Array) -> Result<Uint8Array, JsValue> {
    let cut = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let len = cut.saturating_add(media.length());
    let message = allocate(len).map_err(|_| JsValue::UNDEFINED)?;
    message.subarray(0, cut).copy_from(head);
    message.set(media, cut);
    Ok(message)
}
