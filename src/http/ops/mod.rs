//! `/ops/...`: what an operator asks and does, one file for each subject.
//!
//! | path | methods | answers |
//! |---|---|---|
//! | `/ops/actors` | GET | how each shard is |
//! | `/ops/components`, `…/{storefront}` | GET | which parts of the shops are paused |
//! | `/ops/components/{storefront}/{component}` | GET, PUT | one of them; pauses it, lets it run |
//! | `/ops/faults` | GET, PUT, DELETE | what goes wrong on purpose (`--fault-injection`) |
//! | `/ops/quarantine` | GET | what panicked too often and waits for an operator |
//! | `/ops/quarantine/{storefront}/{orders or listings}/{number}` | GET, DELETE | one of it; lets it try again |
//! | `/ops/quarantine/{storefront}/views/{view}` | DELETE | lets a view go on that panicked |

mod actors;
mod components;
mod faults;
mod quarantine;

use actix_web::{HttpResponse, http::Method, web};
use serde::Serialize;

use super::{State, error::ApiError, hal, read};
use crate::{actors::handles::Engine, domain::Timestamp};

/// A place under `/ops`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ops<'a> {
    /// Those of all storefronts, or of the one that is named.
    Components(Option<&'a str>),
    /// With the names of its storefront and its own.
    Component(&'a str, &'a str),
    /// What goes wrong on purpose.
    Faults,
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
            ["components"] => Self::Components(None),
            ["components", of] => Self::Components(Some(of)),
            ["faults"] => Self::Faults,
            ["actors"] => Self::Actors,
            ["quarantine"] => Self::Quarantine,
            ["quarantine", of, kind, number] => Self::Quarantined(of, kind, number),
            ["components", of, name] => Self::Component(of, name),
            _ => return None,
        })
    }

    /// Whether a method that changes something means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        match self {
            Self::Components(_) | Self::Actors | Self::Quarantine => false,
            Self::Quarantined(..) => method == Method::DELETE,
            Self::Component(..) => method == Method::PUT,
            Self::Faults => method == Method::PUT || method == Method::DELETE,
        }
    }
}

/// Answers a request with a method that is allowed there.
pub(super) async fn respond(
    state: &State,
    place: Ops<'_>,
    method: &Method,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let engine = &state.engine;
    match place {
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
    }
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

/// An instant, as text.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}

fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(hal::print(body))
}
