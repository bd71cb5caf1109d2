//! Figures as a Markdown table, and which of them miss their target.

use super::runs::{Run, Target};
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

/// Where a page has its table.
const END: &str = "<!-- end of figures -->";

/// Puts the table that `cargo xtask <command>` makes into the page.
///
/// # Errors
/// The page has no place for it.
pub(crate) fn place(page: &str, command: &str, table: &str) -> Result<String> {
    let begin = format!("<!-- figures: made by `cargo xtask {command}`, not by hand -->");
    let (before, rest) = page.split_once(&begin).context("no place for the table")?;
    let (_, after) = rest
        .split_once(END)
        .context("the table's place has no end")?;
    Ok(format!("{before}{begin}\n\n{table}\n{END}{after}"))
}

/// All runs that have figures.
pub(crate) fn markdown(runs: &[Run], kept: &Map<String, Value>) -> String {
    let mut out = String::from(
        "| `swarmline simulate …` | offload, eligible (limit) | gross | CDN copies (early) | \
         spread p50 / p99, s | duplicates | rebuffering, twin | stalls the twin lacks | start-up p95, twin, ms | \
         CDN peak (joiners) | back after, s | µs per viewer and chunk | wall, s | MiB | not met |\n",
    );
    out.push_str(&"|---".repeat(15));
    out.push_str("|\n");
    for run in runs {
        if let Some(figures) = kept.get(&run.command()) {
            out.push_str(&row(run, figures));
        }
    }
    out
}

fn row(run: &Run, figures: &Value) -> String {
    let n = |name: &str| number(figures, name);
    let percent = |name: &str, digits: usize| format!("{:.digits$} %", n(name) * 100.0);
    let recovery = figures.get("recovery_s").and_then(Value::as_f64);
    let cells = [
        format!("`{}`", run.args.join(" ")),
        format!(
            "**{}** ({})",
            percent("offload_eligible", 2),
            percent("limit_eligible", 2)
        ),
        percent("offload_gross", 2),
        format!(
            "{:.1} ({:.1})",
            n("cdn_copies_per_chunk"),
            n("early_copies")
        ),
        format!(
            "{:.2} / {:.2}",
            n("spread_p50_ms") / 1e3,
            n("spread_p99_ms") / 1e3
        ),
        percent("duplicate_ratio", 2),
        format!(
            "{}, {}",
            percent("rebuffer_ratio", 3),
            percent("twin_rebuffer_ratio", 3)
        ),
        format!("{} of {}", n("viewers_with_p2p_stall"), n("visits")),
        format!("{}, {}", n("startup_p95_ms"), n("twin_startup_p95_ms")),
        format!("{:.3} ({:.3})", n("cdn_peak_ratio"), n("joiner_peak_ratio")),
        recovery.map_or_else(String::new, |seconds| seconds.to_string()),
        format!("{:.1}", n("us_per_viewer_chunk")),
        format!("{:.0}", n("wall_s")),
        format!("{:.0}", n("peak_rss_mb")),
        unmet(run, figures).join("; "),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// Targets that these figures miss, in words.
pub(crate) fn unmet(run: &Run, figures: &Value) -> Vec<String> {
    let missed = run
        .targets
        .iter()
        .filter_map(|target| missed(target, figures));
    missed.collect()
}

fn missed(target: &Target, figures: &Value) -> Option<String> {
    let n = |name: &str| number(figures, name);
    let (name, limit, sign) = match target {
        Target::Least(name, limit) => (name, *limit, '≥'),
        Target::Most(name, limit) => (name, *limit, '≤'),
        Target::MostOver(name, other, by) => (name, n(other) + by, '≤'),
        Target::MostOf(name, other, share) => (name, n(other) * share, '≤'),
    };
    let value = n(name);
    let met = if sign == '≥' {
        value >= limit
    } else {
        value <= limit
    };
    (!met).then(|| format!("{name} {value:.4} {sign} {limit:.4}"))
}

/// A figure; one that is not there is beyond all limits.
pub(crate) fn number(figures: &Value, name: &str) -> f64 {
    let value = figures.get(name).and_then(Value::as_f64);
    value.unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missed_target_is_named_and_a_met_one_is_not() {
        let figures = json!({"a": 0.5, "b": 0.4});
        let hit = |target| missed(&target, &figures).is_some();
        assert!(hit(Target::Least("a", 0.51)) && !hit(Target::Least("a", 0.5)));
        assert!(hit(Target::Most("a", 0.49)) && !hit(Target::Most("a", 0.5)));
        assert!(hit(Target::MostOver("a", "b", 0.05)) && !hit(Target::MostOver("a", "b", 0.2)));
        assert!(hit(Target::MostOf("a", "b", 1.0)) && !hit(Target::MostOf("b", "a", 1.0)));
        assert!(hit(Target::Most("missing", 1e9)));
    }

    #[test]
    fn the_table_takes_its_place_and_nothing_else() {
        let begin = "<!-- figures: made by `cargo xtask some`, not by hand -->";
        let page = format!("before\n{begin}\nold\n{END}\nafter\n");
        let placed = place(&page, "some", "new\n").unwrap();
        assert_eq!(placed, format!("before\n{begin}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(place(&placed, "some", "new\n").unwrap(), placed);
        assert!(place("no place", "some", "new").is_err());
        assert!(place(&page, "other", "new").is_err());
    }
}
