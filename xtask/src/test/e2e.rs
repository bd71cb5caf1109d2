//! Real players in a real browser: `tests/e2e/run.mjs` with everything it needs handed over by
//! environment variables.

use super::{Outcome, Scope};
use crate::demo;
use crate::tools;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// Runs the scenarios.
///
/// # Errors
/// Chromium, Firefox, ffmpeg or the demo server is missing; the runner ended without a report.
pub(crate) fn run(scope: &Scope) -> Result<Outcome> {
    let project = scope.project;
    let report = project.scratch("e2e-report.json");
    let _ = fs::remove_file(&report);
    let mut node = tools::node()?;
    node.arg(project.path("tests/e2e/run.mjs"))
        .current_dir(project.root())
        .env("SWARMLINE_DEMO", demo::binary(project)?)
        .env("SWARMLINE_REPORT", &report)
        .env("CHROMIUM", tools::chromium()?)
        .env("FIREFOX", tools::firefox()?)
        .env("FFMPEG", tools::ffmpeg()?);
    if let Some(filter) = scope.filter {
        node.args(["--only", filter]);
    }
    let status = node.status().context("cannot start node")?;
    let text = fs::read_to_string(&report)
        .with_context(|| format!("the runner ended ({status}) without a report"))?;
    read(&text)
}

fn read(text: &str) -> Result<Outcome> {
    let report: Value = serde_json::from_str(text).context("the runner's report is unreadable")?;
    let names = |key: &str| -> Option<Vec<String>> {
        report
            .get(key)?
            .as_array()?
            .iter()
            .map(|name| name.as_str().map(|name| format!("e2e: {name}")))
            .collect()
    };
    let passed = names("passed").context("the report lists no passed scenarios")?;
    let failed = names("failed").context("the report lists no failed scenarios")?;
    Ok(Outcome {
        passed: passed.len() as u64,
        failed,
    })
}
