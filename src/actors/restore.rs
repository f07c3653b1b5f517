//! From the journal to the page cache: how snapshots that are missing or old are made again.
//!
//! Used at a start for what the last checkpoint did not have, and by `verify` for everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    handles::{Entity, Item},
    memory::Hosted,
    numbers::shard_of,
};
use crate::{
    domain::{
        Batch, EntityKey, Event, Kind, Stamped, Value,
        approval::Approval,
        delivery::Delivery,
        listing::Listing,
        order::{self, Order},
        payment::Payment,
        payout::Payout,
        saga::Kept,
        storefront::{FieldType, Storefront},
        subscriber::Subscriber,
    },
    store::{
        answers,
        commit::{Committed, Position},
        keys,
        layout::Layout,
        letters,
        pages::{self, Pages, Slot},
        snapshot, timers,
    },
    views::{model::Model, projector::Projector, stops::Stop},
};

/// Why a batch could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pages could not be read or written.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// The journal has a storefront that is not mounted.
    #[error(
        "the journal has orders of the storefront `{0}`, which is not mounted: start with its \
         definition file (--storefronts), or on another data directory"
    )]
    UnknownStorefront(Arc<str>),
    /// An entity's history has a gap or a repetition.
    #[error("{entity} has version {found} where {expected} was due: the journal is inconsistent")]
    Version {
        /// Whose history.
        entity: EntityKey,
        /// The version that the journal has.
        found: u64,
        /// The version that follows from what came before.
        expected: u64,
    },
    /// An order's books do not balance.
    #[error("{entity} at event {position}: {imbalance}")]
    Ledger {
        /// Whose books.
        entity: EntityKey,
        /// After which event.
        position: Position,
        /// What is wrong.
        imbalance: crate::domain::ledger::Imbalance,
    },
}

/// Takes batches in, one after the other; writes pages down whenever too many wait.
#[derive(Debug)]
pub struct Restorer {
    storefronts: Vec<Arc<Storefront>>,
    layout: Arc<Layout>,
    pages: Arc<Pages>,
    views: Projector,
    /// Only what belongs to this shard of so many, and no views.
    only: Option<(usize, usize)>,
}

impl Restorer {
    /// A restorer into these pages.
    pub fn new(storefronts: Vec<Arc<Storefront>>, layout: Arc<Layout>, pages: Arc<Pages>) -> Self {
        let views = Projector::new(
            storefronts.clone(),
            Arc::clone(&layout),
            Arc::clone(&pages),
            0,
        )
        .silent();
        Self {
            storefronts,
            layout,
            pages,
            views,
            only: None,
        }
    }

    /// With these views having stopped: they take in nothing that came after.
    #[must_use]
    pub fn stopped(self, stops: BTreeMap<Model, Stop>) -> Self {
        Self {
            views: self.views.stopped(stops),
            ..self
        }
    }

    /// For this shard of so many alone: only what belongs to it is taken in, and listings; no view.
    #[must_use]
    pub(super) fn only(self, shard: usize, shards: usize) -> Self {
        Self {
            only: Some((shard, shards)),
            ..self
        }
    }

    /// Takes a batch in whose first event has this position. What the pages have already is
    /// passed over.
    pub fn take(&mut self, first: Position, batch: Batch) -> Result<(), Error> {
        let place = self
            .storefronts
            .iter()
            .position(|own| own.name == batch.storefront);
        let place = place.ok_or_else(|| Error::UnknownStorefront(Arc::clone(&batch.storefront)))?;
        let batch = Arc::new(batch);
        let committed = Committed {
            first,
            batch: Arc::clone(&batch),
        };
        let last = committed.last();
        self.entities::<Order>(place, &batch, last)?;
        self.entities::<Payment>(place, &batch, last)?;
        self.entities::<Delivery>(place, &batch, last)?;
        self.entities::<Approval>(place, &batch, last)?;
        self.entities::<Payout>(place, &batch, last)?;
        self.entities::<Listing>(place, &batch, last)?;
        self.entities::<Subscriber>(place, &batch, last)?;
        self.keys(place, &batch)?;
        self.saga(place, &batch, first)?;
        if self.only.is_some() {
            return Ok(());
        }
        self.views.take(&[committed])?;
        if self.pages.is_behind() {
            // A long replay must fit into memory, and says how far it has come.
            self.pages.checkpoint(last)?;
            tracing::info!(events = last, "taking the journal in");
        }
        Ok(())
    }

    /// A batch is about one order, but may be about several listings.
    fn entities<A: Hosted>(
        &self,
        place: usize,
        batch: &Batch,
        last: Position,
    ) -> Result<(), Error> {
        let own = batch.events.iter().map(|stamped| stamped.entity);
        // Turns of one shard change listings of others, and are the ones that store that.
        let is_wanted = |number| A::KIND == Kind::Listing || self.owns(number);
        let own = own.filter(|entity| entity.kind == A::KIND && is_wanted(entity.number));
        let own: BTreeSet<EntityKey> = own.collect();
        own.into_iter()
            .try_for_each(|entity| self.entity::<A>(place, entity, batch, last))
    }

