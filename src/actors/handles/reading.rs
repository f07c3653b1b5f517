//! Reading for whoever shows several entities as one.

use super::{Engine, Failure, Item, item, unreadable};
use crate::{domain::Kind, store::keys};

impl Engine {
    /// An entity as it is stored, on the lists or not; `None` if there is none.
    pub fn entity(
        &self,
        storefront: usize,
        kind: Kind,
        number: u64,
    ) -> Result<Option<Item>, Failure> {
        let collection = self.inner.layout.entities(storefront, kind);
        let slot = self.inner.pages.get(collection, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        slot.map(|slot| item(kind, number, &slot)).transpose()
    }

    /// The number of the order to which its client gave this key, if there is one.
    pub fn order_with_key(&self, storefront: usize, key: &str) -> Result<Option<u64>, Failure> {
        let name = &self.inner.storefronts[storefront].name;
        keys::find(&self.inner.pages, name, key).map_err(|error| unreadable(&error))
    }
}
