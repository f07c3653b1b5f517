//! In which direction the folders of `src` import each other (ARCHITECTURE.md, "Where things go").

use super::{
    Fault,
    source::{Source, is_word, line_at, words_in},
};

/// Which top-level modules each of them may import. What is not listed imports everything (`app`
/// and the binary wire the rest together) or does not exist.
const IMPORTS: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    (
        "store",
        &["domain", "config", "clock", "metrics", "telemetry"],
    ),
    ("views", &["domain", "store"]),
    ("feed", &["domain", "store", "views", "represent"]),
    (
        "outbound",
        &["domain", "config", "clock", "metrics", "telemetry"],
    ),
    (
        "actors",
        &[
            "domain",
            "store",
            "views",
            "feed",
            "outbound",
            "config",
            "clock",
            "metrics",
            "telemetry",
        ],
    ),
    (
        "http",
        &[
            "actors::handles",
            "domain",
            "views",
            "feed",
            "represent",
            "config",
            "clock",
            "metrics",
            "telemetry",
        ],
    ),
    ("cli", &["app", "config", "domain", "store", "telemetry"]),
    ("represent", &["domain"]),
    ("config", &["domain"]),
    ("clock", &["domain"]),
    ("metrics", &[]),
    ("telemetry", &["clock", "config", "domain"]),
];

/// Imports that go against the directions.
pub(crate) fn directions(source: &Source) -> Vec<Fault> {
    let module = module_of(&source.path);
    let Some(own) = module.first() else {
        return vec![];
    };
    let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| name == own) else {
        let wires = ["app", "main"].contains(&own.as_str());
        let what = format!("{own}: a new module; give it a line in tidy's IMPORTS");
        return if wires { vec![] } else { vec![(1, what)] };
    };
    let text = source.code_text();
    let crate_paths = words_in(&text, "crate").filter_map(|at| {
        let tree = text[at..].strip_prefix("crate::")?;
        Some((at, paths(tree)))
    });
    let super_paths = words_in(&text, "super").filter_map(|at| {
        let continues = text[..at].ends_with("super::");
        let chain = &text[at..];
        let tree = chain.trim_start_matches("super::");
        let ups = (chain.len() - tree.len()) / "super::".len();
        (!continues && ups >= module.len()).then(|| (at, paths(tree)))
    });
    let mut faults = Vec::new();
    for (at, paths) in crate_paths.chain(super_paths) {
        for path in paths {
            let under = |home: &str| path == home || path.starts_with(&format!("{home}::"));
            if !under(own) && !allowed.iter().any(|home| under(home)) {
                let allowed = [&[own.as_str()], *allowed].concat().join(", ");
                let what = format!("{own} may not import {path}, only {allowed}");
                faults.push((line_at(&text, at), what));
            }
        }
    }
    faults
}

/// The module path that a file under `src` makes.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    let names = path.split('/').map(str::to_owned);
    names.filter(|name| name != "lib").collect()
}

/// The first two segments of each path of a use tree such as `a::{b, c::d}`.
fn paths(tree: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect_paths(tree.trim_start(), "", &mut found);
    found
}

/// Returns what follows the tree.
fn collect_paths<'a>(tree: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
    if let Some(mut rest) = tree.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches([' ', '\n', ',']);
            if rest.is_empty() || rest.starts_with('}') {
                return rest.strip_prefix('}').unwrap_or(rest);
            }
            rest = collect_paths(rest, before, found);
        }
    }
    let end = tree.find(|c| !is_word(c)).unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end.max(usize::from(tree.starts_with('*'))));
    let path = if before.is_empty() {
        name.into()
    } else {
        format!("{before}::{name}")
    };
    match rest.strip_prefix("::") {
        Some(rest) if path.matches("::").count() == 0 => collect_paths(rest, &path, found),
        Some(rest) => {
            found.push(path);
            collect_paths(rest, "", &mut Vec::new())
        }
        None => {
            found.push(path);
            // `a as b`, or a character that no tree has.
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            &rest[end..]
        }
    }
}

#[test]
fn imports_against_the_direction_are_found() {
    let imports = |path, text, expected: &[_]| super::check(directions, path, text, expected);
    imports("src/domain/a.rs", "use crate::domain::Money;", &[]);
    imports(
        "src/domain/a.rs",
        "fn a() {\ncrate::store::b() }",
        &[(2, "domain may not")],
    );
    imports("src/domain/a.rs", "use super::{b, c};", &[]);
    imports(
        "src/domain/a.rs",
        "use super::super::{store, domain};",
        &[(1, "domain may not")],
    );
    imports("src/domain/a/b.rs", "use super::super::{ids, store};", &[]);
    let tree =
        "use crate::{\n  actors::{entity::A, handles::{B, C}},\n  domain::d as e, store::*};";
    let expected = [
        (1, "http may not import actors::entity"),
        (1, "http may not import store"),
    ];
    imports("src/http/a.rs", tree, &expected);
    imports(
        "src/views/a.rs",
        "use crate::{clock::Clock, domain};",
        &[(1, "views may not")],
    );
    imports("src/app.rs", "use crate::{actors, http, store};", &[]);
    imports("src/drawer.rs", "", &[(1, "drawer: a new module")]);
    let tested = "#[cfg(test)]\nmod tests {\nuse crate::store;";
    imports("src/domain/a.rs", tested, &[]);
}
