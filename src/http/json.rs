//! JSON as the originals printed it: Jackson's `DefaultPrettyPrinter`, two spaces, `"key" : value`,
//! arrays on the line.
//!
//! `serde_json` does the printing. It hands each quote, comma and line end to the layout by itself, which
//! for an order of 376 bytes is 10,000 instructions; so what is read most is printed into a
//! [form](super::form).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

/// Room for what most answers have, in bytes.
const BYTES: usize = 768;

/// A line's end and the deepest indentation that is written at once.
const LINE: &[u8] = b"\n                                ";

/// What can be an answer's body, or stand in one.
pub(super) trait Print {
    /// Puts itself behind what is printed already, within so many objects.
    fn print(&self, to: &mut Vec<u8>, depth: usize);
}

impl<T: Serialize> Print for T {
    fn print(&self, to: &mut Vec<u8>, depth: usize) {
        let layout = Jackson {
            depth,
            is_empty: true,
        };
        let done = self.serialize(&mut Serializer::with_formatter(to, layout));
        done.expect("answers have text keys and go to memory, so printing them cannot fail");
    }
}

/// A body as indented JSON.
pub(super) fn print(body: &impl Print) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BYTES);
    body.print(&mut bytes, 0);
    bytes
}

/// A text, with its quotes.
pub(super) fn text(to: &mut Vec<u8>, text: &str) {
    // Most texts are plain, and are looked at eight bytes at once.
    let (eights, rest) = text.as_bytes().as_chunks();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    if eights.iter().all(|eight| are_plain(*eight)) && are_plain(last) {
        to.reserve(text.len() + 2);
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    } else {
        text.print(to, 0);
    }
}

/// Whether all of these bytes of text stand for themselves: none is a control character, a quote or a
/// backslash.
const fn are_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let bytes = u64::from_le_bytes(bytes);
    // Subtracting sets the highest bit of a byte that is smaller than what is subtracted. It may also be set
    // above such a byte, but never where there is none.
    let is_control = bytes.wrapping_sub(ONES * 0x20);
    let is_quote = (bytes ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let is_backslash = (bytes ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (is_control | is_quote | is_backslash) & !bytes & (ONES * 0x80) == 0
}

/// A number as text, which is put together at the end of `room`.
pub(super) fn digits(mut number: u64, room: &mut [u8; 20]) -> &str {
    let mut at = room.len();
    loop {
        at -= 1;
        room[at] = b'0' + u8::try_from(number % 10).expect("one digit");
        number /= 10;
        if number == 0 {
            return str::from_utf8(&room[at..]).expect("digits are ASCII");
        }
    }
}

/// The layout.
struct Jackson {
    depth: usize,
    /// Whether nothing stands yet in the object or array that was begun last.
    is_empty: bool,
}

impl Jackson {
    fn line(&self, to: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let indentation = self.depth * 2;
        to.write_all(&LINE[..LINE.len().min(indentation + 1)])?;
        (LINE.len()..=indentation).try_for_each(|_| to.write_all(b" "))
    }
}

impl Formatter for Jackson {
    fn begin_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.is_empty = true;
        to.write_all(b"[ ")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _to: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn end_array<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(if self.is_empty { b"]" } else { b" ]" })
    }

    fn begin_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        to.write_all(b"{")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if !first {
            to.write_all(b",")?;
        }
        self.line(to)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b" : ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _to: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_empty {
            return to.write_all(b" }");
        }
        self.line(to)?;
        to.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_indented_as_jackson_does() {
        let value = json!({ "a": null, "b": [], "c": [{ "d": 1 }, { "e": "꽃\"" }], "f": {} });
        let expected = "{\n  \"a\" : null,\n  \"b\" : [ ],\n  \"c\" : [ {\n    \"d\" : 1\n  }, {\n    \
                        \"e\" : \"꽃\\\"\"\n  } ],\n  \"f\" : { }\n}";
        assert_eq!(String::from_utf8(print(&value)).unwrap(), expected);
    }

    #[test]
    fn a_text_is_as_serde_json_prints_it_wherever_something_special_stands() {
        let mut texts = vec![String::new(), "꽃다발 é\u{2028}\u{7f}\u{ff}".into()];
        for special in (0..0x30_u8)
            .map(char::from)
            .chain(['\\', '[', ']', '\u{80}'])
        {
            texts.extend((0..18).map(|at| {
                let (before, after) = ("x".repeat(at), "꽃".repeat(at % 4));
                format!("{before}{special}{after}")
            }));
        }
        for text in texts {
            let mut printed = Vec::new();
            super::text(&mut printed, &text);
            let expected = serde_json::to_string(&text).unwrap();
            assert_eq!(String::from_utf8(printed).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_deep_is_indented_all_the_same() {
        let deep = (0..20).fold(json!(1), |inner, _| json!({ "a": inner }));
        let text = String::from_utf8(print(&deep)).unwrap();
        assert!(
            text.contains(&format!("\n{}\"a\" : 1\n", " ".repeat(40))),
            "{text}"
        );
    }
}
