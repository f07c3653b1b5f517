//! The ceiling: what actix-web costs by itself.

use std::{io, sync::Arc};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Order, PATH, http};
use crate::contest::{self, Server};

/// Headers that actix-web writes by itself.
const OWN_HEADERS: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

/// Reads the body of `POST /flowers/orders` into a struct, and answers it.
pub(crate) fn start() -> io::Result<Server> {
    http("echo", |routes| echo::<Order>(routes, PATH))
}

/// Adds a path that answers what it is sent as JSON, once it is read into a struct.
pub(crate) fn echo<T: Serialize + DeserializeOwned + 'static>(
    routes: &mut web::ServiceConfig,
    path: &str,
) {
    let echo = |body: web::Json<T>| async move { HttpResponse::Created().json(body) };
    routes.route(path, web::post().to(echo));
}

/// What another server has answered.
#[derive(Clone, Debug)]
struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: web::Bytes,
}

/// Answers `GET` of every `path` as `server` answers `asked`: the same headers and the same bytes. Of the
/// request it reads the number in the path or, where the path has none, the query.
pub(crate) fn start_answering(
    server: &Server,
    asked: &str,
    path: &'static str,
) -> io::Result<Server> {
    let response = contest::ask(server, &contest::get(server, asked), 200)?;
    let answer = Arc::new(Answer::of(&response)?);
    let own = http("echo", move |routes| {
        let answer = Arc::clone(&answer);
        if path.contains('{') {
            let number = move |number: web::Path<u64>| {
                let answer = Arc::clone(&answer);
                async move { answer.answer(number.into_inner()) }
            };
            routes.route(path, web::get().to(number));
        } else {
            let query = move |query: web::Query<Vec<(String, u64)>>| {
                let answer = Arc::clone(&answer);
                async move { answer.answer(query.iter().map(|(_, value)| value).sum()) }
            };
            routes.route(path, web::get().to(query));
        }
    })?;
    let echoed = contest::ask(&own, &contest::get(&own, asked), 200)?;
    if echoed.len() == response.len() {
        return Ok(own);
    }
    let (echoed, wanted) = (echoed.len(), response.len());
    let what = format!("the echo of {asked} answers {echoed} bytes instead of {wanted}");
    Err(io::Error::other(what))
}

impl Answer {
    fn of(response: &[u8]) -> io::Result<Self> {
        let end = response.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or_else(|| io::Error::other("a response without an end of its head"))?;
        let head = std::str::from_utf8(&response[..end]).map_err(io::Error::other)?;
        let mut headers = Vec::new();
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            if OWN_HEADERS
                .iter()
                .all(|own| !own.eq_ignore_ascii_case(name))
            {
                let name = HeaderName::try_from(name).map_err(io::Error::other)?;
                let value = HeaderValue::from_str(value).map_err(io::Error::other)?;
                headers.push((name, value));
            }
        }
        let body = web::Bytes::copy_from_slice(&response[end + 4..]);
        Ok(Self { headers, body })
    }

    /// The number is read and used, and there is always an answer.
    fn answer(&self, number: u64) -> HttpResponse {
        let status = match number {
            u64::MAX => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        let mut response = HttpResponse::build(status);
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.body(self.body.clone())
    }
}
