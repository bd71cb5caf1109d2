//! `cargo xtask build`: the npm package, from Rust and TypeScript to `js/dist`.
//!
//! cargo → `wasm-bindgen` (as a library, the version of Cargo.lock) → `wasm-opt`; then `esbuild` joins
//! the modules of each entry, and the TypeScript compiler checks them and writes the declarations. The
//! bindings stay a module of their own, which is imported only when it is wanted.

mod names;
mod packages;
mod size;
mod typescript;
mod wasm;

pub(crate) use packages::install;
pub(crate) use size::check as check_size;
pub(crate) use typescript::tsc;
pub(crate) use wasm::{ensure_target as ensure_wasm_target, selftest, selftest_as_shipped};

use crate::project::Project;
use anyhow::Result;
use std::time::Instant;

/// Builds what changed.
///
/// # Errors
/// A step failed.
pub(crate) fn package(project: &Project) -> Result<()> {
    let begun = Instant::now();
    println!("build");
    packages::install(project, "js")?;
    wasm::build(project)?;
    typescript::build(project)?;
    println!("  built in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
