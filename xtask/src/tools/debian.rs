//! Packages of a Debian system, where this process may install them.

use crate::process;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// Installs a package on Debian (or a system made from it) as root; says whether it did.
///
/// # Errors
/// apt-get failed.
pub(crate) fn install(package: &str) -> Result<bool> {
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        return Ok(false);
    }
    println!("  {package} is missing: installing it by apt-get");
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::quiet(apt().arg("update"))?;
    process::quiet(apt().args(["install", "--yes", "--no-install-recommends", package]))?;
    Ok(true)
}

fn is_root() -> bool {
    process::quiet(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
