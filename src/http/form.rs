//! Forms: one of a collection as it is printed, with blanks where it differs from the next one.
//!
//! What an order or a row shows is half names, indentation and links, which follow from its storefront's
//! file. So they are printed once, when the store is opened, and filled in from then on.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    address::Collection,
    hal::{Href, ITEM_DEPTH},
    json::{self, Print},
    represent::Wire,
};
use crate::domain::storefront::Storefront;

/// What stands where something is to be filled in.
const BLANK: &str = "";

/// The blank as it is printed. A name is not taken for one: none stands behind a colon, and quotes within
/// one are printed as `\"`.
const PRINTED: &str = " : \"\"";

/// The forms of all that is served.
#[derive(Debug)]
pub(super) struct AllForms(Vec<Vec<Forms>>);

/// The forms of one collection.
#[derive(Debug)]
pub(super) struct Forms {
    /// The collection's.
    path: Arc<str>,
    /// Of one that is a body by itself.
    pub(super) alone: Form,
    /// Of one among others.
    pub(super) listed: Form,
}

/// A form.
#[derive(Debug)]
pub(super) struct Form {
    /// What stands before each blank, and behind the last one. Blanks are for the fields that are shown,
    /// in their order, and for the links.
    parts: Vec<Box<str>>,
    depth: usize,
    has_history: bool,
}

impl AllForms {
    /// Those of all collections of these storefronts.
    pub(super) fn of(storefronts: &[Arc<Storefront>]) -> Self {
        let of_one = |front: &Arc<Storefront>| Collection::all(front).map(Forms::of).collect();
        Self(storefronts.iter().map(of_one).collect())
    }

    /// Those of a collection of the storefront at this place.
    pub(super) fn find(&self, storefront: usize, path: &str) -> &Forms {
        let mut all = self.0[storefront].iter();
        let found = all.find(|forms| &*forms.path == path);
        found.expect("all collections have forms")
    }
}

impl Forms {
    pub(super) fn of(collection: Collection<'_>) -> Self {
        Self {
            path: collection.path().into(),
            alone: Form::of(collection, 0),
            listed: Form::of(collection, ITEM_DEPTH),
        }
    }
}

impl Form {
    /// The form of one of a collection, within so many objects.
    fn of(collection: Collection<'_>, depth: usize) -> Self {
        let mut printed = Vec::new();
        Empty(collection).print(&mut printed, depth);
        let printed = String::from_utf8(printed).expect("JSON is text");
        let parts = printed.split_inclusive(PRINTED);
        Self {
            parts: parts
                .map(|part| part.trim_end_matches('"').into())
                .collect(),
            depth,
            has_history: has_history(collection),
        }
    }

    /// Fills it in with what its fields show, for the number of a collection at this address.
    pub(super) fn fill<'a>(
        &self,
        to: &mut Vec<u8>,
        values: impl Iterator<Item = Wire<'a>>,
        url: &str,
        number: u64,
    ) {
        let mut parts = self.parts.iter();
        let mut part = |to: &mut Vec<u8>| {
            let part = parts.next().expect("each value has its blank");
            to.extend_from_slice(part.as_bytes());
        };
        for value in values {
            part(to);
            if let Wire::Text(text) = value {
                json::text(to, text);
            } else {
                value.print(to, self.depth + 1);
            }
        }
        part(to);
        let start = to.len();
        json::text(to, url);
        // Within the quotes.
        to.pop();
        to.push(b'/');
        to.extend_from_slice(json::digits(number, &mut [0; 20]).as_bytes());
        let end = to.len();
        to.push(b'"');
        part(to);
        to.extend_from_within(start..=end);
        if self.has_history {
            part(to);
            to.extend_from_within(start..end);
            to.extend_from_slice(b"/history\"");
        }
        part(to);
    }
}

/// One of a collection with nothing filled in.
struct Empty<'a>(Collection<'a>);

impl Serialize for Empty<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.0.fields().iter().filter(|field| field.shown) {
            map.serialize_entry(&*field.name, BLANK)?;
        }
        map.serialize_entry("_links", &EmptyLinks(self.0))?;
        map.end()
    }
}

/// `self`, the same address under the name of one of the collection, and what it said before.
struct EmptyLinks<'a>(Collection<'a>);

impl Serialize for EmptyLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let history = has_history(self.0).then_some("history");
        let rels = ["self", self.0.item()].into_iter().chain(history);
        let mut map = serializer.serialize_map(None)?;
        for rel in rels {
            map.serialize_entry(rel, &Href(BLANK, false))?;
        }
        map.end()
    }
}

fn has_history(collection: Collection<'_>) -> bool {
    matches!(collection, Collection::View(_, view) if view.history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::storefront::read;

    #[test]
    fn a_form_that_is_filled_in_is_what_would_be_printed() {
        let posies = include_str!("../../tests/shops/posies.toml");
        let posies = posies.replacen("[[view]]", "[[view]]\nhistory = true", 1);
        let posies = read::storefront(&posies).unwrap();
        let collection = Collection::at(&posies, "pages").unwrap();
        let check = |form: &Form, margin: &str| {
            let values = collection
                .fields()
                .iter()
                .map(|_| Wire::Text("a\"b : \"\""));
            let mut printed = Vec::new();
            form.fill(&mut printed, values, "http://\"h\"/pages", 7);
            let fields = collection.fields().iter();
            let fields = fields.map(|field| {
                let name = &field.name;
                format!("{margin}  \"{name}\" : \"a\\\"b : \\\"\\\"\",\n")
            });
            let links = [("self", ""), ("page", ""), ("history", "/history")].map(|(rel, more)| {
                format!(
                    "{margin}    \"{rel}\" : {{\n{margin}      \"href\" : \
                     \"http://\\\"h\\\"/pages/7{more}\"\n{margin}    }}"
                )
            });
            let expected = format!(
                "{{\n{}{margin}  \"_links\" : {{\n{}\n{margin}  }}\n{margin}}}",
                fields.collect::<String>(),
                links.join(",\n")
            );
            assert_eq!(String::from_utf8(printed).unwrap(), expected);
        };
        let forms = Forms::of(collection);
        check(&forms.alone, "");
        check(&forms.listed, "    ");
    }
}
