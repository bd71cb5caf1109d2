//! `cargo xtask security`: what hostile viewers cost the others, simulated; the table in `docs/security.md`.
//!
//! As with the suite, every figure comes from one `swarmline simulate --json`, the command stands in its row, and results
//! are kept by command in `docs/security-simulated.json`, so that some rows can be run again by themselves.
//!
//! Offload is that of fair viewers whose network lets them have peers. What an attack costs of it is told against the same
//! audience without hostile viewers, and against the same viewers merely giving nothing: the difference is
//! what hostility adds to a missing uplink.

use crate::process;
use crate::project::Project;
use crate::suite;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use std::fs;
use std::process::ExitCode;

/// Arguments of `cargo xtask security`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the runs whose command contains this; the other figures stay as they are.
    #[arg(long)]
    only: Option<String>,
    /// Only the runs that have no figures yet.
    #[arg(long)]
    missing: bool,
    /// Make the table anew from the figures that are kept, and run nothing.
    #[arg(long)]
    render: bool,
}

/// Attack, and what it does, in words.
const ATTACKS: [(&str, &str); 10] = [
    ("polluter", "flip a byte in every chunk"),
    ("sybil", "the same, under a new peer id after every ban"),
    ("liar", "claim everything, never send"),
    ("staller", "announce what they have, never send"),
    ("refuser", "claim everything, answer that they are busy"),
    ("flooder", "500 empty messages a second to each neighbour"),
    ("malformed", "random bytes, 20 messages a second"),
    ("oversized", "frames of 480 KiB"),
    ("silent", "never finish the handshake"),
    ("mixed", "equal parts of all, free riders and garblers too"),
];

/// Those to which it makes a difference that there are no pieces roots: they spoil a whole segment, or make others wait to be tried.
const ROOTLESS_ATTACKS: [&str; 5] = ["polluter", "sybil", "liar", "staller", "refuser"];

const SHARES: [u32; 3] = [10, 30, 50];

/// A tracker that lies about the size of the audience.
const LIES: [&str; 2] = ["1", "1000000000"];

const PLAIN: &str = "--viewers 1000 --seconds 20";

/// The publisher gives no pieces roots: what is wrong is known only of a whole segment, of several senders maybe.
const NO_ROOTS: &str = "--viewers 1000 --scenario no-roots --seconds 20";

fn hostile(kind: &str, percent: u32) -> String {
    format!("--viewers 1000 --scenario hostile={kind}:{percent} --seconds 20")
}

fn hostile_without_roots(kind: &str, percent: u32) -> String {
    format!("--viewers 1000 --scenario no-roots={kind}:{percent} --seconds 20")
}

fn lying(says: &str) -> String {
    format!("--viewers 1000 --scenario tracker-says={says} --seconds 20")
}

fn runs() -> Vec<String> {
    let mut runs = vec![PLAIN.to_owned()];
    runs.extend(LIES.map(lying));
    for percent in [30, 50, 10] {
        runs.push(hostile("free-rider", percent));
        runs.extend(ATTACKS.map(|(kind, _)| hostile(kind, percent)));
    }
    runs.push(NO_ROOTS.to_owned());
    for percent in SHARES {
        runs.push(hostile_without_roots("free-rider", percent));
        runs.extend(ROOTLESS_ATTACKS.map(|kind| hostile_without_roots(kind, percent)));
    }
    runs
}

/// Runs what is asked for and makes the table.
///
/// # Errors
/// A run that failed, or docs that cannot be written.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode> {
    let json = project.path("docs/security-simulated.json");
    let text = fs::read_to_string(&json).unwrap_or_default();
    let mut kept: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    if !args.render {
        let binary = suite::binary(project)?;
        let wanted = |line: &String| args.only.as_deref().is_none_or(|word| line.contains(word));
        for line in runs().iter().filter(|line| wanted(line)) {
            if args.missing && kept.contains_key(line) {
                continue;
            }
            println!("swarmline simulate {line}");
            let mut command = std::process::Command::new(&binary);
            command.arg("simulate").args(line.split(' ')).arg("--json");
            let mut figures: Value = serde_json::from_str(&process::quiet(&mut command)?)
                .context("unreadable figures")?;
            if let Some(fields) = figures.as_object_mut() {
                fields.remove("seconds");
            }
            kept.insert(line.clone(), figures);
            fs::write(&json, serde_json::to_string_pretty(&kept)? + "\n")?;
        }
    }
    let table = markdown(&kept);
    print!("\n{table}");
    let path = project.path("docs/security.md");
    let page = fs::read_to_string(&path).context("cannot read docs/security.md")?;
    fs::write(&path, suite::table::place(&page, "security", &table)?)
        .context("cannot write docs/security.md")?;
    let bad = kept.values().filter(|figures| !is_clean(figures)).count();
    Ok(ExitCode::from(u8::from(bad > 0)))
}

