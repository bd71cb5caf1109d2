//! Panics, as far as the page has to do with them.

use crate::web::panic::{install, set_handler};
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// Sets whom to tell when this module panics. It is called just before the trap, with the message;
/// it must not call into this module, and should close everything it was asked to retain.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(
    #[wasm_bindgen(unchecked_param_type = "(message: string) => void")] handler: Function,
) {
    install();
    set_handler(handler);
}

/// Panics for real, to test what a page does then.
#[wasm_bindgen(js_name = forcePanic)]
#[expect(clippy::panic, reason = "it is what this is for")]
pub fn force_panic() {
    install();
    panic!("forced by the page");
}
