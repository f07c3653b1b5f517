//! Mistakes in a definition file, as a person reads them: where, what, and the line itself.

use crate::domain::storefront::read::Mistake;

/// More of a line is not shown, in characters.
const LINE_CHARS_MAX: usize = 160;

/// Each mistake as `FILE:LINE:COLUMN: message`, with the line and a caret under the column.
pub(super) fn told(file: &str, text: &str, mistakes: &[Mistake]) -> String {
    let told = mistakes.iter().map(|mistake| one(file, text, mistake));
    told.collect::<Vec<_>>().join("\n\n")
}

fn one(file: &str, text: &str, mistake: &Mistake) -> String {
    let Mistake {
        line,
        column,
        message,
    } = mistake;
    let whole = text.split('\n').nth(line.saturating_sub(1));
    let whole: Vec<char> = whole.unwrap_or_default().trim_end().chars().collect();
    let before = column.saturating_sub(1).min(whole.len());
    let from = before.saturating_sub(LINE_CHARS_MAX / 2);
    let to = whole.len().min(from + LINE_CHARS_MAX);
    let shown: String = whole[from..to].iter().copied().map(visible).collect();
    let pad: String = whole[from..before].iter().copied().map(blank).collect();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    format!("{file}:{line}:{column}: {message}\n {number} | {shown}\n {margin} | {pad}^")
}

/// A file may hold what would move a terminal's cursor.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// As much room as the character takes: two columns where a script is wide.
const fn blank(c: char) -> &'static str {
    match c {
        '\t' => "\t",
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}' => "  ",
        _ => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, (line, column): (usize, usize), expected: &str) {
        let message = "no".to_owned();
        let mistake = Mistake {
            line,
            column,
            message,
        };
        assert_eq!(told("a.toml", text, &[mistake]), expected, "{text:?}");
    }

    #[test]
    fn the_caret_stands_under_the_column_whatever_stands_before_it() {
        let text = "a = 1\nb = 2\r\n";
        check(text, (2, 5), "a.toml:2:5: no\n 2 | b = 2\n   |     ^");
        check(text, (3, 1), "a.toml:3:1: no\n 3 | \n   | ^");
        check("꽃 b", (1, 3), "a.toml:1:3: no\n 1 | 꽃 b\n   |    ^");
        check("\tb", (1, 2), "a.toml:1:2: no\n 1 | \tb\n   | \t^");
        check("\u{1b}b", (1, 2), "a.toml:1:2: no\n 1 | \u{fffd}b\n   |  ^");
        check("", (9, 9), "a.toml:9:9: no\n 9 | \n   | ^");
    }

    #[test]
    fn of_a_line_without_end_the_part_around_the_mistake_is_shown() {
        let text = format!("{}b{}", "a".repeat(1_000), "a".repeat(1_000));
        let shown = format!("{}b{}", "a".repeat(80), "a".repeat(79));
        let caret = " ".repeat(80);
        let expected = format!("a.toml:1:1001: no\n 1 | {shown}\n   | {caret}^");
        check(&text, (1, 1_001), &expected);
    }
}
