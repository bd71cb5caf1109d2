//! Counts over everything that ran.

use super::{Check, Scope};
use anyhow::Result;
use std::process::ExitCode;
use std::time::Instant;

/// What one check came to.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Names of those that failed.
    pub(crate) failed: Vec<String>,
}

impl Outcome {
    /// A check that is one test, and passed.
    pub(crate) fn one() -> Self {
        Self {
            passed: 1,
            failed: Vec::new(),
        }
    }
}

/// The sum.
#[derive(Default)]
pub(crate) struct Report {
    passed: u64,
    failed: Vec<String>,
}

impl Report {
    /// Runs a check, shows how it went and adds it up. Says whether all of it passed.
    pub(crate) fn check(&mut self, scope: &Scope, check: &Check) -> bool {
        println!("── {}", check.name);
        let begun = Instant::now();
        let outcome = (check.run)(scope);
        let took = begun.elapsed().as_secs_f64();
        self.add(check.name, outcome, took)
    }

    /// Counts a check that could not run as a failure.
    pub(crate) fn not_run(&mut self, check: &Check, because: &str) {
        self.failed
            .push(format!("{} (not run: {because})", check.name));
    }

    /// Tests so far.
    pub(crate) fn count(&self) -> u64 {
        self.passed + self.failed.len() as u64
    }

    fn add(&mut self, name: &str, outcome: Result<Outcome>, took: f64) -> bool {
        let outcome = outcome.unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome {
                passed: 0,
                failed: vec![name.to_owned()],
            }
        });
        let verdict = if outcome.failed.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        println!("── {name}: {verdict} ({took:.1} s)\n");
        let good = outcome.failed.is_empty();
        self.passed += outcome.passed;
        self.failed.extend(outcome.failed);
        good
    }

    /// Prints the failures and the counts, which are the last line.
    pub(crate) fn finish(self) -> ExitCode {
        for name in &self.failed {
            println!("FAILED {name}");
        }
        println!("{} passed, {} failed", self.passed, self.failed.len());
        if self.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
