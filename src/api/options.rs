//! The constructor's options: the core's configuration and the swarm's key.

use super::error::{ApiError, cap};
use crate::core::config::Config;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest options, in bytes of JSON.
const MAX_OPTIONS: usize = 64 * 1024;

/// Longest swarm key, in bytes.
const MAX_KEY: usize = 4096;

/// What the constructor needs.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) swarm_key: String,
}

impl Options {
    /// Reads them from JSON: the fields of [`Config`], and `swarmKey`. Unknown fields are refused.
    pub(super) fn parse(json: &str) -> Result<Self, ApiError> {
        cap("options", json, MAX_OPTIONS)?;
        let mut fields: Map<String, Value> = serde_json::from_str(json).map_err(unreadable)?;
        let swarm_key = match fields.remove("swarmKey") {
            Some(Value::String(key)) if !key.is_empty() && key.len() <= MAX_KEY => key,
            _ => {
                return Err(ApiError::Options(format!(
                    "swarmKey: a string of 1 to {MAX_KEY} bytes"
                )));
            }
        };
        let config = Config::deserialize(Value::Object(fields)).map_err(unreadable)?;
        Ok(Self { config, swarm_key })
    }
}

fn unreadable(error: serde_json::Error) -> ApiError {
    ApiError::Options(error.to_string())
}