    fn entity<A: Hosted>(
        &self,
        place: usize,
        entity: EntityKey,
        batch: &Batch,
        last: Position,
    ) -> Result<(), Error> {
        let own = |stamped: &&Stamped| stamped.entity == entity;
        let collection = self.layout.entities(place, A::KIND);
        let slot = self.pages.get(collection, entity.number)?;
        if let Some(slot) = slot.as_ref().filter(|slot| slot.position >= last) {
            return self.answer_again::<A>(entity, batch, slot);
        }
        let mut state: A = load(slot.as_ref());
        let mut version = slot.map_or(0, |slot| slot.version);
        for stamped in batch.events.iter().filter(own) {
            follows(stamped, version)?;
            version = stamped.version;
            if let Some(event) = A::event_of(&stamped.event) {
                state.apply(event);
            }
            let answered = batch.answered.as_ref();
            if answered.is_some_and(|given| given.entity == entity && given.version == version) {
                let item = Item {
                    number: entity.number,
                    version,
                    entity: state.as_answer(),
                };
                answers::remember(&self.pages, batch, &item.encode())?;
            }
        }
        let bytes = snapshot::encode(&state);
        let slot = Slot {
            version,
            position: last,
            listed: state.is_listed(self.storefronts[place].resource(A::KIND)),
            bytes,
        };
        // Turns of other shards change listings too, also now.
        self.pages.put_newer(collection, entity.number, slot)?;
        Ok(())
    }

    /// A checkpoint that was cut short may have written an entity's tree and not that of the answers.
    /// What the command was answered with is gone then, but not that it was carried out: it is
    /// answered with the entity as it is.
    fn answer_again<A: Hosted>(
        &self,
        entity: EntityKey,
        batch: &Batch,
        slot: &Slot,
    ) -> Result<(), Error> {
        let Some(given) = batch.answered.as_ref().filter(|own| own.entity == entity) else {
            return Ok(());
        };
        if answers::recall(&self.pages, &batch.storefront, &given.key)?.is_some() {
            return Ok(());
        }
        let item = Item {
            number: entity.number,
            version: slot.version,
            entity: load::<A>(Some(slot)).as_answer(),
        };
        answers::remember(&self.pages, batch, &item.encode())?;
        Ok(())
    }

    fn owns(&self, number: u64) -> bool {
        let owns = |(shard, shards)| shard_of(number, shards) == shard;
        self.only.is_none_or(owns)
    }

    /// The keys that clients gave their orders.
    fn keys(&self, place: usize, batch: &Batch) -> Result<(), Error> {
        let resource = self.storefronts[place].resource(Kind::Order);
        let is_key = |holds| matches!(holds, FieldType::Key { .. });
        let Some(field) = resource.and_then(|resource| resource.field(is_key)) else {
            return Ok(());
        };
        for stamped in &batch.events {
            if let Event::Order(order::Event::Placed { fields, .. }) = &stamped.event
                && self.owns(stamped.entity.number)
                && let Some(key) = fields.get(&field.name).and_then(Value::as_text)
            {
                keys::set(&self.pages, &batch.storefront, key, stamped.entity.number)?;
            }
        }
        Ok(())
    }

    fn saga(&self, place: usize, batch: &Batch, first: Position) -> Result<(), Error> {
        let last = first + batch.events.len() as u64 - 1;
        let Some(order) = batch.events.iter().find_map(Stamped::order) else {
            return Ok(());
        };
        if !self.owns(order.0) {
            return Ok(());
        }
        let of_order = |stamped: &&Stamped| stamped.order() == Some(order);
        let entity = order.saga();
        let collection = self.layout.entities(place, Kind::Saga);
        let slot = self.pages.get(collection, entity.number)?;
        if slot.as_ref().is_some_and(|slot| slot.position >= last) {
            // As above: its timer may be missing all the same.
            let Kept { saga, .. } = load(slot.as_ref());
            let is_letter = saga.given_up.is_some();
            letters::set(&self.pages, &batch.storefront, entity.number, is_letter)?;
            timers::set(&self.pages, &batch.storefront, entity.number, saga.due())?;
            return Ok(());
        }
        let mut kept: Kept = load(slot.as_ref());
        kept.dossier.note(first, &batch.origin());
        let saga = &mut kept.saga;
        let was_given_up = saga.given_up.is_some();
        let mut version = slot.map_or(0, |slot| slot.version);
        for stamped in batch.events.iter().filter(of_order) {
            if stamped.entity.kind == Kind::Saga {
                follows(stamped, version)?;
                version = stamped.version;
            }
            saga.apply(stamped.entity, &stamped.event);
        }
        if saga.given_up.is_some() != was_given_up {
            let is_letter = saga.given_up.is_some();
            letters::set(&self.pages, &batch.storefront, entity.number, is_letter)?;
        }
        saga.ledger.check().map_err(|imbalance| Error::Ledger {
            entity,
            position: last,
            imbalance,
        })?;
        timers::set(&self.pages, &batch.storefront, entity.number, saga.due())?;
        let bytes = snapshot::encode(&kept);
        let slot = Slot {
            version,
            position: last,
            listed: false,
            bytes,
        };
        self.pages.put(collection, entity.number, slot)?;
        Ok(())
    }
}

