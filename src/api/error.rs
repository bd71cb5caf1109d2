//! Errors as JavaScript sees them.

use crate::core::error::ConfigError;
use crate::web::record::set;
use js_sys::Error;
use thiserror::Error as ThisError;
use wasm_bindgen::JsValue;

/// Why a call was refused.
#[derive(Debug, ThisError)]
pub(super) enum ApiError {
    /// A field's value is not allowed, or the field is unknown.
    #[error("{what}: {field}: {value} is not allowed, {allowed}")]
    Field {
        /// Of which argument.
        what: &'static str,
        /// The field's name as the page writes it.
        field: String,
        /// The value as given, perhaps cut short.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// An argument is not the JSON of an object.
    #[error("{0}: no JSON object")]
    Unreadable(&'static str),
    /// An argument is longer than its limit in UTF-16 units.
    #[error("{what}: {len} characters, at most {most} are read")]
    TooLong {
        /// Which argument.
        what: &'static str,
        /// Its length.
        len: u32,
        /// Its limit.
        most: u32,
    },
    /// The browser has no random numbers.
    #[error("crypto.getRandomValues is missing")]
    NoRandom,
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        Self::Field {
            what: OPTIONS,
            field: error.field.to_owned(),
            value: error.value,
            allowed: error.allowed,
        }
    }
}

/// The argument whose errors have a code of their own.
pub(super) const OPTIONS: &str = "options";

impl ApiError {
    /// Stable code of the JavaScript error.
    fn code(&self) -> &'static str {
        match self {
            Self::NoRandom => "no-random",
            Self::Field { what, .. } | Self::Unreadable(what) | Self::TooLong { what, .. } => {
                if *what == OPTIONS {
                    "bad-option"
                } else {
                    "bad-argument"
                }
            }
        }
    }
}

impl From<ApiError> for JsValue {
    fn from(error: ApiError) -> Self {
        let js = Error::new(&error.to_string());
        set(&js, "code", &error.code().into());
        if let ApiError::Field {
            field,
            value,
            allowed,
            ..
        } = error
        {
            set(&js, "field", &field.into());
            set(&js, "value", &value.into());
            set(&js, "allowed", &allowed.into());
        }
        js.into()
    }
}
