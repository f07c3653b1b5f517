//! Who was told what: `GET /{storefront}/notifications`, the oldest first.

use actix_web::{
    HttpResponse,
    http::{Method, header::LINK},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    call::Call,
    collection::SCANNED_ITEMS_MAX,
    error::ApiError,
    hal::{Href, Link, Listing},
    item,
    paging::{self, Paging},
    view::instant,
};
use crate::{
    actors::handles::{NOTIFICATIONS, Notification, Page, Told},
    domain::Kind,
};

/// The relation of one notification.
const ITEM: &str = "notification";

/// `GET /notifications`, with `?to=` only what one person was told.
pub(super) async fn list(call: &Call<'_>) -> Result<HttpResponse, ApiError> {
    let url = call.url(NOTIFICATIONS);
    if call.request.method() == Method::HEAD {
        let links = format!("<{url}{{?page,size,to}}>;rel=\"self\"");
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, links))
            .finish());
    }
    let query = call.request.query_string();
    let paging = Paging::of(query);
    let mut given = paging::query(query).into_iter();
    if let Some((_, to)) = given.find(|(name, _)| name == "to") {
        let told = told_to(call, &to).await?;
        let listing: Listing<'_, _, ()> = Listing {
            rel: NOTIFICATIONS,
            items: &bodies(&told, &url),
            links: &[Link::template("self", format!("{url}{{?to}}"))],
            page: None,
        };
        return Ok(call.ok(&listing));
    }
    let limit = usize::try_from(paging.size).unwrap_or(usize::MAX);
    let page = call
        .engine()
        .notifications(call.front.at, paging.offset(), limit)
        .await?;
    Ok(call.ok(&Listing {
        rel: NOTIFICATIONS,
        items: &bodies(&page.items, &url),
        links: &paging.links(&url, page.total),
        page: Some(paging.summary(page.total)),
    }))
}

/// `GET /notifications/1`.
pub(super) async fn one(call: &Call<'_>, number: &str) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::new("not_found", format!("there is no notification {number}"));
    let number = number.parse().map_err(|_| missing())?;
    let told = call.engine().notification(call.front.at, number).await?;
    let told = told.ok_or_else(missing)?;
    let url = call.url(NOTIFICATIONS);
    if call.request.method() == Method::HEAD {
        let url = format!("{url}/{number}");
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, item::links(&url, ITEM)))
            .finish());
    }
    Ok(call.ok(&Body {
        told: &told,
        url: &url,
    }))
}

/// What one person was told, if there is not too much to look through.
async fn told_to(call: &Call<'_>, to: &str) -> Result<Vec<Told>, ApiError> {
    let Page { mut items, total } = call
        .engine()
        .notifications(call.front.at, 0, SCANNED_ITEMS_MAX)
        .await?;
    if total > items.len() as u64 {
        let detail =
            format!("there are more than {SCANNED_ITEMS_MAX} notifications; page through them");
        return Err(ApiError::new("collection_too_large", detail));
    }
    items.retain(|told| told.notification.to.as_deref() == Some(to));
    Ok(items)
}

fn bodies<'a>(told: &'a [Told], url: &'a str) -> Vec<Body<'a>> {
    told.iter().map(|told| Body { told, url }).collect()
}

/// A notification with its links, ready to print.
struct Body<'a> {
    told: &'a Told,
    /// The collection's address.
    url: &'a str,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Told {
            number,
            notification,
        } = self.told;
        let about = notification.subject;
        let is_order = about.kind == Kind::Order;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", number)?;
        map.serialize_entry("event", &notification.event)?;
        map.serialize_entry("order", &is_order.then_some(about.number))?;
        map.serialize_entry("listing", &(!is_order).then_some(about.number))?;
        map.serialize_entry("channel", notification.channel.name())?;
        map.serialize_entry("to", &notification.to)?;
        map.serialize_entry("address", &notification.address)?;
        map.serialize_entry("language", notification.language.code())?;
        map.serialize_entry("text", &Text(notification))?;
        map.serialize_entry("at", &instant(notification.at))?;
        map.serialize_entry("_links", &OwnLinks(self.url, *number))?;
        map.end()
    }
}

/// In each language.
struct Text<'a>(&'a Notification);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ko", &self.0.ko)?;
        map.serialize_entry("en", &self.0.en)?;
        map.end()
    }
}

struct OwnLinks<'a>(&'a str, u64);

impl Serialize for OwnLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        for rel in ["self", ITEM] {
            map.serialize_entry(rel, &Href(format_args!("{}/{}", self.0, self.1), false))?;
        }
        map.end()
    }
}
