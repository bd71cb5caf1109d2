//! Node.js and npm.

use crate::process;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::process::Command;

/// The oldest Node.js release line that the scripts and tools run on.
const OLDEST: u32 = 20;

/// A command that runs Node.js.
///
/// # Errors
/// There is none, or it is too old.
pub(crate) fn node() -> Result<Command> {
    let program = std::env::var_os("NODE").unwrap_or_else(|| OsString::from("node"));
    let version = process::quiet(Command::new(&program).arg("--version"))
        .context("Node.js 20 or newer is needed (on PATH, or named by NODE)")?;
    match major(&version) {
        Some(major) if major >= OLDEST => Ok(Command::new(program)),
        _ => bail!(
            "Node.js {OLDEST} or newer is needed; this one is {}",
            version.trim()
        ),
    }
}

/// A command that runs npm.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn reads_the_release_line() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
