//! Entities and rows as the wire shows them: the storefront's fields in its order and its words.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{call::url_of, hal::Href};
pub(super) use crate::represent::{Joins, Whole, Wire, is_orders, kept_status, of_item, status};
use crate::{
    actors::handles::Row,
    domain::storefront::{Field, FieldType, Resource, Rows, Storefront, View},
};

/// An entity with its links, ready to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemBody<'a> {
    pub(super) definition: &'a Storefront,
    pub(super) resource: &'a Resource,
    pub(super) whole: &'a Whole,
    /// The collection's address.
    pub(super) url: &'a str,
}

impl Serialize for ItemBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.resource.fields.iter().filter(|field| field.shown) {
            let value = of_item(self.definition, self.resource, self.whole, field);
            map.serialize_entry(&*field.name, &value)?;
        }
        let links = OwnLinks {
            url: self.url,
            number: self.whole.item.number,
            rel: &self.resource.item,
            has_history: false,
        };
        map.serialize_entry("_links", &links)?;
        map.end()
    }
}

/// A view's row with its links, ready to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowBody<'a> {
    pub(super) view: &'a View,
    pub(super) row: &'a Row,
    /// The collection's address.
    pub(super) url: &'a str,
}

impl Serialize for RowBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in &self.view.fields {
            map.serialize_entry(&*field.name, &of_row(self.view, self.row, field))?;
        }
        let links = OwnLinks {
            url: self.url,
            number: self.row.number,
            rel: &self.view.item,
            has_history: self.view.history,
        };
        map.serialize_entry("_links", &links)?;
        map.end()
    }
}

/// `self`, the same address under the name of one of the collection, and what it said before.
struct OwnLinks<'a> {
    url: &'a str,
    number: u64,
    rel: &'a str,
    has_history: bool,
}

impl Serialize for OwnLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let own = url_of(self.url, self.number);
        for rel in ["self", self.rel] {
            map.serialize_entry(rel, &Href(&own, false))?;
        }
        if self.has_history {
            map.serialize_entry("history", &Href(&format!("{own}/history"), false))?;
        }
        map.end()
    }
}

/// What a row shows in a field.
pub(super) fn of_row<'a>(view: &View, row: &'a Row, field: &Field) -> Wire<'a> {
    match (field.holds, view.rows) {
        (FieldType::Order, _) | (FieldType::Listing, Rows::Listings) => Wire::Id(row.number),
        _ => row.fields.get(&field.name).into(),
    }
}

#[cfg(test)]
mod tests;
