//! What is asked of a feed: from where on, how much, and of what.

use std::sync::Arc;

use crate::{
    domain::{EntityKey, Kind, storefront::Storefront},
    feed::Filter,
    http::{address::Collection, call::Call, error::ApiError, paging},
};

/// Events on a page, if the request does not say.
const LIMIT_DEFAULT: u64 = 100;

/// The most events on a page.
const LIMIT_MAX: u64 = 1_000;

/// How long a page waits for its first event at most, in milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// More types, or things that events are about, are not asked for at once.
const NAMES_MAX: usize = 64;

const KNOWN: [&str; 7] = [
    "after",
    "last_event_id",
    "limit",
    "order",
    "subject",
    "type",
    "wait_ms",
];

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum After {
    /// From the first event on.
    Beginning,
    /// Only what comes.
    Now,
    /// What comes after this one.
    Event(u64),
}

/// What is asked of a feed.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// What of it the next page is asked for with: decoded names and values.
    again: Vec<(String, String)>,
    /// `None` if the request does not say.
    pub(super) after: Option<After>,
    pub(super) limit: u64,
    pub(super) wait_ms: u64,
    pub(super) filter: Filter,
}

impl Asked {
    /// Reads it from a request.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let definition = call.front.definition;
        let mut asked = Self {
            after: last_seen(call)?,
            limit: LIMIT_DEFAULT,
            wait_ms: 0,
            filter: Filter::default(),
            again: Vec::new(),
        };
        for (name, value) in paging::query(call.request.query_string()) {
            if !["after", "last_event_id"].contains(&&*name) {
                asked.again.push((name.clone(), value.clone()));
            }
            match name.as_str() {
                "after" | "last_event_id" if asked.after.is_none() => {
                    asked.after = Some(after(&name, &value)?);
                }
                // What a browser sends when it connects again is newer than what its page asked for.
                "after" | "last_event_id" => {}
                "limit" => {
                    asked.limit = number(&name, &value, 1..=LIMIT_MAX)?;
                }
                "wait_ms" => asked.wait_ms = number(&name, &value, 0..=WAIT_MS_MAX)?,
                "type" => asked.filter.types.extend(types(definition, &value)?),
                "order" => {
                    let order = number(&name, &value, 1..=u64::MAX)?;
                    let order = EntityKey::new(Kind::Order, order);
                    asked.filter.subjects.push(order);
                }
                "subject" => asked.filter.subjects.extend(subjects(definition, &value)?),
                _ => {
                    let detail = format!(
                        "there is no parameter `{name}`; known: {}",
                        KNOWN.join(", ")
                    );
                    return Err(wrong(detail));
                }
            }
        }
        if asked.filter.types.len().max(asked.filter.subjects.len()) > NAMES_MAX {
            return Err(wrong(format!(
                "at most {NAMES_MAX} types and {NAMES_MAX} subjects are asked for at once; ask for \
                 all, and choose yourself"
            )));
        }
        Ok(asked)
    }

    /// The query that goes on after this event.
    pub(super) fn query(&self, after: u64) -> String {
        let mut query = format!("after={after}");
        for (name, value) in &self.again {
            query.push('&');
            query.push_str(name);
            query.push('=');
            query.extend(value.bytes().map(escaped));
        }
        query
    }

    /// The position after which it begins; `now` where it was not said.
    pub(super) fn position(&self, now: u64, unsaid: After) -> Result<u64, ApiError> {
        self.after.unwrap_or(unsaid).position(now)
    }
}

impl After {
    /// The position after which it begins.
    pub(in crate::http) fn position(self, now: u64) -> Result<u64, ApiError> {
        match self {
            Self::Beginning => Ok(0),
            Self::Now => Ok(now),
            Self::Event(id) if id <= now => Ok(id),
            Self::Event(id) => {
                let detail = format!(
                    "the feed goes up to {now} and never had an event {id}: it is another server's, \
                     or a backup was restored; begin again from `after=beginning` or `after=now`"
                );
                Err(ApiError::new("event_unknown", detail))
            }
        }
    }
}

/// What a browser says when it connects again.
fn last_seen(call: &Call<'_>) -> Result<Option<After>, ApiError> {
    let Some(value) = call.request.headers().get("last-event-id") else {
        return Ok(None);
    };
    let value = value.to_str().unwrap_or_default();
    if value.is_empty() {
        return Ok(None);
    }
    after("Last-Event-ID", value).map(Some)
}

fn after(name: &str, value: &str) -> Result<After, ApiError> {
    match value {
        "beginning" => Ok(After::Beginning),
        "now" => Ok(After::Now),
        id => id.parse().map(After::Event).map_err(|_| {
            wrong(format!(
                "{name} is an event's id, `beginning` or `now`, not `{id}`"
            ))
        }),
    }
}

fn number(name: &str, value: &str, within: std::ops::RangeInclusive<u64>) -> Result<u64, ApiError> {
    let number = value.parse().ok().filter(|number| within.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (within.start(), within.end());
        wrong(format!(
            "{name} is a number from {least} to {most}, not `{value}`"
        ))
    })
}

/// The names of events that a text with commas lists.
pub(in crate::http) fn types(
    definition: &Storefront,
    value: &str,
) -> Result<Vec<Arc<str>>, ApiError> {
    let known = known_types(definition);
    let given = value.split(',').filter(|name| !name.is_empty());
    let found = given.map(|name| {
        let found = known.iter().find(|known| ***known == *name);
        found.map(Arc::clone).ok_or_else(|| {
            let known = known.join(", ");
            wrong(format!("this shop has no event `{name}`; it has: {known}"))
        })
    });
    found.collect()
}

/// The names of a storefront's events, each once.
pub(super) fn known_types(definition: &Storefront) -> Vec<Arc<str>> {
    let mut known: Vec<Arc<str>> = Vec::new();
    for (_, name) in definition.resources.iter().flat_map(|own| &own.events.0) {
        if !known.contains(name) {
            known.push(Arc::clone(name));
        }
    }
    known
}

/// The orders and listings that a text with commas lists.
pub(in crate::http) fn subjects(
    definition: &Storefront,
    value: &str,
) -> Result<Vec<EntityKey>, ApiError> {
    let given = value.split(',').filter(|subject| !subject.is_empty());
    let found =
        given.map(|subject| {
            let parts = subject.trim_start_matches('/').split_once('/');
            let found = parts.and_then(|(path, number)| {
                let kind = match Collection::at(definition, path)? {
                    Collection::Resource(resource) => resource.kind,
                    Collection::View(..) => return None,
                };
                let is_subject = matches!(kind, Kind::Order | Kind::Listing);
                let number = number.parse().ok().filter(|_| is_subject)?;
                Some(EntityKey::new(kind, number))
            });
            found.ok_or_else(|| {
            wrong(format!(
                "`{subject}` is no order and no listing of this shop; write its collection and its \
                 number, as events do: {}/1",
                definition.resource(Kind::Order).map_or("order", |own| &own.path)
            ))
        })
        });
    found.collect()
}

/// A byte as it stands in a query.
fn escaped(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b',' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

fn wrong(detail: String) -> ApiError {
    ApiError::new("parameter_invalid", detail)
}
