//! Rules of the repository that no compiler keeps, each with the file and line that breaks it.
//!
//! Directions between folders, words that belong to one folder, the length of files, and what must
//! not stand in a source file at all. ARCHITECTURE.md and CONTRIBUTING.md give the reasons.

#![cfg(test)]

mod codes;
mod imports;
mod originals;
mod readmes;
mod source;
mod storefronts;
mod words;

use std::{fs, path::Path};

use source::{Source, has_word};

/// What breaks a rule: the line, and what to do about it.
type Fault = (usize, String);

/// Lines of code (no blank lines, no comments, no tests) from which a file is to be split.
const CODE_LINES_MAX: usize = 400;

/// Files that are longer, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

#[test]
fn the_repository_is_tidy() {
    let storefronts = storefronts::words();
    let mut faults = codes::faults();
    faults.extend(originals::faults());
    faults.extend(readmes::faults());
    let sources = sources(&["src", "tests", "benches", "examples"]);
    for source in &sources {
        let mut found = opens_with_its_purpose(source);
        found.extend(markers(source));
        if source.path.starts_with("src/") {
            found.extend(length(source));
            found.extend(unwraps(source));
            found.extend(imports::directions(source));
            found.extend(words::of_one_folder(source));
            found.extend(storefronts::said_by(source, &storefronts));
        }
        let located = |(line, what)| format!("{}:{line}: {what}", source.path);
        faults.extend(found.into_iter().map(located));
    }
    assert!(sources.len() > 20, "only {} files", sources.len());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn opens_with_its_purpose(source: &Source) -> Vec<Fault> {
    let opens = source.comments[0].starts_with("//! ");
    let what = "open the file with `//!` and what it is for";
    if opens {
        vec![]
    } else {
        vec![(1, what.into())]
    }
}

fn length(source: &Source) -> Vec<Fault> {
    let is_code = |line: &&str| !line.trim().is_empty();
    let lines = source
        .code_lines()
        .map(|(_, line)| line)
        .filter(is_code)
        .count();
    let excepted = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    if lines <= CODE_LINES_MAX || excepted {
        return vec![];
    }
    let what = format!("{lines} lines of code; split it at {CODE_LINES_MAX}");
    vec![(CODE_LINES_MAX, what)]
}

fn markers(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, (code, comment)) in source.code.iter().zip(&source.comments).enumerate() {
        for marker in ["TODO", "FIXME", "XXX"] {
            if has_word(code, marker) || has_word(comment, marker) {
                faults.push((at + 1, format!("{marker}: do it, or open an issue")));
            }
        }
        for attribute in ["#[ignore", "#[should_panic"] {
            if code.contains(attribute) {
                faults.push((at + 1, format!("{attribute}]: assert what shall happen")));
            }
        }
    }
    faults
}

fn unwraps(source: &Source) -> Vec<Fault> {
    let unwraps = |line: &str| line.contains(".unwrap()") || line.contains(".unwrap_err()");
    let what = "unwrap: use expect, and say what guarantees it";
    let lines = source.code_lines().filter(|(_, line)| unwraps(line));
    lines.map(|(line, _)| (line, what.into())).collect()
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let files = folders.iter().flat_map(|folder| files(folder, "rs"));
    files
        .map(|(path, text)| Source::new(&path, &text))
        .collect()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Path and text of every file under `folder` with this extension, in the order of their paths.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) else {
        return vec![];
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path, extension));
        } else if Path::new(&path)
            .extension()
            .is_some_and(|own| own == extension)
        {
            let text = read(&path).expect("a text in UTF-8");
            found.push((path, text));
        }
    }
    found.sort();
    found
}

fn check(rule: fn(&Source) -> Vec<Fault>, path: &str, text: &str, expected: &[(usize, &str)]) {
    let found = rule(&Source::new(path, text));
    let found: Vec<_> = found
        .iter()
        .map(|(line, what)| (*line, what.as_str()))
        .collect();
    assert_eq!(found.len(), expected.len(), "{path}: {found:?}");
    for ((line, what), (expected_line, begins)) in found.iter().zip(expected) {
        assert!(
            line == expected_line && what.starts_with(begins),
            "{path}: {found:?}"
        );
    }
}

#[test]
fn what_a_file_must_not_contain_is_found() {
    let opens = |text, expected: &[_]| check(opens_with_its_purpose, "src/a.rs", text, expected);
    opens("//! A page.\n", &[]);
    opens("use std::fs;\n//! A page.\n", &[(1, "open")]);

    let long = |n| "a();\n\n// a\n".repeat(n);
    check(length, "src/a.rs", &long(400), &[]);
    check(length, "src/a.rs", &long(401), &[(400, "401 lines")]);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}", long(400), long(100));
    check(length, "src/a.rs", &tested, &[]);

    let marked = "// TODO: a\nlet a = \"TODO\"; /*\nFIXME */\n#[ignore]\n#[should_panic]";
    let expected = [
        (1, "TODO"),
        (3, "FIXME"),
        (4, "#[ignore"),
        (5, "#[should_panic"),
    ];
    check(markers, "src/a.rs", marked, &expected);

    let unwrapped = "a.unwrap();\n// b.unwrap()\n#[cfg(test)]\nmod tests {\nc.unwrap();";
    check(unwraps, "src/a.rs", unwrapped, &[(1, "unwrap")]);
    check(unwraps, "src/a/tests.rs", unwrapped, &[]);
    check(unwraps, "src/attests.rs", unwrapped, &[(1, "unwrap")]);
}
