//! Typed access to a table of the file. What is missing, mistyped or unknown is noted with its
//! place, and reading goes on.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mistake;

/// A place in the file, in bytes.
pub(super) type Span = Range<usize>;

/// A text of the file with its place.
#[derive(Clone, Debug)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) at: Span,
}

/// All mistakes found so far.
#[derive(Debug)]
pub(super) struct Report<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'t> Report<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            text,
            mistakes: RefCell::new(Vec::new()),
        }
    }

    /// Notes a mistake.
    pub(super) fn at(&self, place: &Span, message: impl Into<String>) {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let count = |text: &str, of: char| text.matches(of).count().saturating_add(1);
        self.mistakes.borrow_mut().push(Mistake {
            line: count(before, '\n'),
            column: before[line_start..].chars().count().saturating_add(1),
            message: message.into(),
        });
    }

    /// The mistakes, in the order of the file.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        mistakes.dedup();
        mistakes
    }
}

/// A table of the file.
#[derive(Clone, Debug)]
pub(super) struct Section<'r> {
    pub(super) report: &'r Report<'r>,
    /// How messages call it, such as `[order]`.
    pub(super) name: String,
    /// Where it begins.
    pub(super) at: Span,
    table: &'r DeTable<'r>,
}

impl<'r> Section<'r> {
    pub(super) fn new(
        report: &'r Report<'r>,
        name: impl Into<String>,
        at: Span,
        table: &'r DeTable<'r>,
    ) -> Self {
        Self {
            report,
            name: name.into(),
            at,
            table,
        }
    }

    /// Notes every key that is not one of these.
    pub(super) fn only(&self, known: &[&str]) {
        for (key, _) in self.entries() {
            if !known.contains(&key.text) {
                let expected = expected(key.text, known);
                let name = &self.name;
                let message = format!("{name} has no key `{}`: {expected}", key.text);
                self.report.at(&key.at, message);
            }
        }
    }

    /// Its keys with their values, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(Word<'r>, &'r Spanned<DeValue<'r>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                let (text, at) = (key.get_ref().as_ref(), key.span());
                (Word { text, at }, value)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.at.start);
        entries
    }

    /// Whether it has this key at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether what it has under this key is a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        let value = self.table.get(key);
        value.is_some_and(|value| value.get_ref().is_table())
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<Word<'r>> {
        let value = self.table.get(key)?;
        let word = word(value);
        if word.is_none() {
            self.mistyped(key, value, "a text in quotes");
        }
        word
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str, example: &str) -> Option<Word<'r>> {
        if !self.has(key) {
            let message = format!("{} needs `{key}`, such as: {example}", self.name);
            self.report.at(&self.at, message);
        }
        self.text(key)
    }

    /// A whole number within limits.
    pub(super) fn number(&self, key: &str, within: RangeInclusive<i64>) -> Option<i64> {
        let value = self.table.get(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| within.contains(number));
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", within.start(), within.end());
            self.mistyped(key, value, &expected);
        }
        number
    }

    /// A yes or no; no if it is not there.
    pub(super) fn flag(&self, key: &str) -> bool {
        let Some(value) = self.table.get(key) else {
            return false;
        };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistyped(key, value, "true or false");
            false
        })
    }

    /// One of these texts, with what it stands for.
    pub(super) fn one_of<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = known.iter().find(|(name, _)| *name == word.text);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let expected = expected(word.text, &names);
            self.wrong(
                &word,
                format!("`{key}` cannot be `{}`: {expected}", word.text),
            );
        }
        found.map(|(_, stands_for)| *stands_for)
    }

    /// Where a key stands; the section itself without it.
    pub(super) fn place(&self, key: &str) -> Span {
        let found = self.table.get_key_value(key);
        found.map_or_else(|| self.at.clone(), |(own, _)| own.span())
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&self, key: &str) -> Vec<Word<'r>> {
        let Some(value) = self.table.get(key) else {
            return Vec::new();
        };
        let expected = "a list of texts, such as: [\"a\", \"b\"]";
        let Some(list) = value.get_ref().as_array() else {
            self.mistyped(key, value, expected);
            return Vec::new();
        };
        let words = list.iter().filter_map(|item| {
            let word = word(item);
            if word.is_none() {
                self.mistyped(key, item, expected);
            }
            word
        });
        words.collect()
    }

    /// A table inside this one.
    pub(super) fn section(&self, key: &str) -> Option<Self> {
        let (own, value) = self.table.get_key_value(key)?;
        let name = self.inner_name(key);
        self.as_section(name, own.span(), value)
    }

    /// A value as a table, if it is one.
    pub(super) fn as_section(
        &self,
        name: String,
        at: Span,
        value: &'r Spanned<DeValue<'r>>,
    ) -> Option<Self> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let message = format!("{name} must be a table: {{ key = value, … }}");
            self.report.at(&value.span(), message);
        }
        Some(Self::new(self.report, name, at, table?))
    }

    /// The tables of a list, `[[key]]`.
    pub(super) fn sections(&self, key: &str) -> Vec<Self> {
        let Some((own, value)) = self.table.get_key_value(key) else {
            return Vec::new();
        };
        let name = format!("[[{key}]]");
        let Some(list) = value.get_ref().as_array() else {
            let message = format!("`{key}` is a list: begin each with {name} on a line of its own");
            self.report.at(&own.span(), message);
            return Vec::new();
        };
        let items = list.iter();
        items
            .filter_map(|item| self.as_section(name.clone(), item.span(), item))
            .collect()
    }

    /// Notes a mistake at a word.
    pub(super) fn wrong(&self, word: &Word<'_>, message: impl Into<String>) {
        self.report.at(&word.at, message);
    }

    fn inner_name(&self, key: &str) -> String {
        match self
            .name
            .strip_suffix(']')
            .filter(|name| !name.starts_with("[["))
        {
            Some(outer) => format!("{outer}.{key}]"),
            None if self.name.starts_with("[[") => format!("`{key}` of {}", self.name),
            None => format!("[{key}]"),
        }
    }

    fn mistyped(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let message = format!("`{key}` of {} must be {expected}", self.name);
        self.report.at(&value.span(), message);
    }
}

fn word<'t>(value: &'t Spanned<DeValue<'t>>) -> Option<Word<'t>> {
    let text = value.get_ref().as_str()?;
    let at = value.span();
    Some(Word { text, at })
}

/// What could have been meant: the nearest of the known words, and all of them.
pub(super) fn expected(given: &str, known: &[&str]) -> String {
    let all = known.join("`, `");
    let near = known
        .iter()
        .map(|word| (distance(given, word), word))
        .min()
        .filter(|(distance, word)| *distance <= 2.min(word.len().div_ceil(2)));
    match near {
        Some((_, word)) => format!("did you mean `{word}`? expected one of `{all}`"),
        None => format!("expected one of `{all}`"),
    }
}

/// How many letters must be changed, added or left out to make one of the other (Levenshtein).
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = at;
        row[0] = at.saturating_add(1);
        for (column, own) in other.iter().enumerate() {
            let next = column.saturating_add(1);
            let changed = diagonal.saturating_add(usize::from(letter != *own));
            diagonal = row[next];
            let least = changed.min(row[next].saturating_add(1));
            row[next] = least.min(row[column].saturating_add(1));
        }
    }
    row[other.len()]
}
