//! `/ops/quarantine`: what panicked too often, and letting it try again.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, instant, storefront};
use crate::{
    actors::handles::{Engine, Panic, Quarantine},
    domain::Kind,
    http::error::ApiError,
};

/// The kinds that can be quarantined. In paths they stand in the plural.
const KINDS: [Kind; 3] = [Kind::Order, Kind::Listing, Kind::Subscriber];

/// Under this name views stand in paths, each with its own path.
const VIEWS: &str = "views";

/// Whose panic it was.
#[derive(Serialize)]
pub(super) struct Culprit<'a> {
    storefront: &'a str,
    kind: String,
    number: u64,
}

impl<'a> Culprit<'a> {
    pub(super) fn of(engine: &'a Engine, panic: &Panic) -> Self {
        Self {
            storefront: &engine.storefronts()[panic.storefront].name,
            kind: plural(panic.kind),
            number: panic.number,
        }
    }
}

#[derive(Serialize)]
struct All<'a> {
    quarantine: Vec<One<'a>>,
    /// Views that panicked. The others go on.
    views: Vec<Stopped<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    subject: Culprit<'a>,
    since: String,
    panics: usize,
    reason: &'a str,
}

#[derive(Serialize)]
struct Stopped<'a> {
    storefront: &'a str,
    view: &'a str,
    /// The last event that it has.
    position: u64,
    reason: &'a str,
}

/// `GET /ops/quarantine`.
pub(super) fn list(engine: &Engine) -> HttpResponse {
    let all = engine.quarantined();
    let quarantine = all.iter().map(|one| shown(engine, one)).collect();
    let stopped = engine.stopped_views();
    let views = stopped.iter().map(|stopped| Stopped {
        storefront: &engine.storefronts()[stopped.storefront].name,
        view: &stopped.view,
        position: stopped.at,
        reason: &stopped.reason,
    });
    answer(&All {
        quarantine,
        views: views.collect(),
    })
}

/// `GET /ops/quarantine/{storefront}/{orders, listings or subscribers}/{number}`.
pub(super) fn get(engine: &Engine, named: (&str, &str, &str)) -> Result<HttpResponse, ApiError> {
    let (at, kind, number) = find(engine, named)?;
    let all = engine.quarantined();
    let is_it = |one: &&Quarantine| {
        (one.last.storefront, one.last.kind, one.last.number) == (at, kind, number)
    };
    let found = all.iter().find(is_it).ok_or_else(|| missing(named))?;
    Ok(answer(&shown(engine, found)))
}

/// `DELETE /ops/quarantine/{storefront}/{orders, listings or subscribers}/{number}`: it may try again.
pub(super) fn release(
    engine: &Engine,
    named: (&str, &str, &str),
) -> Result<HttpResponse, ApiError> {
    let released = if named.1 == VIEWS {
        engine.release_view(storefront(engine, named.0)?, named.2)
    } else {
        let (at, kind, number) = find(engine, named)?;
        engine.release(at, kind, number)
    };
    if released {
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
    let found = KINDS.iter().find(|own| plural(**own) == kind);
    let number = number.parse().ok();
    match (found, number) {
        (Some(kind), Some(number)) => Ok((at, *kind, number)),
        _ => Err(missing(named)),
    }
}

fn plural(kind: Kind) -> String {
    format!("{}s", kind.name())
}

fn missing((of, kind, number): (&str, &str, &str)) -> ApiError {
    let detail =
        format!("{of}/{kind}/{number} is not in quarantine; GET /ops/quarantine lists what is");
    ApiError::new("not_found", detail)
}

fn shown<'a>(engine: &'a Engine, one: &'a Quarantine) -> One<'a> {
    One {
        subject: Culprit::of(engine, &one.last),
        since: instant(one.last.at),
        panics: one.panics,
        reason: &one.last.text,
    }
}
