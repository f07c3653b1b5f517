//! Who is told what: one notification for each event that a notice of the storefront names.
//!
//! Most events say little about their order, so what a text may mention is kept for each order and
//! listing (its facts), folded from the same journal: a rebuild gives the same texts.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use serde::{Deserialize, Serialize};

use super::fold;
use crate::{
    domain::{
        EntityKey, Event, Fields, Kind, Stamped, Timestamp, Value, delivery,
        order::{self, Line},
        storefront::{FieldType, Notice, Storefront},
    },
    store::{
        commit::{Committed, Position},
        layout::Told,
        pages::{CollectionId, Error, Pages, Slot},
        snapshot,
    },
};

/// Somebody is told something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The storefront's name for the event, or the domain's if it has none.
    pub event: String,
    /// The order or the listing that it is about.
    pub subject: EntityKey,
    /// Who is told; nobody in particular, if `None`.
    pub to: Option<String>,
    /// What they are told, in Korean.
    pub ko: String,
    /// The same in English.
    pub en: String,
    /// When the event happened.
    pub at: Timestamp,
}

/// What is known of an order or a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    fields: Fields,
    /// What was noted about the order's delivery.
    noted: Fields,
    /// What it costs, in minor units.
    amount: Option<i64>,
    /// The first listing that the order is for.
    line: Option<Line>,
}

/// A notification as it is kept. `None` if it cannot be read; `verify` finds the difference.
pub fn read(slot: &Slot) -> Option<Notification> {
    snapshot::decode(&slot.bytes).ok()
}

/// One storefront's notifications, with where they are.
pub(super) struct Notices<'a> {
    pub(super) storefront: &'a Storefront,
    pub(super) pages: &'a Pages,
    pub(super) told: Told,
}

impl Notices<'_> {
    /// Takes a batch in, and hands what is new to `tell`. What is there already stays as it is.
    pub(super) fn take(
        &self,
        committed: &Committed,
        tell: &mut dyn FnMut(&Notification),
    ) -> Result<(), Error> {
        let last = committed.last();
        let batch = &committed.batch;
        let mut known: BTreeMap<EntityKey, Known> = BTreeMap::new();
        let mut new = Vec::new();
        for (at, stamped) in batch.events.iter().enumerate() {
            let about = subject(stamped);
            let notices = self.storefront.notices.iter();
            let named = notices.filter(|notice| notice.names(&stamped.event));
            let mut named = named.peekable();
            if named.peek().is_none() && !is_told_by(&stamped.event) {
                continue;
            }
            let facts = match known.entry(about) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.known(about)?),
            };
            if facts.position < last {
                facts.is_changed |= facts.facts.take(&batch.events, at);
            }
            for notice in named {
                let writer = Writer {
                    storefront: self.storefront,
                    facts: &facts.facts,
                    event: &stamped.event,
                    subject: about,
                };
                new.push(writer.notification(notice, batch.at));
            }
        }
        for (about, known) in known.iter().filter(|(_, known)| known.is_changed) {
            let collection = self.facts_of(*about);
            let bytes = snapshot::encode(&known.facts);
            self.put(collection, about.number, last, (false, bytes))?;
        }
        let highest = self.pages.highest(self.told.notifications)?;
        if !new.is_empty() && self.position(highest)? < last {
            for (number, notification) in (highest + 1..).zip(&new) {
                let bytes = snapshot::encode(notification);
                self.put(self.told.notifications, number, last, (true, bytes))?;
                tell(notification);
            }
        }
        Ok(())
    }

    /// Up to where the notifications go. Under 0 is none, but where they stopped.
    fn position(&self, highest: u64) -> Result<Position, Error> {
        if highest == 0 {
            return Ok(0);
        }
        let slot = self.pages.get(self.told.notifications, highest)?;
        Ok(slot.map_or(0, |slot| slot.position))
    }

    fn known(&self, about: EntityKey) -> Result<Known, Error> {
        let slot = self.pages.get(self.facts_of(about), about.number)?;
        Ok(slot.map_or_else(Known::default, |slot| Known {
            facts: snapshot::decode(&slot.bytes).unwrap_or_default(),
            position: slot.position,
            is_changed: false,
        }))
    }

    const fn facts_of(&self, about: EntityKey) -> CollectionId {
        match about.kind {
            Kind::Listing => self.told.listings,
            Kind::Order
            | Kind::Payment
            | Kind::Delivery
            | Kind::Saga
            | Kind::Approval
            | Kind::Payout
            | Kind::Subscriber => self.told.orders,
        }
    }

    fn put(
        &self,
        collection: CollectionId,
        number: u64,
        position: Position,
        (listed, bytes): (bool, Vec<u8>),
    ) -> Result<(), Error> {
        let slot = Slot {
            version: 1,
            position,
            listed,
            bytes: bytes.into(),
        };
        self.pages.put(collection, number, slot)
    }
}

