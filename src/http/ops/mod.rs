//! `/ops/...`: what an operator asks and does, one file for each subject.
//!
//! | path | methods | answers |
//! |---|---|---|
//! | `/ops/actors` | GET | how each shard is |
//! | `/ops/backup` | GET, POST | the last backup; backs the data directory up into a file here |
//! | `/ops/components`, `…/{storefront}` | GET | which parts of the shops are paused |
//! | `/ops/components/{storefront}/{component}` | GET, PUT | one of them; pauses it, lets it run |
//! | `/ops/breakers` | GET | whether the shops' payment providers are asked |
//! | `/ops/breakers/{storefront}` | GET, PUT | one of them; decides it by hand |
//! | `/ops/faults` | GET, PUT, DELETE | what goes wrong on purpose (`--fault-injection`) |
//! | `/ops/dead-letters`, `…/{storefront}`, `…/{storefront}/{order}` | GET | refunds that were given up |
//! | `/ops/dead-letters/{storefront}/{order}/retry` | POST | has one tried again |
//! | `/ops/sagas?correlation=ID` | GET | the orders that began with a request |
//! | `/ops/sagas/{storefront}/{order}`, `/ops/sagas/{order}` | GET | an order's whole story, as a page too |
//! | `/ops/sagas/{storefront}/{order}/why` | GET | where an order stands, and what it waits for |
//! | `/ops/sagas/stuck` | GET | orders that had stopped, and were taken up |
//! | `/ops/quarantine` | GET | what panicked too often and waits for an operator |
//! | `/ops/quarantine/{storefront}/{orders, listings or subscribers}/{number}` | GET, DELETE | one of it; lets it try again |
//! | `/ops/quarantine/{storefront}/views/{view}` | DELETE | lets a view go on that panicked |

mod actors;
pub(super) mod backup;
mod breakers;
mod components;
mod faults;
mod letters;
mod quarantine;
mod sagas;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header::ORIGIN},
    web,
};
use serde::Serialize;
use serde_json::Value;

use super::{State, error::ApiError, json, read};
use crate::{actors::handles::Engine, domain::Timestamp};

/// A place under `/ops`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ops<'a> {
    /// Backups of the data directory.
    Backup,
    /// Those of all storefronts, or of the one that is named.
    Components(Option<&'a str>),
    /// With the names of its storefront and its own.
    Component(&'a str, &'a str),
    /// What goes wrong on purpose.
    Faults,
    /// Those of all storefronts, or of the one that is named.
    Letters(Option<&'a str>),
    /// That of an order.
    Letter(&'a str, &'a str),
    /// Where it is tried again.
    Retry(&'a str, &'a str),
    /// Those of all storefronts.
    Breakers,
    /// Of the storefront that is named.
    Breaker(&'a str),
    /// What an order waits for.
    Why(&'a str, &'a str),
    /// The orders that began with a request.
    Sagas,
    /// An order's whole story: of the storefront that is named, or of the only one that has it.
    Story(Option<&'a str>, &'a str),
    /// Orders that had stopped.
    Stuck,
    /// How each shard is.
    Actors,
    /// What waits for an operator.
    Quarantine,
    /// One of it: its storefront, its kind and its number.
    Quarantined(&'a str, &'a str, &'a str),
}

impl<'a> Ops<'a> {
    /// What these segments, after `ops`, address.
    pub(super) fn at(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["backup"] => Self::Backup,
            ["components"] => Self::Components(None),
            ["components", of] => Self::Components(Some(of)),
            ["faults"] => Self::Faults,
            ["actors"] => Self::Actors,
            ["quarantine"] => Self::Quarantine,
            ["quarantine", of, kind, number] => Self::Quarantined(of, kind, number),
            ["components", of, name] => Self::Component(of, name),
            ["dead-letters"] => Self::Letters(None),
            ["dead-letters", of] => Self::Letters(Some(of)),
            ["dead-letters", of, order] => Self::Letter(of, order),
            ["dead-letters", of, order, "retry"] => Self::Retry(of, order),
            ["breakers"] => Self::Breakers,
            ["breakers", of] => Self::Breaker(of),
            ["sagas"] => Self::Sagas,
            ["sagas", "stuck"] => Self::Stuck,
            ["sagas", order] => Self::Story(None, order),
            ["sagas", of, order] => Self::Story(Some(of), order),
            ["sagas", of, order, "why"] => Self::Why(of, order),
            _ => return None,
        })
    }

    /// Whether a method that changes something means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        match self {
            Self::Backup | Self::Retry(..) => method == Method::POST,
            Self::Breaker(_) | Self::Component(..) => method == Method::PUT,
            Self::Quarantined(..) => method == Method::DELETE,
            Self::Faults => method == Method::PUT || method == Method::DELETE,
            Self::Actors
            | Self::Breakers
            | Self::Components(_)
            | Self::Letter(..)
            | Self::Letters(_)
            | Self::Quarantine
            | Self::Sagas
            | Self::Story(..)
            | Self::Stuck
            | Self::Why(..) => false,
        }
    }
}

