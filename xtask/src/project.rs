//! Where things are: the repository, cargo's target directory, the npm package.

use anyhow::{Context, Result};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository and the directories that commands write to.
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The project this program was compiled from.
    ///
    /// # Errors
    /// The source directory is gone.
    pub(crate) fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in no workspace")?
            .canonicalize()
            .context("the workspace this xtask was built from is gone; run it through cargo")?;
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// A path inside the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path inside cargo's target directory.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// A path inside the directory for intermediate files and stamps.
    pub(crate) fn scratch(&self, relative: &str) -> PathBuf {
        self.target.join("xtask").join(relative)
    }

    /// The root of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `cargo`, the one that runs this program, in the repository.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.root);
        command
    }

    /// The path as a reader would write it: relative to the repository where it lies inside.
    pub(crate) fn display(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}
