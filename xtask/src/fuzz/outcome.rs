//! What libFuzzer's log says of a run.

use crate::project::Project;
use std::fmt::Write as _;
use std::path::Path;

/// One target's run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    name: String,
    executions: u64,
    per_second: u64,
    new_inputs: u64,
    crashed: bool,
}

impl Outcome {
    /// From the log and whether the target ended well.
    pub(crate) fn read(name: &str, log: &str, success: bool) -> Self {
        let stat = |key: &str| {
            let value = |line: &str| {
                line.strip_prefix("stat::")?
                    .strip_prefix(key)?
                    .strip_prefix(':')?
                    .trim()
                    .parse()
                    .ok()
            };
            log.lines().find_map(value)
        };
        // A target that died has no statistics; its latest line tells how far it had come.
        let pulse = |line: &str| {
            line.strip_prefix('#')?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        };
        let executions =
            stat("number_of_executed_units").or_else(|| log.lines().rev().find_map(pulse));
        Self {
            name: name.to_owned(),
            executions: executions.unwrap_or(0),
            per_second: stat("average_exec_per_sec").unwrap_or(0),
            new_inputs: stat("new_units_added").unwrap_or(0),
            crashed: !success,
        }
    }

    /// Whether something broke.
    pub(crate) fn is_crash(&self) -> bool {
        self.crashed
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let end = if self.crashed { "CRASHED" } else { "no crash" };
        format!(
            "{} executions, {}/s, {} new inputs, {end}",
            self.executions, self.per_second, self.new_inputs
        )
    }
}

/// All runs, and their sum.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut table = String::from("\ntarget       executions   per second   new inputs   crashes\n");
    for run in outcomes {
        let _ = writeln!(
            table,
            "{:<10} {:>12} {:>12} {:>12} {:>9}",
            run.name,
            run.executions,
            run.per_second,
            run.new_inputs,
            u8::from(run.crashed)
        );
    }
    let executions: u64 = outcomes.iter().map(|run| run.executions).sum();
    let crashes = outcomes.iter().filter(|run| run.crashed).count();
    let _ = writeln!(
        table,
        "{:<10} {executions:>12} {:>12} {:>12} {crashes:>9}",
        "all", "", ""
    );
    table
}

/// What broke, and what to do about it.
pub(crate) fn report(project: &Project, name: &str, log: &str, file: &Path) -> String {
    let mut lines = log
        .lines()
        .skip_while(|line| !line.contains("panicked at") && !line.starts_with("=="))
        .take(12);
    let mut text: String = lines.by_ref().map(|line| format!("    {line}\n")).collect();
    let artifact = log
        .lines()
        .find_map(|line| line.split("Test unit written to ").nth(1));
    let log = project.display(file);
    let Some(artifact) = artifact else {
        return text + &format!("  the log: {log}");
    };
    let artifact = project.display(Path::new(artifact.trim()));
    let _ = write!(
        text,
        "  again, on stable: cargo run -p swarmline-fuzz -- run {name} {artifact}\n\
         \x20 for good: copy it to tests/fuzz/found/{name}/ under a name that says what it was, and fix it\n\
         \x20 the log: {log}"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::{Outcome, table};

    const WELL: &str = "#2\tINITED cov: 3\n#900\tpulse cov: 9\nDone 1234 runs in 2 second(s)\n\
        stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     617\nstat::new_units_added:          8\n";
    const BADLY: &str = "#2\tINITED cov: 3\n#4096\tpulse cov: 9 corp: 1/1b\nthread panicked at x\n==7== ERROR: libFuzzer\n";

    #[test]
    fn reads_statistics_or_the_latest_pulse() {
        let run = Outcome::read("wire", WELL, true);
        assert_eq!(run.line(), "1234 executions, 617/s, 8 new inputs, no crash");
        let run = Outcome::read("wire", BADLY, false);
        assert!(run.is_crash());
        assert!(run.line().starts_with("4096 executions") && run.line().ends_with("CRASHED"));
    }

    #[test]
    fn the_table_adds_up() {
        let runs = [
            Outcome::read("a", WELL, true),
            Outcome::read("b", BADLY, false),
        ];
        let table = table(&runs);
        let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["all", "5330", "1"]);
    }
}
