//! What a page downloads for the hls entry, against the budget. Modules that only browsers without WebCrypto load, or pages
//! that ask for signatures, are beside it.

use crate::process;
use crate::project::Project;
use crate::tools;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// wasm and JavaScript of the hls entry together, in bytes after brotli.
const BUDGET: u64 = 101 * 1024;

const COMPRESS: &str = "
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
const size = (path) => {
  const bytes = readFileSync(path);
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
};
console.log(JSON.stringify(process.argv.slice(1).map(size)));
";

/// Prints the sizes.
///
/// # Errors
/// The total is over the budget; a file is missing.
pub(crate) fn check(project: &Project) -> Result<()> {
    let dist = project.path("js/dist");
    let mut files = BTreeSet::from([dist.join("wasm/swarmline_bg.wasm")]);
    follow(&dist.join("hls.js"), &mut files)?;
    // What few pages load is told, and not counted.
    let (rare, files): (BTreeSet<PathBuf>, BTreeSet<PathBuf>) =
        files.into_iter().partition(|file| is_rare(file));
    let sizes = measure(&files)?;
    println!(
        "  {:<26} {:>10} {:>10} {:>10}",
        "hls entry", "raw", "gzip", "brotli"
    );
    let mut total = [0; 3];
    for (file, size) in files.iter().zip(sizes) {
        row(
            &file
                .strip_prefix(&dist)
                .unwrap_or(file)
                .display()
                .to_string(),
            size,
        );
        total = add(total, size);
    }
    row("total", total);
    for (file, size) in rare.iter().zip(measure(&rare)?) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        row(&format!("rare: {name}"), size);
    }
    let [_, _, brotli] = total;
    println!("  {:<26} {:>32}", "budget", BUDGET);
    if brotli > BUDGET {
        bail!(
            "the hls entry is {} bytes over its budget of {BUDGET} (brotli)",
            brotli - BUDGET
        );
    }
    Ok(())
}

/// Whether a module stands in for what every browser of today has (`js/src/*-slow.ts`), or judges signatures, which only
/// a page with the option `publisherKeys` asks for.
fn is_rare(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.contains("-slow-") || name.starts_with("publisher-")
}

fn add([a, b, c]: [u64; 3], [x, y, z]: [u64; 3]) -> [u64; 3] {
    [a + x, b + y, c + z]
}

fn row(name: &str, [raw, gzip, brotli]: [u64; 3]) {
    println!("  {name:<26} {raw:>10} {gzip:>10} {brotli:>10}");
}

fn measure(files: &BTreeSet<PathBuf>) -> Result<Vec<[u64; 3]>> {
    let mut node = tools::node()?;
    node.args(["--input-type=module", "--eval", COMPRESS, "--"])
        .args(files);
    let report: Value = serde_json::from_str(&process::quiet(&mut node)?)?;
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    report
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            Some([
                number(row.get(0))?,
                number(row.get(1))?,
                number(row.get(2))?,
            ])
        })
        .collect::<Option<Vec<_>>>()
        .context("the size script answered something unreadable")
}

/// A module and all that it imports, now or later, by a relative path.
fn follow(module: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let text =
        fs::read_to_string(module).with_context(|| format!("cannot read {}", module.display()))?;
    if !found.insert(module.to_path_buf()) {
        return Ok(());
    }
    for relative in relative_modules(&text) {
        let imported = module
            .with_file_name("")
            .join(relative.trim_start_matches("./"));
        if imported.is_file() {
            follow(&imported, found)?;
        }
    }
    Ok(())
}

/// Every quoted `./….js`: import declarations, `import()` and `new URL()` alike.
fn relative_modules(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'', '`']).filter(|part| {
        part.starts_with("./") && part.ends_with(".js") && !part.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::relative_modules;

    #[test]
    fn sees_every_way_to_import() {
        let text = r#"import{a}from"./a.js";const b=()=>import('./wasm/b.js');new URL("./c.js",import.meta.url);"d.js""#;
        let found: Vec<_> = relative_modules(text).collect();
        assert_eq!(found, ["./a.js", "./wasm/b.js", "./c.js"]);
    }
}
