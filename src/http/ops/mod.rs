//! `/ops/...`: what an operator asks and does, one file for each subject.
//!
//! | path | methods | answers |
//! |---|---|---|
//! | `/ops/components`, `…/{storefront}` | GET | which parts of the shops are paused |
//! | `/ops/components/{storefront}/{component}` | GET, PUT | one of them; pauses it, lets it run |
//! | `/ops/dead-letters`, `…/{storefront}`, `…/{storefront}/{order}` | GET | refunds that were given up |
//! | `/ops/dead-letters/{storefront}/{order}/retry` | POST | has one tried again |
//! | `/ops/sagas/{storefront}/{order}/why` | GET | where an order stands, and what it waits for |
//! | `/ops/sagas/stuck` | GET | orders that had stopped, and were taken up |

mod components;
mod letters;
mod sagas;

use actix_web::{HttpResponse, http::Method, web};
use serde::Serialize;

use super::{State, error::ApiError, hal, read};
use crate::actors::handles::Engine;

/// A place under `/ops`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ops<'a> {
    /// Those of all storefronts, or of the one that is named.
    Components(Option<&'a str>),
    /// With the names of its storefront and its own.
    Component(&'a str, &'a str),
    /// Those of all storefronts, or of the one that is named.
    Letters(Option<&'a str>),
    /// That of an order.
    Letter(&'a str, &'a str),
    /// Where it is tried again.
    Retry(&'a str, &'a str),
    /// What an order waits for.
    Why(&'a str, &'a str),
    /// Orders that had stopped.
    Stuck,
}

impl<'a> Ops<'a> {
    /// What these segments, after `ops`, address.
    pub(super) fn at(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["components"] => Self::Components(None),
            ["components", of] => Self::Components(Some(of)),
            ["components", of, name] => Self::Component(of, name),
            ["dead-letters"] => Self::Letters(None),
            ["dead-letters", of] => Self::Letters(Some(of)),
            ["dead-letters", of, order] => Self::Letter(of, order),
            ["dead-letters", of, order, "retry"] => Self::Retry(of, order),
            ["sagas", "stuck"] => Self::Stuck,
            ["sagas", of, order, "why"] => Self::Why(of, order),
            _ => return None,
        })
    }

    /// Whether a method that changes something means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        match self {
            Self::Components(_)
            | Self::Letters(_)
            | Self::Letter(..)
            | Self::Why(..)
            | Self::Stuck => false,
            Self::Retry(..) => method == Method::POST,
            Self::Component(..) => method == Method::PUT,
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
        Ops::Component(of, name) => components::get(engine, of, name),
        Ops::Letters(of) => letters::list(engine, of),
        Ops::Retry(of, order) if method == Method::POST => letters::retry(engine, of, order).await,
        Ops::Why(of, order) => sagas::why(engine, of, order).await,
        Ops::Stuck => sagas::stuck(engine).await,
        Ops::Letter(of, order) | Ops::Retry(of, order) => letters::get(engine, of, order),
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

fn number(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_no_number| {
        let detail = format!("`{text}` is not the number of an order");
        ApiError::new("not_found", detail)
    })
}

fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(hal::print(body))
}
