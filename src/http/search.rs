//! Query methods: `GET /{collection}/search/{method}?{field}=`.

use actix_web::HttpResponse;

use super::{
    address::Collection,
    call::Call,
    collection::{self, SCANNED_ITEMS_MAX},
    error::ApiError,
    hal::{Link, Listing, OnlyLinks},
    item, paging,
    represent::{self, ItemBody, Wire},
    view,
};
use crate::{
    actors::handles::{Item, Row},
    domain::storefront::{Field, FieldType, Resource, Search, View},
};

/// `GET /payments/search`: which query methods there are.
pub(super) fn list(call: &Call<'_>, of: Collection<'_>) -> HttpResponse {
    let url = format!("{}/search", call.url(of.path()));
    let searches = of.searches().iter();
    let mut links: Vec<Link<'_>> = searches
        .map(|search| {
            let (method, field) = (&search.method, &search.field);
            Link::template(method, format!("{url}/{method}{{?{field}}}"))
        })
        .collect();
    links.push(Link::new("self", url));
    call.ok(&OnlyLinks(&links))
}

/// `GET /payments/search/findByOrderId?orderId=1`.
pub(super) async fn run(
    call: &Call<'_>,
    of: Collection<'_>,
    search: &Search,
) -> Result<HttpResponse, ApiError> {
    let query = paging::query(call.request.query_string());
    let wanted = query.into_iter().find(|(name, _)| *name == *search.field);
    let Some((_, wanted)) = wanted else {
        let detail = format!("the query parameter `{}` is missing", search.field);
        return Err(ApiError::new("parameter_invalid", detail));
    };
    let field = of.fields().iter().find(|field| field.name == search.field);
    let field = field.expect("the definition's reader checks that a search names a field");
    match of {
        Collection::Resource(resource) => {
            let found = items(call, resource, field, &wanted)?;
            if search.single {
                let found = found.first().ok_or_else(|| nothing(search, &wanted))?;
                return Ok(item::show(call, resource, found));
            }
            Ok(list_items(call, resource, search, &found))
        }
        Collection::View(at, view) => {
            let found = rows(call, at, view, field, &wanted).await?;
            if search.single {
                let found = found.first().ok_or_else(|| nothing(search, &wanted))?;
                return Ok(view::show(call, view, found));
            }
            let url = format!("{}/search/{}", call.url(&view.path), search.method);
            Ok(view::listing(call, view, &found, &[Link::new("self", url)]))
        }
    }
}

fn items(
    call: &Call<'_>,
    resource: &Resource,
    field: &Field,
    wanted: &str,
) -> Result<Vec<Item>, ApiError> {
    if field.holds == FieldType::Order {
        let number = number(field, wanted)?;
        let item = call.engine().item(call.front.at, resource.kind, number)?;
        return Ok(item.into_iter().collect());
    }
    let mut items = collection::all(call, resource)?;
    items.retain(|item| is(represent::of_item(resource, item, field), wanted));
    Ok(items)
}

async fn rows(
    call: &Call<'_>,
    at: usize,
    view: &View,
    field: &Field,
    wanted: &str,
) -> Result<Vec<Row>, ApiError> {
    if field.holds == FieldType::Order {
        let number = number(field, wanted)?;
        let row = call.engine().row(call.front.at, at, number).await?;
        return Ok(row.into_iter().collect());
    }
    let page = call
        .engine()
        .rows(call.front.at, at, 0, SCANNED_ITEMS_MAX)
        .await?;
    if page.total > page.items.len() as u64 {
        let detail = format!("{} has more than {SCANNED_ITEMS_MAX} rows", view.path);
        return Err(ApiError::new("collection_too_large", detail));
    }
    let mut rows = page.items;
    rows.retain(|row| is(represent::of_row(row, field), wanted));
    Ok(rows)
}

fn list_items(
    call: &Call<'_>,
    resource: &Resource,
    search: &Search,
    found: &[Item],
) -> HttpResponse {
    let url = call.url(&resource.path);
    let bodies: Vec<ItemBody<'_>> = found
        .iter()
        .map(|item| ItemBody {
            resource,
            item,
            url: &url,
        })
        .collect();
    let listing: Listing<'_, _, ()> = Listing {
        rel: &resource.path,
        items: &bodies,
        links: &[Link::new("self", format!("{url}/search/{}", search.method))],
        page: None,
    };
    call.ok(&listing)
}

fn number(field: &Field, text: &str) -> Result<u64, ApiError> {
    text.trim().parse().map_err(|_| {
        let detail = format!("the query parameter `{}` must be a number", field.name);
        ApiError::new("parameter_invalid", detail)
    })
}

fn is(value: Wire<'_>, wanted: &str) -> bool {
    match value {
        Wire::Null => false,
        Wire::Number(number) => number.to_string() == wanted,
        Wire::Id(number) => number.to_string() == wanted,
        Wire::Flag(flag) => flag.to_string() == wanted,
        Wire::Text(text) => text == wanted,
    }
}

fn nothing(search: &Search, wanted: &str) -> ApiError {
    let detail = format!("nothing has {} {wanted}", search.field);
    ApiError::new("not_found", detail)
}
