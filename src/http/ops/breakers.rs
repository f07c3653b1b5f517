//! `/ops/breakers`: whether the shops' payment providers are asked, and deciding that by hand.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, state_wanted, storefront};
use crate::{actors::handles::Engine, domain::breaker::Hold, http::error::ApiError};

/// The body that is asked for.
const EXPECTED: &str =
    "expected {\"state\": \"open\"}, {\"state\": \"closed\"} or {\"state\": \"automatic\"}";

/// A gate as it is answered. Times are in milliseconds since 1970 (UTC).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    storefront: &'a str,
    state: &'static str,
    /// Who decides: `automatic`, or what a person said.
    decided: &'static str,
    calls_in_window: u32,
    errors_in_window: u32,
    under_way: usize,
    calls_max: usize,
    /// When the provider is asked again; null while it is asked, or a person keeps it from being.
    next_trial: Option<i64>,
}

#[derive(Serialize)]
struct All<'a> {
    breakers: Vec<Shown<'a>>,
}

/// `GET /ops/breakers`.
pub(super) fn list(engine: &Engine) -> HttpResponse {
    let all = 0..engine.storefronts().len();
    answer(&All {
        breakers: all.map(|at| Shown::of(engine, at)).collect(),
    })
}

/// `GET /ops/breakers/{storefront}`.
pub(super) fn get(engine: &Engine, of: &str) -> Result<HttpResponse, ApiError> {
    let at = storefront(engine, of)?;
    Ok(answer(&Shown::of(engine, at)))
}

/// `PUT /ops/breakers/{storefront}`: what is said holds until something else is, or the process ends.
pub(super) fn put(engine: &Engine, of: &str, body: &[u8]) -> Result<HttpResponse, ApiError> {
    let at = storefront(engine, of)?;
    let named = |name: &str| Hold::ALL.into_iter().find(|(own, _)| *own == name);
    let (_, hold) = state_wanted(body, EXPECTED, named)?;
    engine.hold_payments(at, hold);
    Ok(answer(&Shown::of(engine, at)))
}

impl<'a> Shown<'a> {
    fn of(engine: &'a Engine, at: usize) -> Self {
        let gauge = engine.payment_gauge(at);
        Self {
            storefront: &engine.storefronts()[at].name,
            state: gauge.state.name(),
            decided: gauge.hold.name(),
            calls_in_window: gauge.counts.calls,
            errors_in_window: gauge.counts.errors,
            under_way: gauge.under_way,
            calls_max: gauge.calls_max,
            next_trial: gauge.next_trial.map(|at| at.0),
        }
    }
}
