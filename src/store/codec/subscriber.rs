//! A subscriber's events as they are stored. What was given out is written as rows without names,
//! since a lease may have hundreds: an item's number, the kind and the number of what it is about.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    Error,
    body::{Body, kind_of},
    registry,
    write::named,
};
use crate::domain::{
    EntityKey, Event as AnyEvent, Timestamp,
    subscriber::{Endpoint, Event, Filter, Given, Retiring, Role, Settings},
};

#[derive(Serialize, Deserialize)]
struct Subscribed<'a> {
    role: u8,
    name: Cow<'a, str>,
    settings: StoredSettings<'a>,
    from: u64,
}

#[derive(Serialize, Deserialize)]
struct Amended<'a> {
    settings: StoredSettings<'a>,
}

#[derive(Serialize, Deserialize)]
struct StoredSettings<'a> {
    types: Cow<'a, [String]>,
    /// Kind and number.
    subjects: Vec<(u8, u64)>,
    lease_ms: u64,
    attempts_max: Option<u32>,
    endpoint: Option<StoredEndpoint<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEndpoint<'a> {
    url: Cow<'a, str>,
    description: Cow<'a, str>,
    secret: Cow<'a, str>,
    previous: Option<StoredRetiring<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredRetiring<'a> {
    secret: Cow<'a, str>,
    until: i64,
}

/// Item, kind and number.
type Row = (u64, u8, u64);

#[derive(Serialize, Deserialize)]
struct Leased<'a> {
    lease: u64,
    member: Cow<'a, str>,
    at: i64,
    until: i64,
    again: Cow<'a, [u64]>,
    new: Vec<Row>,
    behind: Vec<Row>,
    seen_to: u64,
}

#[derive(Serialize, Deserialize)]
struct Place {
    to: u64,
}

/// `Acknowledged`, `Released` and `Redelivered`.
#[derive(Serialize, Deserialize)]
struct Items<'a> {
    items: Cow<'a, [u64]>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct Deferred<'a> {
    items: Cow<'a, [u64]>,
    until: i64,
    why: Cow<'a, str>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct Parked<'a> {
    items: Cow<'a, [u64]>,
    why: Cow<'a, str>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct Extended {
    lease: u64,
    until: i64,
}

#[derive(Serialize, Deserialize)]
struct Discarded<'a> {
    items: Cow<'a, [u64]>,
}

#[derive(Serialize, Deserialize)]
struct Paused<'a> {
    why: Cow<'a, str>,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct Resumed {
    at: i64,
}

/// The registered number that stands for `event`.
pub(super) const fn number_of(event: &Event) -> u16 {
    match event {
        Event::Subscribed { .. } => registry::SUBSCRIBER_SUBSCRIBED,
        Event::Amended { .. } => registry::SUBSCRIBER_AMENDED,
        Event::Leased(_) => registry::SUBSCRIBER_LEASED,
        Event::Passed { .. } => registry::SUBSCRIBER_PASSED,
        Event::Acknowledged { .. } => registry::SUBSCRIBER_ACKNOWLEDGED,
        Event::Deferred { .. } => registry::SUBSCRIBER_DEFERRED,
        Event::Parked { .. } => registry::SUBSCRIBER_PARKED,
        Event::Extended { .. } => registry::SUBSCRIBER_EXTENDED,
        Event::Released { .. } => registry::SUBSCRIBER_RELEASED,
        Event::Redelivered { .. } => registry::SUBSCRIBER_REDELIVERED,
        Event::Discarded { .. } => registry::SUBSCRIBER_DISCARDED,
        Event::Sought { .. } => registry::SUBSCRIBER_SOUGHT,
        Event::Paused { .. } => registry::SUBSCRIBER_PAUSED,
        Event::Resumed { .. } => registry::SUBSCRIBER_RESUMED,
        Event::Removed => registry::SUBSCRIBER_REMOVED,
    }
}

