//! The global scope, of a window or of a worker alike, as far as web-sys ties it to one of them.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::{Crypto, Performance};

#[wasm_bindgen]
extern "C" {
    /// `globalThis`.
    pub type Scope;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn performance(this: &Scope) -> Option<Performance>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn crypto(this: &Scope) -> Option<Crypto>;

    #[wasm_bindgen(catch, js_name = fetch)]
    pub(crate) fn fetch(request: &JsValue) -> Result<Promise, JsValue>;
}

/// The scope this module runs in.
pub fn scope() -> Scope {
    js_sys::global().unchecked_into()
}

/// Reports a fault of this library or of the page's callbacks, where developers look.
pub(crate) fn complain(what: &str, value: &JsValue) {
    web_sys::console::error_2(&JsValue::from_str(what), value);
}
