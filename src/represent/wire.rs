//! A field's value on the wire.

use std::{cmp::Ordering, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::domain::{Value, ValueRef, order::Line};

/// A field's value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wire<'a> {
    Null,
    Number(i64),
    Id(u64),
    /// A number that is written as text.
    Numeral(u64),
    Flag(bool),
    Text(&'a str),
    Lines(Lines<'a>),
}

/// An order's lines, with what they call the listing's number and the quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lines<'a> {
    pub(super) names: &'a (Arc<str>, Arc<str>),
    pub(super) lines: &'a [Line],
}

impl<'a> From<Option<ValueRef<'a>>> for Wire<'a> {
    fn from(value: Option<ValueRef<'a>>) -> Self {
        match value {
            None => Self::Null,
            Some(ValueRef::Text(text)) => Self::Text(text),
            Some(ValueRef::Int(number)) => Self::Number(number),
            Some(ValueRef::Bool(flag)) => Self::Flag(flag),
        }
    }
}

impl<'a> From<Option<&'a Value>> for Wire<'a> {
    fn from(value: Option<&'a Value>) -> Self {
        value.map(ValueRef::from).into()
    }
}

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_unit(),
            Self::Number(number) => serializer.serialize_i64(number),
            Self::Id(number) => serializer.serialize_u64(number),
            Self::Numeral(number) => serializer.collect_str(&number),
            Self::Flag(flag) => serializer.serialize_bool(flag),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Lines(Lines { names, lines }) => {
                serializer.collect_seq(lines.iter().map(|line| OneLine { names, line }))
            }
        }
    }
}

struct OneLine<'a> {
    names: &'a (Arc<str>, Arc<str>),
    line: &'a Line,
}

impl Serialize for OneLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (listing, quantity) = self.names;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(&**listing, &self.line.listing.0)?;
        map.serialize_entry(&**quantity, &self.line.quantity)?;
        map.end()
    }
}

/// By the listings' numbers, then by how many: for those who sort by them all the same.
impl Ord for Lines<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = |lines: &'_ [Line]| -> Vec<(u64, u64)> {
            let key = |line: &Line| (line.listing.0, line.quantity);
            lines.iter().map(key).collect()
        };
        keys(self.lines).cmp(&keys(other.lines))
    }
}

impl PartialOrd for Lines<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
