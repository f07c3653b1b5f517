//! A feed in pages: for those who come back for more.

use std::{pin::pin, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, LINK},
};
use serde_json::json;

use super::{
    EVENTS,
    query::{After, Asked},
};
use crate::{
    feed::Slice,
    http::{call::Call, error::ApiError},
};

/// One event.
const EVENT: &str = "application/cloudevents+json";

/// An array of events, and nothing else.
const BATCH: &str = "application/cloudevents-batch+json";

/// A page with what follows on it.
const PAGE: &str = "application/json";

/// What may be asked for.
pub(in crate::http) const VARIABLES: &str = "after,limit,type,subject,order,wait_ms";

/// How often a page looks for its first event: some half a million events that are not wanted, and
/// everybody else in between.
const READS_MAX: usize = 32;

/// What one event is sent as.
pub(super) fn event_type(call: &Call<'_>) -> &'static str {
    if wants(call, EVENT) { EVENT } else { PAGE }
}

/// Where things are, without looking.
pub(super) fn head(call: &Call<'_>) -> HttpResponse {
    let url = call.url(EVENTS);
    let links = format!("<{url}{{?{VARIABLES}}}>;rel=\"self\"");
    HttpResponse::NoContent()
        .insert_header((LINK, links))
        .finish()
}

/// `GET /events`, which waits for its first event if it is asked to.
pub(super) async fn page(call: &Call<'_>, asked: &Asked) -> Result<HttpResponse, ApiError> {
    let feed = call.engine().feed();
    let after = asked.position(feed.horizon(), After::Beginning)?;
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let mut waited = pin!(tokio::time::sleep(Duration::from_millis(asked.wait_ms)));
    let mut slice = Slice {
        events: Vec::new(),
        seen_to: after,
    };
    for _ in 0..READS_MAX {
        slice = feed
            .next(call.front.at, slice.seen_to, &asked.filter, limit)
            .await?;
        if !slice.events.is_empty() {
            break;
        }
        if slice.seen_to < feed.horizon() {
            continue;
        }
        let comes = tokio::select! {
            biased;
            () = &mut waited => None,
            comes = feed.wait(slice.seen_to) => comes,
        };
        if comes.is_none() {
            break;
        }
    }
    Ok(answer(call, asked, &slice, feed.horizon()))
}

fn answer(call: &Call<'_>, asked: &Asked, slice: &Slice, horizon: u64) -> HttpResponse {
    let query = asked.query(slice.seen_to);
    let next = format!("{}?{query}", call.url(EVENTS));
    let mut response = HttpResponse::Ok();
    response.insert_header((LINK, format!("<{next}>;rel=\"next\"")));
    let texts: Vec<&[u8]> = slice.events.iter().map(|event| &*event.json).collect();
    let events = [b"[", &*texts.join(&b","[..]), b"]"].concat();
    if wants(call, BATCH) {
        return response.content_type(BATCH).body(events);
    }
    // The events are JSON already; what is around them is made by hand.
    let url = call.url(EVENTS);
    let links = json!({
        "self": { "href": format!("{url}{{?{VARIABLES}}}"), "templated": true },
        "next": { "href": next },
    });
    let seen_to = slice.seen_to;
    let rest = format!(",\"next\":\"{seen_to}\",\"horizon\":\"{horizon}\",\"_links\":{links}}}");
    let body = [b"{\"events\":", &*events, rest.as_bytes()].concat();
    response.content_type(PAGE).body(body)
}

fn wants(call: &Call<'_>, media_type: &str) -> bool {
    accepts(call.request, media_type)
}

/// Whether a request names this type among those that it takes.
pub(super) fn accepts(request: &HttpRequest, media_type: &str) -> bool {
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let accept = accept.unwrap_or_default();
    accept.split(',').any(|wanted| {
        let wanted = wanted.split(';').next().unwrap_or_default();
        wanted.trim().eq_ignore_ascii_case(media_type)
    })
}
