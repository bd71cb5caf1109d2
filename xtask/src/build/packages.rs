//! npm's packages, exactly as a folder's `package-lock.json` lists them.

use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use crate::tools;
use anyhow::Result;

/// Runs `npm ci` in a folder when its lock file has changed. No package's install script runs.
///
/// # Errors
/// Node.js is missing or too old; npm failed.
pub(crate) fn install(project: &Project, folder: &str) -> Result<()> {
    tools::node()?;
    let path = |name: &str| project.path(&format!("{folder}/{name}"));
    Step {
        name: &format!("npm-{folder}"),
        inputs: vec![path("package.json"), path("package-lock.json")],
        settings: String::new(),
        // npm's own record of what it installed stands for the 200 MB beside it.
        outputs: vec![path("node_modules/.package-lock.json")],
    }
    .run(project, || {
        let mut npm = tools::npm();
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(project.path(folder));
        process::quiet(&mut npm).map(drop)
    })
}
