//! The REST surface, as the originals spoke it (HAL, paging, forgiving bodies), over the engine.
//!
//! There is one handler. Which paths exist follows from the storefronts' definitions; see
//! `address.rs` for the whole route table. Nothing here decides a business rule.

mod address;
mod body;
mod call;
mod catch;
mod collection;
mod command;
mod consumers;
mod correlation;
mod error;
mod feed;
mod form;
mod gate;
mod hal;
mod health;
mod home;
mod html;
mod item;
mod json;
mod metrics;
mod notification;
mod ops;
mod paging;
mod payload;
mod problems;
mod profile;
mod relay;
mod represent;
mod search;
#[cfg(test)]
mod tests;
mod trace;
mod traffic;
mod view;
mod webhooks;

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::{ServiceRequest, ServiceResponse, fn_service},
    guard,
    http::{
        Method, StatusCode,
        header::{ALLOW, ORIGIN},
    },
    web,
};

use self::{
    address::{Collection, Front, Place, Spot},
    call::Call,
    error::ApiError,
    gate::{Behind, Open},
    payload::read,
};
pub use self::{
    error::CODES,
    feed::Readers,
    gate::{Gate, Left},
    ops::backup::{BackedUp, Backups, NotBackedUp},
    traffic::Traffic,
};
use crate::{
    actors::handles::{Engine, Failure, channels::Channels, webhooks::Webhooks},
    clock::Clock,
    domain::Origin,
    metrics::Sources,
};

/// The largest body of a request, in bytes. An order is some 250.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// A request that took longer is logged, in milliseconds.
const SLOW_MS: u64 = 1_000;

/// What a page of another origin may read of an answer's header.
const EXPOSED: [&str; 8] = [
    "allow",
    "content-type",
    "etag",
    "link",
    "location",
    "retry-after",
    "traceparent",
    "x-correlation-id",
];

/// How long a client may take to send a request's head: enough for a slow phone, short for someone
/// who holds connections open on purpose.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may idle between requests.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Which storefront, by its place in [`Engine::storefronts`], is served at `/` as well as under its
/// name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mounts {
    /// None by default.
    pub root: Option<usize>,
}

/// What the handler works with.
#[derive(Clone, Debug)]
pub struct State {
    /// What carries out commands and answers questions.
    pub engine: Engine,
    /// What is served at `/`.
    pub mounts: Mounts,
    /// For the time in error bodies.
    pub clock: Clock,
    /// What makes backups.
    pub backups: Backups,
    /// How people are told what notices say.
    pub channels: Channels,
    /// Where events are posted to.
    pub webhooks: Webhooks,
    /// The requests, counted.
    pub traffic: Arc<Traffic>,
    /// Who else has figures for `/metrics`.
    pub sources: Arc<Sources>,
    /// Those who follow the feeds.
    pub readers: Readers,
}

/// Serves every path that nothing else was registered for.
///
/// A page of another origin is answered with what its browser wants to see; anyone else is spared
/// those headers, a quarter of an answer's bytes.
pub fn configure(config: &mut web::ServiceConfig, gate: web::Data<Gate>) {
    let from_a_page = guard::fn_guard(|call| call.head().headers().contains_key(ORIGIN));
    let for_pages = web::scope("").guard(from_a_page).wrap(cors());
    config
        .app_data(gate)
        .service(for_pages.default_service(fn_service(serve)))
        .default_service(fn_service(serve));
}

/// Any origin, method and header, with credentials, as the originals' gateways answered (SEED API
/// 1.10).
fn cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .allow_any_method()
        .allow_any_header()
        .expose_headers(EXPOSED)
        .supports_credentials()
        .max_age(3600)
}

/// A request with its answer. A service and not a handler, whose extractors and future would be moved
/// around with ours in them before the first of it runs.
async fn serve(request: ServiceRequest) -> Result<ServiceResponse, actix_web::Error> {
    let (request, mut payload) = request.into_parts();
    let payload = web::Payload::from_request(&request, &mut payload).await?;
    let response = respond(&request, payload).await;
    Ok(ServiceResponse::new(request, response))
}

async fn respond(request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let gate = request
        .app_data::<web::Data<Gate>>()
        .expect("configure() registers the gate with the handler");
    let begun = gate.clock().now();
    let mut origin = correlation::of(request.headers(), begun);
    let refused = |error: ApiError, origin: &Origin| {
        tracing::debug!(correlation = %origin, code = error.code(), path = request.path(), "{error}");
        error.response(request, origin.correlation, gate.clock().now())
    };
    let open = match gate.behind().await {
        Behind::Here(open) => open,
        // A stream is not passed on: its client connects again, to whoever listens then.
        Behind::There(_) | Behind::Nobody if feed::is_stream(request) => return feed::elsewhere(),
        Behind::There(address) => {
            let passed = Box::pin(pass_on(gate, request, payload, address)).await;
            return passed.unwrap_or_else(|error| refused(error, &origin));
        }
        Behind::Nobody => return refused(Failure::Stopping.into(), &origin),
    };
    let state = &open.state;
    let spans = state.engine.spans();
    spans.place(&mut origin);
    let span = spans.begin();
    let place = address::locate(state.engine.storefronts(), state.mounts, request.path());
    let traffic = &state.traffic;
    let counted = traffic.begin(place.as_ref(), request.method());
    let answering = pin!(answer(&open, place, request, payload, &origin));
    let answered = catch::unwind(answering).await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            traffic.refused(error.code());
            refused(error, &origin)
        }
        Err(reason) => {
            tracing::error!(correlation = %origin, path = request.path(), reason, "a request panicked");
            let error = ApiError::new("crashed", "the request failed inside; it was reported");
            traffic.refused(error.code());
            error.response(request, origin.correlation, gate.clock().now())
        }
    };
    trace::record(spans, request, &origin, span, response.status());
    correlation::echo(&origin, request.headers(), response.headers_mut());
    let ms = gate.clock().now().ms_since(begun);
    if ms > SLOW_MS && !waits_on_purpose(request) {
        let (method, path, status) = (request.method(), request.path(), response.status());
        tracing::warn!(correlation = %origin, %method, path, status = status.as_u16(), ms, "slow");
    }
    counted.answered(response.status());
    response
}

