//! Durable consumers: who shares the work of following a storefront's feed. A group has a place in
//! it that outlives every member and every crash; members lease events, and settle each.
//!
//! | path under `/{storefront}/consumers` | methods | what it does |
//! |---|---|---|
//! | | GET | the groups |
//! | `/{group}` | GET, PUT, DELETE | how far it is; makes it or changes what it wants; removes it |
//! | `/{group}/leases` | GET, POST | who has what; takes some |
//! | `/{group}/leases/{lease}` | PUT, DELETE | keeps it longer; gives it back |
//! | `/{group}/acknowledgements` | POST | settles events |
//! | `/{group}/deferrals` | POST | has events again later |
//! | `/{group}/dead-letters` | GET, POST, DELETE | what is parked; parks; settles all of it |
//! | `/{group}/dead-letters/{event}` | DELETE | settles it |
//! | `/{group}/redeliveries` | POST | has dead letters again |
//! | `/{group}/position` | POST | goes on somewhere else |
//! | `/{group}/pause`, `/{group}/resume` | POST | nothing is given out; it goes on |
//!
//! What is decided is decided in `domain::subscriber`.

mod asked;
mod give;
mod group;
mod settle;
mod shown;

use actix_web::{HttpResponse, http::Method, web};

use self::asked::Body;
use super::{call::Call, error::ApiError, ops, read};
use crate::{
    actors::handles::Context,
    domain::{
        Refusal, Timestamp,
        subscriber::{Command, Role, Subscriber},
    },
    feed,
};

/// The path of the groups, after the storefront's.
const CONSUMERS: &str = "consumers";

/// A place among the groups.
#[derive(Clone, Copy, Debug)]
pub(super) enum Consumers<'a> {
    All,
    Group(&'a str),
    Leases(&'a str),
    /// With the lease as it was written.
    Lease(&'a str, &'a str),
    Acknowledgements(&'a str),
    Deferrals(&'a str),
    DeadLetters(&'a str),
    /// With the event as it was written.
    DeadLetter(&'a str, &'a str),
    Redeliveries(&'a str),
    Position(&'a str),
    Pause(&'a str),
    Resume(&'a str),
}

impl<'a> Consumers<'a> {
    /// The place that these segments lead to.
    pub(super) fn at(segments: &[&'a str]) -> Option<Self> {
        let (first, rest) = segments.split_first()?;
        if *first != CONSUMERS {
            return None;
        }
        Some(match *rest {
            [] => Self::All,
            [group] => Self::Group(group),
            [group, "leases"] => Self::Leases(group),
            [group, "leases", lease] => Self::Lease(group, lease),
            [group, "acknowledgements"] => Self::Acknowledgements(group),
            [group, "deferrals"] => Self::Deferrals(group),
            [group, "dead-letters"] => Self::DeadLetters(group),
            [group, "dead-letters", event] => Self::DeadLetter(group, event),
            [group, "redeliveries"] => Self::Redeliveries(group),
            [group, "position"] => Self::Position(group),
            [group, "pause"] => Self::Pause(group),
            [group, "resume"] => Self::Resume(group),
            _ => return None,
        })
    }

    /// Whether the method means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        let reads = [Method::GET, Method::HEAD].contains(method);
        match self {
            Self::All => reads,
            Self::Group(_) => reads || [Method::PUT, Method::DELETE].contains(method),
            Self::Lease(..) => [Method::PUT, Method::DELETE].contains(method),
            Self::DeadLetters(_) => reads || [Method::POST, Method::DELETE].contains(method),
            Self::DeadLetter(..) => *method == Method::DELETE,
            Self::Leases(_) => reads || *method == Method::POST,
            Self::Acknowledgements(_)
            | Self::Deferrals(_)
            | Self::Redeliveries(_)
            | Self::Position(_)
            | Self::Pause(_)
            | Self::Resume(_) => *method == Method::POST,
        }
    }

    const fn group(self) -> Option<&'a str> {
        match self {
            Self::All => None,
            Self::Group(group)
            | Self::Leases(group)
            | Self::Lease(group, _)
            | Self::Acknowledgements(group)
            | Self::Deferrals(group)
            | Self::DeadLetters(group)
            | Self::DeadLetter(group, _)
            | Self::Redeliveries(group)
            | Self::Position(group)
            | Self::Pause(group)
            | Self::Resume(group) => Some(group),
        }
    }
}

/// Answers at a place among the groups.
pub(super) async fn respond(
    call: &Call<'_>,
    at: Consumers<'_>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let Some(name) = at.group() else {
        return group::list(call).await;
    };
    let group = Group { call, name };
    let method = call.request.method();
    if [Method::GET, Method::HEAD].contains(method) {
        return match at {
            Consumers::Leases(_) => group.leases(),
            Consumers::DeadLetters(_) => group.dead_letters().await,
            Consumers::All
            | Consumers::Group(_)
            | Consumers::Acknowledgements(_)
            | Consumers::Deferrals(_)
            | Consumers::Redeliveries(_)
            | Consumers::Position(_)
            | Consumers::Pause(_)
            | Consumers::Resume(_)
            | Consumers::Lease(..)
            | Consumers::DeadLetter(..) => group.show().await,
        };
    }
    ops::not_from_a_page(call.request)?;
    let body = Body::of(&read(payload).await?)?;
    let is_delete = *method == Method::DELETE;
    match at {
        Consumers::All => Err(ApiError::no_path(call.request.path())),
        Consumers::Group(_) if is_delete => group.remove().await,
        Consumers::Group(_) => group.put(&body).await,
        Consumers::Leases(_) => group.give(&body).await,
        Consumers::Lease(_, lease) if is_delete => group.release(lease).await,
        Consumers::Lease(_, lease) => group.extend(lease, &body).await,
        Consumers::Acknowledgements(_) => group.acknowledge(&body).await,
        Consumers::Deferrals(_) => group.defer(&body).await,
        Consumers::DeadLetters(_) if is_delete => group.discard(Vec::new()).await,
        Consumers::DeadLetters(_) => group.park(&body).await,
        Consumers::DeadLetter(_, event) => group.discard(vec![asked::id(event)?]).await,
        Consumers::Redeliveries(_) => group.redeliver(&body).await,
        Consumers::Position(_) => group.seek(&body).await,
        Consumers::Pause(_) => group.pause(&body).await,
        Consumers::Resume(_) => group.resume().await,
    }
}

/// A request to a group.
#[derive(Clone, Copy)]
struct Group<'a> {
    call: &'a Call<'a>,
    name: &'a str,
}

impl Group<'_> {
    /// The group as it is stored.
    fn state(&self) -> Result<Subscriber, ApiError> {
        let found = self
            .call
            .engine()
            .subscribed(self.call.front.at, Role::Group, self.name)?;
        Ok(found.ok_or(Refusal::NotSubscribed)?)
    }

    /// Has the group do something: as it is afterwards.
    async fn ask(&self, command: Command) -> Result<Subscriber, crate::actors::handles::Error> {
        let context = Context {
            origin: self.call.origin.clone(),
            ..Context::default()
        };
        let at = self.call.front.at;
        let engine = self.call.engine();
        engine
            .subscriber(at, Role::Group, self.name, command, context)
            .await
    }

    fn now(&self) -> Timestamp {
        self.call.state.clock.now()
    }

    /// What of the feed the group wants.
    fn filter(state: &Subscriber) -> feed::Filter {
        let types = state.settings.filter.types.iter();
        feed::Filter {
            types: types.map(|name| name.as_str().into()).collect(),
            subjects: state.settings.filter.subjects.clone(),
        }
    }
}