/// Answers a request with a method that is allowed there.
pub(super) async fn respond(
    state: &State,
    place: Ops<'_>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let (engine, method) = (&state.engine, request.method());
    if *method != Method::GET && *method != Method::HEAD {
        not_from_a_page(request)?;
    }
    match place {
        Ops::Backup if method == Method::POST => {
            backup::admit(request)?;
            backup::post(&state.backups, &read(payload).await?).await
        }
        Ops::Backup => Ok(backup::get(&state.backups)),
        Ops::Components(of) => components::list(engine, of),
        Ops::Component(of, name) if method == Method::PUT => {
            let part = components::find(engine, of, name)?;
            components::put(engine, part, &read(payload).await?).await
        }
        Ops::Faults if method == Method::PUT => faults::set(engine, &read(payload).await?),
        Ops::Faults if method == Method::DELETE => faults::clear(engine),
        Ops::Faults => faults::list(engine),
        Ops::Actors => Ok(actors::list(engine).await),
        Ops::Quarantine => Ok(quarantine::list(engine)),
        Ops::Quarantined(of, kind, number) if method == Method::DELETE => {
            quarantine::release(engine, (of, kind, number))
        }
        Ops::Quarantined(of, kind, number) => quarantine::get(engine, (of, kind, number)),
        Ops::Component(of, name) => components::get(engine, of, name),
        Ops::Letters(of) => letters::list(engine, of),
        Ops::Retry(of, order) if method == Method::POST => letters::retry(engine, of, order).await,
        Ops::Why(of, order) => sagas::why(engine, of, order).await,
        Ops::Sagas => sagas::search(engine, request).await,
        Ops::Story(Some(of), order) => sagas::story(engine, of, order, request).await,
        Ops::Story(None, order) => sagas::story_of(engine, order, request).await,
        Ops::Stuck => sagas::stuck(engine).await,
        Ops::Letter(of, order) | Ops::Retry(of, order) => letters::get(engine, of, order),
        Ops::Breakers => Ok(breakers::list(engine)),
        Ops::Breaker(of) if method == Method::PUT => {
            breakers::put(engine, of, &read(payload).await?)
        }
        Ops::Breaker(of) => breakers::get(engine, of),
    }
}

/// Refuses what a page in an operator's browser asks for, whoever wrote that page: the operator did
/// not.
pub(super) fn not_from_a_page(request: &HttpRequest) -> Result<(), ApiError> {
    if request.headers().contains_key(ORIGIN) {
        let detail = "operators' requests are not taken from pages; send it without `Origin`, as \
                      curl does";
        return Err(ApiError::new("local_only", detail));
    }
    Ok(())
}

fn storefront(engine: &Engine, name: &str) -> Result<usize, ApiError> {
    let all = engine.storefronts();
    let found = all.iter().position(|own| *own.name == *name);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|own| &*own.name).collect();
        let known = known.join(", ");
        let detail = format!("there is no storefront `{name}`; there are: {known}");
        ApiError::new("not_found", detail)
    })
}

fn number(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_no_number| {
        let detail = format!("`{text}` is not the number of an order");
        ApiError::new("not_found", detail)
    })
}

/// What the `state` of a body stands for. Its other members are ignored, as everywhere.
fn state_wanted<T>(
    body: &[u8],
    expected: &str,
    named: impl Fn(&str) -> Option<T>,
) -> Result<T, ApiError> {
    let wrong = |code, what: &str| ApiError::new(code, format!("{what}: {expected}"));
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(wrong("body_missing", "the request needs a body"));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| wrong("body_invalid", &format!("the body is not JSON ({error})")))?;
    let Value::Object(body) = body else {
        return Err(wrong("body_invalid", "the body is not one JSON object"));
    };
    match body.get("state") {
        None | Some(Value::Null) => Err(wrong("field_required", "`state` is missing")),
        Some(given) => given
            .as_str()
            .and_then(named)
            .ok_or_else(|| wrong("field_invalid", "there is no such state")),
    }
}

/// An instant, as text.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}

fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json::print(body))
}
