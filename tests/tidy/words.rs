//! Words of code that belong to one folder, so that what they name can be replaced there.

use super::{
    Fault,
    source::{Source, has_word, words_in},
};

/// Words of code that may stand only under these paths.
const WORDS: [(&[&str], &[&str]); 5] = [
    (&["sled", "bincode", "rmp_serde", "rmpv"], &["src/store/"]),
    (&["actix", "actix_rt"], &["src/actors/"]),
    (
        &["actix_web", "actix_http", "actix_cors"],
        &["src/http/", "src/app", "src/main.rs"],
    ),
    (
        &["awc", "lettre", "standardwebhooks"],
        &["src/outbound/", "src/cli/"],
    ),
    (&["ratatui"], &["src/cli/"]),
];

/// Words of code that the domain does without: it reads no clock, draws no lots, does no IO.
const NOT_IN_DOMAIN: [&str; 12] = [
    "async",
    "await",
    "fastrand",
    "fs",
    "io",
    "net",
    "thread",
    "tokio",
    "tracing",
    "uuid",
    "Instant",
    "SystemTime",
];

/// Words that stand in a folder that is not theirs.
pub(crate) fn of_one_folder(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, code) in source.code_lines() {
        for (words, homes) in WORDS {
            let at_home = homes.iter().any(|home| source.path.starts_with(home));
            for word in words
                .iter()
                .filter(|word| !at_home && names_crate(code, word))
            {
                faults.push((line, format!("{word}: only in {}", homes.join(", "))));
            }
        }
        if source.path.starts_with("src/domain/") {
            for word in NOT_IN_DOMAIN.iter().filter(|word| has_word(code, word)) {
                faults.push((line, format!("{word}: never in the domain")));
            }
        }
    }
    faults
}

/// Whether the line names a crate, and not a variable of the same name.
fn names_crate(code: &str, name: &str) -> bool {
    words_in(code, name).any(|at| {
        let before = code[..at].trim_end();
        code[at + name.len()..].starts_with("::") || before.ends_with("use")
    })
}

#[test]
fn words_outside_their_folder_are_found() {
    let words = |path, text, expected: &[_]| super::check(of_one_folder, path, text, expected);
    words("src/store/a.rs", "use sled::Db;", &[]);
    words(
        "src/views/a.rs",
        "\nuse sled::Db;",
        &[(2, "sled: only in src/store/")],
    );
    words("src/http/a.rs", "fn a(sled: &str) {} // sled::Db", &[]);
    words(
        "src/app.rs",
        "actix_web::run(); let b = '\"'; actix::run();",
        &[(1, "actix:")],
    );
    words(
        "src/domain/a.rs",
        "async fn a<'a>() {}",
        &[(1, "async: never")],
    );
    words("src/domain/a.rs", "const A: &str = \"async\";", &[]);
}
