//! Path segments: which are safe in a URL, which are free, and what one of a collection is called.

use super::section::{Report, Word};

/// Segments that mean something else at the place where a collection or a storefront would stand.
const RESERVED: [&str; 14] = [
    "profile",
    "search",
    "events",
    "notifications",
    "consumers",
    "livez",
    "readyz",
    "actuator",
    "metrics",
    "problems",
    "openapi",
    "admin",
    "ops",
    "static",
];

/// The longest segment, in bytes.
const SEGMENT_BYTES_MAX: usize = 64;

/// The segments that are taken, and by what.
#[derive(Debug, Default)]
pub(super) struct Segments {
    taken: Vec<(String, String)>,
}

impl Segments {
    /// Takes a segment for `owner`.
    pub(super) fn claim(&mut self, report: &Report<'_>, word: &Word<'_>, owner: &str) {
        check(report, word);
        if let Some((_, other)) = self.taken.iter().find(|(taken, _)| taken == word.text) {
            let message = format!(
                "the path `{}` is taken by {other}: choose another",
                word.text
            );
            report.at(&word.at, message);
        }
        self.taken.push((word.text.to_owned(), owner.to_owned()));
    }
}

/// Notes a segment that cannot stand in a URL, or has another meaning there.
pub(super) fn check(report: &Report<'_>, word: &Word<'_>) {
    let text = word.text;
    if fits(report, word) && RESERVED.contains(&text) {
        let message = format!("`{text}` has another meaning in URLs: choose another word");
        report.at(&word.at, message);
    }
}

/// Notes a segment that cannot stand in a URL; says whether it can.
pub(super) fn fits(report: &Report<'_>, word: &Word<'_>) -> bool {
    let text = word.text;
    let fits = (1..=SEGMENT_BYTES_MAX).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !fits {
        let message = format!(
            "`{text}` cannot stand in a URL: expected a letter, then letters, digits, `-` or `_`, \
             {SEGMENT_BYTES_MAX} at most"
        );
        report.at(&word.at, message);
    }
    fits
}

/// What one of a collection is called: `orders` gives `order`, `deliveries` `delivery`.
///
/// The originals made the plural from the singular (SEED API 1.1, note `roomInfoes`); this is the
/// way back, for the regular endings.
pub(super) fn singular(plural: &str) -> Option<String> {
    for (many, one) in [
        ("ies", "y"),
        ("oes", "o"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
    ] {
        if let Some(stem) = plural.strip_suffix(many).filter(|stem| !stem.is_empty()) {
            return Some(format!("{stem}{one}"));
        }
    }
    let stem = plural.strip_suffix('s')?;
    (!stem.is_empty() && !stem.ends_with('s')).then(|| stem.to_owned())
}
