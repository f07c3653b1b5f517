//! GET and HEAD of a whole collection.

use actix_web::{HttpResponse, http::header::LINK};

use super::{
    address::Collection,
    call::Call,
    error::ApiError,
    hal::{Link, Listing},
    item,
    paging::Paging,
    represent::{self, ItemBody, Joins, Whole, Wire},
};
use crate::{
    actors::handles::{Item, Page},
    domain::storefront::{Field, Resource},
};

/// The largest collection that is sorted or searched item by item. Sorting reads all of it; beyond
/// this a client should page through it, or use a view.
pub(super) const SCANNED_ITEMS_MAX: usize = 10_000;

/// `GET /{collection}`.
pub(super) fn get(call: &Call<'_>, resource: &Resource) -> Result<HttpResponse, ApiError> {
    let paging = Paging::of(call.request.query_string());
    let page = if paging.sort.is_empty() {
        let limit = usize::try_from(paging.size).unwrap_or(usize::MAX);
        let page = call
            .engine()
            .items(call.front.at, resource.kind, paging.offset(), limit)?;
        wholes(call, resource, page)?
    } else {
        sorted(call, resource, &paging)?
    };
    let url = call.url(&resource.path);
    let items = bodies(call, resource, &page.items, &url);
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
pub(super) fn all(call: &Call<'_>, resource: &Resource) -> Result<Vec<Whole>, ApiError> {
    let page = call
        .engine()
        .items(call.front.at, resource.kind, 0, SCANNED_ITEMS_MAX)?;
    if page.total > page.items.len() as u64 {
        let path = &resource.path;
        let detail =
            format!("{path} has more than {SCANNED_ITEMS_MAX} items; page through it without sort");
        return Err(ApiError::new("collection_too_large", detail));
    }
    Ok(wholes(call, resource, page)?.items)
}

/// Entities ready to print.
pub(super) fn bodies<'a>(
    call: &Call<'a>,
    resource: &'a Resource,
    items: &'a [Whole],
    url: &'a str,
) -> Vec<ItemBody<'a>> {
    let definition = call.front.definition;
    let form = &call.forms(&resource.path).listed;
    let body = |whole| ItemBody {
        definition,
        resource,
        whole,
        form,
        url,
    };
    items.iter().map(body).collect()
}

/// The items with what their resource shows beside their own.
fn wholes(call: &Call<'_>, resource: &Resource, page: Page<Item>) -> Result<Page<Whole>, ApiError> {
    let joins = Joins::of(call.front.definition, resource);
    let items = page.items.into_iter();
    let items = items.map(|item| item::load(call, joins, item));
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        total: page.total,
    })
}

fn sorted(call: &Call<'_>, resource: &Resource, paging: &Paging) -> Result<Page<Whole>, ApiError> {
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
        let definition = call.front.definition;
        let value = |whole, field| represent::of_item(definition, resource, whole, field);
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
