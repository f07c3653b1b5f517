//! `/ops/faults`: what goes wrong on purpose. Not there unless started with `--fault-injection`.

use actix_web::HttpResponse;
use serde::Serialize;

use super::answer;
use crate::{
    actors::handles::{Armed, Engine, Injected, Rule},
    http::error::ApiError,
};

#[derive(Serialize)]
struct All {
    faults: Vec<Armed>,
}

/// `GET /ops/faults`: the rules, and how often each has struck.
pub(super) fn list(engine: &Engine) -> Result<HttpResponse, ApiError> {
    let faults = injected(engine)?.rules();
    Ok(answer(&All { faults }))
}

/// `PUT /ops/faults`: a list of rules, in place of those there were.
pub(super) fn set(engine: &Engine, body: &[u8]) -> Result<HttpResponse, ApiError> {
    let injected = injected(engine)?;
    let rules: Vec<Rule> = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not a list of faults: {error}");
        ApiError::new("body_invalid", detail)
    })?;
    injected
        .set(rules)
        .map_err(|error| ApiError::new("field_invalid", error.to_string()))?;
    list(engine)
}

/// `DELETE /ops/faults`: nothing goes wrong on purpose any more.
pub(super) fn clear(engine: &Engine) -> Result<HttpResponse, ApiError> {
    let cleared = injected(engine)?.set(Vec::new());
    cleared.expect("no rules are none that cannot be used");
    Ok(HttpResponse::NoContent().finish())
}

fn injected(engine: &Engine) -> Result<&Injected, ApiError> {
    engine
        .injected()
        .ok_or_else(|| ApiError::no_path("/ops/faults"))
}
