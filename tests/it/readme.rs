//! The README's transcripts, run by a shell against the real binary: what it shows is what comes.
//!
//! In a `console` block, lines that begin with `$ ` are commands (a `\` at the end goes on with the
//! next line), the lines below each are its output, and `…` stands for anything. What a
//! `curl` in an `sh` block asks for is answered with 201.

use std::process::Command;

use tempfile::TempDir;

use crate::support::Process;

/// How often a question is asked again whose answer follows soon after a command, and not at once.
const ASKED_MAX: usize = 200;

/// What the README calls the server.
const ADDRESS: &str = "localhost:8080";

#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    output: String,
}

/// The commands of all `console` blocks, with their outputs.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let blocks = text.split("```console\n").skip(1);
    for line in blocks
        .filter_map(|block| block.split_once("```"))
        .flat_map(|(b, _)| b.lines())
    {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step {
                    command: command.to_owned(),
                    output: String::new(),
                });
            }
            (None, Some(step)) if step.output.is_empty() && step.command.ends_with('\\') => {
                step.command.push('\n');
                step.command.push_str(line);
            }
            (None, Some(step)) => {
                step.output.push_str(line);
                step.output.push('\n');
            }
            (None, None) => panic!("output before the first command: {line}"),
        }
    }
    steps
}

/// The lines of all `sh` blocks that call the server.
fn calls(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.filter_map(|block| block.split_once("```"));
    let lines = lines.flat_map(|(block, _)| block.lines());
    lines.filter(|line| line.starts_with("curl "))
}

/// Whether the text is what is expected, where `…` stands for anything.
fn fits(text: &str, expected: &str) -> bool {
    let parts: Vec<&str> = expected.trim_end().split('…').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return text.trim_end() == expected.trim_end();
    };
    let rest = text
        .trim_end()
        .strip_prefix(first)
        .and_then(|text| text.strip_suffix(last));
    let found = middle
        .iter()
        .try_fold(rest.unwrap_or_default(), |rest, part| {
            rest.split_once(part).map(|(_, rest)| rest)
        });
    rest.is_some() && found.is_some()
}

fn run(command: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", command])
        .env("NO_PROXY", "*")
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn the_readmes_walk_is_what_happens() {
    if Command::new("curl").arg("--version").output().is_err() {
        // The README promises that `cargo test` needs nothing else installed.
        return;
    }
    let data = TempDir::new().unwrap();
    let process = Process::serve(&data.path().join("data"), &["--root", "flowers"]);
    let address = process.address().to_string();
    let text = include_str!("../../README.md");
    let steps = steps(text);
    let steps = steps
        .iter()
        .filter(|step| !step.command.starts_with("cargo "));
    let mut count = 0;
    for step in steps {
        let command = step.command.replace(ADDRESS, &address);
        let expected = step.output.replace(ADDRESS, &address);
        let is_question = !step.command.contains(" -d ") && !step.command.contains(" -X ");
        let asked_max = if is_question { ASKED_MAX } else { 1 };
        let mut answers = std::iter::repeat_with(|| run(&command)).take(asked_max);
        let mut last = String::new();
        let is_found = answers.any(|answer| {
            last = answer;
            fits(&last, &expected)
        });
        assert!(
            is_found,
            "$ {command}\nwas answered\n{last}\nand not\n{expected}"
        );
        count += 1;
    }
    assert!(count >= 4, "order, pay, deliver, cancel: {count} commands");
    let mut count = 0;
    for call in calls(text) {
        let call = call.replace(ADDRESS, &address);
        let answer = run(&call.replacen("curl", "curl -s -w '%{http_code}'", 1));
        assert!(answer.ends_with("201"), "{call}\nwas answered\n{answer}");
        count += 1;
    }
    assert!(count >= 4, "one for each shop but the first: {count} calls");
}

#[test]
fn transcripts_are_read_as_they_are_meant() {
    let text = "a\n```console\n$ one \\\n  more\nout\n\n$ two\n```\n```sh\n$ no\n```\n";
    let step = |command: &str, output: &str| Step {
        command: command.to_owned(),
        output: output.to_owned(),
    };
    assert_eq!(
        steps(text),
        [step("one \\\n  more", "out\n\n"), step("two", "")]
    );
    let check = |text, expected, is_fit| assert_eq!(fits(text, expected), is_fit, "{expected}");
    check("a\nb\nc\n", "a\nb\nc", true);
    check("a\nb\nc\n", "a\n…\nc\n", true);
    check("a\nb\nc\n", "…b…", true);
    check("a\nb\nc\n", "a\n…\nd", false);
    check("a\nb\nc\n", "a…x…c", false);
    check("a\nb\nc\n", "a\nb", false);
    check("aba", "ab…ba", false);
}