/// Whether a request may take long without anything being wrong: an operator's, or one that waits for
/// something to happen.
fn waits_on_purpose(request: &HttpRequest) -> bool {
    let path = request.path();
    let waits = request.query_string().contains("wait_ms=") || path.ends_with("/leases");
    waits || path.starts_with("/ops/")
}

async fn pass_on(
    gate: &Gate,
    request: &HttpRequest,
    payload: web::Payload,
    address: SocketAddr,
) -> Result<HttpResponse, ApiError> {
    let body = read(payload).await?;
    // The other one has its own limit for an answer, and gives it within that.
    relay::pass(request, body, address, gate.wait() * 2).await
}

/// A future is as large as the largest that it may wait for, and is moved into its box when the request
/// comes. So what is asked for seldom has boxes of its own, and orders and reads are spared that.
async fn answer(
    open: &Arc<Open>,
    place: Option<Place<'_>>,
    request: &HttpRequest,
    payload: web::Payload,
    origin: &Origin,
) -> Result<HttpResponse, ApiError> {
    let state = &open.state;
    let place = place.ok_or_else(|| ApiError::no_path(request.path()))?;
    if let Place::Front(front, spot) = place {
        runs(state, front, spot)?;
    }
    let method = request.method();
    if !place.allows(method) {
        return Err(ApiError::no_method(method, place.methods()));
    }
    if method == Method::OPTIONS {
        return Ok(options(&place));
    }
    let (front, spot) = match place {
        Place::Live => return Ok(health::live(&state.engine)),
        Place::Ready => return Ok(health::ready(&state.engine)),
        Place::Health => return Ok(health::up()),
        Place::Metrics => return Ok(Box::pin(metrics::get(state, request)).await),
        Place::Problems => return Ok(problems::list()),
        Place::Problem(code) => return problems::describe(code),
        Place::Home => return Ok(home::home(state, request)),
        Place::Ops(place) => {
            return Box::pin(ops::respond(state, place, request, payload)).await;
        }
        Place::Front(front, spot) => (front, spot),
    };
    let call = Call {
        state,
        open,
        request,
        front,
        origin,
    };
    match spot {
        Spot::Index => Ok(home::index(&call)),
        Spot::Profiles => Ok(profile::list(&call)),
        Spot::Profile(of) => Ok(profile::one(&call, of)),
        Spot::Searches(of) => Ok(search::list(&call, of)),
        Spot::Search(of, method) => Box::pin(search::run(&call, of, method)).await,
        Spot::History(at, view, number) => Box::pin(view::history(&call, at, view, number)).await,
        Spot::Notifications => Box::pin(notification::list(&call)).await,
        Spot::Notification(number) => Box::pin(notification::one(&call, number)).await,
        Spot::Consumers(at) => Box::pin(consumers::respond(&call, at, payload)).await,
        Spot::Resend(number) => Box::pin(notification::resend(&call, number)).await,
        Spot::Events => Box::pin(feed::events(&call)).await,
        Spot::Event(number) => Box::pin(feed::event(&call, number)).await,
        Spot::Webhooks(place) => {
            let body = read(payload).await?;
            Box::pin(webhooks::respond(&call, place, body)).await
        }
        Spot::All(of) if method == Method::HEAD => Ok(collection::head(&call, of)),
        Spot::All(Collection::View(at, view)) => Box::pin(view::rows(&call, at, view)).await,
        Spot::One(Collection::View(at, view), number) => view::row(&call, at, view, number).await,
        Spot::All(Collection::Resource(resource)) => match command::verb(method) {
            None => collection::get(&call, resource),
            Some(verb) => {
                let body = read(payload).await?;
                command::run(&call, resource, verb, None, body).await
            }
        },
        Spot::One(Collection::Resource(resource), number) => match command::verb(method) {
            None => item::get(&call, resource, number),
            Some(verb) => {
                let number = item::number(resource.kind, number)?;
                let body = read(payload).await?;
                command::run(&call, resource, verb, Some(number), body).await
            }
        },
    }
}

/// Refuses every request, of whatever method, to a part of the shop that is paused.
fn runs(state: &State, front: Front<'_>, spot: Spot<'_>) -> Result<(), ApiError> {
    let path = spot.worked_on();
    let pausing = path.and_then(|path| state.engine.components().pausing(front.at, path));
    pausing.map_or(Ok(()), |component| Err(ApiError::paused(&component.name)))
}

fn options(place: &Place<'_>) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::OK);
    response.insert_header((ALLOW, place.methods()));
    if matches!(place, Place::Front(_, Spot::One(..))) && place.allows(&Method::PATCH) {
        let accepted = "application/merge-patch+json,application/json";
        response.insert_header(("Accept-Patch", accepted));
    }
    response.finish()
}