/// Appends the body of `event`.
pub(super) fn write(event: &Event, to: &mut Vec<u8>) {
    match event {
        Event::Subscribed {
            role,
            name,
            settings,
            from,
        } => {
            let subscribed = Subscribed {
                role: role.number(),
                name: Cow::Borrowed(name),
                settings: stored(settings),
                from: *from,
            };
            named(&subscribed, to);
        }
        Event::Amended { settings } => {
            let settings = stored(settings);
            named(&Amended { settings }, to);
        }
        Event::Leased(given) => write_leased(given, to),
        &Event::Passed { to: place } | &Event::Sought { position: place } => {
            named(&Place { to: place }, to);
        }
        Event::Acknowledged { items, at }
        | Event::Released { items, at }
        | Event::Redelivered { items, at } => {
            let (items, at) = (Cow::Borrowed(&items[..]), at.0);
            named(&Items { items, at }, to);
        }
        Event::Deferred {
            items,
            until,
            why,
            at,
        } => {
            let deferred = Deferred {
                items: Cow::Borrowed(items),
                until: until.0,
                why: Cow::Borrowed(why),
                at: at.0,
            };
            named(&deferred, to);
        }
        Event::Parked { items, why, at } => {
            let (items, why) = (Cow::Borrowed(&items[..]), Cow::Borrowed(why.as_str()));
            named(
                &Parked {
                    items,
                    why,
                    at: at.0,
                },
                to,
            );
        }
        &Event::Extended { lease, until } => {
            let until = until.0;
            named(&Extended { lease, until }, to);
        }
        Event::Discarded { items } => {
            let items = Cow::Borrowed(&items[..]);
            named(&Discarded { items }, to);
        }
        Event::Paused { why, at } => {
            let (why, at) = (Cow::Borrowed(why.as_str()), at.0);
            named(&Paused { why, at }, to);
        }
        Event::Resumed { at } => named(&Resumed { at: at.0 }, to),
        Event::Removed => {}
    }
}

fn write_leased(given: &Given, to: &mut Vec<u8>) {
    let rows = |found: &[(u64, EntityKey)]| -> Vec<Row> {
        let rows = found.iter();
        let rows = rows.map(|(item, about)| (*item, about.kind.number(), about.number));
        rows.collect()
    };
    let leased = Leased {
        lease: given.lease,
        member: Cow::Borrowed(&given.member),
        at: given.at.0,
        until: given.until.0,
        again: Cow::Borrowed(&given.again),
        new: rows(&given.new),
        behind: rows(&given.behind),
        seen_to: given.seen_to,
    };
    named(&leased, to);
}

fn stored(settings: &Settings) -> StoredSettings<'_> {
    let endpoint = settings.endpoint.as_ref().map(|endpoint| StoredEndpoint {
        url: Cow::Borrowed(&endpoint.url),
        description: Cow::Borrowed(&endpoint.description),
        secret: Cow::Borrowed(&endpoint.secret),
        previous: endpoint.previous.as_ref().map(|previous| StoredRetiring {
            secret: Cow::Borrowed(&previous.secret),
            until: previous.until.0,
        }),
    });
    StoredSettings {
        types: Cow::Borrowed(&settings.filter.types),
        subjects: (settings.filter.subjects.iter())
            .map(|subject| (subject.kind.number(), subject.number))
            .collect(),
        lease_ms: settings.lease_ms,
        attempts_max: settings.attempts_max,
        endpoint,
    }
}

fn settings_of(number: u16, stored: StoredSettings<'_>) -> Result<Settings, Error> {
    let endpoint = stored.endpoint.map(|endpoint| Endpoint {
        url: endpoint.url.into_owned(),
        description: endpoint.description.into_owned(),
        secret: endpoint.secret.into_owned(),
        previous: endpoint.previous.map(|previous| Retiring {
            secret: previous.secret.into_owned(),
            until: Timestamp(previous.until),
        }),
    });
    let subjects = stored.subjects.into_iter().map(|(kind, about)| {
        let kind = kind_of(number, kind)?;
        Ok(EntityKey::new(kind, about))
    });
    Ok(Settings {
        filter: Filter {
            types: stored.types.into_owned(),
            subjects: subjects.collect::<Result<_, Error>>()?,
        },
        lease_ms: stored.lease_ms,
        attempts_max: stored.attempts_max,
        endpoint,
    })
}

