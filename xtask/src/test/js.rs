//! The TypeScript part by itself, under Node.js: `js/test/*.test.mjs` against the built package.

use super::{Outcome, Scope};
use crate::stamp;
use crate::tools;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Runs the tests and counts them.
///
/// # Errors
/// Node.js cannot be started, or says nothing that can be counted.
pub(crate) fn run(scope: &Scope) -> Result<Outcome> {
    let mut files = Vec::new();
    stamp::collect(&scope.project.path("js/test"), &mut files)?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    let mut node = tools::node()?;
    node.args(["--test", "--test-reporter=tap"])
        .current_dir(scope.project.path("js"));
    if let Some(filter) = scope.filter {
        node.arg(format!("--test-name-pattern={filter}"));
    }
    let output = node
        .args(files_relative(scope, &files))
        .output()
        .context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut outcome = read(&text).context("node's report is unreadable")?;
    if !output.status.success() && outcome.failed.is_empty() {
        outcome.failed.push("js: node --test".to_owned());
    }
    if !outcome.failed.is_empty() {
        print!("{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    println!(
        "  {} passed, {} failed",
        outcome.passed,
        outcome.failed.len()
    );
    Ok(outcome)
}

fn files_relative(scope: &Scope, files: &[PathBuf]) -> Vec<String> {
    files
        .iter()
        .map(|file| scope.project.display(file))
        .map(|file| file.trim_start_matches("js/").to_owned())
        .collect()
}

/// TAP: `not ok 3 - name` at the start of a line, `# pass 12` at the end.
fn read(text: &str) -> Option<Outcome> {
    let count = |word: &str| -> Option<u64> {
        let line = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(word))?;
        line.trim().parse().ok()
    };
    let mut failed: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("not ok ")?.split_once(" - ")?.1))
        .map(|name| format!("js: {name}"))
        .collect();
    let all = count("# fail ")? + count("# cancelled ")?;
    // Tests inside a suite fail with it; they count all the same.
    while (failed.len() as u64) < all {
        failed.push("js: a nested test".to_owned());
    }
    Some(Outcome {
        passed: count("# pass ")?,
        failed,
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_tap() {
        let text = "TAP version 13\nok 1 - a\nnot ok 2 - b\n    not ok 1 - inner\n# tests 3\n# pass 1\n# fail 2\n# cancelled 0\n";
        let outcome = read(text).unwrap();
        assert_eq!(outcome.passed, 1);
        assert_eq!(outcome.failed, ["js: b", "js: a nested test"]);
        assert!(read("nothing").is_none());
    }
}
