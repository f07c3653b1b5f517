//! A read model: rows folded from events, with the fields each event sets.

use std::sync::Arc;

use super::{Field, Search};
use crate::domain::Kind;

/// Where a row's field takes its value from, when an event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The storefront's word for the state after the event.
    Status,
    /// The amount the event is about.
    Amount,
    /// A field of the order, as the event carries it.
    Field(Arc<str>),
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
}

/// One read model, keyed by the order's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its path segment, which is also its relation.
    pub path: Arc<str>,
    /// The relation of one row.
    pub item: Arc<str>,
    /// Other path segments it answers to.
    pub aliases: Vec<Arc<str>>,
    /// Its fields, in the order they are written; one may hold the order's number.
    pub fields: Vec<Field>,
    /// What each event does.
    pub rules: Vec<ViewRule>,
    /// Its query methods.
    pub searches: Vec<Search>,
}

impl View {
    /// Whether a path segment means this view.
    pub fn answers_to(&self, segment: &str) -> bool {
        &*self.path == segment || self.aliases.iter().any(|alias| &**alias == segment)
    }
}
