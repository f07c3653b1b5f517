//! From what is stored to what is told: `CloudEvents` 1.0, with the data that the originals' events had.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Error, Event, event::subject_text};
use crate::{
    domain::{
        EntityKey, Event as Happened, Kind, Stamped, Timestamp,
        approval::Approval,
        delivery,
        entity::{Entity, Item},
        listing, order,
        payment::Payment,
        payout::Payout,
        storefront::{Field, FieldType, Resource, Storefront},
    },
    represent::{self, Joins, Whole, Wire},
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::Pages,
        snapshot,
    },
    views::{fold, notices},
};

/// Digits of the extension `sequence`, which is compared as text: all 64 bits fit.
const SEQUENCE_DIGITS: usize = 20;

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
        for (position, stamped) in (committed.first..).zip(&batch.events) {
            let name = fold::name_outside(definition, &stamped.event);
            let Some(name) = name.filter(|_| (from..=to).contains(&position)) else {
                continue;
            };
            let Some(resource) = definition.resource(stamped.event.kind()) else {
                continue;
            };
            let subject = notices::subject(stamped);
            let told = Told {
                definition,
                resource,
                name,
                stamped,
                at: batch.at,
                whole: self.whole(storefront, resource, stamped)?,
            };
            let json = CloudEvent {
                told: &told,
                subject,
                position,
                committed,
            };
            let json = serde_json::to_vec(&json)
                .expect("events have text keys and go to memory, so printing them cannot fail");
            events.push(Event {
                position,
                subject,
                kind: Arc::clone(name),
                at: batch.at,
                correlation: batch.correlation,
                json: json.into(),
            });
        }
        Ok(())
    }

    /// The entity that an event happened to, as it is now but for what the event says, with what is
    /// shown beside it.
    fn whole(
        &self,
        storefront: usize,
        resource: &Resource,
        stamped: &Stamped,
    ) -> Result<Whole, Error> {
        let key = stamped.entity;
        let item = self.item(storefront, key.kind, key.number)?;
        let mut item = item.unwrap_or_else(|| Item {
            number: key.number,
            version: stamped.version,
            entity: nothing(key.kind),
        });
        said(&mut item.entity, &stamped.event);
        let joins = Joins::of(&self.storefronts[storefront], resource);
        joins.load(item, |kind, number| self.item(storefront, kind, number))
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

/// An event with everything that its data shows.
struct Told<'a> {
    definition: &'a Storefront,
    resource: &'a Resource,
    name: &'a str,
    stamped: &'a Stamped,
    at: Timestamp,
    whole: Whole,
}

/// The structured form (`CloudEvents` 1.0.2, JSON event format).
struct CloudEvent<'a> {
    told: &'a Told<'a>,
    subject: EntityKey,
    position: Position,
    committed: &'a Committed,
}

impl Serialize for CloudEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Told {
            definition, name, ..
        } = self.told;
        let batch = &self.committed.batch;
        let correlation = match &batch.named {
            Some(named) => named.to_string(),
            None => uuid::Uuid::from_bytes(batch.correlation.0).to_string(),
        };
        // What led to a batch's first event is the command; to the others, that event.
        let cause = if self.position == self.committed.first {
            correlation.clone()
        } else {
            self.committed.first.to_string()
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", "1.0")?;
        map.serialize_entry("id", &self.position.to_string())?;
        map.serialize_entry("source", &format_args!("/{}", definition.name))?;
        map.serialize_entry("type", name)?;
        map.serialize_entry("subject", &subject_text(definition, self.subject))?;
        map.serialize_entry("time", &calendar(batch.at, "%Y-%m-%dT%H:%M:%S%.3fZ"))?;
        map.serialize_entry("datacontenttype", "application/json")?;
        let sequence = format_args!("{:0SEQUENCE_DIGITS$}", self.position);
        map.serialize_entry("sequence", &sequence)?;
        map.serialize_entry("topic", &definition.topic)?;
        map.serialize_entry("correlationid", &correlation)?;
        map.serialize_entry("causationid", &cause)?;
        if let Some(trace) = &batch.trace {
            map.serialize_entry("traceparent", &format_args!("{trace}"))?;
        }
        map.serialize_entry("data", self.told)?;
        map.end()
    }
}

/// The data, as the originals printed their events: what happened, when, whose, and its fields.
impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("eventType", self.name)?;
        map.serialize_entry("timestamp", &calendar(self.at, "%Y%m%d%H%M%S"))?;
        map.serialize_entry("id", &self.stamped.entity.number)?;
        for field in self.resource.fields.iter().filter(|field| field.shown) {
            self.field(&mut map, field)?;
        }
        map.end()
    }
}

impl Told<'_> {
    fn field<M: SerializeMap>(&self, map: &mut M, field: &Field) -> Result<(), M::Error> {
        if field.holds == FieldType::Status && field.of.is_none() {
            let after = fold::status_after(self.definition, &self.stamped.event);
            if let Some(after) = after.as_ref() {
                return map.serialize_entry(&*field.name, &Wire::from(Some(after)));
            }
        }
        let value = represent::of_item(self.definition, self.resource, &self.whole, field);
        map.serialize_entry(&*field.name, &value)
    }
}

/// An instant in UTC.
fn calendar(at: Timestamp, pattern: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| instant.strftime(pattern).to_string())
        .unwrap_or_default()
}
