//! A REST collection that is one kind of entity, under the storefront's own names.

use std::sync::Arc;

use crate::domain::{Kind, delivery};

/// What a field holds, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most so many characters.
    Text {
        /// The limit, in characters.
        max_chars: usize,
    },
    /// A whole number between two limits, both included.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// The amount of the order or payment, in minor units.
    Money,
    /// The word for where the entity stands. Read only; what a client sends chooses the command.
    Status,
    /// The number of the order that the entity belongs to.
    Order,
}

/// One field of a resource, as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its JSON name.
    pub name: Arc<str>,
    /// What it holds.
    pub holds: FieldType,
    /// Whether a creating request must carry it.
    pub required: bool,
}

/// The storefront's words for the domain's states or events; few, so looked up one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(Arc<str>, Arc<str>)>);

impl Words {
    /// The storefront's word for `own`, if it has one.
    pub fn get(&self, own: &str) -> Option<&Arc<str>> {
        self.0
            .iter()
            .find(|(domain, _)| &**domain == own)
            .map(|(_, word)| word)
    }

    /// The storefront's word for where a delivery stands.
    pub fn of_delivery(&self, state: delivery::State) -> Option<&Arc<str>> {
        match state {
            delivery::State::Step(step) => self.get(&format!("step.{step}")),
            delivery::State::Absent
            | delivery::State::Planned
            | delivery::State::Done
            | delivery::State::Cancelled => self.get(state.name()),
        }
    }
}

/// A query method, `GET /{path}/search/{method}?{field}=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The method's name in the URL.
    pub method: Arc<str>,
    /// The field, and the name of the query parameter.
    pub field: Arc<str>,
    /// Whether it answers one item (404 if there is none) rather than a list.
    pub single: bool,
}

/// One REST collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What its items are.
    pub kind: Kind,
    /// Its path segment, which is also its relation in `_embedded` and in links.
    pub path: Arc<str>,
    /// The relation of one item.
    pub item: Arc<str>,
    /// Other path segments it answers to.
    pub aliases: Vec<Arc<str>>,
    /// Its fields, in the order they are written.
    pub fields: Vec<Field>,
    /// The words for its states; a delivery's steps are under `step.0`, `step.1`, …
    pub words: Words,
    /// The names of its events for the outside; an event without one stays inside.
    pub events: Words,
    /// Its query methods.
    pub searches: Vec<Search>,
}

impl Resource {
    /// Whether a path segment means this collection.
    pub fn answers_to(&self, segment: &str) -> bool {
        &*self.path == segment || self.aliases.iter().any(|alias| &**alias == segment)
    }

    /// The first field that holds this.
    pub fn field_holding(&self, holds: FieldType) -> Option<&Field> {
        self.fields.iter().find(|field| field.holds == holds)
    }
}
