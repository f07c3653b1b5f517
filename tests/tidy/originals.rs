//! Every test that `docs/originals.md` names is there, so that the table cannot promise more than is
//! tested.

use std::collections::BTreeMap;

use super::{files, read, source::line_at};

const TABLE: &str = "docs/originals.md";

/// What breaks the rule, with file and line.
pub(crate) fn faults() -> Vec<String> {
    let Some(table) = read(TABLE) else {
        return vec![format!(
            "{TABLE} is not there: it maps requirements to tests"
        )];
    };
    let tests = tests();
    let mut faults = Vec::new();
    let mut named = 0;
    for (at, path) in paths(&table) {
        named += 1;
        let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
        let there = tests.get(name).is_some_and(|modules| {
            let ends = |own: &String| own == module || own.ends_with(&format!("::{module}"));
            modules.iter().any(ends)
        });
        if !there {
            let line = line_at(&table, at);
            faults.push(format!("{TABLE}:{line}: there is no test `{path}`"));
        }
    }
    if named < 100 {
        faults.push(format!("{TABLE}: only {named} tests are named"));
    }
    faults
}

/// Everything in backticks that has the form of a test's path.
fn paths(table: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let parts = table.split('`').enumerate().map(move |(place, part)| {
        let begin = at;
        at += part.len() + 1;
        (place % 2 == 1, begin, part)
    });
    let is_path = |part: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c);
        part.contains("::") && part.chars().all(plain)
    };
    parts
        .filter(move |(quoted, _, part)| *quoted && is_path(part))
        .map(|(_, begin, part)| (begin, part))
}

/// The modules in which each test's name stands.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let all = ["src", "tests"]
        .into_iter()
        .flat_map(|folder| files(folder, "rs"));
    for (path, text) in all {
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = ["tests/it/", "tests/", "src/"]
            .iter()
            .find_map(|root| module.strip_prefix(root))
            .unwrap_or(module)
            .replace('/', "::");
        for line in text.lines() {
            let name = line.trim().strip_prefix("fn ");
            if let Some((name, _)) = name.and_then(|rest| rest.split_once('(')) {
                tests
                    .entry(name.to_owned())
                    .or_default()
                    .push(module.clone());
            }
        }
    }
    tests
}

#[test]
fn a_test_that_is_not_there_is_found() {
    let table = "| a | `originals::x::is_so`, `Retry-After`, `PATCH /a` |\n| b | `walk::y` |";
    let found: Vec<&str> = paths(table).map(|(_, path)| path).collect();
    assert_eq!(found, ["originals::x::is_so", "walk::y"]);
    let tests = tests();
    let walk = &tests["the_originals_commands_work_at_the_root"];
    assert!(walk.contains(&"walk".to_owned()), "{walk:?}");
}
