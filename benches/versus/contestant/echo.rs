//! The ceiling: what actix-web costs by itself. It reads the body into a struct and answers it.

use std::io;

use actix_web::{HttpResponse, web};

use super::{Order, PATH, http};
use crate::contest::Server;

/// Answers `POST /flowers/orders`.
pub(crate) fn start() -> io::Result<Server> {
    http("echo", |routes| {
        let order = |order: web::Json<Order>| async move { HttpResponse::Created().json(order) };
        routes.route(PATH, web::post().to(order));
    })
}
