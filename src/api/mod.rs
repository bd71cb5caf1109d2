//! The thin wasm-bindgen surface.
