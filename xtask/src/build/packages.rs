//! npm's packages, exactly as `js/package-lock.json` lists them.

use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use crate::tools;
use anyhow::Result;

/// Runs `npm ci` when the lock file has changed. No package's install script runs.
///
/// # Errors
/// Node.js is missing or too old; npm failed.
pub(crate) fn install(project: &Project) -> Result<()> {
    tools::node()?;
    Step {
        name: "npm",
        inputs: vec![
            project.path("js/package.json"),
            project.path("js/package-lock.json"),
        ],
        settings: String::new(),
        // npm's own record of what it installed stands for the 200 MB beside it.
        outputs: vec![project.path("js/node_modules/.package-lock.json")],
    }
    .run(project, || {
        let mut npm = tools::npm();
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(project.path("js"));
        process::quiet(&mut npm).map(drop)
    })
}
