//! Errors as JavaScript sees them.

use crate::core::error::ConfigError;
use crate::web::record::set;
use js_sys::Error;
use wasm_bindgen::JsValue;

/// Why a call was refused: a JavaScript error with a stable code. It is made where the fault is found, and is as small as a
/// reference from there on.
pub(super) struct ApiError(JsValue);

/// The argument whose errors have a code of their own.
pub(super) const OPTIONS: &str = "options";

impl ApiError {
    /// A field's value is not allowed, or the field is unknown. `what`: of which argument; `field`: its name as the page
    /// writes it; `value`: as given, perhaps cut short.
    pub(super) fn field(what: &str, field: &str, value: &str, allowed: &str) -> Self {
        let message = format!("{what}: {field}: {value} is not allowed, {allowed}");
        let error = Self::of(what, &message);
        set(&error.0, "field", &field.into());
        set(&error.0, "value", &value.into());
        set(&error.0, "allowed", &allowed.into());
        error
    }

    /// An argument is not the JSON of an object.
    pub(super) fn unreadable(what: &str) -> Self {
        Self::of(what, &format!("{what}: no JSON object"))
    }

    /// An argument is longer than its limit in UTF-16 units.
    pub(super) fn too_long(what: &str, len: u32, most: u32) -> Self {
        let message = format!("{what}: {len} characters, at most {most} are read");
        Self::of(what, &message)
    }

    /// The browser has no random numbers.
    pub(super) fn no_random() -> Self {
        Self::new("no-random", "crypto.getRandomValues is missing")
    }

    fn of(what: &str, message: &str) -> Self {
        let code = if what == OPTIONS {
            "bad-option"
        } else {
            "bad-argument"
        };
        Self::new(code, message)
    }

    fn new(code: &str, message: &str) -> Self {
        let error = Error::new(message);
        set(&error, "code", &code.into());
        Self(error.into())
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        Self::field(OPTIONS, error.field, &error.value, error.allowed)
    }
}

impl From<ApiError> for JsValue {
    fn from(error: ApiError) -> Self {
        error.0
    }
}
