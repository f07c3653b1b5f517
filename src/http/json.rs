//! JSON as the originals printed it: Jackson's `DefaultPrettyPrinter`, two spaces, `"key" : value`,
//! arrays on the line.
//!
//! A serializer of our own rather than a `Formatter` for that of `serde_json`: a formatter is handed each
//! quote, comma and line end by itself, and an order of 376 bytes took 10,000 instructions to print.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{
        Error, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
        SerializeTupleStruct,
    },
};

/// Room for what most answers have, in bytes.
const BYTES: usize = 512;

/// A line end and the deepest indentation that is written at once.
const LINE: &[u8] = b"\n                                ";

/// A value as indented JSON.
pub(super) fn print(value: &impl Serialize) -> Vec<u8> {
    let mut printer = Printer {
        bytes: Vec::with_capacity(BYTES),
        depth: 0,
    };
    let done = value.serialize(&mut printer);
    done.expect("answers have text keys and go to memory, so printing them cannot fail");
    printer.bytes
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

/// What is printed so far, and how deep.
struct Printer {
    bytes: Vec<u8>,
    depth: usize,
}

/// Why a value cannot be printed: it says so itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unprintable(String);

impl Error for Unprintable {
    fn custom<T: Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

impl Unprintable {
    /// What originals had no form for, and so no answer has.
    fn variant(name: &str) -> Self {
        Self(format!(
            "a variant of {name} with content has no form in answers"
        ))
    }
}

impl Printer {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn line(&mut self) {
        let indentation = self.depth * 2;
        self.put(&LINE[..LINE.len().min(indentation + 1)]);
        for _ in LINE.len()..=indentation {
            self.bytes.push(b' ');
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes.reserve(text.len() + 2);
        self.bytes.push(b'"');
        // Counted and not searched for, so that many bytes are looked at at once: most texts are plain.
        if text.bytes().filter(|byte| !is_plain(*byte)).count() == 0 {
            self.put(text.as_bytes());
        } else {
            text.bytes().for_each(|byte| self.escaped(byte));
        }
        self.bytes.push(b'"');
    }

    fn escaped(&mut self, byte: u8) {
        let short = match byte {
            _ if is_plain(byte) => return self.bytes.push(byte),
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0C => b'f',
            b'"' | b'\\' => byte,
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 0xF));
                return self.put(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
            }
        };
        self.put(&[b'\\', short]);
    }

    fn number(&mut self, number: u64) {
        self.put(digits(number, &mut [0; 20]).as_bytes());
    }

    fn signed(&mut self, number: i64) {
        if number < 0 {
            self.bytes.push(b'-');
        }
        self.number(number.unsigned_abs());
    }

    fn object(&mut self) -> Object<'_> {
        self.depth += 1;
        self.bytes.push(b'{');
        Object {
            to: self,
            is_empty: true,
        }
    }

    fn array(&mut self) -> Array<'_> {
        self.put(b"[ ");
        Array {
            to: self,
            is_empty: true,
        }
    }
}

/// Whether a byte of text stands for itself.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// An object that is being printed.
struct Object<'a> {
    to: &'a mut Printer,
    is_empty: bool,
}

impl Object<'_> {
    fn next(&mut self) {
        if !self.is_empty {
            self.to.bytes.push(b',');
        }
        self.is_empty = false;
        self.to.line();
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unprintable> {
        self.next();
        self.to.text(key);
        self.to.put(b" : ");
        value.serialize(&mut *self.to)
    }

    fn close(self) {
        self.to.depth -= 1;
        if self.is_empty {
            self.to.put(b" }");
        } else {
            self.to.line();
            self.to.bytes.push(b'}');
        }
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Unprintable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unprintable> {
        self.next();
        key.serialize(&mut *self.to)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        self.to.put(b" : ");
        value.serialize(&mut *self.to)
    }

    fn end(self) -> Result<(), Unprintable> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Unprintable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unprintable> {
        self.entry(key, value)
    }

    fn end(self) -> Result<(), Unprintable> {
        self.close();
        Ok(())
    }
}

/// An array that is being printed.
struct Array<'a> {
    to: &'a mut Printer,
    is_empty: bool,
}

impl Array<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
        if !self.is_empty {
            self.to.put(b", ");
        }
        self.is_empty = false;
        value.serialize(&mut *self.to)
    }

    fn close(self) {
        self.to.put(if self.is_empty { b"]" } else { b" ]" });
    }
}

/// The same for whatever is printed as an array.
macro_rules! elements {
    ($($of:ident::$element:ident),+) => {$(
        impl $of for Array<'_> {
            type Ok = ();
            type Error = Unprintable;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unprintable> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unprintable> {
                self.close();
                Ok(())
            }
        }
    )+};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

/// Numbers of all sizes, as the largest.
macro_rules! numbers {
    ($($method:ident: $number:ty => $as:ident),+) => {$(
        fn $method(self, number: $number) -> Result<(), Unprintable> {
            self.$as(number.into());
            Ok(())
        }
    )+};
}

impl<'a> Serializer for &'a mut Printer {
    type Ok = ();
    type Error = Unprintable;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Impossible<(), Unprintable>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<(), Unprintable>;

    numbers!(
        serialize_i8: i8 => signed,
        serialize_i16: i16 => signed,
        serialize_i32: i32 => signed,
        serialize_i64: i64 => signed,
        serialize_u8: u8 => number,
        serialize_u16: u16 => number,
        serialize_u32: u32 => number,
        serialize_u64: u64 => number
    );

    fn serialize_bool(self, flag: bool) -> Result<(), Unprintable> {
        self.put(if flag { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Unprintable> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Unprintable> {
        serde_json::to_writer(&mut self.bytes, &number).map_err(Error::custom)
    }

    fn serialize_char(self, character: char) -> Result<(), Unprintable> {
        self.text(character.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unprintable> {
        self.text(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unprintable> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Unprintable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unprintable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unprintable> {
        self.put(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unprintable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _at: u32,
        variant: &'static str,
    ) -> Result<(), Unprintable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unprintable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _at: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Unprintable> {
        Err(Unprintable::variant(name))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Array<'a>, Unprintable> {
        Ok(self.array())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Array<'a>, Unprintable> {
        Ok(self.array())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Array<'a>, Unprintable> {
        Ok(self.array())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _at: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, Unprintable> {
        Err(Unprintable::variant(name))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'a>, Unprintable> {
        Ok(self.object())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Object<'a>, Unprintable> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _at: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, Unprintable> {
        Err(Unprintable::variant(name))
    }

    fn collect_str<T: Display + ?Sized>(self, text: &T) -> Result<(), Unprintable> {
        self.text(&text.to_string());
        Ok(())
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
    fn text_and_numbers_are_as_serde_json_prints_them() {
        let texts = [
            "",
            "rose",
            "꽃다발",
            "a\"b\\c",
            "\u{0}\u{1f}\u{7f}\n\r\t\u{8}\u{c}/",
            "é\u{2028}",
        ];
        for text in texts {
            let expected = serde_json::to_string(text).unwrap();
            assert_eq!(String::from_utf8(print(&text)).unwrap(), expected);
        }
        let numbers = json!([0, 9, 10, u64::MAX, i64::MIN, -1, 1.5, 1e21, true, null]);
        let printed: serde_json::Value = serde_json::from_slice(&print(&numbers)).unwrap();
        assert_eq!(printed, numbers);
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
