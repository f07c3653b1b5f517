//! One event, one line: for people, or as it came.

use std::io::{self, Write};

use serde_json::Value;

/// More of a value is not shown, in characters.
const VALUE_CHARS_MAX: usize = 40;

/// What is on the line already, or says nothing.
const SAID: [&str; 3] = ["eventType", "timestamp", "me"];

/// Colours that can be read on a dark and on a bright ground.
const COLOURS: [u8; 6] = [32, 33, 34, 35, 36, 31];

/// Prints events.
pub(super) struct Printer<'o> {
    pub(super) out: &'o mut dyn Write,
    pub(super) colours: bool,
    pub(super) json: bool,
    /// The longest name of a shop, where there are several.
    pub(super) shop_width: Option<usize>,
}

impl Printer<'_> {
    /// Prints an event, given as JSON.
    pub(super) fn event(&mut self, shop: &str, json: &str) -> io::Result<()> {
        if self.json {
            writeln!(self.out, "{json}")?;
            return self.out.flush();
        }
        let event: Value = serde_json::from_str(json).unwrap_or_default();
        let line = self.line(shop, &event);
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    fn line(&self, shop: &str, event: &Value) -> String {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let time = text("time");
        let time = time.split_once('T').map_or(time, |(_, time)| time);
        let shop = self.shop_width.map_or_else(String::new, |width| {
            let shop = if shop.is_empty() {
                text("source")
            } else {
                shop
            };
            format!("{shop:width$}  ")
        });
        let kind = format!("{:20}", text("type"));
        let kind = self.coloured(colour(text("type")), &kind);
        let head = self.coloured(
            2,
            &format!("{} {:>8}", time.trim_end_matches('Z'), text("id")),
        );
        let subject = format!("{:16}", text("subject"));
        let said = self.said(&event["data"]);
        format!("{head}  {shop}{kind} {subject} {said}")
            .trim_end()
            .to_owned()
    }

    /// What an event says beside what is on the line already.
    fn said(&self, data: &Value) -> String {
        let Some(data) = data.as_object() else {
            return String::new();
        };
        let said = data.iter().filter(|(name, value)| {
            !SAID.contains(&name.as_str()) && name.as_str() != "id" && !value.is_null()
        });
        let said = said.map(|(name, value)| {
            let name = self.coloured(2, &format!("{name}="));
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}{}", short(&value))
        });
        said.collect::<Vec<_>>().join(" ")
    }

    fn coloured(&self, colour: u8, text: &str) -> String {
        if self.colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Tells a person what happens to the connection, beside the output.
pub(super) fn note(what: &str) {
    drop(writeln!(io::stderr(), "jumun tail: {what}"));
}

/// Always the same for the same name.
fn colour(name: &str) -> u8 {
    let sum: usize = name.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

/// A value on one line, in quotes where it has blanks. What would move a terminal's cursor is not
/// printed.
fn short(value: &str) -> String {
    let shown = value
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = shown.clone().take(VALUE_CHARS_MAX).collect();
    if shown.count() > VALUE_CHARS_MAX {
        short.push('…');
    }
    if short.contains(' ') || short.is_empty() {
        format!("\"{short}\"")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(colours: bool, shop_width: Option<usize>, expected: &str) {
        let event = json!({
            "id": "17", "type": "Bought", "subject": "purchases/2", "time": "2026-11-21T20:41:24.912Z",
            "data": { "eventType": "Bought", "timestamp": "20261121204124", "id": 2, "price": 10,
                "address": "Mapo\u{1b}[2J 1", "wish": null, "me": true },
        });
        let printer = Printer {
            out: &mut io::sink(),
            colours,
            json: false,
            shop_width,
        };
        assert_eq!(printer.line("posies", &event), expected);
    }

    #[test]
    fn a_line_says_when_what_happened_to_what() {
        let plain = "20:41:24.912       17  Bought               purchases/2      \
                     address=\"Mapo [2J 1\" price=10";
        check(false, None, plain);
        let shop = plain.replace("  Bought", "  posies   Bought");
        check(false, Some(7), &shop);
        let coloured = "\u{1b}[2m20:41:24.912       17\u{1b}[0m  \u{1b}[31mBought              \
                        \u{1b}[0m purchases/2      \u{1b}[2maddress=\u{1b}[0m\"Mapo [2J 1\" \
                        \u{1b}[2mprice=\u{1b}[0m10";
        check(true, None, coloured);
    }
}
