//! HAL: links, and what is found in a collection.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::json::Print;

/// How many objects there are around what is found in a collection.
pub(super) const ITEM_DEPTH: usize = 2;

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

/// One link's object, with whether its address has variables to fill in.
#[derive(Debug)]
pub(super) struct Href<'a>(pub(super) &'a str, pub(super) bool);

impl Serialize for Href<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("href", self.0)?;
        if self.1 {
            map.serialize_entry("templated", &true)?;
        }
        map.end()
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

/// A collection that is a body: `_embedded`, `_links`, and `page` if it has one.
#[derive(Debug)]
pub(super) struct Listing<'a, T, P = ()> {
    pub(super) rel: &'a str,
    pub(super) items: &'a [T],
    pub(super) links: &'a [Link<'a>],
    pub(super) page: Option<P>,
}

impl<T: Print, P: Serialize> Print for Listing<'_, T, P> {
    fn print(&self, to: &mut Vec<u8>, _depth: usize) {
        to.extend_from_slice(b"{\n  \"_embedded\" : {\n    ");
        self.rel.print(to, ITEM_DEPTH);
        to.extend_from_slice(b" : [ ");
        for (at, item) in self.items.iter().enumerate() {
            to.extend_from_slice(if at == 0 { b"" } else { b", " });
            item.print(to, ITEM_DEPTH);
        }
        let end: &[u8] = if self.items.is_empty() { b"]" } else { b" ]" };
        to.extend_from_slice(end);
        to.extend_from_slice(b"\n  },\n  \"_links\" : ");
        Links(self.links).print(to, 1);
        if let Some(page) = &self.page {
            to.extend_from_slice(b",\n  \"page\" : ");
            page.print(to, 1);
        }
        to.extend_from_slice(b"\n}");
    }
}

#[cfg(test)]
mod tests {
    use super::{super::json::print, *};

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
