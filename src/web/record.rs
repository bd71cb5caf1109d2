//! Plain JavaScript objects, and their JSON.
//!
//! The browser writes numbers and escapes text; code of ours for that would be a good part of the
//! module's size.

use js_sys::{JSON, JsString, Object, Reflect};
use wasm_bindgen::JsValue;

/// Sets a property; for fresh, extensible objects only, which cannot refuse.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

/// An object in the making.
pub(crate) struct Record(Object);

impl Record {
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    pub(crate) fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        set(&self.0, name, &value.into());
        self
    }

    /// The object as JSON; empty if the page has broken `JSON.stringify`.
    pub(crate) fn json(&self) -> JsString {
        JSON::stringify(&self.0).unwrap_or_else(|_| "".into())
    }
}
