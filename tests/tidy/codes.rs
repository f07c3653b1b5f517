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

/// One entry of the table, with its line.
struct Code<'a> {
    line: usize,
    name: &'a str,
    status: u16,
    meaning: &'a str,
}

/// Entries of the form `("code", 503, "meaning")`.
fn codes(text: &str) -> Vec<Code<'_>> {
    let entries = text.match_indices('(').filter_map(|(at, _)| {
        let (name, rest) = quoted(&text[at + 1..])?;
        let (status, rest) = rest.strip_prefix(',')?.split_once(',')?;
        let (meaning, _) = quoted(rest)?;
        Some(Code {
            line: line_at(text, at),
            name,
            status: status.trim().parse().ok()?,
            meaning,
        })
    });
    entries.collect()
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix('"')?.split_once('"')
}

/// A row begins with code and status; it may explain more than the entry does.
fn code_faults(codes: &[Code<'_>], readme: &str) -> Vec<Fault> {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = readme.lines().map(squeezed).collect();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for code in codes {
        let Code { name, status, .. } = code;
        if !seen.insert(name) {
            faults.push((code.line, format!("the code {name} is here a second time")));
        }
        let begins = format!("| `{name}` | {status} |");
        if !rows.iter().any(|row| row.starts_with(&begins)) {
            let row = format!("{begins} {} |", code.meaning);
            faults.push((code.line, format!("README.md's table needs: {row}")));
        }
    }
    faults
}

#[test]
fn error_codes_that_are_double_or_not_told_are_found() {
    let text = "const CODES: [Code; 3] = [\n(\"a_b\", 404, \"x\"),\n(\n\"c\",\n503,\n\"y\"),\n\
        (\"a_b\", 404, \"z\"), (\"d\", e), (\"f\", 500, \"\")];";
    let codes = codes(text);
    let found: Vec<_> = codes.iter().map(|own| (own.line, own.name)).collect();
    assert_eq!(found, [(2, "a_b"), (3, "c"), (7, "a_b"), (7, "f")]);
    let faults = code_faults(&codes, "`c`\n| `a_b`  | 404 | x |\n| `f` | 503 | f |");
    let expected = [
        (3, "README.md's table needs: | `c` | 503 | y |".into()),
        (7, "the code a_b is here a second time".into()),
        (7, "README.md's table needs: | `f` | 500 |  |".into()),
    ];
    assert_eq!(faults, expected);
}
