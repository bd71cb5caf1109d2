//! Segment bytes, owned by JavaScript.
//!
//! Nobody outside ever gets a segment's buffer itself: the player gets a copy it may detach, a peer
//! gets a copy in its message, and the digests are taken from what the browser copies on its own.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;

/// Why a buffer could not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BufferError {
    /// The browser has no memory left.
    OutOfMemory,
    /// The range is not inside the buffer or the payload.
    OutOfRange,
}

#[wasm_bindgen]
extern "C" {
    /// The same class as [`Uint8Array`], with what may throw declared so.
    #[wasm_bindgen(js_name = Uint8Array)]
    type Memory;

    #[wasm_bindgen(constructor, catch, js_class = "Uint8Array")]
    fn allocate(bytes: u32) -> Result<Memory, JsValue>;

    #[wasm_bindgen(method, catch, js_class = "Uint8Array")]
    fn slice(this: &Memory, from: u32, to: u32) -> Result<Uint8Array, JsValue>;
}

/// A new JS-owned array of zeros.
///
/// # Errors
/// [`BufferError::OutOfMemory`].
pub fn allocate(bytes: u32) -> Result<Uint8Array, BufferError> {
    let memory = Memory::allocate(bytes).map_err(|_| BufferError::OutOfMemory)?;
    Ok(memory.unchecked_into())
}

/// A JS-owned copy.
///
/// # Errors
/// [`BufferError::OutOfMemory`].
pub fn copy(bytes: &Uint8Array) -> Result<Uint8Array, BufferError> {
    let memory: &Memory = bytes.unchecked_ref();
    memory
        .slice(0, bytes.length())
        .map_err(|_| BufferError::OutOfMemory)
}

/// A part of an array, not a copy.
///
/// # Errors
/// [`BufferError::OutOfRange`].
pub fn part(bytes: &Uint8Array, at: u32, len: u32) -> Result<Uint8Array, BufferError> {
    // Checked first: `subarray` throws on a detached buffer, whose length reads as 0.
    check(bytes, at, len)?;
    Ok(bytes.subarray(at, at.saturating_add(len)))
}

fn check(bytes: &Uint8Array, at: u32, len: u32) -> Result<(), BufferError> {
    match at.checked_add(len) {
        Some(end) if end <= bytes.length() => Ok(()),
        _ => Err(BufferError::OutOfRange),
    }
}

/// One segment's bytes.
pub struct Buffer(Uint8Array);

impl Buffer {
    /// A buffer of zeros.
    ///
    /// # Errors
    /// [`BufferError::OutOfMemory`].
    pub fn allocate(bytes: u32) -> Result<Self, BufferError> {
        allocate(bytes).map(Self)
    }

    /// All of it, not a copy.
    pub fn whole(&self) -> &Uint8Array {
        &self.0
    }

    /// A part of it, not a copy.
    ///
    /// # Errors
    /// [`BufferError::OutOfRange`].
    pub fn view(&self, at: u32, len: u32) -> Result<Uint8Array, BufferError> {
        part(&self.0, at, len)
    }

    /// Copies bytes into it, within JavaScript.
    ///
    /// # Errors
    /// [`BufferError::OutOfRange`].
    pub fn write(&self, at: u32, bytes: &Uint8Array) -> Result<(), BufferError> {
        check(&self.0, at, bytes.length())?;
        self.0.set(bytes, at);
        Ok(())
    }

    /// A fresh copy for the player.
    ///
    /// # Errors
    /// [`BufferError::OutOfMemory`].
    pub fn copy(&self) -> Result<ArrayBuffer, BufferError> {
        Ok(copy(&self.0)?.buffer())
    }
}
