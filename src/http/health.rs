//! `/livez`, `/readyz`, and `/actuator/health`, which the originals' probes ask.

use actix_web::HttpResponse;
use serde_json::json;

use super::hal;
use crate::actors::handles::Engine;

/// `GET /livez`: whether every shard answers. Depends on nothing outside.
pub(super) async fn live(engine: &Engine) -> HttpResponse {
    if engine.is_live().await {
        return up();
    }
    down("a shard does not answer; restart the server")
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
        .body(hal::print(&json!({ "status": "UP" })))
}

fn down(detail: &str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .content_type("application/json")
        .body(hal::print(&json!({ "status": "DOWN", "detail": detail })))
}
