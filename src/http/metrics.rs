//! `GET /metrics`: what is measured, for Prometheus and everything that reads what it reads.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, CACHE_CONTROL, VARY},
};

use super::State;
use crate::metrics::{Form, Sheet};

/// Everything that is measured, at this moment. Nothing is kept between two looks but what is counted
/// anyway, so a look costs nothing as long as nobody asks.
pub(super) async fn get(state: &State, request: &HttpRequest) -> HttpResponse {
    let mut sheet = Sheet::default();
    state.traffic.write(&mut sheet);
    state.engine.write_figures(&mut sheet).await;
    state.readers.write_figures(&mut sheet);
    let storefronts = state.engine.storefronts();
    state.webhooks.write_figures(storefronts, &mut sheet);
    state.sources.write(&mut sheet);
    let form = form_of(request);
    HttpResponse::Ok()
        .content_type(form.content_type())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, ACCEPT.as_str()))
        .body(sheet.print(form))
}

/// OpenMetrics for whoever names it, as Prometheus does; the older form for browsers and curl.
fn form_of(request: &HttpRequest) -> Form {
    let mut accepted = request.headers().get_all(ACCEPT);
    let names_it = accepted.any(|own| {
        own.to_str()
            .is_ok_and(|own| own.contains("application/openmetrics-text"))
    });
    if names_it {
        Form::OpenMetrics
    } else {
        Form::Prometheus
    }
}
