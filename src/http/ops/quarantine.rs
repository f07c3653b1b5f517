//! `/ops/quarantine`: what panicked too often, and letting it try again.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, instant, storefront};
use crate::{
    actors::handles::{Engine, Panic, Quarantine},
    domain::Kind,
    http::error::ApiError,
};

/// The kinds that can be quarantined, by the name that they have in paths.
const KINDS: [(&str, Kind); 2] = [("order", Kind::Order), ("listing", Kind::Listing)];

/// Whose panic it was.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    storefront: &'a str,
    kind: &'static str,
    number: u64,
}

impl<'a> Shown<'a> {
    pub(super) fn of(engine: &'a Engine, panic: &Panic) -> Self {
        let named = KINDS.iter().find(|(_, kind)| *kind == panic.kind);
        Self {
            storefront: &engine.storefronts()[panic.storefront].name,
            kind: named.map_or_else(|| panic.kind.name(), |(name, _)| name),
            number: panic.number,
        }
    }
}

#[derive(Serialize)]
struct All<'a> {
    quarantine: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    subject: Shown<'a>,
    since: String,
    panics: usize,
    reason: &'a str,
}

/// `GET /ops/quarantine`.
pub(super) fn list(engine: &Engine) -> HttpResponse {
    let all = engine.quarantined();
    let quarantine = all.iter().map(|one| shown(engine, one)).collect();
    answer(&All { quarantine })
}

/// `GET /ops/quarantine/{storefront}/{order or listing}/{number}`.
pub(super) fn get(engine: &Engine, named: (&str, &str, &str)) -> Result<HttpResponse, ApiError> {
    let (at, kind, number) = find(engine, named)?;
    let all = engine.quarantined();
    let is_it = |one: &&Quarantine| {
        (one.last.storefront, one.last.kind, one.last.number) == (at, kind, number)
    };
    let found = all.iter().find(is_it).ok_or_else(|| missing(named))?;
    Ok(answer(&shown(engine, found)))
}

/// `DELETE /ops/quarantine/{storefront}/{order or listing}/{number}`: it may try again.
pub(super) fn release(
    engine: &Engine,
    named: (&str, &str, &str),
) -> Result<HttpResponse, ApiError> {
    let (at, kind, number) = find(engine, named)?;
    if engine.release(at, kind, number) {
        let (of, kind, number) = named;
        tracing::info!(
            storefront = of,
            kind,
            number,
            "released from quarantine by an operator"
        );
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(missing(named))
    }
}

fn find(engine: &Engine, named: (&str, &str, &str)) -> Result<(usize, Kind, u64), ApiError> {
    let (of, kind, number) = named;
    let at = storefront(engine, of)?;
    let found = KINDS.iter().find(|(name, _)| *name == kind);
    let number = number.parse().ok();
    match (found, number) {
        (Some((_, kind)), Some(number)) => Ok((at, *kind, number)),
        _ => Err(missing(named)),
    }
}

fn missing((of, kind, number): (&str, &str, &str)) -> ApiError {
    let detail =
        format!("{of}/{kind}/{number} is not in quarantine; GET /ops/quarantine lists what is");
    ApiError::new("not_found", detail)
}

fn shown<'a>(engine: &'a Engine, one: &'a Quarantine) -> One<'a> {
    One {
        subject: Shown::of(engine, &one.last),
        since: instant(one.last.at),
        panics: one.panics,
        reason: &one.last.text,
    }
}
