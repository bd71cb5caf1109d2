//! Programs the project needs but does not bring along.

mod chromium;
mod debian;
mod node;

pub(crate) use chromium::chromium;
pub(crate) use node::{node, npm};

use anyhow::{Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// Finds ffmpeg, which makes the streams that tests play; on Debian as root it is installed.
///
/// # Errors
/// There is none; the message says what to install.
pub(crate) fn ffmpeg() -> Result<PathBuf> {
    if let Some(path) = env::var_os("FFMPEG") {
        return given("FFMPEG", PathBuf::from(path));
    }
    if let Some(path) = on_path("ffmpeg") {
        return Ok(path);
    }
    if debian::install("ffmpeg")?
        && let Some(path) = on_path("ffmpeg")
    {
        return Ok(path);
    }
    bail!(
        "no ffmpeg found: it makes the streams that the tests play. Install it (Debian, Ubuntu: \
         `apt-get install ffmpeg`; macOS: `brew install ffmpeg`; Windows: `winget install ffmpeg`) or \
         name one with FFMPEG=/path/to/ffmpeg"
    )
}

/// Finds Firefox, which some scenarios play in; on Debian as root it is installed.
///
/// # Errors
/// There is none; the message says what to install.
pub(crate) fn firefox() -> Result<PathBuf> {
    if let Some(path) = env::var_os("FIREFOX") {
        return given("FIREFOX", PathBuf::from(path));
    }
    let installed = || {
        ["firefox-esr", "firefox"]
            .iter()
            .find_map(|name| on_path(name))
    };
    if let Some(path) = installed() {
        return Ok(path);
    }
    if debian::install("firefox-esr")?
        && let Some(path) = installed()
    {
        return Ok(path);
    }
    bail!(
        "no Firefox found: some scenarios play in it. Install it (Debian: `apt-get install firefox-esr`) or name one \
         with FIREFOX=/path/to/firefox"
    )
}

/// A program named by an environment variable, which must exist.
fn given(variable: &str, path: PathBuf) -> Result<PathBuf> {
    if !path.is_file() {
        bail!("{variable} names {}, which does not exist", path.display());
    }
    Ok(path)
}

/// The first executable of this name on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths)
        .map(|dir| dir.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
        .find(|path| executable(path))
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn executable(path: &Path) -> bool {
    path.is_file()
}
