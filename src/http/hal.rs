//! JSON as the originals printed it: Jackson's indented form, and HAL's links.

use std::{fmt::Display, io};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::ser::Formatter;

/// A value as indented JSON.
pub(super) fn print(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Jackson::default());
    value
        .serialize(&mut serializer)
        .expect("answers have text keys and go to memory, so printing them cannot fail");
    bytes
}

/// Jackson's `DefaultPrettyPrinter`: two spaces, `"key" : value`, arrays on the line.
#[derive(Debug, Default)]
struct Jackson {
    depth: usize,
    /// Whether nothing was written into the innermost object or array.
    is_empty: bool,
}

impl Jackson {
    fn line<W: io::Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Jackson {
    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        writer.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_empty {
            self.is_empty = false;
            return writer.write_all(b" }");
        }
        self.line(writer)?;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.is_empty = false;
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.is_empty = true;
        writer.write_all(b"[ ")
    }

    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        let end: &[u8] = if self.is_empty { b"]" } else { b" ]" };
        self.is_empty = false;
        writer.write_all(end)
    }
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub(super) struct Link<'a> {
    rel: &'a str,
    href: String,
    is_templated: bool,
}

impl<'a> Link<'a> {
    pub(super) fn new(rel: &'a str, href: impl Into<String>) -> Self {
        let href = href.into();
        Self {
            rel,
            href,
            is_templated: false,
        }
    }

    /// A link with variables to fill in (RFC 6570).
    pub(super) fn template(rel: &'a str, href: impl Into<String>) -> Self {
        Self {
            is_templated: true,
            ..Self::new(rel, href)
        }
    }
}

/// The content of `_links`.
#[derive(Debug)]
pub(super) struct Links<'a>(pub(super) &'a [Link<'a>]);

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for link in self.0 {
            map.serialize_entry(link.rel, &Href(&link.href, link.is_templated))?;
        }
        map.end()
    }
}

/// One link's object; the address may still be in parts.
#[derive(Debug)]
pub(super) struct Href<T>(pub(super) T, pub(super) bool);

impl<T: Display> Serialize for Href<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("href", &Shown(&self.0))?;
        if self.1 {
            map.serialize_entry("templated", &true)?;
        }
        map.end()
    }
}

struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A resource that has nothing but links.
#[derive(Debug)]
pub(super) struct OnlyLinks<'a>(pub(super) &'a [Link<'a>]);

impl Serialize for OnlyLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("_links", &Links(self.0))?;
        map.end()
    }
}

/// A collection: `_embedded`, `_links`, and `page` if it has one.
#[derive(Debug)]
pub(super) struct Listing<'a, T, P = ()> {
    pub(super) rel: &'a str,
    pub(super) items: &'a [T],
    pub(super) links: &'a [Link<'a>],
    pub(super) page: Option<P>,
}

impl<T: Serialize, P: Serialize> Serialize for Listing<'_, T, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("_embedded", &Embedded(self.rel, self.items))?;
        map.serialize_entry("_links", &Links(self.links))?;
        if let Some(page) = &self.page {
            map.serialize_entry("page", page)?;
        }
        map.end()
    }
}

struct Embedded<'a, T>(&'a str, &'a [T]);

impl<T: Serialize> Serialize for Embedded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
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
    fn an_empty_collection_keeps_its_key() {
        let links = [Link::template("self", "http://h/things{?page,size,sort}")];
        let listing: Listing<'_, (), ()> = Listing {
            rel: "things",
            items: &[],
            links: &links,
            page: None,
        };
        let expected = "{\n  \"_embedded\" : {\n    \"things\" : [ ]\n  },\n  \"_links\" : {\n    \
                        \"self\" : {\n      \"href\" : \"http://h/things{?page,size,sort}\",\n      \
                        \"templated\" : true\n    }\n  }\n}";
        assert_eq!(String::from_utf8(print(&listing)).unwrap(), expected);
    }
}
