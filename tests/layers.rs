//! Who may know whom: `api → web → core ← sim`, `cli → core, sim`, and inside core leaves first.
//!
//! Reads the source text, not the compiled crate, so that code behind any `cfg` is seen. Comments and
//! literals do not count. A module that is not in the tables below fails the test: give it its place.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Core's modules in layers, lowest first. A module may know its own layer and those below.
const CORE: [&[&str]; 5] = [
    &["sorted", "list", "chance", "ids", "time", "config", "error"],
    &["wire", "timeline", "cache", "integrity"],
    &["event", "action"],
    &["tracker", "swarm", "scheduler"],
    &["engine"],
];

/// The two whose meeting place is the engine.
const STRANGERS: [(&str, &str); 2] = [("swarm", "scheduler"), ("scheduler", "swarm")];

/// The core's contract knows only leaves and the timeline.
const CONTRACT: [&str; 2] = ["event", "action"];
const CONTRACT_KNOWS: [&str; 10] = [
    "sorted", "list", "chance", "ids", "time", "config", "error", "timeline", "event", "action",
];

/// Names the pure core must not speak: browsers, clocks, chance, and maps with a random order.
const IMPURE: [&str; 13] = [
    "web_sys",
    "js_sys",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "gloo_timers",
    "Instant",
    "SystemTime",
    "UNIX_EPOCH",
    "rand",
    "getrandom",
    "HashMap",
    "HashSet",
    "RandomState",
];

/// One mention: from a module, of a path, both as segments below the crate's root.
type Mention = (Vec<String>, Vec<String>);

#[test]
fn every_arrow_points_the_right_way() {
    let mut wrong = Vec::new();
    let mut inside_core = Vec::new();
    for (module, text) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        check_module(&module, &text, &mut wrong, &mut inside_core);
    }
    for (module, text) in sources(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("cli/src")
            .as_path(),
    ) {
        check_cli(&module, &text, &mut wrong);
    }
    wrong.extend(cycle(&inside_core));
    assert!(wrong.is_empty(), "wrong arrows:\n{}", wrong.join("\n"));
}

#[test]
fn the_walk_sees_the_real_tree() {
    let modules: BTreeSet<String> = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .into_iter()
        .map(|(module, _)| module.join("::"))
        .collect();
    for known in ["", "core", "core::ids", "core::time", "sim", "web", "api"] {
        assert!(
            modules.contains(known),
            "{known:?} is missing in {modules:?}"
        );
    }
}

#[test]
fn planted_wrong_arrows_are_caught() {
    let planted = [
        ("core::ids", "use crate::core::engine::Engine;"),
        (
            "core::wire",
            "use crate::core::{ids::PeerId, swarm::{self, Peers}};",
        ),
        ("core::scheduler::pick", "use crate::core::swarm;"),
        (
            "core::swarm",
            "fn f() -> super::scheduler::Plan { todo!() }",
        ),
        ("core::event", "use super::wire::Message;"),
        ("core::time", "use std::time::{Duration, Instant};"),
        ("core::engine", "use std::collections::HashMap;"),
        ("core::engine", "fn now() -> f64 { js_sys::Date::now() }"),
        ("core::engine", "use crate::web::rtc;"),
        ("core::engine::parts", "use super::super::super::sim;"),
        ("core::unheard_of", "use super::ids;"),
        ("core::cache", "mod tests { use super::super::engine; }"),
        ("sim", "use crate::web;"),
        ("sim::net", "use crate::api;"),
        ("web::rtc", "use crate::{api, core};"),
        ("web", "use crate::sim;"),
        ("api", "use crate::sim::trace_hash;"),
    ];
    for (module, text) in planted {
        assert_eq!(
            complaints(module, text),
            1,
            "not caught once: `{text}` in {module}"
        );
    }
    let mut wrong = Vec::new();
    check_cli(&["demo".into()], "use swarmline::web::rtc;", &mut wrong);
    assert_eq!(wrong.len(), 1);
}

#[test]
fn right_arrows_and_words_in_comments_pass() {
    let fine = [
        (
            "core::engine",
            "use crate::core::{swarm::Peers, scheduler, wire};",
        ),
        (
            "core::time",
            "pub use std::time::Duration; // no Instant here",
        ),
        (
            "core::ids",
            "/// See [`crate::core::engine::Engine`].\n/* crate::web */ struct A;",
        ),
        (
            "core::error",
            "const WHY: &str = \"HashMap, crate::web\"; const C: char = '\"'; struct B<'a>(&'a u8);",
        ),
        (
            "core::error",
            "const RAW: &str = r#\"crate::web \" js_sys\"#;",
        ),
        (
            "core::cache",
            "use super::timeline; mod tests { use super::super::ids; use super::helper; }",
        ),
        (
            "core::cache",
            "mod tests { fn f() {} } use super::super::core::Item;",
        ),
        (
            "core::scheduler::pick",
            "use super::plan; use crate::core::action::Action;",
        ),
        (
            "web::rtc",
            "use crate::core::ids; use web_sys::RtcPeerConnection;",
        ),
        ("api", "use crate::web; use crate::core::config::Config;"),
        ("api::selftest", "use crate::sim;"),
        (
            "sim",
            "use crate::core::engine::Engine; use std::collections::HashMap;",
        ),
    ];
    for (module, text) in fine {
        assert_eq!(
            complaints(module, text),
            0,
            "wrongly caught: `{text}` in {module}"
        );
    }
    let mut wrong = Vec::new();
    check_cli(
        &["demo".into()],
        "use swarmline::{core::integrity, sim}; use super::web;",
        &mut wrong,
    );
    assert!(wrong.is_empty());
}

