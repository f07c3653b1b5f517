//! Views: rows folded from events. Not paged as resources are (SEED API 1.2), but bounded.

use actix_web::{
    HttpResponse,
    http::{Method, header::LINK},
};

use super::{
    address::Collection,
    call::Call,
    collection,
    error::ApiError,
    hal::{Link, Listing},
    item, paging,
    represent::RowBody,
};
use crate::{actors::handles::Row, domain::storefront::View};

/// The most rows in one answer; a `next` link leads to the others.
const ROWS_MAX: usize = 1_000;

/// `GET /myPages`.
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
    Ok(listing(call, view, &page.items, &links))
}

/// `GET /myPages/1`.
pub(super) async fn row(
    call: &Call<'_>,
    at: usize,
    view: &View,
    number: &str,
) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::new("not_found", format!("{} has no row {number}", view.path));
    let number = number.parse().map_err(|_| missing())?;
    let row = call.engine().row(call.front.at, at, number).await?;
    let row = row.ok_or_else(missing)?;
    if call.request.method() == Method::HEAD {
        let url = format!("{}/{number}", call.url(&view.path));
        return Ok(HttpResponse::NoContent()
            .insert_header((LINK, item::links(&url, &view.item)))
            .finish());
    }
    Ok(show(call, view, &row))
}

/// `200` with a row.
pub(super) fn show(call: &Call<'_>, view: &View, row: &Row) -> HttpResponse {
    let url = call.url(&view.path);
    call.ok(&RowBody {
        view,
        row,
        url: &url,
    })
}

/// `200` with rows.
pub(super) fn listing(
    call: &Call<'_>,
    view: &View,
    rows: &[Row],
    links: &[Link<'_>],
) -> HttpResponse {
    let url = call.url(&view.path);
    let items: Vec<RowBody<'_>> = rows
        .iter()
        .map(|row| RowBody {
            view,
            row,
            url: &url,
        })
        .collect();
    let listing: Listing<'_, _, ()> = Listing {
        rel: &view.path,
        items: &items,
        links,
        page: None,
    };
    call.ok(&listing)
}
