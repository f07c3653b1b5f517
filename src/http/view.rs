//! Views: rows folded from events. Not paged as resources are (SEED API 1.2), but bounded.

use actix_web::{
    HttpResponse,
    http::{Method, header::LINK},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    address::Collection,
    call::Call,
    collection,
    error::ApiError,
    hal::{Link, Listing},
    item, paging,
    represent::{self, RowBody},
};
use crate::{
    actors::handles::{Entry, Row},
    domain::{FieldsRef, Timestamp, storefront::View},
};

/// The most rows in one answer; a `next` link leads to the others.
const ROWS_MAX: usize = 1_000;

/// `GET /{view}`.
pub(super) async fn rows(
    call: &Call<'_>,
    at: usize,
    view: &View,
) -> Result<HttpResponse, ApiError> {
    let query = paging::query(call.request.query_string());
    let offset = query.iter().find(|(name, _)| name == "offset");
    let offset = offset
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let page = call
        .engine()
        .rows(call.front.at, at, offset, ROWS_MAX)
        .await?;
    let url = call.url(&view.path);
    let mut links = vec![Link::new("self", url.as_str())];
    let next = offset.saturating_add(page.items.len() as u64);
    if next < page.total && !page.items.is_empty() {
        links.push(Link::new("next", format!("{url}?offset={next}")));
    }
    links.extend(collection::own_links(call, Collection::View(at, view)));
    listing(call, view, &page.items, &links)
}

/// `GET /{view}/1`.
pub(super) async fn row(
    call: &Call<'_>,
    at: usize,
    view: &View,
    number: &str,
) -> Result<HttpResponse, ApiError> {
    let missing = || no_row(view, number);
    let number = number.parse().map_err(|_| missing())?;
    let row = call.engine().row(call.front.at, at, number).await?;
    let row = row.ok_or_else(missing)?;
    if call.request.method() == Method::HEAD {
        let url = format!("{}/{number}", call.url(&view.path));
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, item::links(&url, &view.item)))
            .finish());
    }
    show(call, view, &row)
}

/// `GET /{view}/1/history`: what the row said before, the latest last.
pub(super) async fn history(
    call: &Call<'_>,
    at: usize,
    view: &View,
    number: &str,
) -> Result<HttpResponse, ApiError> {
    let missing = || no_row(view, number);
    let row = number.parse().map_err(|_| missing())?;
    let entries = call.engine().history(call.front.at, at, row).await?;
    let entries = entries.ok_or_else(missing)?;
    let url = format!("{}/{row}", call.url(&view.path));
    if call.request.method() == Method::HEAD {
        let links = format!("<{url}/history>;rel=\"self\",<{url}>;rel=\"{}\"", view.item);
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, links))
            .finish());
    }
    let bodies = entries.iter().map(|entry| EntryBody {
        view,
        number: row,
        entry,
    });
    let listing: Listing<'_, _, ()> = Listing {
        rel: &view.path,
        items: &bodies.collect::<Vec<_>>(),
        links: &[
            Link::new("self", format!("{url}/history")),
            Link::new(&view.item, url),
        ],
        page: None,
    };
    Ok(call.ok(&listing))
}

/// What a row said after an event, ready to print.
struct EntryBody<'a> {
    view: &'a View,
    number: u64,
    entry: &'a Entry,
}

impl Serialize for EntryBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_free = |name: &str| self.view.fields.iter().all(|field| *field.name != *name);
        let fields = FieldsRef::from(&self.entry.row);
        let mut map = serializer.serialize_map(None)?;
        for field in &self.view.fields {
            let value = represent::of_row(self.view, self.number, &fields, field);
            map.serialize_entry(&*field.name, &value)?;
        }
        // A field of the view goes before what every entry has.
        if is_free("event") {
            map.serialize_entry("event", &self.entry.event)?;
        }
        if is_free("at") {
            map.serialize_entry("at", &instant(self.entry.at))?;
        }
        map.end()
    }
}

/// An instant as RFC 3339 has it, in UTC, to the millisecond.
pub(super) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

fn no_row(view: &View, number: &str) -> ApiError {
    ApiError::new("not_found", format!("{} has no row {number}", view.path))
}

/// `200` with a row.
pub(super) fn show(call: &Call<'_>, view: &View, row: &Row) -> Result<HttpResponse, ApiError> {
    let url = call.url(&view.path);
    let form = &call.forms(&view.path).alone;
    Ok(call.ok(&RowBody::of(view, row, form, &url)?))
}

/// `200` with rows.
pub(super) fn listing(
    call: &Call<'_>,
    view: &View,
    rows: &[Row],
    links: &[Link<'_>],
) -> Result<HttpResponse, ApiError> {
    let url = call.url(&view.path);
    let form = &call.forms(&view.path).listed;
    let bodies = rows.iter().map(|row| RowBody::of(view, row, form, &url));
    let items = bodies.collect::<Result<Vec<_>, _>>()?;
    let listing: Listing<'_, _, ()> = Listing {
        rel: &view.path,
        items: &items,
        links,
        page: None,
    };
    Ok(call.ok(&listing))
}
