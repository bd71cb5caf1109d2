//! `cargo xtask demo`: build what changed, then run `swarmline demo`.

use crate::build;
use crate::process;
use crate::project::Project;
use anyhow::Result;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `swarmline demo`; `cargo xtask demo -- --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds, then becomes the demo.
///
/// # Errors
/// The build failed, or the demo could not be started.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    build::package(project)?;
    let binary = binary(project)?;
    let mut demo = Command::new(binary);
    demo.arg("demo")
        .args(&args.rest)
        .current_dir(project.root());
    become_it(demo)
}

/// Compiles the `swarmline` command and says where it is.
///
/// # Errors
/// The compiler's.
pub(crate) fn binary(project: &Project) -> Result<PathBuf> {
    process::run(&mut project.cargo(["build", "--quiet", "--package", "swarmline-cli"]))?;
    Ok(project.target(&format!("debug/swarmline{}", std::env::consts::EXE_SUFFIX)))
}

/// Replaces this process, so that Ctrl-C and signals reach the demo and nothing stands in between.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode> {
    process::run(&mut command).map(|()| ExitCode::SUCCESS)
}
