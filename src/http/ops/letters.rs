//! `/ops/dead-letters`: money that is owed and could not be given back, and trying it again.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, number, storefront};
use crate::{
    actors::handles::{Engine, Letter},
    http::error::ApiError,
};

/// How many of a storefront are listed; those after them once these are done.
const LISTED_MAX: usize = 100;

const ADVICE: &str = "see that the payment provider answers, then POST to retry; or settle it with \
                      the provider by hand: a retry then finds it done";

/// A dead letter as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    storefront: &'a str,
    order: u64,
    /// What was given up: `refunding`, or `voiding`.
    payment: &'static str,
    amount: Option<i64>,
    /// Milliseconds since 1970.
    since: i64,
    attempts: u32,
    last_trouble: &'a str,
    advice: &'static str,
    retry: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct All<'a> {
    dead_letters: Vec<Shown<'a>>,
    total: usize,
}

/// `GET /ops/dead-letters`, of all storefronts or of one.
pub(super) fn list(engine: &Engine, of: Option<&str>) -> Result<HttpResponse, ApiError> {
    let only = of.map(|name| storefront(engine, name)).transpose()?;
    let (mut letters, mut total) = (Vec::new(), 0);
    for place in 0..engine.storefronts().len() {
        if only.is_none_or(|only| only == place) {
            let (first, all) = engine.dead_letters(place, LISTED_MAX)?;
            letters.extend(first);
            total += all;
        }
    }
    let shown = letters.iter().map(|letter| Shown::of(engine, letter));
    Ok(answer(&All {
        dead_letters: shown.collect(),
        total,
    }))
}

/// `GET /ops/dead-letters/{storefront}/{order}`.
pub(super) fn get(engine: &Engine, of: &str, order: &str) -> Result<HttpResponse, ApiError> {
    let (place, order) = (storefront(engine, of)?, number(order)?);
    let letter = engine.dead_letter(place, order)?;
    let letter = letter.ok_or_else(|| {
        let detail = format!("order {order} of `{of}` has no dead letter; GET /ops/dead-letters");
        ApiError::new("not_found", detail)
    })?;
    Ok(answer(&Shown::of(engine, &letter)))
}

/// `POST /ops/dead-letters/{storefront}/{order}/retry`: answered with what is tried, once it is
/// certain that it will be.
pub(super) async fn retry(
    engine: &Engine,
    of: &str,
    order: &str,
) -> Result<HttpResponse, ApiError> {
    let answered = get(engine, of, order)?;
    let (place, order) = (storefront(engine, of)?, number(order)?);
    engine.resume_dead_letter(place, order).await?;
    Ok(answered)
}

impl<'a> Shown<'a> {
    fn of(engine: &'a Engine, letter: &'a Letter) -> Self {
        let storefront = &*engine.storefronts()[letter.storefront].name;
        let (order, given_up) = (letter.order, &letter.given_up);
        Self {
            storefront,
            order,
            payment: letter.payment.state.name(),
            amount: letter.payment.amount.map(|amount| amount.minor),
            since: given_up.since.0,
            attempts: given_up.attempt,
            last_trouble: &given_up.reason,
            advice: ADVICE,
            retry: format!("/ops/dead-letters/{storefront}/{order}/retry"),
        }
    }
}
