//! The codes that clients match on: each once, and each in the README's table.

use std::collections::BTreeSet;

use super::{Fault, read, source::line_at};

/// What breaks the rule, with file and line. Nothing while there is no table of codes.
pub(crate) fn faults() -> Vec<String> {
    let path = "src/http/error.rs";
    let Some(text) = read(path) else {
        return vec![];
    };
    let readme = read("README.md").unwrap_or_default();
    let codes = codes(&text);
    let mut faults = code_faults(&codes, &readme);
    if codes.is_empty() {
        faults.push((
            1,
            "no entry like (\"code\", 503, \"meaning\") was found".into(),
        ));
    }
    let line = |(line, what): Fault| format!("{path}:{line}: {what}");
    faults.into_iter().map(line).collect()
}

/// Entries of the form `("code", 503, "meaning")`, with their lines.
fn codes(text: &str) -> Vec<(usize, &str)> {
    let entries = text.match_indices('(').filter_map(|(at, _)| {
        let (code, rest) = text[at + 1..]
            .trim_start()
            .strip_prefix('"')?
            .split_once('"')?;
        let (status, rest) = rest.strip_prefix(',')?.split_once(',')?;
        let meaning = rest.trim_start().starts_with('"');
        let is_entry = meaning && status.trim().parse::<u16>().is_ok();
        is_entry.then(|| (line_at(text, at), code))
    });
    entries.collect()
}

fn code_faults(codes: &[(usize, &str)], readme: &str) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (line, code) in codes {
        if !seen.insert(code) {
            faults.push((*line, format!("the code {code} stands here a second time")));
        }
        let cell = format!("`{code}`");
        let is_row = |line: &str| line.trim_start().starts_with('|') && line.contains(&cell);
        if !readme.lines().any(is_row) {
            faults.push((
                *line,
                format!("the code {code} has no row in README.md's table"),
            ));
        }
    }
    faults
}

#[test]
fn error_codes_that_are_double_or_not_told_are_found() {
    let text = "const CODES: [Code; 3] = [\n(\"a_b\", 404, \"x\"),\n(\n\"c\",\n503,\n\"y\"),\n(\"a_b\", 400, \"z\"), (\"d\", e)];";
    let codes = codes(text);
    assert_eq!(codes, [(2, "a_b"), (3, "c"), (7, "a_b")]);
    let faults = code_faults(&codes, "`c`\n| `a_b` | 404 |");
    let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 7], "{faults:?}");
}