#[derive(Default)]
struct Known {
    facts: Facts,
    position: Position,
    is_changed: bool,
}

impl Notice {
    fn names(&self, event: &Event) -> bool {
        let mut on = self.on.iter();
        on.any(|(kind, name)| *kind == event.kind() && **name == *event.name())
    }
}

/// The order or the listing that an event is about.
pub fn subject(stamped: &Stamped) -> EntityKey {
    match &stamped.event {
        Event::Listing(_) | Event::Subscriber(_) => stamped.entity,
        Event::Approval(approval) => approval.subject(),
        Event::Order(_)
        | Event::Payment(_)
        | Event::Delivery(_)
        | Event::Saga(_)
        | Event::Payout(_) => EntityKey::new(Kind::Order, stamped.entity.number),
    }
}

/// Whether an event says something that a later text may mention.
fn is_told_by(event: &Event) -> bool {
    let changes_order = matches!(
        event,
        Event::Order(order::Event::Itemised { .. } | order::Event::Priced { .. })
    );
    changes_order || fold::fields(event).is_some()
}

impl Facts {
    /// Takes in what an event says. True if it says something.
    fn take(&mut self, events: &[Stamped], at: usize) -> bool {
        let event = &events[at].event;
        if !is_told_by(event) {
            return false;
        }
        if let Event::Delivery(delivery::Event::Noted { fields }) = event {
            self.noted = fields.clone();
        } else if let Some(fields) = fold::fields(event) {
            self.fields = fields.clone();
        }
        if let Event::Order(_) = event {
            self.amount = fold::amount(event).or(self.amount);
            self.line = fold::line(events, at).or(self.line);
        }
        true
    }
}

/// Writes one notification.
struct Writer<'a> {
    storefront: &'a Storefront,
    facts: &'a Facts,
    event: &'a Event,
    subject: EntityKey,
}

impl Writer<'_> {
    fn notification(&self, notice: &Notice, at: Timestamp) -> Notification {
        let to = notice.to.as_ref().and_then(|field| self.field(field));
        Notification {
            event: fold::event_name(self.storefront, self.event).to_owned(),
            subject: self.subject,
            to: to.map(Cow::into_owned),
            ko: self.text(&notice.text.ko),
            en: self.text(&notice.text.en),
            at,
        }
    }

    /// The text with every `{name}` replaced by what it stands for; by nothing, if that is null.
    fn text(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            text.push_str(&self.word(name.trim()).unwrap_or_default());
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn word(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "status" => fold::status_after(self.storefront, self.event).map(shown),
            "event" => Some(fold::event_name(self.storefront, self.event).into()),
            "number" => Some(self.subject.number.to_string().into()),
            "amount" => {
                let amount = fold::amount(self.event).or(self.facts.amount)?;
                Some(amount.to_string().into())
            }
            _ => self.field(name),
        }
    }

    /// A field of the order or the listing, or what was noted about the delivery.
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let facts = self.facts;
        let given = facts.fields.get(name).or_else(|| facts.noted.get(name));
        if let Some(value) = given {
            return Some(shown(value.clone()));
        }
        let resource = self.storefront.resource(self.subject.kind)?;
        let field = resource.fields.iter().find(|field| *field.name == *name)?;
        match field.holds {
            FieldType::Order => Some(self.subject.number.to_string().into()),
            FieldType::Money => facts.amount.map(|amount| amount.to_string().into()),
            FieldType::Listing => facts.line.map(|line| line.listing.0.to_string().into()),
            FieldType::Quantity { .. } => facts.line.map(|line| line.quantity.to_string().into()),
            FieldType::Text { .. }
            | FieldType::Integer { .. }
            | FieldType::Status
            | FieldType::Key { .. }
            | FieldType::Lines
            | FieldType::Commission
            | FieldType::Position
            | FieldType::Role => None,
        }
    }
}

fn shown(value: Value) -> Cow<'static, str> {
    match value {
        Value::Text(text) => text.into(),
        Value::Int(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
    }
}
