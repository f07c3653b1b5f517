//! A Rust source file cut into what the rules look at: code, comments, literals.
//!
//! A lexer of one page: it knows comments, strings, characters and lifetimes, and nothing else.

use std::{iter::Peekable, str::Chars};

/// A source file. All vectors of lines have the same length; line numbers count from 1.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Each line with its strings emptied and its comments gone.
    pub(crate) code: Vec<String>,
    /// Each line's comments.
    pub(crate) comments: Vec<String>,
    /// Each string literal's content, with the line it begins on.
    pub(crate) literals: Vec<(usize, String)>,
    /// The first line of the tests that end the file; past the end where there are none.
    pub(crate) tests_from: usize,
}

impl Source {
    /// Cuts up `text`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut cut = Cut::default();
        cut.all(&mut text.chars().peekable());
        let mut source = Self {
            path: path.to_owned(),
            tests_from: cut.code.len() + 1,
            code: cut.code,
            comments: cut.comments,
            literals: cut.literals,
        };
        source.tests_from = source.first_line_of_tests();
        source
    }

    /// The lines of code before the tests, numbered.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().enumerate();
        lines
            .map(|(at, line)| (at + 1, line.as_str()))
            .take_while(|(number, _)| *number < self.tests_from)
    }

    /// The code before the tests as one text, and the line of each of its bytes by `line_at`.
    pub(crate) fn code_text(&self) -> String {
        let lines: Vec<&str> = self.code_lines().map(|(_, line)| line).collect();
        lines.join("\n")
    }

    fn first_line_of_tests(&self) -> usize {
        // Longer tests have a file or a folder of their own beside the code.
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return 1;
        }
        let is_tests = |pair: &[String]| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].trim_start().starts_with("mod ")
                && pair[1].trim_end().ends_with('{')
        };
        let end = self.code.len();
        let found = self.code.windows(2).position(is_tests);
        found.unwrap_or(end) + 1
    }
}

/// The line of a byte of `text`, counted from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
}

#[derive(Default)]
struct Cut {
    code: Vec<String>,
    comments: Vec<String>,
    literals: Vec<(usize, String)>,
    line: String,
    comment: String,
}

impl Cut {
    fn all(&mut self, rest: &mut Peekable<Chars<'_>>) {
        while let Some(c) = rest.next() {
            match (c, rest.peek()) {
                ('/', Some('/')) => self.line_comment(rest),
                ('/', Some('*')) => self.block_comment(rest),
                ('"', _) => self.text(rest, 0, true),
                ('r', Some('"' | '#')) if !self.line.ends_with(is_word) || self.after_b() => {
                    self.raw_text(rest);
                }
                ('\'', _) => self.character(rest),
                _ => self.code_char(c),
            }
        }
        self.end_line();
    }

    fn code_char(&mut self, c: char) {
        if c == '\n' {
            self.end_line();
        } else {
            self.line.push(c);
        }
    }

    fn end_line(&mut self) {
        self.code.push(std::mem::take(&mut self.line));
        self.comments.push(std::mem::take(&mut self.comment));
    }

    fn after_b(&self) -> bool {
        let mut before = self.line.chars().rev();
        before.next() == Some('b') && !before.next().is_some_and(is_word)
    }

    fn line_comment(&mut self, rest: &mut Peekable<Chars<'_>>) {
        self.comment.push('/');
        while let Some(c) = rest.next_if(|c| *c != '\n') {
            self.comment.push(c);
        }
    }

    fn block_comment(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let mut before = ' ';
        for c in rest.by_ref() {
            match (before, c) {
                ('*', '/') => break,
                (_, '\n') => self.end_line(),
                (_, c) => self.comment.push(c),
            }
            before = c;
        }
    }

    fn raw_text(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let mut hashes = 0;
        while rest.next_if_eq(&'#').is_some() {
            hashes += 1;
        }
        if rest.next_if_eq(&'"').is_some() {
            self.text(rest, hashes, false);
        } else {
            // A raw identifier.
            self.line.push_str("r#");
        }
    }

    /// From behind the opening quote to behind the closing one.
    fn text(&mut self, rest: &mut Peekable<Chars<'_>>, hashes: usize, escapes: bool) {
        self.line.push_str("\"\"");
        let begins = self.code.len() + 1;
        let mut content = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\\' if escapes => {
                    content.push(c);
                    if let Some(escaped) = rest.next() {
                        content.push(escaped);
                        if escaped == '\n' {
                            self.end_line();
                        }
                    }
                    continue;
                }
                '"' => {
                    let mut closing = 0;
                    while closing < hashes && rest.next_if_eq(&'#').is_some() {
                        closing += 1;
                    }
                    if closing == hashes {
                        break;
                    }
                }
                '\n' => self.end_line(),
                _ => {}
            }
            content.push(c);
        }
        self.literals.push((begins, content));
    }

    /// A character, or else the quote of a lifetime.
    fn character(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let mut ahead = rest.clone();
        let escaped = ahead.next() == Some('\\');
        if !escaped && ahead.next() != Some('\'') {
            self.line.push('\'');
            return;
        }
        self.line.push_str("' '");
        let first = rest.next();
        if first == Some('\\') {
            rest.next();
        }
        while rest.next().is_some_and(|c| c != '\'') {}
    }
}

/// Whether a character can stand in an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `text`, not as a part of a longer word.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    words_in(text, word).next().is_some()
}

/// Where `word` stands in `text`, not as a part of a longer word.
pub(crate) fn words_in<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let places = text.match_indices(word).map(|(at, _)| at);
    places.filter(move |at| {
        !text[..*at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
    })
}
