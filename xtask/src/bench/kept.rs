//! Figures as `bench/run.mjs` writes them, and as they are kept.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// A question, whether or not it has figures.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Its name, for `--only`.
    pub(crate) question: String,
    /// Its title on the page.
    pub(crate) title: String,
    /// What its table shows of each contender.
    pub(crate) columns: Vec<Column>,
    /// Its cases, as they are to stand in the table.
    pub(crate) order: Vec<String>,
}

/// One figure of each contender.
#[derive(Deserialize)]
pub(crate) struct Column {
    /// The figure's name in a run.
    pub(crate) key: String,
    /// The column's title.
    pub(crate) title: String,
    /// Its unit. "%": figures are shares of one.
    #[serde(default)]
    pub(crate) unit: String,
    /// Digits after the point.
    #[serde(default = "two")]
    pub(crate) digits: usize,
    /// What is shown of many runs.
    #[serde(default)]
    pub(crate) stat: Stat,
}

fn two() -> usize {
    2
}

/// What is shown of many runs.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stat {
    /// The median, the least and the most.
    #[default]
    Spread,
    /// The median.
    P50,
    /// 95 % are at most this.
    P95,
    /// All together.
    Sum,
}

/// All figures there are.
#[derive(Default)]
pub(crate) struct Kept(Vec<Answer>);

/// What is known of one question.
#[derive(Serialize, Deserialize)]
struct Answer {
    question: String,
    cases: Vec<Case>,
}

/// One comparison.
#[derive(Serialize, Deserialize)]
pub(crate) struct Case {
    name: String,
    /// What it ran on.
    pub(crate) machine: String,
    pub(crate) contenders: Vec<Contender>,
    /// What was to be reached, by the medians.
    pub(crate) goals: Vec<Goal>,
}

/// One of those who are compared.
#[derive(Serialize, Deserialize)]
pub(crate) struct Contender {
    pub(crate) name: String,
    /// Figures by name, in the order in which they were measured.
    pub(crate) runs: Vec<Map<String, Value>>,
}

/// What was to be reached.
#[derive(Serialize, Deserialize)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) met: bool,
}

impl Kept {
    /// Reads what is kept; nothing, where there is no file.
    ///
    /// # Errors
    /// The file is not ours.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let Ok(text) = fs::read_to_string(path) else {
            return Ok(Self::default());
        };
        let answers = serde_json::from_str(&text);
        Ok(Self(answers.with_context(|| {
            format!("{} is unreadable", path.display())
        })?))
    }

    /// Writes it down.
    ///
    /// # Errors
    /// The file's.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.0)? + "\n";
        fs::write(path, text).context("cannot keep the figures")
    }

    /// Newer figures of whole cases take the place of older ones.
    pub(crate) fn take(&mut self, newer: Self) {
        for answer in newer.0 {
            let whole = answer.cases.into_iter().filter(Case::is_whole);
            match self
                .0
                .iter_mut()
                .find(|one| one.question == answer.question)
            {
                Some(known) => {
                    for case in whole {
                        known.cases.retain(|one| one.name != case.name);
                        known.cases.push(case);
                    }
                }
                None => self.0.push(Answer {
                    question: answer.question,
                    cases: whole.collect(),
                }),
            }
        }
    }

    /// The figures of one case.
    pub(crate) fn case(&self, question: &str, name: &str) -> Option<&Case> {
        let answer = self.0.iter().find(|one| one.question == question)?;
        answer.cases.iter().find(|case| case.name == name)
    }
}

impl Case {
    /// Whether all contenders have figures.
    fn is_whole(&self) -> bool {
        self.contenders.iter().all(|one| !one.runs.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(cases: &Value) -> Kept {
        Kept(serde_json::from_value(json!([{"question": "q", "cases": cases}])).unwrap())
    }

    fn case(name: &str, runs: &Value) -> Value {
        json!({"name": name, "machine": "m", "contenders": [{"name": "a", "runs": runs}], "goals": []})
    }

    #[test]
    fn newer_figures_replace_older_ones_case_by_case() {
        let mut old = kept(&json!([
            case("one", &json!([{"x": 1}])),
            case("two", &json!([{"x": 2}]))
        ]));
        old.take(kept(&json!([
            case("two", &json!([{"x": 3}])),
            case("one", &json!([]))
        ])));
        let x = |name: &str| old.case("q", name).unwrap().contenders[0].runs[0]["x"].clone();
        assert_eq!((x("one"), x("two")), (json!(1), json!(3)));
        assert!(old.case("q", "three").is_none() && old.case("r", "one").is_none());
    }
}
