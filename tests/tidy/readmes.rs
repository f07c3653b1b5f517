//! The README in Korean says what the one in English says: the same headings, blocks and tables.

use super::read;

const ENGLISH: &str = "README.md";
const KOREAN: &str = "README.ko.md";

/// What a translation leaves as it is, in the order in which it stands there.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    /// A heading of this level.
    Heading(usize),
    /// A line of a fenced block, or its fence.
    Block(&'a str),
    /// A row of a table, with what stands in it between backticks, sorted.
    Row(Vec<&'a str>),
}

/// Where the two part ways, and how to bring them together.
pub(crate) fn faults() -> Vec<String> {
    let texts = [ENGLISH, KOREAN].map(|path| read(path).unwrap_or_default());
    let mut faults = differences(&texts[0], &texts[1]);
    for (path, text, other) in [(ENGLISH, &texts[0], KOREAN), (KOREAN, &texts[1], ENGLISH)] {
        let is_linked = |line: &str| line.contains(&format!("({other})"));
        if !text.lines().take(5).any(is_linked) {
            faults.push(format!("{path}:1: link to {other} at the top"));
        }
    }
    faults
}

/// The first place from which the two differ.
fn differences(english: &str, korean: &str) -> Vec<String> {
    let (english, korean) = (parts(english), parts(korean));
    let mut places =
        (0..english.len().max(korean.len())).map(|at| (english.get(at), korean.get(at)));
    let same = |(one, other): &(Option<&Located<'_>>, Option<&Located<'_>>)| {
        one.map(|(_, part)| part) == other.map(|(_, part)| part)
    };
    let Some((english, korean)) = places.find(|place| !same(place)) else {
        return Vec::new();
    };
    let line = |part: Option<&Located<'_>>| {
        part.map_or_else(|| "its end".into(), |(line, _)| line.to_string())
    };
    vec![format!(
        "{KOREAN}:{}: {ENGLISH} has another heading, block or row of a table at {}: say the same in both",
        line(korean),
        line(english)
    )]
}

/// A part, with its line.
type Located<'a> = (usize, Part<'a>);

fn parts(text: &str) -> Vec<Located<'_>> {
    let mut is_block = false;
    let mut parts = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let is_fence = text.starts_with("```");
        let part = if is_fence || is_block {
            Some(Part::Block(text))
        } else if text.starts_with('#') {
            let level = text.bytes().take_while(|byte| *byte == b'#').count();
            Some(Part::Heading(level))
        } else if text.starts_with('|') {
            let mut codes: Vec<_> = text.split('`').skip(1).step_by(2).collect();
            codes.sort_unstable();
            Some(Part::Row(codes))
        } else {
            None
        };
        is_block ^= is_fence;
        parts.extend(part.map(|part| (line, part)));
    }
    parts
}

#[test]
fn a_translation_that_fell_behind_is_found() {
    let english = "# A\ntext\n```sh\n# one\n```\n## B\n| `a` | x `b` |\n";
    let check = |from: &str, to: &str, expected: &[&str]| {
        let korean = english.replace(from, to);
        assert_ne!(korean, english, "{from}");
        let found = differences(english, &korean);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, begins) in found.iter().zip(expected) {
            assert!(found.starts_with(begins), "{found}");
        }
    };
    check("text", "글\n글", &[]);
    check("A", "가", &[]);
    check("| `a` | x `b` |", "| `b` | 엑스 `a` |", &[]);
    check("# one", "# 하나", &["README.ko.md:4: "]);
    check("```sh", "```", &["README.ko.md:3: "]);
    check(
        "## B",
        "B",
        &["README.ko.md:7: README.md has another heading, block or row of a table at 6"],
    );
    check("`a`", "`c`", &["README.ko.md:7: "]);
    check("| `a` | x `b` |\n", "", &["README.ko.md:its end: "]);
}
