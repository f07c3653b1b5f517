//! What is told: `CloudEvents` 1.0.2 in their structured form, with the data that the originals' events
//! had.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::event::subject_text;
use crate::{
    domain::{
        Batch, EntityKey, Kind, Timestamp, Value,
        storefront::{EventData, Field, FieldType, Resource, Storefront},
    },
    represent::{self, Whole, Wire},
    store::commit::Position,
    views::fold,
};

/// Digits of the extension `sequence`, which is compared as text: all 64 bits fit.
const SEQUENCE_DIGITS: usize = 20;

/// An event with everything that its data shows.
pub(super) struct Told<'a> {
    pub(super) definition: &'a Storefront,
    /// Of what it happened to.
    pub(super) resource: &'a Resource,
    /// What the definition says of its data.
    pub(super) data: Option<&'a EventData>,
    pub(super) name: &'a str,
    pub(super) batch: &'a Batch,
    /// Its place in the batch.
    pub(super) at: usize,
    /// What it happened to, then the others whose fields its data has.
    pub(super) wholes: Vec<Whole>,
}

/// The structured form (JSON event format).
pub(super) struct CloudEvent<'a> {
    pub(super) told: &'a Told<'a>,
    pub(super) subject: EntityKey,
    pub(super) position: Position,
    /// The position of the first event of its batch.
    pub(super) first: Position,
}

impl Serialize for CloudEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Told {
            definition,
            name,
            batch,
            ..
        } = self.told;
        let correlation = match &batch.named {
            Some(named) => named.to_string(),
            None => uuid::Uuid::from_bytes(batch.correlation.0).to_string(),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", "1.0")?;
        map.serialize_entry("id", &format_args!("{}", self.position))?;
        map.serialize_entry("source", &format_args!("/{}", definition.name))?;
        map.serialize_entry("type", name)?;
        map.serialize_entry("subject", &subject_text(definition, self.subject))?;
        map.serialize_entry("time", &calendar(batch.at, "%Y-%m-%dT%H:%M:%S%.3fZ"))?;
        map.serialize_entry("datacontenttype", "application/json")?;
        let sequence = format_args!("{:0SEQUENCE_DIGITS$}", self.position);
        map.serialize_entry("sequence", &sequence)?;
        map.serialize_entry("topic", &definition.topic)?;
        map.serialize_entry("correlationid", &correlation)?;
        // What led to a batch's first event is the command; to the others, that event.
        if self.position == self.first {
            map.serialize_entry("causationid", &correlation)?;
        } else {
            map.serialize_entry("causationid", &format_args!("{}", self.first))?;
        }
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
        map.serialize_entry("timestamp", &calendar(self.batch.at, "%Y%m%d%H%M%S"))?;
        let number = &*self.resource.number;
        map.serialize_entry(number, &self.batch.events[self.at].entity.number)?;
        match self.data.and_then(|data| data.members.as_ref()) {
            None => {
                for field in self.resource.fields.iter().filter(|field| field.shown) {
                    self.member(&mut map, self.resource.kind, field)?;
                }
            }
            Some(members) => {
                for member in members {
                    self.member(&mut map, member.kind, &member.field)?;
                }
            }
        }
        for name in self.data.iter().flat_map(|data| &data.empty) {
            map.serialize_entry(&**name, &())?;
        }
        for (name, value) in &self.definition.event_put {
            map.serialize_entry(&**name, &Wire::from(Some(value)))?;
        }
        map.end()
    }
}

impl Told<'_> {
    fn member<M: SerializeMap>(
        &self,
        map: &mut M,
        kind: Kind,
        field: &Field,
    ) -> Result<(), M::Error> {
        if field.name == self.resource.number {
            return Ok(());
        }
        let mut wholes = self.wholes.iter();
        let whole = wholes.find(|whole| whole.item.entity.kind() == kind);
        let (Some(whole), Some(resource)) = (whole, self.definition.resource(kind)) else {
            return map.serialize_entry(&*field.name, &());
        };
        if field.holds == FieldType::Status
            && let Some(status) = self.status(whole, field)
        {
            return map.serialize_entry(&*field.name, &Wire::from(Some(&status)));
        }
        let value = represent::of_item(self.definition, resource, whole, field);
        map.serialize_entry(&*field.name, &value)
    }

    /// Where something stood after this event, as far as its batch says so.
    fn status(&self, whole: &Whole, field: &Field) -> Option<Value> {
        let kind = field.of.as_ref().map(|(kind, _)| *kind);
        let item = kind.map_or(Some(&whole.item), |kind| whole.of(kind))?;
        let key = EntityKey::new(item.entity.kind(), item.number);
        let events = &self.batch.events;
        // Of others it says what came of all of it: they are read with it, not before it.
        let until = if key == events[self.at].entity {
            self.at + 1
        } else {
            events.len()
        };
        let mut own = events[..until].iter().filter(|own| own.entity == key);
        own.rfind(|own| fold::status_after(self.definition, &own.event).is_some())
            .and_then(|own| fold::status_after(self.definition, &own.event))
    }
}

/// An instant in UTC.
fn calendar(at: Timestamp, pattern: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| instant.strftime(pattern).to_string())
        .unwrap_or_default()
}
