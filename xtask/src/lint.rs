//! Formatting, clippy and rustdoc: the same checks for `lint` and for `test`.

use crate::build;
use crate::process;
use crate::project::Project;
use crate::test::{Check, Outcome, Report, Scope};
use anyhow::Result;
use std::process::ExitCode;

/// The checks, in the order in which a mistake shows fastest.
pub(crate) const CHECKS: [Check; 5] = [
    Check {
        name: "fmt",
        run: fmt,
    },
    Check {
        name: "clippy",
        run: clippy,
    },
    Check {
        name: "clippy-wasm",
        run: clippy_wasm,
    },
    Check {
        name: "rustdoc",
        run: rustdoc,
    },
    Check {
        name: "rustdoc-wasm",
        run: rustdoc_wasm,
    },
];

/// Runs all checks.
///
/// # Errors
/// None of its own.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let scope = Scope {
        project,
        filter: None,
    };
    let mut report = Report::default();
    for check in &CHECKS {
        report.check(&scope, check);
    }
    Ok(report.finish())
}

const WASM: [&str; 6] = [
    "--package",
    "swarmline",
    "--lib",
    "--features=selftest",
    "--target",
    "wasm32-unknown-unknown",
];

/// A module's essay may name its private parts: the documentation is built with them.
const RUSTDOC_FLAGS: &str = "-D warnings -A rustdoc::private-intra-doc-links";

/// What is private has readers too: those who change it.
const DOCUMENTED: [&str; 2] = ["--no-deps", "--document-private-items"];

fn fmt(scope: &Scope) -> Result<Outcome> {
    process::run(&mut scope.project.cargo(["fmt", "--all", "--check"]))?;
    Ok(Outcome::one())
}

fn clippy(scope: &Scope) -> Result<Outcome> {
    let mut cargo = scope
        .project
        .cargo(["clippy", "--quiet", "--workspace", "--all-targets"]);
    process::run(cargo.args(["--", "-D", "warnings"]))?;
    Ok(Outcome::one())
}

fn clippy_wasm(scope: &Scope) -> Result<Outcome> {
    build::ensure_wasm_target(scope.project)?;
    let mut cargo = scope.project.cargo(["clippy", "--quiet"]);
    process::run(cargo.args(WASM).args(["--", "-D", "warnings"]))?;
    Ok(Outcome::one())
}

fn rustdoc(scope: &Scope) -> Result<Outcome> {
    let mut cargo = scope.project.cargo(["doc", "--quiet", "--workspace"]);
    process::run(cargo.args(DOCUMENTED).env("RUSTDOCFLAGS", RUSTDOC_FLAGS))?;
    Ok(Outcome::one())
}

/// `web` and `api` exist on this target only.
fn rustdoc_wasm(scope: &Scope) -> Result<Outcome> {
    build::ensure_wasm_target(scope.project)?;
    let mut cargo = scope.project.cargo(["doc", "--quiet"]);
    cargo.args(WASM).args(DOCUMENTED);
    process::run(cargo.env("RUSTDOCFLAGS", RUSTDOC_FLAGS))?;
    Ok(Outcome::one())
}
