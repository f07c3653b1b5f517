//! GET and HEAD of one entity.

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, header::LINK},
};

use super::{
    call::Call,
    error::ApiError,
    represent::{ItemBody, Joins, Whole},
};
use crate::{
    actors::handles::Item,
    domain::{Kind, Refusal, storefront::Resource},
};

/// `GET /{collection}/1`.
pub(super) fn get(
    call: &Call<'_>,
    resource: &Resource,
    number: &str,
) -> Result<HttpResponse, ApiError> {
    let number = self::number(resource.kind, number)?;
    let item = call.engine().item(call.front.at, resource.kind, number)?;
    let item = item.ok_or(Refusal::NotFound {
        kind: resource.kind,
        number,
    })?;
    if call.request.method() == Method::HEAD {
        let url = format!("{}/{number}", call.url(&resource.path));
        let mut response = Call::versioned(StatusCode::NO_CONTENT, item.version);
        return Ok(response
            .insert_header((LINK, links(&url, &resource.item)))
            .finish());
    }
    Ok(show(call, resource, &whole(call, resource, item)?))
}

/// `200` with an entity.
pub(super) fn show(call: &Call<'_>, resource: &Resource, whole: &Whole) -> HttpResponse {
    let body = ItemBody {
        definition: call.front.definition,
        resource,
        whole,
        form: &call.forms(&resource.path).alone,
        url: &call.url(&resource.path),
    };
    let mut response = Call::versioned(StatusCode::OK, whole.item.version);
    call.with_body(&mut response, &body)
}

/// An entity with what its resource shows beside its own.
pub(super) fn whole(call: &Call<'_>, resource: &Resource, item: Item) -> Result<Whole, ApiError> {
    let joins = Joins::of(call.front.definition, resource);
    load(call, joins, item)
}

/// The same, where it is known what stands beside it.
pub(super) fn load(call: &Call<'_>, joins: Joins, item: Item) -> Result<Whole, ApiError> {
    let at = call.front.at;
    let read = |kind, number| call.engine().entity(at, kind, number);
    Ok(joins.load(item, read)?)
}

/// The links of one thing, as a `Link` header.
pub(super) fn links(url: &str, rel: &str) -> String {
    format!("<{url}>;rel=\"self\",<{url}>;rel=\"{rel}\"")
}

/// A number as a path has it. Nothing has a number that is none.
pub(super) fn number(kind: Kind, text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(
            "not_found",
            format!("there is no {kind} `{text}`: numbers are digits"),
        )
    })
}
