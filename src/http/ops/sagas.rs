//! `/ops/sagas`: what an order is waiting for, and which orders had stopped.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, number, storefront};
use crate::{
    actors::handles::{Engine, Why},
    http::error::ApiError,
};

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
