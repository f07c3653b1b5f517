//! `GET /{storefront}/events`: the feed, in pages or as it happens.

mod page;
mod query;
mod stream;

use actix_web::{HttpRequest, HttpResponse, http::Method};

use self::query::Asked;
pub use self::stream::Readers;
pub(super) use self::{
    page::VARIABLES,
    query::{After, subjects, types},
    stream::elsewhere,
};
use super::{call::Call, error::ApiError};
use crate::feed::Error;

/// The feed's path, after the storefront's.
pub(super) const EVENTS: &str = "events";

/// `GET /events`.
pub(super) async fn events(call: &Call<'_>) -> Result<HttpResponse, ApiError> {
    let asked = Asked::of(call)?;
    if call.request.method() == Method::HEAD {
        return Ok(page::head(call));
    }
    if is_stream(call.request) {
        return stream::stream(call, asked);
    }
    page::page(call, &asked).await
}

/// Whether a request wants a stream.
pub(super) fn is_stream(request: &HttpRequest) -> bool {
    page::accepts(request, "text/event-stream")
}

/// `GET /events/1`.
pub(super) async fn event(call: &Call<'_>, id: &str) -> Result<HttpResponse, ApiError> {
    let missing = || {
        let feed = call.engine().feed();
        let detail = format!(
            "the feed of this shop has no event {id}; it goes up to {}, and not every number is one",
            feed.horizon()
        );
        ApiError::new("not_found", detail)
    };
    let id = id.parse().map_err(|_| missing())?;
    let found = call.engine().feed().find(call.front.at, id).await?;
    let event = found.ok_or_else(missing)?;
    Ok(HttpResponse::Ok()
        .content_type(page::event_type(call))
        .body(event.json.to_vec()))
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "the feed cannot be read");
        Self::new(
            "store_unavailable",
            "the journal cannot be read; see the server's log",
        )
    }
}
