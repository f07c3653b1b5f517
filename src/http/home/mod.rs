//! `/`: what is running, as a page for people and as links for programs.

use actix_web::{HttpRequest, HttpResponse};

use super::{
    State,
    address::{Collection, Front},
    call::{self, Call},
    feed::{self, EVENTS},
    hal::{Link, OnlyLinks},
    html, json,
    webhooks::WEBHOOKS,
};
use crate::actors::handles::NOTIFICATIONS;

mod page;

/// `GET /`.
pub(super) fn home(state: &State, request: &HttpRequest) -> HttpResponse {
    let origin = call::origin(request);
    let storefronts = state.engine.storefronts();
    if html::is_wanted(request) {
        let root = state.mounts.root.and_then(|at| storefronts.get(at));
        let page = page::html(&origin, storefronts, root.map(|root| &*root.name));
        return html::answer(page::POLICY, page);
    }
    let mut links = vec![Link::new("self", format!("{origin}/"))];
    if let Some(at) = state.mounts.root
        && let Some(definition) = storefronts.get(at)
    {
        let front = Front {
            at,
            definition,
            is_root: true,
        };
        links.extend(collections(&origin, &front));
    }
    for storefront in storefronts {
        let name = &*storefront.name;
        links.push(Link::new(name, format!("{origin}/{name}")));
    }
    HttpResponse::Ok()
        .content_type(call::content_type(request))
        .body(json::print(&OnlyLinks(&links)))
}

/// `GET /{storefront}`.
pub(super) fn index(call: &Call<'_>) -> HttpResponse {
    let origin = call::origin(call.request);
    let links: Vec<Link<'_>> = collections(&origin, &call.front).collect();
    call.ok(&OnlyLinks(&links))
}

/// A storefront's collections, its notifications if it has any, its feed, its
/// webhooks, and its profile.
fn collections<'a>(origin: &str, front: &Front<'a>) -> impl Iterator<Item = Link<'a>> {
    let base = format!("{origin}{}", front.prefix());
    let tells = !front.definition.notices.is_empty();
    let told = tells.then(|| {
        let url = format!("{base}/{NOTIFICATIONS}{{?page,size,to}}");
        Link::template(NOTIFICATIONS, url)
    });
    let events = Link::template(EVENTS, format!("{base}/{EVENTS}{{?{}}}", feed::VARIABLES));
    let webhooks = Link::new(WEBHOOKS, format!("{base}/{WEBHOOKS}"));
    let profile = Link::new("profile", format!("{base}/profile"));
    Collection::all(front.definition)
        .map(move |of| match of {
            Collection::Resource(_) => Link::template(
                of.path(),
                format!("{base}/{}{{?page,size,sort}}", of.path()),
            ),
            Collection::View(..) => Link::new(of.path(), format!("{base}/{}", of.path())),
        })
        .chain(told)
        .chain([events, webhooks, profile])
}
