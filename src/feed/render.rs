//! From what is stored to what is told: what an event says, together with what is known of what it is
//! about.

use std::sync::Arc;

use super::{
    Error, Event,
    cloud::{CloudEvent, Told},
};
use crate::{
    domain::{
        Event as Happened, Kind, Stamped,
        approval::Approval,
        delivery,
        entity::{Entity, Item},
        listing, order,
        payment::Payment,
        payout::Payout,
        storefront::{EventData, Resource, Storefront},
    },
    represent::{Joins, Whole},
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::Pages,
        snapshot,
    },
    views::{fold, notices},
};

/// Renders the events of all storefronts.
#[derive(Debug)]
pub(super) struct Renderer {
    pub(super) storefronts: Vec<Arc<Storefront>>,
    pub(super) layout: Arc<Layout>,
    pub(super) pages: Arc<Pages>,
}

impl Renderer {
    /// Adds the events of a batch that have a name, and a position within these, both included.
    pub(super) fn events(
        &self,
        storefront: usize,
        committed: &Committed,
        (from, to): (Position, Position),
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let definition = &*self.storefronts[storefront];
        let batch = &committed.batch;
        for (at, stamped) in batch.events.iter().enumerate() {
            let position = committed.first + at as Position;
            let name = fold::name_outside(definition, &stamped.event);
            let Some(name) = name.filter(|_| (from..=to).contains(&position)) else {
                continue;
            };
            let Some(resource) = definition.resource(stamped.event.kind()) else {
                continue;
            };
            let about = stamped.event.as_approval();
            let about = about.map(|approval| approval.subject().kind);
            let data = resource.data_of(stamped.event.name(), about);
            let subject = notices::subject(stamped);
            let told = Told {
                definition,
                resource,
                data,
                name,
                batch,
                at,
                wholes: self.wholes(storefront, resource, data, stamped)?,
            };
            let json = CloudEvent {
                told: &told,
                subject,
                position,
                first: committed.first,
            };
            let json = serde_json::to_vec(&json)
                .expect("events have text keys and go to memory, so printing them cannot fail");
            events.push(Event {
                position,
                subject,
                kind: Arc::clone(name),
                at: batch.at,
                origin: batch.origin(),
                json: json.into(),
            });
        }
        Ok(())
    }

    /// The entity that an event happened to, as it is now but for what the event says, and after it
    /// the others whose fields its data has, each with what is shown beside it.
    fn wholes(
        &self,
        storefront: usize,
        resource: &Resource,
        data: Option<&EventData>,
        stamped: &Stamped,
    ) -> Result<Vec<Whole>, Error> {
        let definition = &*self.storefronts[storefront];
        let key = stamped.entity;
        let read = |kind, number| self.item(storefront, kind, number);
        let item = read(key.kind, key.number)?;
        let mut item = item.unwrap_or_else(|| Item {
            number: key.number,
            version: stamped.version,
            entity: nothing(key.kind),
        });
        said(&mut item.entity, &stamped.event);
        let own = Joins::of(definition, resource).load(item, read)?;
        let mut wholes = vec![own];
        let members = data.and_then(|data| data.members.as_ref());
        for kind in [Kind::Order, Kind::Listing] {
            let mut members = members.into_iter().flatten();
            if kind == resource.kind || !members.any(|member| member.kind == kind) {
                continue;
            }
            let subject = notices::subject(stamped);
            let number = if subject.kind == kind {
                Some(subject.number)
            } else if kind == Kind::Listing {
                wholes.iter().find_map(Whole::listing)
            } else {
                None
            };
            let (Some(number), Some(other)) = (number, definition.resource(kind)) else {
                continue;
            };
            if let Some(item) = read(kind, number)? {
                wholes.push(Joins::of(definition, other).load(item, read)?);
            }
        }
        Ok(wholes)
    }

    fn item(&self, storefront: usize, kind: Kind, number: u64) -> Result<Option<Item>, Error> {
        let collection = self.layout.entities(storefront, kind);
        let Some(slot) = self.pages.get(collection, number)? else {
            return Ok(None);
        };
        Ok(snapshot::entity(kind, &slot.bytes)?.map(|entity| Item {
            number,
            version: slot.version,
            entity,
        }))
    }
}

/// An entity to which nothing happened yet.
fn nothing(kind: Kind) -> Entity {
    match kind {
        Kind::Listing => Entity::Listing(listing::Listing::default()),
        Kind::Payment => Entity::Payment(Payment::default()),
        Kind::Delivery => Entity::Delivery(delivery::Delivery::default()),
        Kind::Approval => Entity::Approval(Approval::default()),
        Kind::Payout => Entity::Payout(Payout::default()),
        // What sagas and subscribers do is not told.
        Kind::Order | Kind::Saga | Kind::Subscriber => Entity::Order(order::Order::default()),
    }
}

/// What an event says of its entity goes before what became of that later.
fn said(entity: &mut Entity, event: &Happened) {
    match (entity, event) {
        (Entity::Order(order), Happened::Order(order::Event::Placed { fields, amount })) => {
            order.fields = Arc::clone(fields);
            order.amount = Some(*amount);
        }
        (Entity::Order(order), Happened::Order(order::Event::Amended { fields })) => {
            order.fields = Arc::clone(fields);
        }
        (Entity::Order(order), Happened::Order(order::Event::Priced { amount })) => {
            order.amount = Some(*amount);
        }
        (
            Entity::Listing(listing),
            Happened::Listing(
                listing::Event::Offered { fields, on_hand }
                | listing::Event::Amended { fields, on_hand },
            ),
        ) => {
            listing.fields = fields.clone();
            listing.on_hand = *on_hand;
        }
        (Entity::Delivery(delivery), Happened::Delivery(delivery::Event::Noted { fields })) => {
            delivery.fields = fields.clone();
        }
        (Entity::Payment(payment), Happened::Payment(event)) => {
            payment.amount = event.amount().or(payment.amount);
        }
        (Entity::Payout(payout), Happened::Payout(event)) => payout.shares = Some(event.shares()),
        _ => {}
    }
}
