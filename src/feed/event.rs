//! One event of a feed, and which of them somebody wants.

use std::sync::Arc;

use crate::{
    domain::{EntityKey, Origin, Timestamp, storefront::Storefront},
    store::commit::Position,
};

/// One event of a feed. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the journal: its id, for ever.
    pub position: Position,
    /// The order or the listing that it is about; what is about one of them stays in order.
    pub subject: EntityKey,
    /// The storefront's name for what happened.
    pub kind: Arc<str>,
    /// When it happened.
    pub at: Timestamp,
    /// The request that it goes back to.
    pub origin: Origin,
    /// All of it, as a structured `CloudEvent` in one line of JSON.
    pub json: Arc<[u8]>,
}

/// Which events somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The storefront's names of them; all, if there are none.
    pub types: Vec<Arc<str>>,
    /// What they are about; anything, if there are none.
    pub subjects: Vec<EntityKey>,
}

impl Filter {
    /// Whether it wants this one.
    pub fn takes(&self, event: &Event) -> bool {
        (self.types.is_empty() || self.types.contains(&event.kind))
            && (self.subjects.is_empty() || self.subjects.contains(&event.subject))
    }
}

/// What an event is about, as text: the storefront's own path of the collection, and the number.
pub fn subject_text(storefront: &Storefront, subject: EntityKey) -> String {
    let resource = storefront.resource(subject.kind);
    let path = resource.filter(|resource| resource.is_exposed());
    let path = path.map_or_else(|| subject.kind.name(), |resource| &resource.path);
    format!("{path}/{}", subject.number)
}