fn load<T: Default + serde::de::DeserializeOwned>(slot: Option<&Slot>) -> T {
    slot.and_then(|slot| snapshot::decode(&slot.bytes).ok())
        .unwrap_or_default()
}

fn follows(stamped: &Stamped, version: u64) -> Result<(), Error> {
    let (entity, found, expected) = (stamped.entity, stamped.version, version + 1);
    if found == expected {
        Ok(())
    } else {
        Err(Error::Version {
            entity,
            found,
            expected,
        })
    }
}

impl Item {
    /// As bytes, for the memory of answered commands.
    pub(super) fn encode(&self) -> Vec<u8> {
        match &self.entity {
            Entity::Order(state) => tagged(Kind::Order, state),
            Entity::Payment(state) => tagged(Kind::Payment, state),
            Entity::Delivery(state) => tagged(Kind::Delivery, state),
            Entity::Listing(state) => tagged(Kind::Listing, state),
            Entity::Approval(state) => tagged(Kind::Approval, state),
            Entity::Payout(state) => tagged(Kind::Payout, state),
            Entity::Subscriber(state) => tagged(Kind::Subscriber, state),
        }
    }

    /// From bytes.
    pub(super) fn decode(number: u64, version: u64, bytes: &[u8]) -> Option<Self> {
        let (kind, bytes) = bytes.split_first()?;
        let entity = match Kind::from_number(*kind)? {
            Kind::Order => Entity::Order(snapshot::decode(bytes).ok()?),
            Kind::Payment => Entity::Payment(snapshot::decode(bytes).ok()?),
            Kind::Delivery => Entity::Delivery(snapshot::decode(bytes).ok()?),
            Kind::Listing => Entity::Listing(snapshot::decode(bytes).ok()?),
            Kind::Approval => Entity::Approval(snapshot::decode(bytes).ok()?),
            Kind::Payout => Entity::Payout(snapshot::decode(bytes).ok()?),
            Kind::Subscriber => Entity::Subscriber(Box::new(snapshot::decode(bytes).ok()?)),
            Kind::Saga => return None,
        };
        Some(Self {
            number,
            version,
            entity,
        })
    }
}

fn tagged<T: serde::Serialize>(kind: Kind, state: &T) -> Vec<u8> {
    [&[kind.number()][..], &snapshot::encode(state)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Cause, Correlation, Timestamp, ids::OrderId, recorded::Answered, saga, storefront::read,
        },
        store::pages::{Durable, Limits},
    };

    fn pages(layout: &Layout) -> Arc<Pages> {
        let collections = layout.collections().to_vec();
        let opened = Pages::in_memory(&Durable::default(), collections, Limits::default());
        Arc::new(opened.unwrap().pages)
    }

    /// As if a checkpoint had been cut short after the entities' trees.
    #[test]
    fn a_timer_and_an_answer_are_made_again_where_only_the_snapshots_were_written() {
        let posies = read::storefront(include_str!("../../tests/shops/posies.toml")).unwrap();
        let shops = vec![Arc::new(posies)];
        let layout = Arc::new(Layout::of(&shops));
        let order = OrderId(1);
        let due = Timestamp(7_000);
        let retry = saga::Event::RetryScheduled { attempt: 1, due };
        let placed = order::Event::Cancelled;
        let stamped = |entity, event| Stamped {
            entity,
            version: 1,
            event,
        };
        let batch = || Batch {
            storefront: Arc::clone(&shops[0].name),
            at: Timestamp(1),
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::default(),
            answered: Some(Answered {
                key: "mine".to_owned(),
                fingerprint: 1,
                entity: order.key(),
                version: 1,
            }),
            events: vec![
                stamped(order.key(), placed.clone().into()),
                stamped(order.saga(), retry.clone().into()),
            ],
        };
        let restore = |pages: &Arc<Pages>| {
            let (layout, pages) = (Arc::clone(&layout), Arc::clone(pages));
            Restorer::new(shops.clone(), layout, pages)
                .only(0, 1)
                .take(1, batch())
                .unwrap();
        };
        let (whole, torn) = (pages(&layout), pages(&layout));
        restore(&whole);
        for kind in [Kind::Order, Kind::Saga] {
            let collection = layout.entities(0, kind);
            let slot = whole.get(collection, order.0).unwrap().unwrap();
            torn.put(collection, order.0, slot).unwrap();
        }
        let name = &shops[0].name;
        assert_eq!(timers::all(&torn, name).unwrap(), []);
        restore(&torn);
        assert_eq!(timers::all(&torn, name).unwrap(), [(order.0, due)]);
        let recall = |pages| answers::recall(pages, name, "mine").unwrap();
        assert!(recall(&torn).is_some());
        assert_eq!(recall(&torn), recall(&whole));
    }
}
