//! Browser objects that would go on by themselves: closed on Drop, and known to the page.
//!
//! The page keeps a list of them ([`crate::web::host::Host`]'s `retain` and `release`), for after a
//! panic no destructor runs and somebody must close them.

use crate::web::host::Outbox;
use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::{AbortController, RtcPeerConnection, WebSocket};

/// An object with an end that someone must bring about.
pub trait Closable: AsRef<JsValue> {
    /// Ends it. Does no harm a second time, and never throws.
    fn shut(&self);
}

impl Closable for RtcPeerConnection {
    fn shut(&self) {
        self.close();
    }
}

impl Closable for WebSocket {
    fn shut(&self) {
        let _ = self.close();
    }
}

impl Closable for AbortController {
    fn shut(&self) {
        self.abort();
    }
}

/// Owns a [`Closable`]: retained by the page from now on, shut and released on Drop.
pub struct Retained<T: Closable> {
    object: T,
    outbox: Rc<Outbox>,
    settled: Cell<bool>,
}

impl<T: Closable> Retained<T> {
    /// Takes it over.
    pub fn new(object: T, outbox: &Rc<Outbox>) -> Self {
        outbox.retain(object.as_ref());
        Self {
            object,
            outbox: outbox.clone(),
            settled: Cell::new(false),
        }
    }

    /// It has ended by itself; there is nothing left to shut.
    pub fn settle(&self) {
        self.settled.set(true);
    }
}

impl<T: Closable> Deref for Retained<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: Closable> Drop for Retained<T> {
    fn drop(&mut self) {
        if !self.settled.get() {
            self.object.shut();
        }
        self.outbox.release(self.object.as_ref());
    }
}