#[test]
fn a_planted_cycle_is_caught() {
    let edge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let round = [
        edge("wire", "cache"),
        edge("cache", "integrity"),
        edge("integrity", "wire"),
    ];
    assert!(cycle(&round).is_some());
    assert!(cycle(&round[..2]).is_none());
}

fn complaints(module: &str, text: &str) -> usize {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    let mut wrong = Vec::new();
    check_module(&module, text, &mut wrong, &mut Vec::new());
    wrong.len()
}

fn check_module(
    module: &[String],
    text: &str,
    wrong: &mut Vec<String>,
    inside_core: &mut Vec<(String, String)>,
) {
    let tokens = tokens(text);
    for (from, to) in mentions(module, &tokens, "crate") {
        if let Err(why) = arrow(&from, &to) {
            wrong.push(format!("{} → {}: {why}", from.join("::"), to.join("::")));
        } else if let (Some(a), Some(b)) = (core_module(&from), core_module(&to))
            && a != b
        {
            inside_core.push((a.to_owned(), b.to_owned()));
        }
    }
    if module.first().is_some_and(|top| top == "core") {
        for name in tokens
            .iter()
            .filter(|token| IMPURE.contains(&token.as_str()))
        {
            wrong.push(format!("{} mentions {name}", module.join("::")));
        }
    }
}

fn check_cli(module: &[String], text: &str, wrong: &mut Vec<String>) {
    for (_, to) in mentions(module, &tokens(text), "swarmline") {
        let allowed = to.first().is_none_or(|top| top == "core" || top == "sim");
        if !allowed {
            wrong.push(format!(
                "cli::{} → swarmline::{}",
                module.join("::"),
                to.join("::")
            ));
        }
    }
}

fn arrow(from: &[String], to: &[String]) -> Result<(), &'static str> {
    let (Some(a), Some(b)) = (from.first(), to.first()) else {
        return Ok(());
    };
    // The self-test export runs a simulated swarm inside wasm; it ships with no package.
    let selftest = from.get(1).is_some_and(|name| name == "selftest");
    match (a.as_str(), b.as_str()) {
        ("core", "core") => core_arrow(core_module(from), core_module(to)),
        ("web" | "sim" | "api", "core") | ("api", "web") => Ok(()),
        ("api", "sim") if selftest => Ok(()),
        (a, b) if a == b => Ok(()),
        (_, "core" | "web" | "api" | "sim") => Err("layers are api → web → core ← sim"),
        _ => Err("an unknown top-level module"),
    }
}

fn core_arrow(from: Option<&str>, to: Option<&str>) -> Result<(), &'static str> {
    let layer = |name: &str| CORE.iter().position(|layer| layer.contains(&name));
    let (Some(from), Some(to)) = (from, to) else {
        return Ok(());
    };
    if from == to {
        return Ok(());
    }
    if STRANGERS.contains(&(from, to)) {
        return Err("swarm and scheduler meet only in the engine");
    }
    if CONTRACT.contains(&from) && !CONTRACT_KNOWS.contains(&to) {
        return Err("events and actions know only leaves and the timeline");
    }
    match (layer(from), layer(to)) {
        (Some(a), Some(b)) if b <= a => Ok(()),
        (Some(_), Some(_)) => Err("leaves first"),
        _ => Err("a module with no place in the tables of tests/layers.rs"),
    }
}

fn core_module(path: &[String]) -> Option<&str> {
    path.first().filter(|top| *top == "core")?;
    path.get(1)
        .map(String::as_str)
        .filter(|name| name.starts_with(char::is_lowercase))
}

/// Modules of one layer may know each other, but not in a circle.
fn cycle(edges: &[(String, String)]) -> Option<String> {
    let mut knows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (a, b) in edges {
        knows.entry(a).or_default().insert(b);
        knows.entry(b).or_default();
    }
    // Take away modules that know nobody (any more) until none is left or all that are left go round.
    while let Some(leaf) = knows
        .iter()
        .find(|(_, of)| of.is_empty())
        .map(|(name, _)| *name)
    {
        knows.remove(leaf);
        knows.values_mut().for_each(|of| {
            of.remove(leaf);
        });
    }
    (!knows.is_empty()).then(|| format!("core's modules go round in a circle: {knows:?}"))
}

