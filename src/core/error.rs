//! The core's errors, one enum per layer, each with a stable code for the JavaScript boundary.

use thiserror::Error;

/// Why a CDN request failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum FetchError {
    /// The CDN answered with a status other than 200 or 206.
    #[error("the CDN answered {0}")]
    Status(u16),
    /// No answer: DNS, TLS, CORS, connection lost.
    #[error("the CDN could not be reached, or the connection broke")]
    Network,
    /// The request itself could not be made.
    #[error("the request could not be made")]
    Request,
    /// A partial answer with other bytes than those asked for, or with several parts.
    #[error("the CDN answered with another byte range")]
    Range,
}

/// Why the player's request failed. Only the CDN can cause one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum LoadError {
    /// The CDN failed and no peer could help in time.
    #[error(transparent)]
    Cdn(#[from] FetchError),
    /// No byte came for as long as the limit allows.
    #[error("nothing arrived in time")]
    TimedOut,
    /// The CDN's bytes do not match the publisher's hash, twice, the second time past the cache.
    #[error("the CDN's bytes do not match the publisher's hash")]
    HashMismatch,
}

impl LoadError {
    /// Stable code at the JavaScript boundary.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cdn(FetchError::Status(_)) => "cdn-status",
            Self::Cdn(FetchError::Network) => "cdn-network",
            Self::Cdn(FetchError::Request) => "cdn-request",
            Self::Cdn(FetchError::Range) => "cdn-range",
            Self::TimedOut => "timeout",
            Self::HashMismatch => "hash-mismatch",
        }
    }

    /// HTTP status to show the player; 0 when there was none.
    pub fn status(self) -> u16 {
        match self {
            Self::Cdn(FetchError::Status(status)) => status,
            _ => 0,
        }
    }
}

/// A configuration value that is not allowed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{field}: {value} is not allowed, {allowed}")]
pub struct ConfigError {
    /// The field's name as the application writes it.
    pub field: &'static str,
    /// The value as given.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}
