//! What all actors of one shard share: they run on one thread, so it is not locked.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use actix::Addr;
use serde::de::DeserializeOwned;

use super::{
    breakers::Breakers,
    claims::Claims,
    coordinator::{Coordinator, Lines, Visited, Work},
    crashes::Crashes,
    faults::{Faults, Place, Point},
    fence::Fence,
    handles::Failure,
    settings::Settings,
    table::{Doing, Table},
    turn::Subject,
};
use crate::{
    clock::Clock,
    domain::{EntityKey, Kind, saga::Closed, storefront::Storefront},
    store::{
        components::Components,
        layout::Layout,
        pages::{Pages, Slot},
        snapshot,
    },
    telemetry::spans::Spans,
};

/// A shard's surroundings.
pub(super) struct Local {
    pub(super) storefronts: Vec<Arc<Storefront>>,
    pub(super) layout: Arc<Layout>,
    pub(super) pages: Arc<Pages>,
    pub(super) spans: Spans,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) faults: Arc<dyn Faults>,
    pub(super) coordinator: OnceCell<Addr<Coordinator>>,
    /// All shards.
    pub(super) shards: Arc<Table>,
    /// Closed once another runs this shard.
    pub(super) fence: Arc<Fence>,
    /// What this thread works on.
    pub(super) doing: Arc<Doing>,
    /// What has panicked here.
    pub(super) crashes: Arc<Crashes>,
    /// What is paused.
    pub(super) components: Arc<Components>,
    /// Orders of all shards for which nobody was free.
    pub(super) lines: Arc<Lines>,
    /// The gates to the payment providers, of all shards.
    pub(super) breakers: Arc<Breakers>,
    /// Clients' keys of orders that are not in the store yet, of all shards.
    pub(super) claims: Arc<Claims>,
}

impl Local {
    /// Sends work to the shard's coordinator. Its mailbox has room for everything that can be
    /// under way, so a refusal means that the shard is being shut down.
    pub(super) fn tell(self: &Rc<Self>, work: Work) {
        let Some(coordinator) = self.coordinator.get() else {
            return;
        };
        if let Err(full_or_closed) = coordinator.try_send(work) {
            tracing::warn!(%full_or_closed, "the shard's coordinator is gone; a turn is dropped");
        }
    }

    /// Tells this shard's coordinator, whose turn it is, that a visit is over.
    pub(super) fn report(self: &Rc<Self>, visited: Visited) {
        self.tell(Work::Visited(visited));
    }

    /// Tells the coordinator whose turn it is, on whatever shard, that a visit is over.
    pub(super) fn report_away(&self, visited: Visited) {
        self.tell_shard(visited.turn.key.number, Work::Visited(visited));
    }

    /// Sends work to the coordinator of the shard that owns a number.
    pub(super) fn tell_shard(&self, number: u64, work: Work) {
        self.shards.tell(number, work);
    }

    /// Something that belongs to this shard panicked. True if that was once too often.
    pub(super) fn note_crash(&self, subject: Subject, text: &str) -> bool {
        let storefront = &*self.storefronts[subject.storefront].name;
        let kinds = [Kind::Order, Kind::Listing, Kind::Subscriber];
        let [order, listing, subscriber] = kinds.map(|kind| subject.if_of(kind));
        tracing::error!(
            storefront,
            order,
            listing,
            subscriber,
            text,
            "panicked; it goes on from the store"
        );
        let is_quarantined = self.crashes.note(subject, self.clock.now(), text);
        if is_quarantined {
            tracing::error!(
                storefront,
                order,
                listing,
                subscriber,
                "quarantined: it panicked too often"
            );
        }
        is_quarantined
    }

    /// Where an entity of a storefront is worked on, something may go wrong on purpose.
    pub(super) fn strike(&self, place: Place, storefront: usize, entity: EntityKey) {
        let name = &self.storefronts[storefront].name;
        self.faults.strike(Point::of(place, name, entity));
    }

    /// What of a storefront is paused, by whose part it is.
    pub(super) fn closed(&self, storefront: usize) -> Closed {
        if self.components.paused_mask(storefront) == 0 {
            return Closed::default();
        }
        let resources = self.storefronts[storefront].resources.iter();
        let paused = resources.filter(|resource| {
            let pausing = self.components.pausing(storefront, &resource.path);
            resource.is_exposed() && pausing.is_some()
        });
        paused.fold(Closed::default(), |closed, resource| {
            closed.with(resource.kind)
        })
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
