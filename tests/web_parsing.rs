//! The browser layer compiles for wasm only. What it parses by itself needs no browser, so those
//! files are taken in here and their own tests run natively.

#[path = "../src/api/base64url.rs"]
mod base64url;
#[path = "../src/web/content_range.rs"]
mod content_range;
