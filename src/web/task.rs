//! What comes later: of a promise, or in a microtask of its own.
//!
//! Promises with a callback, and no `async`: its state machines were a twentieth of the wasm. Whoever may go before its
//! promise does hands in a weak reference.

use crate::web::panic::is_down;
use js_sys::Promise;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A [`Promise`], for callbacks that free themselves.
    type Pending;

    #[wasm_bindgen(method)]
    fn then(this: &Pending, resolved: &JsValue, rejected: &JsValue) -> Pending;
}

type Then = Box<dyn FnOnce(Result<JsValue, JsValue>)>;

/// Calls `then` with what a promise comes to.
pub(crate) fn when(promise: &Promise, then: impl FnOnce(Result<JsValue, JsValue>) + 'static) {
    attach(promise, Box::new(then));
}

/// Calls `then` in a microtask of its own.
pub(crate) fn soon(then: impl FnOnce() + 'static) {
    when(&Promise::resolve(&JsValue::UNDEFINED), move |_| then());
}

fn attach(promise: &Promise, then: Then) {
    let then = Rc::new(Cell::new(Some(then)));
    let other = then.clone();
    let resolved = Closure::once_into_js(move |value| settle(&then, Ok(value)));
    let rejected = Closure::once_into_js(move |reason| settle(&other, Err(reason)));
    promise
        .unchecked_ref::<Pending>()
        .then(&resolved, &rejected);
}

fn settle(then: &Cell<Option<Then>>, result: Result<JsValue, JsValue>) {
    let then = then.take();
    if is_down() {
        // Borrows may be taken for good; destructors would trap on them.
        std::mem::forget(then);
    } else if let Some(then) = then {
        then(result);
    }
}
