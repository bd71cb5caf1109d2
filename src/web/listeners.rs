//! Event listeners that leave with their owner.

use crate::web::panic::is_down;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventTarget};

/// One listener on one target; removed on Drop, also from inside its own call.
#[must_use = "the listener is removed when this is dropped"]
pub struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn Fn(Event)>,
}

impl Listener {
    /// Listens for `kind` on `target` until dropped.
    pub fn new(target: &EventTarget, kind: &'static str, on: impl Fn(Event) + 'static) -> Self {
        Self::attach(target, kind, Box::new(on))
    }

    fn attach(target: &EventTarget, kind: &'static str, on: Box<dyn Fn(Event)>) -> Self {
        let closure = Closure::<dyn Fn(Event)>::new(move |event| {
            if !is_down() {
                on(event);
            }
        });
        // Throws only for arguments of the wrong type.
        let _ = target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref());
        Self {
            target: target.clone(),
            kind,
            closure,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(self.kind, callback);
    }
}
