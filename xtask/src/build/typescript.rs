//! TypeScript to ES modules and declarations.

use crate::process;
use crate::project::Project;
use crate::stamp::{self, Step};
use crate::tools;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The package's entries. What they share goes into chunks of its own, so that a page that uses two of
/// them loads it once; what they import later stays apart.
const ENTRIES: [&str; 3] = ["index.ts", "hls.ts", "dash.ts"];

/// Type-checks `js/src` and writes `js/dist`; and module by module `js/build`, for the unit tests.
///
/// # Errors
/// A type error; a file that cannot be written.
pub(crate) fn build(project: &Project) -> Result<()> {
    let sources = project.path("js/src");
    let (dist, modules) = (project.path("js/dist"), project.path("js/build"));
    Step {
        name: "typescript",
        inputs: vec![
            sources.clone(),
            project.path("js/tsconfig.json"),
            project.path("js/package-lock.json"),
            dist.join("wasm/swarmline.d.ts"),
        ],
        settings: include_str!("typescript.rs").to_owned(),
        outputs: vec![dist.clone(), modules.clone()],
    }
    .run(project, || {
        remove_stale(&dist)?;
        remove_stale(&modules)?;
        declarations(project, &dist)?;
        let entries = ENTRIES.map(|entry| sources.join(entry));
        let together = ["--bundle", "--splitting", "--external:./wasm/swarmline.js"];
        esbuild(project, &entries, &together, &sources, &dist)?;
        esbuild(project, &modules_in(&sources)?, &[], &sources, &modules)
    })
}

/// `node_modules/typescript`'s compiler, with arguments.
///
/// # Errors
/// Node.js is missing, or the compiler finds something wrong.
pub(crate) fn tsc(project: &Project, args: &[&str]) -> Result<()> {
    let mut tsc = tools::node()?;
    tsc.arg(project.path("js/node_modules/typescript/bin/tsc"))
        .args(args)
        .current_dir(project.path("js"));
    process::quiet(&mut tsc).map(drop)
}

const ESBUILD: [&str; 5] = [
    "--minify",
    "--sourcemap",
    "--format=esm",
    "--target=es2022",
    "--log-level=warning",
];

/// Strips types, comments and white space; with `options`, more.
///
/// # Errors
/// A syntax error; a file that cannot be written.
pub(crate) fn esbuild(
    project: &Project,
    modules: &[PathBuf],
    options: &[&str],
    base: &Path,
    out: &Path,
) -> Result<()> {
    let mut esbuild = tools::node()?;
    esbuild
        .arg(project.path("js/node_modules/esbuild/bin/esbuild"))
        .args(modules)
        .args(ESBUILD)
        .args(options)
        .arg(format!("--outbase={}", base.display()))
        .arg(format!("--outdir={}", out.display()))
        .current_dir(project.path("js"));
    process::quiet(&mut esbuild).map(drop)
}

fn declarations(project: &Project, dist: &Path) -> Result<()> {
    let out = dist.display().to_string();
    tsc(
        project,
        &[
            "--project",
            "tsconfig.json",
            "--emitDeclarationOnly",
            "--outDir",
            &out,
        ],
    )
}

fn modules_in(sources: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    stamp::collect(sources, &mut files)?;
    files.retain(|file| {
        file.to_string_lossy().ends_with(".ts") && !file.to_string_lossy().ends_with(".d.ts")
    });
    files.sort();
    if files.is_empty() {
        bail!("there is no TypeScript in {}", sources.display());
    }
    Ok(files)
}

/// A module that was renamed must not linger in the package. The bindings have their own step.
fn remove_stale(dist: &Path) -> Result<()> {
    fs::create_dir_all(dist)?;
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == "wasm") {
            continue;
        }
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
