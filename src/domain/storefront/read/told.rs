//! What events say to the outside: what their data has beside or instead of a resource's fields, and
//! what every event has.

use std::sync::Arc;

use super::{
    resource::Read,
    section::{Section, Word, expected},
};
use crate::domain::{
    Kind, Value,
    storefront::{EventData, EventMember, Resource},
};

/// The longest text that every event has, in characters.
const PUT_CHARS_MAX: usize = 256;

/// More is not put into every event.
const PUT_MAX: usize = 16;

/// Reads an event's name, and what is said about its data, where it is more than a name.
pub(super) fn name<'r>(events: &Section<'r>, own: &str) -> (Option<Word<'r>>, Option<Section<'r>>) {
    if !events.is_table(own) {
        return (events.text(own), None);
    }
    let Some(section) = events.section(own) else {
        return (None, None);
    };
    section.only(&["name", "fields", "empty"]);
    (
        section.required("name", "name = \"Ordered\""),
        Some(section),
    )
}

/// Looks up what the events' data has, now that all resources are known.
pub(super) fn look_up(reads: &[Read<'_>], resources: &mut [Resource]) {
    for (at, read) in reads.iter().enumerate() {
        let data = read.said.iter();
        let data: Vec<_> = data
            .map(|(own, section)| (Arc::clone(own), data_of(section, &resources[at], resources)))
            .collect();
        resources[at].event_data = data;
    }
}

fn data_of(section: &Section<'_>, resource: &Resource, resources: &[Resource]) -> EventData {
    let names = section.texts("fields");
    let members = names
        .iter()
        .filter_map(|name| member(section, name, resource, resources));
    let members = section.has("fields").then(|| members.collect());
    let empty = section.texts("empty");
    EventData {
        members,
        empty: empty.iter().map(|name| name.text.into()).collect(),
    }
}

/// A field of the resource, or of the order or the listing that it is for.
fn member(
    section: &Section<'_>,
    name: &Word<'_>,
    resource: &Resource,
    resources: &[Resource],
) -> Option<EventMember> {
    let about = [Kind::Order, Kind::Listing].into_iter().filter(|kind| {
        *kind != resource.kind && !(resource.kind == Kind::Listing && *kind == Kind::Order)
    });
    let others = about.filter_map(|kind| resources.iter().find(|own| own.kind == kind));
    let all: Vec<&Resource> = std::iter::once(resource).chain(others).collect();
    let found = all.iter().find_map(|own| {
        let field = own.fields.iter().find(|field| *field.name == *name.text)?;
        Some(EventMember {
            kind: own.kind,
            field: field.clone(),
        })
    });
    if found.is_none() {
        let known = all.iter().flat_map(|own| &own.fields);
        let known: Vec<&str> = known.map(|field| &*field.name).collect();
        let expected = expected(name.text, &known);
        let message = format!("there is no field `{}`: {expected}", name.text);
        section.wrong(name, message);
    }
    found
}

/// Reads `[feed]`: what every event's data has.
pub(super) fn put(top: &Section<'_>) -> Vec<(Arc<str>, Value)> {
    let Some(feed) = top.section("feed") else {
        return Vec::new();
    };
    feed.only(&["put"]);
    let Some(section) = feed.section("put") else {
        return Vec::new();
    };
    let entries = section.entries();
    if entries.len() > PUT_MAX {
        let message = format!("expected {PUT_MAX} members at most that every event has");
        feed.report.at(&section.at, message);
    }
    let values = entries.into_iter().filter_map(|(name, value)| {
        let value = if value.get_ref().is_str() {
            let text = section.text(name.text)?;
            if text.text.chars().count() > PUT_CHARS_MAX {
                let message = format!("expected {PUT_CHARS_MAX} characters at most");
                section.wrong(&text, message);
            }
            Value::from(text.text)
        } else if value.get_ref().is_bool() {
            Value::Bool(section.flag(name.text))
        } else {
            Value::Int(section.number(name.text, i64::MIN..=i64::MAX)?)
        };
        Some((name.text.into(), value))
    });
    values.collect()
}
