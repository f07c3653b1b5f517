//! From a path to what it addresses. This is the route table:
//!
//! | path | answers |
//! |---|---|
//! | `/` | what is running: a page for people, links for programs |
//! | `/livez`, `/readyz`, `/actuator/health` | health |
//! | `/metrics` | what is measured, for Prometheus |
//! | `/problems`, `/problems/{code}` | what an error's code means |
//! | `/ops/…` | what operators ask and do: `ops/mod.rs` |
//! | `/{storefront}` | its collections |
//! | `/{storefront}/profile`, `/{storefront}/profile/{collection}` | ALPS |
//! | `/{storefront}/{collection}` | a resource or view |
//! | `/{storefront}/{collection}/{number}` | one of it |
//! | `/{storefront}/{view}/{number}/history` | what a row said before |
//! | `/{storefront}/notifications`, `…/{number}` | who was told what |
//! | `/{storefront}/notifications/{number}/resend` | the same again, if it failed |
//! | `/{storefront}/events`, `…/{id}` | what happened, in order: the feed |
//! | `/{storefront}/webhooks/…` | where that is posted to: `webhooks/mod.rs` |
//! | `/{storefront}/consumers/…` | who shares the work of following it: `consumers/mod.rs` |
//! | `/{storefront}/{collection}/search`, `…/search/{method}` | query methods |
//!
//! The storefront that is mounted at `/` answers without the first segment, too. A trailing slash
//! is accepted everywhere, as the originals' clients send it.

use std::sync::Arc;

use actix_web::http::Method;

use super::{
    Mounts, command,
    consumers::Consumers,
    feed::EVENTS,
    ops::Ops,
    webhooks::{self, WEBHOOKS},
};
use crate::{
    actors::handles::NOTIFICATIONS,
    domain::storefront::{Field, Resource, Search, Storefront, Verb, View},
};

/// What a path addresses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Home,
    Live,
    Ready,
    Health,
    Metrics,
    Problems,
    Problem(&'a str),
    Ops(Ops<'a>),
    Front(Front<'a>, Spot<'a>),
}

/// A storefront at one of its mounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Front<'a> {
    /// Its place among the engine's storefronts.
    pub(super) at: usize,
    pub(super) definition: &'a Storefront,
    /// Whether it was addressed without its name.
    pub(super) is_root: bool,
}

