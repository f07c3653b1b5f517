//! `/ops/...`: what an operator asks and does, one file for each subject.
//!
//! | path | methods | answers |
//! |---|---|---|
//! | `/ops/backup` | GET, POST | the last backup; backs the data directory up into a file here |
//! | `/ops/components`, `…/{storefront}` | GET | which parts of the shops are paused |
//! | `/ops/components/{storefront}/{component}` | GET, PUT | one of them; pauses it, lets it run |
//! | `/ops/faults` | GET, PUT, DELETE | what goes wrong on purpose (`--fault-injection`) |
//! | `/ops/dead-letters`, `…/{storefront}`, `…/{storefront}/{order}` | GET | refunds that were given up |
//! | `/ops/dead-letters/{storefront}/{order}/retry` | POST | has one tried again |

pub(super) mod backup;
mod components;
mod faults;
mod letters;

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use serde::Serialize;

use super::{State, error::ApiError, hal, read};
use crate::actors::handles::Engine;

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
}

impl<'a> Ops<'a> {
    /// What these segments, after `ops`, address.
    pub(super) fn at(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["backup"] => Self::Backup,
            ["components"] => Self::Components(None),
            ["components", of] => Self::Components(Some(of)),
            ["faults"] => Self::Faults,
            ["components", of, name] => Self::Component(of, name),
            ["dead-letters"] => Self::Letters(None),
            ["dead-letters", of] => Self::Letters(Some(of)),
            ["dead-letters", of, order] => Self::Letter(of, order),
            ["dead-letters", of, order, "retry"] => Self::Retry(of, order),
            _ => return None,
        })
    }

    /// Whether a method that changes something means something here.
    pub(super) fn allows(self, method: &Method) -> bool {
        match self {
            Self::Components(_) | Self::Letters(_) | Self::Letter(..) => false,
            Self::Backup | Self::Retry(..) => method == Method::POST,
            Self::Component(..) => method == Method::PUT,
            Self::Faults => method == Method::PUT || method == Method::DELETE,
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
        Ops::Component(of, name) => components::get(engine, of, name),
        Ops::Letters(of) => letters::list(engine, of),
        Ops::Retry(of, order) if method == Method::POST => letters::retry(engine, of, order).await,
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
