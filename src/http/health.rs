//! `/livez`, `/readyz`, and `/actuator/health`, which the originals' probes ask.

use actix_web::HttpResponse;
use serde_json::json;

use super::json;
use crate::actors::handles::{Engine, Stuck};

/// `GET /livez`: whether every shard answers. Depends on nothing outside. A shard that is just being
/// replaced is no reason to restart the server.
pub(super) fn live(engine: &Engine) -> HttpResponse {
    let stuck = engine.stuck();
    let Some(Stuck {
        shard,
        silent_ms,
        doing,
    }) = stuck.first()
    else {
        return up();
    };
    let doing = doing.map_or_else(String::new, |(storefront, kind, number)| {
        let name = &engine.storefronts()[storefront].name;
        format!("; it worked on {name}/{}/{number}", kind.name())
    });
    down(&format!(
        "shard {shard} has not answered for {silent_ms} ms{doing}; it is replaced if it can be"
    ))
}

/// `GET /readyz`: whether requests are taken at the moment.
pub(super) fn ready(engine: &Engine) -> HttpResponse {
    engine
        .not_ready()
        .map_or_else(up, |failure| down(&failure.to_string()))
}

/// `GET /actuator/health`: that the server answers.
pub(super) fn up() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json::print(&json!({ "status": "UP" })))
}

fn down(detail: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .content_type("application/json")
        .body(json::print(&json!({ "status": "DOWN", "detail": detail })))
}
