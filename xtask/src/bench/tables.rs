//! One question's table: a row for each contender in each case.

use super::kept::{Asked, Case, Column, Contender, Kept, Stat};
use serde_json::Value;
use std::collections::BTreeMap;

/// The table, the goals that were missed, and what it was measured on.
pub(crate) fn markdown(asked: &Asked, kept: &Kept) -> String {
    let mut out = String::from("| case | contender |");
    for column in &asked.columns {
        let unit = match column.unit.as_str() {
            "" | "%" => String::new(),
            unit => format!(", {unit}"),
        };
        let stat = match column.stat {
            Stat::Spread | Stat::Sum => "",
            Stat::P50 => ", p50",
            Stat::P95 => ", p95",
        };
        out += &format!(" {}{stat}{unit} |", column.title);
    }
    out += " runs |\n";
    out += &"|---".repeat(asked.columns.len() + 3);
    out += "|\n";
    let (mut goals, mut missed) = (0, Vec::new());
    let mut machines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in &asked.order {
        let Some(case) = kept.case(&asked.question, name) else {
            out += &format!("| {name} | not measured yet |\n");
            continue;
        };
        machines.entry(&case.machine).or_default().push(name);
        for (i, contender) in case.contenders.iter().enumerate() {
            let name = if i == 0 { name } else { "" };
            out += &row(asked, name, contender);
        }
        goals += case.goals.len();
        missed.extend(misses(name, case));
    }
    if goals > 0 {
        let reached = goals - missed.len();
        out += &format!("\nGoals reached: {reached} of {goals}.");
        out += if missed.is_empty() { "\n" } else { " Not:\n\n" };
        out += &missed.concat();
    }
    out + &measured_on(&machines)
}

/// Cases that ran on different machines are not to be compared with each other.
fn measured_on(machines: &BTreeMap<&str, Vec<&str>>) -> String {
    let one = |(machine, cases): (&&str, &Vec<&str>)| match machines.len() {
        1 => format!("\nMeasured on {machine}.\n"),
        _ => format!("\nMeasured on {machine}: {}.\n", cases.join("; ")),
    };
    machines.iter().map(one).collect()
}

fn row(asked: &Asked, name: &str, contender: &Contender) -> String {
    let cells = asked.columns.iter().map(|column| cell(column, contender));
    let cells = cells.collect::<Vec<_>>().join(" | ");
    format!(
        "| {name} | {} | {cells} | {} |\n",
        contender.name,
        contender.runs.len()
    )
}

fn misses(name: &str, case: &Case) -> Vec<String> {
    let missed = case.goals.iter().filter(|goal| !goal.met);
    missed
        .map(|goal| format!("* {name}: {}\n", goal.what))
        .collect()
}

fn cell(column: &Column, contender: &Contender) -> String {
    let figures = contender.runs.iter().filter_map(|run| run.get(&column.key));
    let mut figures: Vec<f64> = figures.filter_map(Value::as_f64).collect();
    figures.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (figures.first(), figures.last()) else {
        return "–".to_owned();
    };
    let show = |value: f64| number(value, column);
    match column.stat {
        Stat::Spread if least == most => show(*least),
        Stat::Spread => format!(
            "**{}** ({}–{})",
            show(median(&figures)),
            show(*least),
            show(*most)
        ),
        Stat::P50 => show(median(&figures)),
        Stat::P95 => show(quantile(&figures, 0.95)),
        Stat::Sum => show(figures.iter().sum()),
    }
}

fn number(value: f64, column: &Column) -> String {
    let digits = column.digits;
    if column.unit == "%" {
        format!("{:.digits$} %", 100.0 * value)
    } else {
        format!("{value:.digits$}")
    }
}

/// Of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// The least of sorted values that such a share of them does not exceed (nearest rank).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked() -> Asked {
        serde_json::from_value(json!({
            "question": "q", "title": "Q?", "order": ["one", "two"],
            "columns": [
                {"key": "share", "title": "offload", "unit": "%", "digits": 1},
                {"key": "ms", "title": "start", "unit": "ms", "digits": 0, "stat": "p95"},
                {"key": "none", "title": "none"},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_row_tells_median_and_spread_and_a_case_without_figures_says_so() {
        let path = std::env::temp_dir().join(format!("swarmline-bench-{}", std::process::id()));
        let runs =
            json!([{"share": 0.5, "ms": 10}, {"share": 0.75, "ms": 30}, {"share": 0.25, "ms": 20}]);
        let kept = json!([{"question": "q", "cases": [{"name": "one", "machine": "m", "goals": [
            {"what": "more", "met": false}, {"what": "less", "met": true}], "contenders": [{"name": "a", "runs": runs}]}]}]);
        std::fs::write(&path, kept.to_string()).unwrap();
        let kept = Kept::load(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let table = markdown(&asked(), &kept);
        assert!(
            table.contains("| offload | start, p95, ms | none |"),
            "{table}"
        );
        assert!(
            table.contains("| one | a | **50.0 %** (25.0 %–75.0 %) | 30 | – | 3 |"),
            "{table}"
        );
        assert!(table.contains("| two | not measured yet |"), "{table}");
        assert!(
            table.contains("* one: more\n") && !table.contains("less"),
            "{table}"
        );
    }

    #[test]
    fn with_several_machines_each_case_is_named() {
        let one = BTreeMap::from([("a", vec!["one", "two"])]);
        assert_eq!(measured_on(&one), "\nMeasured on a.\n");
        let two = BTreeMap::from([("a", vec!["one", "two"]), ("b", vec!["three"])]);
        assert_eq!(
            measured_on(&two),
            "\nMeasured on a: one; two.\n\nMeasured on b: three.\n"
        );
    }

    #[test]
    fn quantiles_are_among_the_values_and_medians_between_two() {
        let many: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(quantile(&many, 0.95).to_bits(), 19.0_f64.to_bits());
        assert_eq!(median(&many).to_bits(), 10.5_f64.to_bits());
        assert_eq!(median(&many[..3]).to_bits(), 2.0_f64.to_bits());
    }
}
