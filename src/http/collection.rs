//! GET and HEAD of a whole collection.

use actix_web::{HttpResponse, http::header::LINK};

use super::{
    address::Collection,
    call::Call,
    error::ApiError,
    hal::{Link, Listing},
    paging::Paging,
    represent::{self, ItemBody, Wire},
};
use crate::{
    actors::handles::{Item, Page},
    domain::storefront::{Field, Resource},
};

/// The largest collection that is sorted or searched item by item. Sorting reads all of it; beyond
/// this a client should page through it, or use a view.
pub(super) const SCANNED_ITEMS_MAX: usize = 10_000;

/// `GET /orders`.
pub(super) fn get(call: &Call<'_>, resource: &Resource) -> Result<HttpResponse, ApiError> {
    let paging = Paging::of(call.request.query_string());
    let page = if paging.sort.is_empty() {
        let limit = usize::try_from(paging.size).unwrap_or(usize::MAX);
        call.engine()
            .items(call.front.at, resource.kind, paging.offset(), limit)?
    } else {
        sorted(call, resource, &paging)?
    };
    let url = call.url(&resource.path);
    let items: Vec<ItemBody<'_>> = page
        .items
        .iter()
        .map(|item| ItemBody {
            resource,
            item,
            url: &url,
        })
        .collect();
    let mut links = paging.links(&url, page.total);
    links.extend(own_links(call, Collection::Resource(resource)));
    Ok(call.ok(&Listing {
        rel: &resource.path,
        items: &items,
        links: &links,
        page: Some(paging.summary(page.total)),
    }))
}

/// `HEAD /orders`: the links alone, in the header.
pub(super) fn head(call: &Call<'_>, of: Collection<'_>) -> HttpResponse {
    let url = call.url(of.path());
    let template = match of {
        Collection::Resource(_) => "{?page,size,sort}",
        Collection::View(..) => "",
    };
    let profile = call.url(&format!("profile/{}", of.path()));
    let links = format!("<{url}{template}>;rel=\"self\",<{profile}>;rel=\"profile\"");
    let mut response = HttpResponse::NoContent();
    response.insert_header((LINK, links));
    if !of.searches().is_empty() {
        response.append_header((LINK, format!("<{url}/search>;rel=\"search\"")));
    }
    response.finish()
}

/// The links that every collection has: to its profile, and to its query methods.
pub(super) fn own_links<'a>(call: &Call<'_>, of: Collection<'_>) -> Vec<Link<'a>> {
    let path = of.path();
    let mut links = vec![Link::new("profile", call.url(&format!("profile/{path}")))];
    if !of.searches().is_empty() {
        links.push(Link::new("search", call.url(&format!("{path}/search"))));
    }
    links
}

/// Every item of a collection that is small enough.
pub(super) fn all(call: &Call<'_>, resource: &Resource) -> Result<Vec<Item>, ApiError> {
    let page = call
        .engine()
        .items(call.front.at, resource.kind, 0, SCANNED_ITEMS_MAX)?;
    if page.total > page.items.len() as u64 {
        let path = &resource.path;
        let detail =
            format!("{path} has more than {SCANNED_ITEMS_MAX} items; page through it without sort");
        return Err(ApiError::new("collection_too_large", detail));
    }
    Ok(page.items)
}

fn sorted(call: &Call<'_>, resource: &Resource, paging: &Paging) -> Result<Page<Item>, ApiError> {
    let by: Vec<(&Field, bool)> = paging
        .sort
        .iter()
        .filter_map(|(name, is_descending)| {
            let field = resource.fields.iter().find(|field| *field.name == **name)?;
            Some((field, *is_descending))
        })
        .collect();
    let mut items = all(call, resource)?;
    let total = items.len() as u64;
    items.sort_by(|one, other| {
        let value = |item, field| represent::of_item(resource, item, field);
        let orders = by.iter().map(|(field, is_descending)| {
            let order = Wire::cmp(&value(one, field), &value(other, field));
            if *is_descending {
                order.reverse()
            } else {
                order
            }
        });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let offset = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let limit = usize::try_from(paging.size).unwrap_or(usize::MAX);
    let items = items.into_iter().skip(offset).take(limit).collect();
    Ok(Page { items, total })
}