/// A place within a storefront.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot<'a> {
    Index,
    Profiles,
    Profile(Collection<'a>),
    All(Collection<'a>),
    /// With the number as it was written.
    One(Collection<'a>, &'a str),
    /// What the row of this view said before, with the number as it was written.
    History(usize, &'a View, &'a str),
    Notifications,
    /// With the number as it was written.
    Notification(&'a str),
    Consumers(Consumers<'a>),
    /// With the number as it was written.
    Resend(&'a str),
    Events,
    /// With the number as it was written.
    Event(&'a str),
    Webhooks(webhooks::Place<'a>),
    Searches(Collection<'a>),
    Search(Collection<'a>, &'a Search),
}

/// A resource, or a view with its place in the definition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Collection<'a> {
    Resource(&'a Resource),
    View(usize, &'a View),
}

/// What a path addresses, if anything.
pub(super) fn locate<'a>(
    storefronts: &'a [Arc<Storefront>],
    mounts: Mounts,
    path: &'a str,
) -> Option<Place<'a>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = [""; 6];
    let mut count = 0;
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        *segments.get_mut(count)? = segment;
        count += 1;
    }
    match &segments[..count] {
        [] => return Some(Place::Home),
        ["livez"] => return Some(Place::Live),
        ["readyz"] => return Some(Place::Ready),
        ["actuator", "health"] => return Some(Place::Health),
        ["metrics"] => return Some(Place::Metrics),
        ["problems"] => return Some(Place::Problems),
        ["problems", code] => return Some(Place::Problem(code)),
        ["ops", rest @ ..] if let Some(ops) = Ops::at(rest) => return Some(Place::Ops(ops)),
        _ => {}
    }
    let named = storefronts
        .iter()
        .position(|front| &*front.name == segments[0]);
    let (at, rest) = match named {
        Some(at) => (at, &segments[1..count]),
        None => (mounts.root?, &segments[..count]),
    };
    let front = Front {
        at,
        definition: storefronts.get(at)?,
        is_root: named.is_none(),
    };
    Some(Place::Front(front, spot(front.definition, rest)?))
}

fn spot<'a>(definition: &'a Storefront, segments: &[&'a str]) -> Option<Spot<'a>> {
    let collection = |segment| Collection::at(definition, segment);
    let own = told(definition, segments)
        .or_else(|| events(definition, segments))
        .or_else(|| Consumers::at(segments).map(Spot::Consumers))
        .or_else(|| webhooks(definition, segments));
    if own.is_some() {
        return own;
    }
    Some(match *segments {
        [] => Spot::Index,
        ["profile"] => Spot::Profiles,
        ["profile", of] => Spot::Profile(collection(of)?),
        [of] => Spot::All(collection(of)?),
        [of, "search"] => Spot::Searches(collection(of)?),
        [of, "search", method] => {
            let of = collection(of)?;
            let known = of.searches().iter();
            Spot::Search(
                of,
                known.into_iter().find(|search| &*search.method == method)?,
            )
        }
        [of, number] => Spot::One(collection(of)?, number),
        [of, number, "history"] => match collection(of)? {
            Collection::View(at, view) if view.history => Spot::History(at, view, number),
            Collection::View(..) | Collection::Resource(_) => return None,
        },
        _ => return None,
    })
}

/// A place among the notifications, if the storefront has any and gave that name to nothing else.
fn told<'a>(definition: &'a Storefront, segments: &[&'a str]) -> Option<Spot<'a>> {
    let (first, rest) = segments.split_first()?;
    let tells = *first == NOTIFICATIONS && !definition.notices.is_empty();
    if !tells || Collection::at(definition, first).is_some() {
        return None;
    }
    match *rest {
        [] => Some(Spot::Notifications),
        [number] => Some(Spot::Notification(number)),
        [number, "resend"] => Some(Spot::Resend(number)),
        _ => None,
    }
}

/// A place in the feed, if the storefront gave that name to nothing else.
fn events<'a>(definition: &'a Storefront, segments: &[&'a str]) -> Option<Spot<'a>> {
    let (first, rest) = segments.split_first()?;
    if *first != EVENTS || Collection::at(definition, first).is_some() {
        return None;
    }
    match *rest {
        [] => Some(Spot::Events),
        [number] => Some(Spot::Event(number)),
        _ => None,
    }
}

/// A place among the webhooks, if the storefront gave that name to nothing else.
fn webhooks<'a>(definition: &'a Storefront, segments: &[&'a str]) -> Option<Spot<'a>> {
    let (first, rest) = segments.split_first()?;
    if *first != WEBHOOKS || Collection::at(definition, first).is_some() {
        return None;
    }
    webhooks::Place::at(rest).map(Spot::Webhooks)
}

impl Place<'_> {
    /// The place of the storefront that it belongs to, if it belongs to one.
    pub(super) const fn storefront(&self) -> Option<usize> {
        match self {
            Self::Front(front, _) => Some(front.at),
            Self::Home
            | Self::Live
            | Self::Ready
            | Self::Health
            | Self::Metrics
            | Self::Problems
            | Self::Problem(_)
            | Self::Ops(_) => None,
        }
    }

    /// Whether an answer may wait for something to happen, because the request wants it to.
    pub(super) const fn may_wait(&self) -> bool {
        matches!(
            self,
            Self::Front(_, Spot::Events | Spot::Consumers(_) | Spot::Webhooks(_))
        )
    }

    /// Whether the method means something here.
    pub(super) fn allows(&self, method: &Method) -> bool {
        match *method {
            Method::OPTIONS => true,
            _ if let Self::Front(_, Spot::Consumers(at)) = self => at.allows(method),
            Method::GET | Method::HEAD => true,
            _ if let Self::Front(_, Spot::Webhooks(place)) = self => place.allows(method),
            _ if let Self::Front(_, Spot::Resend(_)) = self => *method == Method::POST,
            _ if let Self::Ops(ops) = self => ops.allows(method),
            _ => command::verb(method).is_some_and(|verb| self.is_ruled(verb)),
        }
    }

    fn is_ruled(&self, verb: Verb) -> bool {
        let Self::Front(front, spot) = self else {
            return false;
        };
        let (resource, is_whole) = match spot {
            Spot::All(Collection::Resource(resource)) => (resource, true),
            Spot::One(Collection::Resource(resource), _) => (resource, false),
            Spot::All(Collection::View(..))
            | Spot::One(Collection::View(..), _)
            | Spot::Index
            | Spot::Profiles
            | Spot::Profile(_)
            | Spot::History(..)
            | Spot::Notifications
            | Spot::Notification(_)
            | Spot::Consumers(_)
            | Spot::Resend(_)
            | Spot::Events
            | Spot::Event(_)
            | Spot::Webhooks(_)
            | Spot::Searches(_)
            | Spot::Search(..) => return false,
        };
        let fits = command::on_collection(verb) == is_whole;
        fits && command::is_ruled(front.definition, verb, resource)
    }

    /// The methods that mean something here, as `Allow` lists them.
    pub(super) fn methods(&self) -> String {
        let all = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        let allowed: Vec<&str> = all
            .iter()
            .filter(|method| self.allows(method))
            .map(Method::as_str)
            .collect();
        allowed.join(",")
    }
}

impl<'a> Spot<'a> {
    /// The path of the collection whose part of the shop answers here. What only describes a
    /// collection is nobody's work.
    pub(super) fn worked_on(self) -> Option<&'a str> {
        match self {
            Self::All(of) | Self::One(of, _) | Self::Searches(of) | Self::Search(of, _) => {
                Some(of.path())
            }
            Self::History(_, view, _) => Some(&view.path),
            Self::Notifications | Self::Notification(_) | Self::Resend(_) => Some(NOTIFICATIONS),
            Self::Index
            | Self::Profiles
            | Self::Profile(_)
            | Self::Consumers(_)
            | Self::Events
            | Self::Event(_)
            | Self::Webhooks(_) => None,
        }
    }
}

impl Front<'_> {
    /// What stands before its collections' paths: nothing, or its name.
    pub(super) fn prefix(&self) -> String {
        if self.is_root {
            String::new()
        } else {
            format!("/{}", self.definition.name)
        }
    }
}

impl<'a> Collection<'a> {
    /// The collection that a segment names.
    pub(super) fn at(definition: &'a Storefront, segment: &str) -> Option<Self> {
        let resource = definition.resource_at(segment).map(Self::Resource);
        resource.or_else(|| {
            let (at, view) = definition.view_at(segment)?;
            Some(Self::View(at, view))
        })
    }

    /// All collections of a storefront that have a path.
    pub(super) fn all(definition: &'a Storefront) -> impl Iterator<Item = Self> {
        let views = definition.views.iter().enumerate();
        let resources = definition.resources.iter();
        resources
            .filter(|resource| resource.is_exposed())
            .map(Self::Resource)
            .chain(views.map(|(at, view)| Self::View(at, view)))
    }

    pub(super) fn path(self) -> &'a str {
        match self {
            Self::Resource(resource) => &resource.path,
            Self::View(_, view) => &view.path,
        }
    }

    pub(super) fn item(self) -> &'a str {
        match self {
            Self::Resource(resource) => &resource.item,
            Self::View(_, view) => &view.item,
        }
    }

    pub(super) fn fields(self) -> &'a [Field] {
        match self {
            Self::Resource(resource) => &resource.fields,
            Self::View(_, view) => &view.fields,
        }
    }

    pub(super) fn searches(self) -> &'a [Search] {
        match self {
            Self::Resource(resource) => &resource.searches,
            Self::View(_, view) => &view.searches,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::storefront::read;

    /// What a path addresses, in short, with the methods allowed there.
    fn check(path: &str, root: Option<usize>, expected: Option<(&str, &str)>) {
        let text = include_str!("../../tests/shops/posies.toml");
        let storefronts = [Arc::new(read::storefront(text).unwrap())];
        let place = locate(&storefronts, Mounts { root }, path);
        let found = place.map(|place| {
            let name = match place {
                Place::Front(front, spot) => {
                    let spot = match spot {
                        Spot::Index => "index".to_owned(),
                        Spot::Profiles => "profiles".to_owned(),
                        Spot::Profile(of) => format!("profile of {}", of.path()),
                        Spot::All(of) => of.path().to_owned(),
                        Spot::One(of, number) => format!("{} {number}", of.item()),
                        Spot::History(_, view, number) => {
                            format!("history of {} {number}", view.item)
                        }
                        Spot::Notifications => "notifications".to_owned(),
                        Spot::Notification(number) => format!("notification {number}"),
                        Spot::Consumers(at) => format!("{at:?}"),
                        Spot::Resend(number) => format!("resend {number}"),
                        Spot::Events => "events".to_owned(),
                        Spot::Event(number) => format!("event {number}"),
                        Spot::Webhooks(place) => format!("webhooks: {place:?}"),
                        Spot::Searches(of) => format!("searches of {}", of.path()),
                        Spot::Search(of, search) => format!("{} in {}", search.method, of.path()),
                    };
                    format!("{}/: {spot}", front.prefix())
                }
                other @ (Place::Home
                | Place::Live
                | Place::Ready
                | Place::Health
                | Place::Metrics
                | Place::Problems
                | Place::Problem(_)
                | Place::Ops(_)) => format!("{other:?}"),
            };
            (name, place.methods())
        });
        let found = found.as_ref().map(|(name, methods)| (&**name, &**methods));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_lead_to_what_the_definition_names() {
        let read = "GET,HEAD,OPTIONS";
        let (all, one) = ("GET,HEAD,POST,OPTIONS", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS");
        check("/", None, Some(("Home", read)));
        check("/livez", None, Some(("Live", read)));
        check("/metrics", Some(0), Some(("Metrics", read)));
        check("/posies", None, Some(("/posies/: index", read)));
        check(
            "/posies/purchases",
            None,
            Some(("/posies/: purchases", all)),
        );
        check(
            "/posies/purchases/",
            None,
            Some(("/posies/: purchases", all)),
        );
        check(
            "/posies/purchases/7",
            None,
            Some(("/posies/: purchase 7", one)),
        );
        check("/posies/bills", None, Some(("/posies/: bills", read)));
        check("/posies/parcels", None, Some(("/posies/: parcels", all)));
        check("/posies/pages/7", None, Some(("/posies/: page 7", read)));
        let search = "/posies/bills/search/findByOrderId";
        check(
            search,
            None,
            Some(("/posies/: findByOrderId in bills", read)),
        );
        check(
            "/posies/profile/purchases",
            None,
            Some(("/posies/: profile of purchases", read)),
        );
        check(
            "/ops/components",
            None,
            Some(("Ops(Components(None))", read)),
        );
        check(
            "/ops/components/a/b/",
            Some(0),
            Some(("Ops(Component(\"a\", \"b\"))", "GET,HEAD,PUT,OPTIONS")),
        );
        check(
            "/ops/dead-letters/a/7/retry",
            None,
            Some(("Ops(Retry(\"a\", \"7\"))", "GET,HEAD,POST,OPTIONS")),
        );
        check(
            "/ops/sagas/a/7/why",
            None,
            Some(("Ops(Why(\"a\", \"7\"))", read)),
        );
        check("/ops", Some(0), None);
        check("/ops/components/a/b/c", Some(0), None);
        check("/purchases/7/", Some(0), Some(("/: purchase 7", one)));
        check("/purchases", None, None);
        check("/posies/order", None, None);
        check("/posies/bills/search/findByPrice", None, None);
        check("/posies/purchases/7/lines", None, None);
        check("/posies//purchases", None, None);
        check("/a/b/c/d/e/f/g", Some(0), None);
    }

    #[test]
    fn those_who_follow_have_places_of_their_own() {
        check(
            "/posies/consumers/menders/leases/ab",
            None,
            Some(("/posies/: Lease(\"menders\", \"ab\")", "PUT,DELETE,OPTIONS")),
        );
        check("/posies/consumers/menders/nothing", None, None);
        check(
            "/posies/webhooks/a/dead-letters/7/redeliver",
            None,
            Some((
                "/posies/: webhooks: Redeliver(\"a\", Some(\"7\"))",
                "GET,HEAD,POST,OPTIONS",
            )),
        );
        check(
            "/posies/webhooks/a/test",
            None,
            Some(("/posies/: webhooks: Test(\"a\")", "GET,HEAD,POST,OPTIONS")),
        );
        check("/posies/webhooks/a/b", None, None);
    }
}
