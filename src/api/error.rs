//! Errors as JavaScript sees them.

use crate::core::error::ConfigError;
use js_sys::{Error, Reflect};
use thiserror::Error as ThisError;
use wasm_bindgen::JsValue;

/// Why a call was refused.
#[derive(Debug, ThisError)]
pub(super) enum ApiError {
    /// An option's value is not allowed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The options cannot be read.
    #[error("options: {0}")]
    Options(String),
    /// An argument cannot be read.
    #[error("{what}: {why}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An argument is longer than its limit in bytes.
    #[error("{what}: {len} bytes, at most {most} are read")]
    TooLong {
        /// Which argument.
        what: &'static str,
        /// Its length.
        len: usize,
        /// Its limit.
        most: usize,
    },
    /// The browser has no random numbers.
    #[error("crypto.getRandomValues is missing")]
    NoRandom,
}

impl ApiError {
    /// Stable code of the JavaScript error.
    fn code(&self) -> &'static str {
        match self {
            Self::Config(_) | Self::Options(_) => "bad-option",
            Self::Argument { .. } | Self::TooLong { .. } => "bad-argument",
            Self::NoRandom => "no-random",
        }
    }
}

impl From<ApiError> for JsValue {
    fn from(error: ApiError) -> Self {
        let js = Error::new(&error.to_string());
        set(&js, "code", error.code());
        if let ApiError::Config(config) = &error {
            set(&js, "field", config.field);
            set(&js, "value", &config.value);
            set(&js, "allowed", config.allowed);
        }
        js.into()
    }
}

fn set(error: &Error, name: &str, value: &str) {
    // A fresh, extensible object: it cannot be refused.
    let _ = Reflect::set(error, &name.into(), &value.into());
}

/// Refuses an argument longer than `most` bytes.
pub(super) fn cap(what: &'static str, text: &str, most: usize) -> Result<(), ApiError> {
    match text.len() {
        len if len > most => Err(ApiError::TooLong { what, len, most }),
        _ => Ok(()),
    }
}