/// No bad byte delivered, no stall added to a fair viewer, no promise broken.
fn is_clean(figures: &Value) -> bool {
    ["bad_deliveries", "fair_with_p2p_stall", "violations"]
        .iter()
        .all(|name| number(figures, name) == 0.0)
}

fn number(figures: &Value, name: &str) -> f64 {
    let value = figures.get(name).and_then(Value::as_f64);
    value.unwrap_or(f64::INFINITY)
}

fn markdown(kept: &Map<String, Value>) -> String {
    let mut out = String::from(
        "| hostile viewers … | share | bad segments delivered | stalls added | wasted (with free riders) | of it polluted | \
         offload of fair viewers | lost against nobody hostile | lost against free riders | `swarmline simulate …` |\n",
    );
    out.push_str(&"|---".repeat(10));
    out.push_str("|\n");
    let Some(plain) = kept.get(PLAIN) else {
        return out;
    };
    out.push_str(&row("none", "0 %", PLAIN, plain, (plain, plain)));
    for says in LIES {
        let line = lying(says);
        if let Some(figures) = kept.get(&line) {
            let what = format!("none; the tracker says {says} viewers");
            out.push_str(&row(&what, "0 %", &line, figures, (plain, plain)));
        }
    }
    for percent in SHARES {
        rows_of(&mut out, kept, plain, percent, ("", hostile as Line));
    }
    if let Some(plain) = kept.get(NO_ROOTS) {
        let what = "none; the publisher gives no pieces roots";
        out.push_str(&row(what, "0 %", NO_ROOTS, plain, (plain, plain)));
        for percent in SHARES {
            let setting = ("no roots: ", hostile_without_roots as Line);
            rows_of(&mut out, kept, plain, percent, setting);
        }
    }
    out
}

/// The command of an attack by so many per cent.
type Line = fn(&str, u32) -> String;

/// One share's rows, with what stands before each and how its command is made.
fn rows_of(
    out: &mut String,
    kept: &Map<String, Value>,
    plain: &Value,
    percent: u32,
    (prefix, line_of): (&str, Line),
) {
    let share = format!("{percent} %");
    let line = line_of("free-rider", percent);
    let Some(idle) = kept.get(&line) else {
        return;
    };
    let what = format!("{prefix}give nothing");
    out.push_str(&row(&what, &share, &line, idle, (plain, idle)));
    for (kind, what) in ATTACKS {
        let line = line_of(kind, percent);
        if let Some(figures) = kept.get(&line) {
            let what = format!("{prefix}{what}");
            out.push_str(&row(&what, &share, &line, figures, (plain, idle)));
        }
    }
}

fn row(what: &str, share: &str, line: &str, figures: &Value, base: (&Value, &Value)) -> String {
    let n = |name: &str| number(figures, name);
    let percent = |value: f64, digits: usize| format!("{:.digits$} %", value * 100.0);
    let lost = |other: &Value| {
        let points = (number(other, "offload_fair") - n("offload_fair")) * 100.0;
        format!("{points:+.1}")
    };
    let cells = [
        what.to_owned(),
        share.to_owned(),
        n("bad_deliveries").to_string(),
        n("fair_with_p2p_stall").to_string(),
        format!(
            "{} ({})",
            percent(n("fair_wasted_ratio"), 2),
            percent(number(base.1, "fair_wasted_ratio"), 2)
        ),
        percent(n("fair_polluted_ratio"), 2),
        percent(n("offload_fair"), 1),
        lost(base.0),
        lost(base.1),
        format!("`{line}`"),
    ];
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_tells_what_is_lost_against_both() {
        let figures = |fair: f64, stalls: u32| {
            json!({"offload_fair": fair, "fair_wasted_ratio": 0.01, "fair_polluted_ratio": 0.0,
                "bad_deliveries": 0, "fair_with_p2p_stall": stalls, "violations": 0})
        };
        let mut kept = Map::new();
        kept.insert(PLAIN.to_owned(), figures(0.98, 0));
        kept.insert(hostile("free-rider", 30), figures(0.75, 0));
        kept.insert(hostile("liar", 30), figures(0.7, 2));
        let table = markdown(&kept);
        assert!(table.contains("| 70.0 % | +28.0 | +5.0 |"), "{table}");
        assert!(table.contains("| 75.0 % | +23.0 | +0.0 |"), "{table}");
        assert_eq!(table.lines().count(), 5, "{table}");
        assert!(is_clean(&figures(0.98, 0)) && !is_clean(&figures(0.98, 1)));
        assert!(!is_clean(&json!({})), "what is not there is not clean");
    }
}