/// Every `.rs` file below a directory, by module path.
fn sources(dir: &Path) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    walk(dir, &[], &mut found);
    assert!(!found.is_empty(), "no sources in {}", dir.display());
    found
}

fn walk(dir: &Path, parents: &[String], found: &mut Vec<(Vec<String>, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut module = parents.to_vec();
        if path.is_dir() {
            module.push(name);
            walk(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            if !["mod", "lib", "main"].contains(&name.as_str()) {
                module.push(name);
            }
            found.push((module, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Paths that start at the crate's root (`root::…`), or at `super`, resolved and with groups expanded.
fn mentions(file: &[String], tokens: &[String], root: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut module = Nesting::new(file);
    for (at, token) in tokens.iter().enumerate() {
        module.step(tokens, at);
        let next_is = |at: usize, what: &str| tokens.get(at + 1).is_some_and(|next| next == what);
        let inside_a_path = at > 0 && tokens.get(at - 1).is_some_and(|before| before == "::");
        if inside_a_path || !next_is(at, "::") {
            continue;
        }
        let (mut base, mut at) = match token.as_str() {
            word if word == root => (Vec::new(), at + 1),
            // From another package, `super` leads nowhere of interest.
            "super" if root == "crate" => (parent(&module.path), at + 1),
            _ => continue,
        };
        while token == "super" && next_is(at, "super") {
            base = parent(&base);
            at += 2;
        }
        let mut paths = Vec::new();
        expand(tokens, at, &base, &mut paths);
        found.extend(paths.into_iter().map(|path| (module.path.clone(), path)));
    }
    found
}

/// The module a token lies in: its file's, and the inline modules around it.
struct Nesting {
    path: Vec<String>,
    depth: usize,
    opened_at: Vec<usize>,
}

impl Nesting {
    fn new(file: &[String]) -> Self {
        Self {
            path: file.to_vec(),
            depth: 0,
            opened_at: Vec::new(),
        }
    }

    fn step(&mut self, tokens: &[String], at: usize) {
        match tokens[at].as_str() {
            "{" => {
                self.depth += 1;
                if at >= 2 && tokens[at - 2] == "mod" {
                    self.path.push(tokens[at - 1].clone());
                    self.opened_at.push(self.depth);
                }
            }
            "}" => {
                if self.opened_at.last() == Some(&self.depth) {
                    self.opened_at.pop();
                    self.path.pop();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

fn parent(module: &[String]) -> Vec<String> {
    module
        .split_last()
        .map_or(Vec::new(), |(_, rest)| rest.to_vec())
}

/// Reads `::a::{b, c::d}` from `at`; returns where it ends.
fn expand(
    tokens: &[String],
    mut at: usize,
    base: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = base.to_vec();
    while tokens.get(at).is_some_and(|token| token == "::") {
        match tokens.get(at + 1).map(String::as_str) {
            Some("{") => return group(tokens, at + 2, &path, paths),
            Some("self") => {}
            Some(word) if is_word(word) => path.push(word.to_owned()),
            _ => break,
        }
        at += 2;
    }
    paths.push(path);
    at
}

fn group(tokens: &[String], mut at: usize, base: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "}" => return at + 1,
            word if is_word(word) && word != "self" => {
                let mut path = base.to_vec();
                path.push(word.to_owned());
                at = expand(tokens, at + 1, &path, paths);
            }
            _ => at += 1,
        }
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs; comments and literals left out.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = blank(rest).unwrap_or_else(|| {
            let word = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            if !first.is_whitespace() {
                found.push(rest[..length].to_owned());
            }
            length
        });
        rest = &rest[length..];
    }
    found
}

/// Length of the comment or literal at the start of `rest`, if there is one.
fn blank(rest: &str) -> Option<usize> {
    let end = |from: usize, what: &str| {
        rest[from..]
            .find(what)
            .map_or(rest.len(), |at| from + at + what.len())
    };
    if rest.starts_with("//") {
        return Some(end(2, "\n"));
    }
    if rest.starts_with("/*") {
        return Some(end(2, "*/"));
    }
    if rest.starts_with("r\"") || rest.starts_with("r#") {
        let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
        return rest[1 + hashes..]
            .starts_with('"')
            .then(|| end(2 + hashes, &format!("\"{}", "#".repeat(hashes))));
    }
    match rest.chars().next()? {
        '"' => Some(quoted(rest, '"')),
        // A character, not a lifetime: `'x'` or an escape.
        '\'' if rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'') => {
            Some(quoted(rest, '\''))
        }
        _ => None,
    }
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
