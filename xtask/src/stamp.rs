//! What is up to date: a step is skipped while the content of its inputs and outputs is what it was
//! when the step last succeeded. Times of files play no part, so a fresh clone, a switched branch or a
//! deleted output all do the right thing.

use crate::project::Project;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// One step of a build.
pub(crate) struct Step<'a> {
    /// Its name: on the terminal, and of its stamp file.
    pub(crate) name: &'a str,
    /// Files and directories it reads.
    pub(crate) inputs: Vec<PathBuf>,
    /// Whatever else decides what it writes: options, versions.
    pub(crate) settings: String,
    /// Files and directories it writes.
    pub(crate) outputs: Vec<PathBuf>,
}

impl Step<'_> {
    /// Does the work unless it is up to date, and says which.
    ///
    /// # Errors
    /// Those of the work; an input that cannot be read.
    pub(crate) fn run(&self, project: &Project, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let stamp = project.scratch(&format!("stamps/{}", self.name));
        let inputs = digest(project, &self.inputs, &self.settings)?;
        if fs::read_to_string(&stamp).is_ok_and(|known| self.is_current(project, &known, &inputs)) {
            println!("  {:<14} up to date", self.name);
            return Ok(());
        }
        let begun = Instant::now();
        work().with_context(|| format!("step {}", self.name))?;
        println!("  {:<14} {:.1} s", self.name, begun.elapsed().as_secs_f64());
        let outputs = digest(project, &self.outputs, "")?;
        if let Some(parent) = stamp.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&stamp, format!("{inputs} {outputs}")).context("cannot write a stamp")
    }

    fn is_current(&self, project: &Project, known: &str, inputs: &str) -> bool {
        let outputs = digest(project, &self.outputs, "");
        outputs.is_ok_and(|outputs| known == format!("{inputs} {outputs}"))
    }
}

fn digest(project: &Project, paths: &[PathBuf], settings: &str) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    hash.update(settings.as_bytes());
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = project.display(&file);
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// All files at or below a path.
///
/// # Errors
/// The path does not exist or cannot be read.
pub(crate) fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !kind.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
