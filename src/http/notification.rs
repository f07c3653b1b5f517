//! Who was told what, and how it went out: `GET /{storefront}/notifications`, the oldest first.

use actix_web::{
    HttpResponse,
    http::{Method, header::LINK},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    call::{self, Call},
    collection::SCANNED_ITEMS_MAX,
    error::ApiError,
    hal::{Href, Link, Listing},
    item,
    ops::not_from_a_page,
    paging::{self, Paging},
    view::instant,
};
use crate::{
    actors::handles::{
        Delivery, NOTIFICATIONS, Notification, Page, Stage, Told,
        channels::{NotResent, Whereabouts},
    },
    domain::Kind,
};

/// The relation of one notification.
const ITEM: &str = "notification";

/// `GET /notifications`, with `?to=` only what one person was told, with `?order=` only what they were
/// told of one order.
pub(super) async fn list(call: &Call<'_>) -> Result<HttpResponse, ApiError> {
    let url = call.url(NOTIFICATIONS);
    if call.request.method() == Method::HEAD {
        let links = format!("<{url}{{?page,size,to,order}}>;rel=\"self\"");
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, links))
            .finish());
    }
    let query = call.request.query_string();
    let paging = Paging::of(query);
    if let Some(asked) = Asked::of(paging::query(query))? {
        let told = chosen(call, &asked).await?;
        let listing: Listing<'_, _, ()> = Listing {
            rel: NOTIFICATIONS,
            items: &bodies(call, told, &url)?,
            links: &[Link::template("self", format!("{url}{{?to,order}}"))],
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
        items: &bodies(call, page.items, &url)?,
        links: &paging.links(&url, page.total),
        page: Some(paging.summary(page.total)),
    }))
}

/// `GET /notifications/1`.
pub(super) async fn one(call: &Call<'_>, number: &str) -> Result<HttpResponse, ApiError> {
    let told = find(call, number).await?;
    let url = call.url(NOTIFICATIONS);
    if call.request.method() == Method::HEAD {
        let url = format!("{url}/{number}");
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, item::links(&url, ITEM)))
            .finish());
    }
    Ok(call.ok(&Body::of(call, told, &url)?))
}

/// `POST /notifications/1/resend`: once more, for a person who says so. Otherwise what `GET` of the
/// notification answers.
pub(super) async fn resend(call: &Call<'_>, number: &str) -> Result<HttpResponse, ApiError> {
    if call.request.method() != Method::POST {
        return one(call, number).await;
    }
    not_from_a_page(call.request)?;
    let told = find(call, number).await?;
    let context = call.context(&[])?;
    let channels = &call.state.channels;
    channels.resend(call.front.at, &told, context).await?;
    let told = find(call, number).await?;
    let url = call.url(NOTIFICATIONS);
    let body = Body::of(call, told, &url)?;
    Ok(call.with_body(&mut HttpResponse::Accepted(), &body))
}

async fn find(call: &Call<'_>, number: &str) -> Result<Told, ApiError> {
    let missing = || ApiError::new("not_found", format!("there is no notification {number}"));
    let number = number.parse().map_err(|_| missing())?;
    let told = call.engine().notification(call.front.at, number).await?;
    told.ok_or_else(missing)
}

/// Which notifications are asked for.
#[derive(Default)]
struct Asked {
    to: Option<String>,
    order: Option<u64>,
}

impl Asked {
    /// What a query asks for, if it asks for some only.
    fn of(query: Vec<(String, String)>) -> Result<Option<Self>, ApiError> {
        let mut asked = Self::default();
        for (name, value) in query {
            match name.as_str() {
                "to" => asked.to = Some(value),
                "order" => {
                    let number = value.parse().map_err(|_| {
                        let detail = format!("`order` is the number of one, not `{value}`");
                        ApiError::new("parameter_invalid", detail)
                    })?;
                    asked.order = Some(number);
                }
                _ => {}
            }
        }
        Ok((asked.to.is_some() || asked.order.is_some()).then_some(asked))
    }

    fn fits(&self, own: &Notification) -> bool {
        let to = self
            .to
            .as_ref()
            .is_none_or(|to| own.to.as_ref() == Some(to));
        let about = own.subject;
        let is_of = |order: u64| about.kind == Kind::Order && about.number == order;
        to && self.order.is_none_or(is_of)
    }
}

/// The notifications that are asked for, if there is not too much to look through.
async fn chosen(call: &Call<'_>, asked: &Asked) -> Result<Vec<Told>, ApiError> {
    let Page { mut items, total } = call
        .engine()
        .notifications(call.front.at, 0, SCANNED_ITEMS_MAX)
        .await?;
    if total > items.len() as u64 {
        let detail =
            format!("there are more than {SCANNED_ITEMS_MAX} notifications; page through them");
        return Err(ApiError::new("collection_too_large", detail));
    }
    items.retain(|told| asked.fits(&told.notification));
    Ok(items)
}

fn bodies<'a>(call: &Call<'_>, told: Vec<Told>, url: &'a str) -> Result<Vec<Body<'a>>, ApiError> {
    let told = told.into_iter();
    told.map(|told| Body::of(call, told, url)).collect()
}

impl From<NotResent> for ApiError {
    fn from(not: NotResent) -> Self {
        let code = match not {
            NotResent::Engine(error) => return error.into(),
            NotResent::NotFailed(_) => "notification_not_failed",
            NotResent::NotSetUp(_) => "channel_not_set_up",
        };
        Self::new(code, not.to_string())
    }
}

/// A notification with its links, ready to print.
struct Body<'a> {
    told: Told,
    whereabouts: Whereabouts,
    /// The collection's address.
    url: &'a str,
}

impl<'a> Body<'a> {
    fn of(call: &Call<'_>, told: Told, url: &'a str) -> Result<Self, ApiError> {
        let channels = &call.state.channels;
        Ok(Self {
            whereabouts: channels.whereabouts(call.front.at, &told)?,
            told,
            url,
        })
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Told {
            number,
            notification,
        } = &self.told;
        let about = notification.subject;
        let is_order = about.kind == Kind::Order;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", number)?;
        map.serialize_entry("event", &notification.event)?;
        map.serialize_entry("order", &is_order.then_some(about.number))?;
        map.serialize_entry("listing", &(!is_order).then_some(about.number))?;
        map.serialize_entry("to", &notification.to)?;
        map.serialize_entry("channel", notification.channel.name())?;
        map.serialize_entry("address", &notification.address)?;
        map.serialize_entry("language", notification.language.code())?;
        map.serialize_entry("text", &Text(notification))?;
        map.serialize_entry("at", &instant(notification.at))?;
        map.serialize_entry("correlation", &notification.correlation)?;
        let delivery = match &self.whereabouts {
            Whereabouts::Logged => None,
            Whereabouts::Out(delivery) => Some(delivery),
        };
        map.serialize_entry("state", delivery.map_or("logged", state))?;
        if let Some(delivery) = delivery {
            map.serialize_entry("attempts", &delivery.attempts)?;
            map.serialize_entry("why", &delivery.why)?;
            map.serialize_entry("since", &instant(delivery.at))?;
        }
        map.serialize_entry("_links", &OwnLinks(self.url, *number))?;
        map.end()
    }
}

const fn state(delivery: &Delivery) -> &'static str {
    match delivery.stage {
        Stage::Waiting => "waiting",
        Stage::Sending => "sending",
        Stage::Sent => "sent",
        Stage::Failed => "failed",
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
            map.serialize_entry(rel, &Href(&call::url_of(self.0, self.1), false))?;
        }
        map.end()
    }
}
