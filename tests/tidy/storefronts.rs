//! What a storefront says on the wire stands in its file and nowhere in the source.

use std::collections::BTreeSet;

use super::{
    Fault, files,
    source::{Source, has_word},
};

/// Words of storefront files that are also the engine's own: where, and why.
const SHARED_WORDS: &[(&str, &str, &str)] = &[
    (
        "status",
        "src/",
        "a member of every problem detail, and a kind of field in definitions",
    ),
    ("position", "src/domain/storefront/", FIELD),
    ("quantity", "src/domain/storefront/", FIELD),
    (
        "quantity",
        "src/http/body/lines.rs",
        "how many a line is for, where no name is given",
    ),
    ("location", "src/http/", "a header of HTTP"),
    (
        "paid",
        "src/",
        "where a payout stands, and what happened to it",
    ),
    (
        "position",
        "src/http/consumers/",
        "how far somebody has come who follows a feed",
    ),
    ("role", "src/domain/storefront/", FIELD),
    ("title", "src/domain/storefront/read/", KEY),
    ("title", "src/http/", "a member of every problem detail"),
    ("amount", "src/domain/storefront/read/", KEY),
    ("language", "src/domain/storefront/read/", KEY),
    ("address", "src/http/notification", MESSAGE),
    ("language", "src/http/notification", MESSAGE),
    ("amount", "src/views/notices", KEY),
    ("reserve", "src/domain/storefront/", KEY),
    ("refund", "src/actors/provider.rs", "a kind of call"),
    ("payment", "src/domain/", "a kind of entity"),
    ("orders", "src/store/", TREE),
    ("payments", "src/store/", TREE),
    ("deliveries", "src/store/", TREE),
];
const KEY: &str = "a word of the definition format";
const MESSAGE: &str = "a member of every notification";
const FIELD: &str = "a kind of field in definitions";
const TREE: &str = "a kind's tree is called by its plural, whatever a storefront calls it";

/// A word that a storefront's file gives.
pub(crate) type Word = (String, Is);

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Is {
    /// The storefront's own name.
    Name,
    /// A path, a status, an event.
    Said,
    /// A field's name, or a query method's. Tests may have fields of the same name.
    Field,
}

/// A name may not stand anywhere in a text; other words may be a part of a sentence.
pub(crate) fn said_by(source: &Source, words: &BTreeSet<Word>) -> Vec<Fault> {
    let mut faults = Vec::new();
    // A definition that is embedded is named by its path.
    let literals = source
        .literals
        .iter()
        .filter(|(_, text)| !text.contains("/storefronts/"));
    let is_test = |line: usize| line >= source.tests_from || source.path.contains("/tests");
    for (line, text) in literals {
        for (word, is) in words {
            if *is == Is::Field && is_test(*line) {
                continue;
            }
            let is_shared = |(own, under, _): &(&str, &str, &str)| {
                own == word && source.path.starts_with(under)
            };
            if SHARED_WORDS.iter().any(is_shared) {
                continue;
            }
            let is_whole = text.split('/').any(|part| part == word);
            if is_whole || (*is == Is::Name && has_word(text, word)) {
                faults.push((
                    *line,
                    format!("\"{word}\" is a storefront's word, not ours"),
                ));
            }
        }
    }
    faults
}

/// All words of the shipped storefronts.
pub(crate) fn words() -> BTreeSet<Word> {
    let mut words = BTreeSet::new();
    for (_, text) in files("storefronts", "toml") {
        let file: toml::Table = text.parse().expect("a shipped storefront is TOML");
        words.insert((file["name"].as_str().unwrap().to_owned(), Is::Name));
        collect_words("", &toml::Value::Table(file), &mut words);
    }
    words
}

/// Paths, statuses, names of events and fields: all that a storefront says on the wire.
fn collect_words(key: &str, value: &toml::Value, words: &mut BTreeSet<Word>) {
    const LISTS: [&str; 9] = [
        "topic", "title", "path", "item", "aliases", "steps", "words", "events", "when",
    ];
    if LISTS.contains(&key) {
        let all: Vec<String> = match (value.as_array(), value.as_table()) {
            (Some(list), _) => list.iter().flat_map(texts_of).collect(),
            (None, Some(table)) => table.values().flat_map(texts_of).collect(),
            (None, None) => texts_of(value),
        };
        words.extend(all.into_iter().map(|word| (word, Is::Said)));
    } else if let toml::Value::Table(table) = value {
        // What a field is called is a word; what is said about it is the format's.
        if ["fields", "search"].contains(&key) {
            words.extend(table.keys().map(|name| (name.clone(), Is::Field)));
            return;
        }
        table
            .iter()
            .for_each(|(key, value)| collect_words(key, value, words));
    } else if let toml::Value::Array(list) = value {
        for value in list {
            collect_words("", value, words);
        }
    }
}

/// A word, or the words for what is about a listing. Of an event, its name: what else stands there
/// are fields, which have their place elsewhere.
fn texts_of(value: &toml::Value) -> Vec<String> {
    let Some(table) = value.as_table() else {
        return vec![text_of(value)];
    };
    match table.get("name") {
        Some(name) => vec![text_of(name)],
        None => table.values().flat_map(texts_of).collect(),
    }
}

fn text_of(value: &toml::Value) -> String {
    let word = value.as_str();
    word.expect("a word is a text").to_owned()
}

#[test]
fn words_of_storefronts_are_found() {
    let file = r#"
        name = "tulips"
        order.path = "posies"
        order.words = { placed = "Bespoke" }
        order.fields.petal = { type = "text" }
        [[command]]
        when = { status = "Wilted" }
    "#;
    let mut words = BTreeSet::from([("tulips".to_owned(), Is::Name)]);
    collect_words("", &toml::Value::Table(file.parse().unwrap()), &mut words);
    let check = |text: &str, expected: &[&str]| {
        let found = said_by(&Source::new("src/a.rs", text), &words);
        let expected = expected
            .iter()
            .map(|word| (1, format!("\"{word}\" is a storefront's word, not ours")));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{text}");
    };
    check(r#""Bespoke""#, &["Bespoke"]);
    check(r##"r#"Wilted"#"##, &["Wilted"]);
    check(r#""/posies/{id}" "petal""#, &["posies", "petal"]);
    check(r#""the tulips shop""#, &["tulips"]);
    check(
        r#""all posies" "text" /* "Bespoke" */ include_str!("../storefronts/tulips.toml")"#,
        &[],
    );
}
