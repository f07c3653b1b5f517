//! What all actors of one shard share: they run on one thread, so it is not locked.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use actix::Addr;
use serde::de::DeserializeOwned;

use super::{
    coordinator::{Coordinator, Work},
    faults::Faults,
    handles::Failure,
    settings::Settings,
};
use crate::{
    clock::Clock,
    domain::{EntityKey, Kind, storefront::Storefront},
    store::{
        layout::Layout,
        pages::{Pages, Slot},
        snapshot,
    },
};

/// A shard's surroundings.
pub(super) struct Local {
    pub(super) storefronts: Vec<Arc<Storefront>>,
    pub(super) layout: Arc<Layout>,
    pub(super) pages: Arc<Pages>,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) faults: Arc<dyn Faults>,
    pub(super) coordinator: OnceCell<Addr<Coordinator>>,
}

impl Local {
    /// Sends work to the shard's coordinator. Its mailbox has room for everything that can be
    /// under way, so a refusal means that the shard is being shut down.
    pub(super) fn tell(self: &Rc<Self>, work: Work) {
        let told = self
            .coordinator
            .get()
            .map(|coordinator| coordinator.try_send(work));
        if let Some(Err(full_or_closed)) = told {
            tracing::warn!(%full_or_closed, "the shard's coordinator is gone; a turn is dropped");
        }
    }

    /// What the store has of an entity.
    pub(super) fn slot(
        &self,
        storefront: usize,
        entity: EntityKey,
    ) -> Result<Option<Slot>, Failure> {
        let collection = self.layout.entities(storefront, entity.kind);
        self.pages.get(collection, entity.number).map_err(|error| {
            tracing::error!(%entity, %error, "the store cannot be read");
            Failure::Store
        })
    }

    /// What the store has of an entity, as its state.
    pub(super) fn state<T: DeserializeOwned + Default>(
        &self,
        storefront: usize,
        kind: Kind,
        number: u64,
    ) -> Result<T, Failure> {
        let entity = EntityKey::new(kind, number);
        match self.slot(storefront, entity)? {
            Some(slot) => decode(entity, &slot.bytes),
            None => Ok(T::default()),
        }
    }
}

/// Reads a snapshot. One that cannot be read is a failure of the store.
pub(super) fn decode<T: DeserializeOwned>(entity: EntityKey, bytes: &[u8]) -> Result<T, Failure> {
    snapshot::decode(bytes).map_err(|error| {
        tracing::error!(%entity, %error, "a snapshot cannot be read; run rebuild-views");
        Failure::Store
    })
}
