//! What happens when the core is wrong: say so, once, and never run again.
//!
//! A panic in wasm is a trap: nothing unwinds, borrows stay taken, memory may be half changed. The
//! hook tells the page just before, the page closes what it was asked to retain and goes on with
//! the plain player. Browser events that still come in find [`is_down`] and return.

use crate::web::globals::complain;
use js_sys::Function;
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsValue;

thread_local! {
    static HANDLER: RefCell<Option<Function>> = const { RefCell::new(None) };
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
    static DOWN: Cell<bool> = const { Cell::new(false) };
}

/// Installs the panic hook. Further calls do nothing.
pub fn install() {
    if !INSTALLED.replace(true) {
        std::panic::set_hook(Box::new(|info| go_down(&info.to_string())));
    }
}

/// Whom to tell; replaces the handler before.
pub fn set_handler(handler: Function) {
    HANDLER.with(|slot| slot.replace(Some(handler)));
}

/// Whether this module has panicked or given up. Nothing of it may run then.
pub fn is_down() -> bool {
    DOWN.get()
}

/// Ends this module's work as a panic would, but without the trap: for what leaves no way to go on.
pub(crate) fn go_down(message: &str) {
    if DOWN.replace(true) {
        return;
    }
    complain(
        "swarmline stopped; playback goes on without it",
        &message.into(),
    );
    let handler = HANDLER.with(|slot| slot.try_borrow().ok().and_then(|handler| handler.clone()));
    if let Some(handler) = handler
        && let Err(thrown) = handler.call1(&JsValue::UNDEFINED, &message.into())
    {
        complain("swarmline: the panic handler threw", &thrown);
    }
}
