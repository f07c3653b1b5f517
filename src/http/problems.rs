//! What each code means: where the `type` of every problem points.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{
    error::{ApiError, CODES},
    json,
};

/// `GET /problems`: all codes.
pub(super) fn list() -> HttpResponse {
    let all: Vec<Explained> = CODES.iter().map(Explained::of).collect();
    HttpResponse::Ok()
        .content_type("application/json")
        .body(json::print(&all))
}

/// `GET /problems/{code}`: what the `type` of a problem points at.
pub(super) fn describe(code: &str) -> Result<HttpResponse, ApiError> {
    let entry = CODES.iter().find(|(known, ..)| *known == code);
    let entry = entry.ok_or_else(|| ApiError::no_path(&format!("/problems/{code}")))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(json::print(&Explained::of(entry))))
}

#[derive(Serialize)]
struct Explained {
    code: &'static str,
    status: u16,
    meaning: &'static str,
}

impl Explained {
    fn of((code, status, meaning): &(&'static str, u16, &'static str)) -> Self {
        Self {
            code,
            status: *status,
            meaning,
        }
    }
}
