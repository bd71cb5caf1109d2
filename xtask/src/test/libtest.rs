//! Reads what `cargo test` prints and counts per test binary.
//!
//! The text of a binary is held back until its result is known: one line if all went well, all of it if
//! not. A binary that dies without a result counts as one failure.

use super::Outcome;

/// A reader of `cargo test`'s output, line by line.
#[derive(Default)]
pub(crate) struct Reader {
    binary: Option<Binary>,
    total: Outcome,
}

struct Binary {
    name: String,
    text: String,
    failed: Vec<String>,
}

impl Reader {
    /// Takes one line; gives what to print now.
    pub(crate) fn line(&mut self, line: &str) -> Option<String> {
        if let Some(name) = binary_name(line) {
            let died = self.died();
            self.binary = Some(Binary {
                name,
                text: String::new(),
                failed: Vec::new(),
            });
            return died;
        }
        let Some(binary) = &mut self.binary else {
            return (!line.trim().is_empty()).then(|| format!("{line}\n"));
        };
        binary.text.push_str(line);
        binary.text.push('\n');
        if let Some(test) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            binary.failed.push(format!("{}: {test}", binary.name));
        }
        let (passed, failed) = counts(line)?;
        let binary = self.binary.take()?;
        (passed > 0 || failed > 0).then(|| self.finished(binary, passed, failed))
    }

    /// The output has ended.
    pub(crate) fn end(&mut self, success: bool) -> (Option<String>, Outcome) {
        let died = self.died();
        let mut total = std::mem::take(&mut self.total);
        if !success && total.failed.is_empty() {
            total.failed.push("rust: cargo test".to_owned());
        }
        (died, total)
    }

    /// One line for a binary that passed, nothing for one without tests.
    fn finished(&mut self, mut binary: Binary, passed: u64, failed: usize) -> String {
        // A doc test's line may differ; the count is what is sure.
        while binary.failed.len() < failed {
            binary.failed.push(format!("{}: a test", binary.name));
        }
        self.total.passed += passed;
        let line = format!(
            "  {:<44} {passed:>4} passed, {failed} failed\n",
            binary.name
        );
        if binary.failed.is_empty() {
            return line;
        }
        self.total.failed.extend(binary.failed);
        binary.text + &line
    }

    fn died(&mut self) -> Option<String> {
        let binary = self.binary.take()?;
        self.total
            .failed
            .push(format!("{}: ended without a result", binary.name));
        Some(binary.text)
    }
}

/// `     Running unittests src/lib.rs (target/debug/deps/swarmline-0123)`, `   Doc-tests swarmline`.
fn binary_name(line: &str) -> Option<String> {
    let text = line.trim_start();
    if let Some(name) = text.strip_prefix("Doc-tests ") {
        return Some(format!("doc {name}"));
    }
    let (source, path) = text.strip_prefix("Running ")?.split_once(" (")?;
    let file = path.trim_end_matches(')').rsplit(['/', '\\']).next()?;
    let (stem, _) = file.rsplit_once('-')?;
    Some(format!(
        "{stem} {}",
        source.trim_start_matches("unittests ")
    ))
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn counts(line: &str) -> Option<(u64, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = counts.split("; ").map(|part| part.split_once(' '));
    let (passed, _) = numbers.next()??;
    let (failed, _) = numbers.next()??;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Reader;

    fn read(text: &str, success: bool) -> (String, u64, Vec<String>) {
        let mut reader = Reader::default();
        let mut shown: String = text.lines().filter_map(|line| reader.line(line)).collect();
        let (last, outcome) = reader.end(success);
        shown.extend(last);
        (shown, outcome.passed, outcome.failed)
    }

    #[test]
    fn counts_every_binary_and_hides_what_passed() {
        let text = "     Running unittests src/lib.rs (target/debug/deps/swarmline-1a2b)\n\nrunning 2 tests\n\
            test a ... ok\ntest b ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\
            \x20  Doc-tests swarmline\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\n";
        let (shown, passed, failed) = read(text, true);
        assert_eq!((passed, failed.len()), (3, 0));
        assert!(
            shown.contains("swarmline src/lib.rs") && !shown.contains("test a"),
            "{shown}"
        );
    }

    #[test]
    fn names_failures_and_shows_their_text() {
        let text = "     Running tests/layers.rs (target/debug/deps/layers-1a2b)\ntest a ... FAILED\nwhy it failed\n\
            test result: FAILED. 4 passed; 1 failed; 0 ignored\nerror: 1 target failed:\n";
        let (shown, passed, failed) = read(text, false);
        assert_eq!(
            (passed, failed),
            (4, vec!["layers tests/layers.rs: a".to_owned()])
        );
        assert!(shown.contains("why it failed"), "{shown}");
    }

    #[test]
    fn a_binary_that_dies_is_a_failure() {
        let text = "     Running tests/a.rs (target/debug/deps/a-1a2b)\nrunning 1 test\n\
            error: test failed\n     Running tests/b.rs (target/debug/deps/b-1a2b)\n\
            test result: ok. 1 passed; 0 failed; 0 ignored\n";
        let (_, passed, failed) = read(text, false);
        assert_eq!(
            (passed, failed),
            (1, vec!["a tests/a.rs: ended without a result".to_owned()])
        );
    }

    #[test]
    fn a_compiler_error_is_a_failure() {
        let (shown, _, failed) = read("error[E0425]: cannot find value\n", false);
        assert_eq!(failed.len(), 1);
        assert!(shown.contains("E0425"));
    }
}
