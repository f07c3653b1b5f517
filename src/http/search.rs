//! Query methods: `GET /{collection}/search/{method}?{field}=`.

use actix_web::HttpResponse;

use super::{
    address::Collection,
    call::Call,
    collection::{self, SCANNED_ITEMS_MAX},
    error::ApiError,
    hal::{Link, Listing, OnlyLinks},
    item, paging,
    represent::{self, Whole, Wire},
    view,
};
use crate::{
    actors::handles::Row,
    domain::{
        Kind,
        storefront::{Field, FieldType, Resource, Search, View},
    },
};

/// `GET /{collection}/search`: which query methods there are.
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

/// `GET /{collection}/search/{method}?{field}=…`.
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
                return view::show(call, view, found);
            }
            let url = format!("{}/search/{}", call.url(&view.path), search.method);
            view::listing(call, view, &found, &[Link::new("self", url)])
        }
    }
}

fn items(
    call: &Call<'_>,
    resource: &Resource,
    field: &Field,
    wanted: &str,
) -> Result<Vec<Whole>, ApiError> {
    // A listing belongs to no order.
    if resource.kind != Kind::Listing && tells_order(field) {
        let item = match order(call, field, wanted)? {
            Some(number) => call.engine().item(call.front.at, resource.kind, number)?,
            None => None,
        };
        let whole = item.map(|item| item::whole(call, resource, item));
        // An approval with this number can be a listing's.
        let is_it = |whole: &Whole| shown(call, resource, whole, field) != Wire::Null;
        let found = whole.transpose()?.filter(is_it);
        return Ok(found.into_iter().collect());
    }
    let mut items = collection::all(call, resource)?;
    items.retain(|whole| is(shown(call, resource, whole, field), wanted));
    Ok(items)
}

fn shown<'a>(
    call: &Call<'a>,
    resource: &'a Resource,
    whole: &'a Whole,
    field: &'a Field,
) -> Wire<'a> {
    represent::of_item(call.front.definition, resource, whole, field)
}

/// Whether a field's value belongs to one order only: its number, or its key.
fn tells_order(field: &Field) -> bool {
    let is_unique = matches!(field.holds, FieldType::Order | FieldType::Key { .. });
    is_unique && field.of.is_none()
}

/// The number of the order that has what is wanted in a field that tells it.
fn order(call: &Call<'_>, field: &Field, wanted: &str) -> Result<Option<u64>, ApiError> {
    if field.holds == FieldType::Order {
        return number(field, wanted).map(Some);
    }
    Ok(call.engine().order_with_key(call.front.at, wanted)?)
}

async fn rows(
    call: &Call<'_>,
    at: usize,
    view: &View,
    field: &Field,
    wanted: &str,
) -> Result<Vec<Row>, ApiError> {
    if tells_order(field) {
        let row = match order(call, field, wanted)? {
            Some(number) => call.engine().row(call.front.at, at, number).await?,
            None => None,
        };
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
    let mut found = Vec::new();
    for row in page.items {
        let shown = represent::of_row(view, row.number, &row.fields()?, field);
        if is(shown, wanted) {
            found.push(row);
        }
    }
    Ok(found)
}

fn list_items(
    call: &Call<'_>,
    resource: &Resource,
    search: &Search,
    found: &[Whole],
) -> HttpResponse {
    let url = call.url(&resource.path);
    let bodies = collection::bodies(call, resource, found, &url);
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
        Wire::Null | Wire::Lines(_) => false,
        Wire::Number(number) => number.to_string() == wanted,
        Wire::Id(number) | Wire::Numeral(number) => number.to_string() == wanted,
        Wire::Flag(flag) => flag.to_string() == wanted,
        Wire::Text(text) => text == wanted,
    }
}

fn nothing(search: &Search, wanted: &str) -> ApiError {
    let detail = format!("nothing has {} {wanted}", search.field);
    ApiError::new("not_found", detail)
}
