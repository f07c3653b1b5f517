//! `/ops/sagas`: an order's whole story, what it is waiting for, and which orders had stopped.

mod details;
mod page;
mod story;
mod words;

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::{answer, number, storefront};
use crate::{
    actors::handles::{Engine, Why},
    domain::Kind,
    http::{correlation, error::ApiError, html, paging},
};

/// How many orders of a storefront are found by one id.
const FOUND_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    storefront: &'a str,
    order: u64,
    state: &'static str,
    steps: Vec<Stage>,
    waits_for: String,
    /// Milliseconds since 1970.
    timer: Option<i64>,
    dead_letter: Option<Letter<'a>>,
}

#[derive(Serialize)]
struct Stage {
    step: &'static str,
    mode: &'static str,
    progress: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Letter<'a> {
    since: i64,
    attempts: u32,
    last_trouble: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    storefront: &'a str,
    order: u64,
    /// Milliseconds since 1970.
    found: i64,
    times: u32,
}

#[derive(Serialize)]
struct AllFound<'a> {
    stuck: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Searched<'a> {
    correlation_id: String,
    sagas: Vec<Began<'a>>,
    /// How many orders were looked at, the latest first.
    looked_at: u64,
    /// Whether older ones were left out.
    is_cut: bool,
}

#[derive(Serialize)]
struct Began<'a> {
    storefront: &'a str,
    order: u64,
    story: String,
}

/// `GET /ops/sagas?correlation=ID`: the orders that began with a request of this id, as its caller
/// wrote it or as we did.
pub(super) async fn search(
    engine: &Engine,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let given = parameter(request, "correlation").ok_or_else(|| {
        let detail = "say whose orders: `?correlation=` with the id of a request, as its answer's \
                      X-Correlation-Id has it; the story of an order is at \
                      /ops/sagas/{storefront}/{order}";
        ApiError::new("parameter_invalid", detail)
    })?;
    let wanted = correlation::named(&given).correlation;
    let found = engine.orders_of(wanted, FOUND_MAX).await?;
    let began = found.orders.iter().map(|(place, order)| {
        let storefront = &*engine.storefronts()[*place].name;
        Began {
            storefront,
            order: *order,
            story: format!("/ops/sagas/{storefront}/{order}"),
        }
    });
    Ok(answer(&Searched {
        correlation_id: wanted.to_string(),
        sagas: began.collect(),
        looked_at: found.looked_at,
        is_cut: found.is_cut,
    }))
}

/// `GET /ops/sagas/{order}`: the same, of the one storefront that has an order of this number, or of
/// `?storefront=`.
pub(super) async fn story_of(
    engine: &Engine,
    order: &str,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(of) = parameter(request, "storefront") {
        return story(engine, &of, order, request).await;
    }
    let wanted = number(order)?;
    let all = engine.storefronts().iter().enumerate();
    let mut having = Vec::new();
    for (place, storefront) in all {
        if engine.entity(place, Kind::Order, wanted)?.is_some() {
            having.push(&*storefront.name);
        }
    }
    match having[..] {
        [only] => story(engine, only, order, request).await,
        [] => Err(ApiError::new(
            "not_found",
            format!("no storefront has an order {wanted}"),
        )),
        _ => {
            let having = having.join(", ");
            let detail = format!(
                "there is an order {wanted} of {having}; say which: \
                 /ops/sagas/{{storefront}}/{wanted}, or ?storefront="
            );
            Err(ApiError::new("parameter_invalid", detail))
        }
    }
}

/// `GET /ops/sagas/{storefront}/{order}`.
pub(super) async fn story(
    engine: &Engine,
    of: &str,
    order: &str,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (place, order) = (storefront(engine, of)?, number(order)?);
    let Some(story) = engine.story(place, order).await? else {
        let detail = format!("`{of}` has no order {order}");
        return Err(ApiError::new("not_found", detail));
    };
    // A shard that is busy or being replaced does not keep its orders' past back.
    let why = engine.why(place, order).await.unwrap_or_default();
    let definition = &engine.storefronts()[place];
    let shown = story::Shown::of(definition, order, &story, why.as_ref());
    if html::is_wanted(request) {
        return Ok(html::answer(page::POLICY, page::html(definition, &shown)));
    }
    Ok(answer(&shown))
}

fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let given = paging::query(request.query_string());
    let found = given.into_iter().find(|(own, _)| own == name);
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

/// `GET /ops/sagas/{storefront}/{order}/why`.
pub(super) async fn why(engine: &Engine, of: &str, order: &str) -> Result<HttpResponse, ApiError> {
    let (place, order) = (storefront(engine, of)?, number(order)?);
    let why = engine.why(place, order).await?;
    let Some(why) = why else {
        let detail = format!("`{of}` has no order {order}");
        return Err(ApiError::new("not_found", detail));
    };
    Ok(answer(&shown(of, order, &why)))
}

/// `GET /ops/sagas/stuck`.
pub(super) async fn stuck(engine: &Engine) -> Result<HttpResponse, ApiError> {
    let stuck = engine.stopped().await?;
    let found = stuck.iter().map(|stuck| Row {
        storefront: &engine.storefronts()[stuck.storefront].name,
        order: stuck.order,
        found: stuck.found.0,
        times: stuck.times,
    });
    Ok(answer(&AllFound {
        stuck: found.collect(),
    }))
}

fn shown<'a>(storefront: &'a str, order: u64, why: &'a Why) -> Shown<'a> {
    let steps = why.steps.iter().map(|(action, mode, progress)| Stage {
        step: action.name(),
        mode: mode.name(),
        progress: progress.name(),
    });
    Shown {
        storefront,
        order,
        state: why.order.name(),
        steps: steps.collect(),
        waits_for: why.waits.to_string(),
        timer: why.timer.map(|timer| timer.0),
        dead_letter: why.given_up.as_ref().map(|given_up| Letter {
            since: given_up.since.0,
            attempts: given_up.attempt,
            last_trouble: &given_up.reason,
        }),
    }
}
