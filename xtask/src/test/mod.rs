//! `cargo xtask test`: every check and test there is.
//!
//! Checks run one after another and a failure stops none but those that need its result. Each check
//! is one test, but for those that run tests of their own (cargo's, the browser's), which count each.

mod e2e;
mod js;
mod libtest;
mod report;
mod rust;
mod trace;

pub(crate) use report::{Outcome, Report};

use crate::build;
use crate::lint;
use crate::project::Project;
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only checks whose name contains this (fmt, clippy, rust, trace, build, types, js, e2e …). A word that no check
    /// is named by selects cargo tests and browser scenarios by their names instead.
    #[arg(long, value_name = "FILTER")]
    only: Option<String>,
    /// Leave out the scenarios in real browsers.
    #[arg(long)]
    skip_e2e: bool,
}

/// What a check may look at.
pub(crate) struct Scope<'a> {
    /// The project.
    pub(crate) project: &'a Project,
    /// Selects tests by name inside `rust` and `e2e`.
    pub(crate) filter: Option<&'a str>,
}

/// One check.
pub(crate) struct Check {
    /// Its name on the terminal.
    pub(crate) name: &'static str,
    /// Runs it.
    pub(crate) run: fn(&Scope) -> Result<Outcome>,
}

const RUST: Check = Check {
    name: "rust",
    run: rust::run,
};
const TRACE: Check = Check {
    name: "trace",
    run: trace::run,
};
const BUILD: Check = Check {
    name: "build",
    run: build_package,
};
/// These look at what `build` made.
const ON_THE_PACKAGE: [Check; 4] = [
    Check {
        name: "size",
        run: size,
    },
    Check {
        name: "types",
        run: types,
    },
    Check {
        name: "js",
        run: js::run,
    },
    Check {
        name: "e2e",
        run: e2e::run,
    },
];

/// Runs the checks.
///
/// # Errors
/// The filter selects nothing; failures of checks are counted, not returned.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    let plan = Plan::new(args);
    let scope = Scope {
        project,
        filter: plan.filter,
    };
    let mut report = Report::default();
    for check in lint::CHECKS
        .iter()
        .chain([&RUST, &TRACE])
        .filter(|check| plan.selects(check))
    {
        report.check(&scope, check);
    }
    let rest: Vec<_> = ON_THE_PACKAGE
        .iter()
        .filter(|check| plan.selects(check))
        .collect();
    let before = report.count();
    let built = (rest.is_empty() && !plan.selects(&BUILD)) || report.check(&scope, &BUILD);
    for check in rest {
        if built {
            report.check(&scope, check);
        } else {
            report.not_run(check, "the build failed");
        }
    }
    match plan.filter {
        // The build alone is no test that anyone asked for.
        Some(word) if before == 0 && report.count() == 1 => {
            bail!("no test's name contains {word:?}")
        }
        _ => Ok(report.finish()),
    }
}

struct Plan<'a> {
    names: Option<&'a str>,
    filter: Option<&'a str>,
    skip_e2e: bool,
}

impl<'a> Plan<'a> {
    fn new(args: &'a Args) -> Self {
        let only = args.only.as_deref();
        let all = || {
            lint::CHECKS
                .iter()
                .chain([&RUST, &TRACE, &BUILD])
                .chain(&ON_THE_PACKAGE)
        };
        let names_a_check = only.is_some_and(|word| all().any(|check| check.name.contains(word)));
        Self {
            names: only.filter(|_| names_a_check),
            filter: only.filter(|_| !names_a_check),
            skip_e2e: args.skip_e2e,
        }
    }

    fn selects(&self, check: &Check) -> bool {
        if self.skip_e2e && check.name == "e2e" {
            return false;
        }
        match (self.names, self.filter) {
            (Some(word), _) => check.name.contains(word),
            (None, Some(_)) => ["rust", "js", "e2e"].contains(&check.name),
            (None, None) => true,
        }
    }
}

fn build_package(scope: &Scope) -> Result<Outcome> {
    build::package(scope.project)?;
    Ok(Outcome::one())
}

/// What a page downloads, against the budget.
fn size(scope: &Scope) -> Result<Outcome> {
    build::check_size(scope.project)?;
    Ok(Outcome::one())
}

/// The declarations of the package, as an application's compiler sees them.
fn types(scope: &Scope) -> Result<Outcome> {
    for project in [
        "types-test/tsconfig.json",
        "types-test/tsconfig.hls-1.5.json",
    ] {
        build::tsc(scope.project, &["--project", project])?;
    }
    Ok(Outcome {
        passed: 2,
        failed: Vec::new(),
    })
}
