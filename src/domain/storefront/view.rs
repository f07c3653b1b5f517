//! A read model: rows folded from events, with the fields each event sets.

use std::sync::Arc;

use super::{Field, Search};
use crate::domain::{Kind, Value};

/// Where a row's field takes its value from, when an event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The storefront's word for the state after the event.
    Status,
    /// The amount the event is about.
    Amount,
    /// A field of the order, the listing or the delivery, as the event carries it.
    Field(Arc<str>),
    /// The storefront's commission, as the event says.
    Commission,
    /// How many there are of a listing, or how many were reserved, as the event says.
    Quantity,
    /// The number of the listing that the event is about, or that the order names.
    Listing,
    /// The storefront's name for the event.
    Event,
    /// Always this.
    Constant(Value),
}

/// What has a row of its own in a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// Each order.
    #[default]
    Orders,
    /// Each listing.
    Listings,
    /// Each of both: where orders and listings share their numbers.
    Both,
}

/// What one event does to the row of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRule {
    /// Whose event.
    pub kind: Kind,
    /// Which event, in the domain's word.
    pub event: Arc<str>,
    /// Each field it sets, with where the value comes from.
    pub set: Vec<(Arc<str>, Source)>,
    /// Each field that it counts up or down, and by how much; null counts as 0.
    pub add: Vec<(Arc<str>, i64)>,
}

/// One read model, keyed by the number of an order or a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its path segment, which is also its relation.
    pub path: Arc<str>,
    /// The relation of one row.
    pub item: Arc<str>,
    /// Other path segments it answers to.
    pub aliases: Vec<Arc<str>>,
    /// What has a row.
    pub rows: Rows,
    /// Whether each row keeps what it said before, in order, as `{path}/{number}/history`.
    pub history: bool,
    /// What a row must say to be listed, as a field and its text; all are without.
    pub only: Option<(Arc<str>, Arc<str>)>,
    /// Its fields, in the order they are written; the one of type `Order`, if there is one, holds
    /// the row's number, whatever has a row.
    pub fields: Vec<Field>,
    /// What each event does.
    pub rules: Vec<ViewRule>,
    /// Its query methods.
    pub searches: Vec<Search>,
}

impl View {
    /// Whether the rows of both always say the same, given the same events: then a row that is made for
    /// one of them is good for the other.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let is_plain = !self.history && !other.history;
        is_plain && (self.rows, &self.only, &self.rules) == (other.rows, &other.only, &other.rules)
    }

    /// Whether a path segment means this view.
    pub fn answers_to(&self, segment: &str) -> bool {
        &*self.path == segment || self.aliases.iter().any(|alias| &**alias == segment)
    }
}