impl Body<'_> {
    /// A subscriber's event.
    pub(super) fn subscriber(self) -> Result<AnyEvent, Error> {
        let number = self.number;
        let event = match number {
            registry::SUBSCRIBER_SUBSCRIBED => {
                let stored: Subscribed<'_> = self.fields()?;
                Event::Subscribed {
                    role: role_of(number, stored.role)?,
                    name: stored.name.into_owned(),
                    settings: Box::new(settings_of(number, stored.settings)?),
                    from: stored.from,
                }
            }
            registry::SUBSCRIBER_AMENDED => {
                let Amended { settings } = self.fields()?;
                let settings = Box::new(settings_of(number, settings)?);
                Event::Amended { settings }
            }
            registry::SUBSCRIBER_LEASED => Event::Leased(Box::new(leased(number, self.fields()?)?)),
            registry::SUBSCRIBER_PASSED => {
                let Place { to } = self.fields()?;
                Event::Passed { to }
            }
            registry::SUBSCRIBER_SOUGHT => {
                let Place { to: position } = self.fields()?;
                Event::Sought { position }
            }
            registry::SUBSCRIBER_DEFERRED => {
                let stored: Deferred<'_> = self.fields()?;
                Event::Deferred {
                    items: stored.items.into_owned(),
                    until: Timestamp(stored.until),
                    why: stored.why.into_owned(),
                    at: Timestamp(stored.at),
                }
            }
            registry::SUBSCRIBER_PARKED => {
                let stored: Parked<'_> = self.fields()?;
                let (items, why) = (stored.items.into_owned(), stored.why.into_owned());
                let at = Timestamp(stored.at);
                Event::Parked { items, why, at }
            }
            registry::SUBSCRIBER_EXTENDED => {
                let Extended { lease, until } = self.fields()?;
                let until = Timestamp(until);
                Event::Extended { lease, until }
            }
            registry::SUBSCRIBER_DISCARDED => {
                let Discarded { items } = self.fields()?;
                let items = items.into_owned();
                Event::Discarded { items }
            }
            registry::SUBSCRIBER_PAUSED => {
                let Paused { why, at } = self.fields()?;
                let (why, at) = (why.into_owned(), Timestamp(at));
                Event::Paused { why, at }
            }
            registry::SUBSCRIBER_RESUMED => {
                let Resumed { at } = self.fields()?;
                Event::Resumed { at: Timestamp(at) }
            }
            registry::SUBSCRIBER_REMOVED => return self.nothing(Event::Removed),
            _ => return self.items(),
        };
        Ok(event.into())
    }

    /// Of those that say only which items, and when.
    fn items(self) -> Result<AnyEvent, Error> {
        let number = self.number;
        let Items { items, at } = self.fields()?;
        let (items, at) = (items.into_owned(), Timestamp(at));
        let event = match number {
            registry::SUBSCRIBER_ACKNOWLEDGED => Event::Acknowledged { items, at },
            registry::SUBSCRIBER_RELEASED => Event::Released { items, at },
            registry::SUBSCRIBER_REDELIVERED => Event::Redelivered { items, at },
            number => return Err(Error::NewerType { number }),
        };
        Ok(event.into())
    }
}

fn leased(number: u16, stored: Leased<'_>) -> Result<Given, Error> {
    let rows = |rows: Vec<Row>| -> Result<Vec<(u64, EntityKey)>, Error> {
        let found = rows.into_iter().map(|(item, kind, about)| {
            let kind = kind_of(number, kind)?;
            Ok((item, EntityKey::new(kind, about)))
        });
        found.collect()
    };
    Ok(Given {
        lease: stored.lease,
        member: stored.member.into_owned(),
        at: Timestamp(stored.at),
        until: Timestamp(stored.until),
        again: stored.again.into_owned(),
        new: rows(stored.new)?,
        behind: rows(stored.behind)?,
        seen_to: stored.seen_to,
    })
}

fn role_of(number: u16, role: u8) -> Result<Role, Error> {
    Role::from_number(role).ok_or_else(|| Error::Body {
        number,
        what: format!("no role of a subscriber has the number {role}"),
    })
}
