//! Every crate of the tree has a licence, a source and a name that `deny.toml` allows.
//!
//! Needs neither a network nor an installed tool, so it runs with every `cargo test`.

#![cfg(test)]

use std::{env, process::Command};

use serde_json::Value as Json;

#[test]
fn every_crate_is_allowed_by_deny_toml() {
    let rules = Rules::read(include_str!("../deny.toml"));
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let faults: Vec<String> = packages.iter().flat_map(|p| rules.faults(p)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    let unused = rules.exceptions.iter().filter(|(name, _)| {
        let named = |package: &Json| package["name"] == name.as_str();
        !packages.iter().any(named)
    });
    let unused: Vec<_> = unused.map(|(name, _)| name).collect();
    assert!(
        unused.is_empty(),
        "exceptions for crates that are gone: {unused:?}"
    );
}

#[test]
fn a_crate_that_is_not_allowed_is_named_with_the_reason() {
    let rules = Rules::read(
        r#"
        licenses.allow = ["MIT", "Apache-2.0"]
        licenses.exceptions = [{ crate = "one", allow = ["Zlib"] }]
        bans.deny = [{ crate = "bad", reason = "use good" }]
        sources.allow-registry = ["https://index"]
        "#,
    );
    let check = |name: &str, licence: &str, source: &str, faults: &[&str]| {
        let package = serde_json::json!({ "name": name, "license": licence, "source": source });
        assert_eq!(rules.faults(&package), faults);
    };
    let index = "registry+https://index";
    check("a", "MIT", index, &[]);
    check("one", "Zlib", index, &[]);
    check(
        "two",
        "Zlib",
        index,
        &["two: licence `Zlib` is not allowed"],
    );
    check("bad", "MIT", index, &["bad: banned, use good"]);
    let git = "git+https://elsewhere";
    check(
        "a",
        "MIT",
        git,
        &["a: comes from git+https://elsewhere, which is not allowed"],
    );
}

#[test]
fn licence_expressions_are_evaluated_as_spdx_says() {
    let check = |expression: &str, expected: bool| {
        let allowed = |id: &str| matches!(id, "MIT" | "Apache-2.0");
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    };
    check("MIT", true);
    check("GPL-3.0-only", false);
    check("GPL-3.0-only OR MIT", true);
    check("GPL-3.0-only/MIT", true);
    check("MIT AND GPL-3.0-only", false);
    check("MIT OR GPL-3.0-only AND ISC", true);
    check("(MIT OR GPL-3.0-only) AND ISC", false);
    check("(MIT OR ISC) AND (ISC OR Apache-2.0)", true);
    check("Apache-2.0 WITH LLVM-exception", false);
    check("Apache-2.0 WITH LLVM-exception OR MIT", true);
    check("", false);
    check("MIT OR", false);
    check("(MIT", false);
    check("MIT MIT", false);
}

/// The part of `deny.toml` that can be checked offline.
struct Rules {
    licences: Vec<String>,
    exceptions: Vec<(String, Vec<String>)>,
    banned: Vec<(String, String)>,
    registries: Vec<String>,
}

impl Rules {
    fn read(text: &str) -> Self {
        let file: toml::Table = text.parse().expect("deny.toml is TOML");
        let entries = |section: &str, key: &str| file[section][key].as_array().unwrap().clone();
        let crate_of = |entry: &toml::Value| entry["crate"].as_str().unwrap().to_owned();
        Self {
            licences: texts(&file["licenses"]["allow"]),
            exceptions: entries("licenses", "exceptions")
                .iter()
                .map(|entry| (crate_of(entry), texts(&entry["allow"])))
                .collect(),
            banned: entries("bans", "deny")
                .iter()
                .map(|entry| (crate_of(entry), entry["reason"].as_str().unwrap().into()))
                .collect(),
            registries: texts(&file["sources"]["allow-registry"]),
        }
    }

    fn faults(&self, package: &Json) -> Vec<String> {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("");
        let mut faults = Vec::new();
        let excepted = self.exceptions.iter().find(|(own, _)| own == name);
        let allowed = |id: &str| {
            let listed = |list: &[String]| list.iter().any(|own| own == id);
            listed(&self.licences) || excepted.is_some_and(|(_, list)| listed(list))
        };
        if !is_satisfied(licence, &allowed) {
            faults.push(format!("{name}: licence `{licence}` is not allowed"));
        }
        if let Some((_, reason)) = self.banned.iter().find(|(own, _)| own == name) {
            faults.push(format!("{name}: banned, {reason}"));
        }
        // Our own package has no source.
        if let Some(source) = package["source"].as_str() {
            let known = |registry: &String| source.strip_prefix("registry+") == Some(registry);
            if !self.registries.iter().any(known) {
                faults.push(format!("{name}: comes from {source}, which is not allowed"));
            }
        }
        faults
    }
}

fn texts(list: &toml::Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Only this machine's platform: crates of others need not have been fetched.
fn metadata() -> Json {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |arguments: &[&str]| {
        let output = Command::new(&cargo)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo {arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let arguments = ["metadata", "--offline", "--locked", "--format-version=1"];
    let platform = ["--filter-platform", host.unwrap()];
    serde_json::from_str(&run(&[&arguments[..], &platform].concat())).unwrap()
}

/// Whether the licences that are `allowed` satisfy an SPDX expression; a malformed one is not.
///
/// `A/B` is the old way to write `A OR B`. `A WITH B` counts as a licence of its own.
fn is_satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    any_of(&mut rest, allowed).unwrap_or(false) && rest.is_empty()
}

fn any_of(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut satisfied = all_of(rest, allowed)?;
    while take(rest, "OR") {
        satisfied |= all_of(rest, allowed)?;
    }
    Some(satisfied)
}

fn all_of(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut satisfied = one(rest, allowed)?;
    while take(rest, "AND") {
        satisfied &= one(rest, allowed)?;
    }
    Some(satisfied)
}

fn one(rest: &mut &[&str], allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    if take(rest, "(") {
        let inner = any_of(rest, allowed)?;
        return take(rest, ")").then_some(inner);
    }
    let (id, after) = rest.split_first()?;
    *rest = after;
    if take(rest, "WITH") {
        let (exception, after) = rest.split_first()?;
        *rest = after;
        return Some(allowed(&format!("{id} WITH {exception}")));
    }
    Some(allowed(id))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let taken = rest.first() == Some(&word);
    if taken {
        *rest = &rest[1..];
    }
    taken
}
