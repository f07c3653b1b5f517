//! One request to a storefront: what every handler needs to know about it.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, ETAG, HeaderName, HeaderValue},
    },
};

use super::{
    State,
    address::Front,
    correlation,
    error::ApiError,
    form::Forms,
    gate::Open,
    json::{self, Print},
};
use crate::{
    actors::handles::{CommandKey, Context, Engine, Expected},
    domain::{Kind, Origin},
};

// Known once: to look one up by its text is to read that as a header's name first, each time.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Room for most addresses, in bytes.
const URL_BYTES: usize = 96;

/// The longest `Idempotency-Key`, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// A request, with the storefront that it addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) state: &'a State,
    /// The same, to be held by what outlives the request.
    pub(super) open: &'a Arc<Open>,
    pub(super) request: &'a HttpRequest,
    pub(super) front: Front<'a>,
    pub(super) origin: &'a Origin,
}

impl<'a> Call<'a> {
    pub(super) const fn engine(&self) -> &'a Engine {
        &self.state.engine
    }

    /// The forms of the storefront's collection with this path.
    pub(super) fn forms(&self, path: &str) -> &'a Forms {
        self.open.forms.find(self.front.at, path)
    }

    /// The address of something in the storefront, as the client would write it. Every answer about
    /// an order has one, so it is put together without `format!`: 850 instructions instead of 4,000.
    pub(super) fn url(&self, path: &str) -> String {
        let mut url = origin(self.request);
        if !self.front.is_root {
            url.push('/');
            url.push_str(&self.front.definition.name);
        }
        url.push('/');
        url.push_str(path);
        url
    }

    /// A header as text; `None` if it is not there or not ASCII.
    pub(super) fn header(&self, name: impl Into<HeaderName>) -> Option<&'a str> {
        self.request.headers().get(name.into())?.to_str().ok()
    }

    /// Whether a changing request wants the result in the answer (SEED API 1.2).
    pub(super) fn wants_body(&self) -> bool {
        self.header(header::ACCEPT)
            .is_some_and(|accept| !accept.trim().is_empty())
    }

    /// `200` with this body.
    pub(super) fn ok(&self, body: &impl Print) -> HttpResponse {
        self.with_body(&mut HttpResponse::Ok(), body)
    }

    /// The answer with this body.
    pub(super) fn with_body(
        &self,
        response: &mut HttpResponseBuilder,
        body: &impl Print,
    ) -> HttpResponse {
        response
            .content_type(content_type(self.request))
            .body(json::print(body))
    }

    /// An answer with the version of what it is about.
    pub(super) fn versioned(status: StatusCode, version: u64) -> HttpResponseBuilder {
        let mut room = [0; 20];
        let digits = json::digits(version, &mut room).as_bytes();
        let mut tag = [b'"'; 22];
        tag[1..=digits.len()].copy_from_slice(digits);
        let tag = HeaderValue::from_bytes(&tag[..digits.len() + 2]);
        let mut response = HttpResponse::build(status);
        response.insert_header((ETAG, tag.expect("digits and quotes can be seen")));
        response
    }

    /// What `If-Match` says about the versions that may be changed; `None` lets any through.
    ///
    /// What cannot be read as a version of ours fits nothing, rather than everything.
    pub(super) fn expected(&self, kind: Kind) -> Option<Expected> {
        let mut given = self.request.headers().get_all(header::IF_MATCH).peekable();
        given.peek()?;
        let lists = given.map(|list| list.to_str().unwrap_or_default());
        let tags: Vec<&str> = lists
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .collect();
        if tags.contains(&"*") {
            return None;
        }
        let version = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Some(Expected {
            kind,
            versions: tags.iter().filter_map(version).collect(),
        })
    }

    /// What the engine is told about where a command comes from.
    pub(super) fn context(&self, body: &[u8]) -> Result<Context, ApiError> {
        let key = match self.request.headers().get(IDEMPOTENCY_KEY) {
            None => None,
            Some(value) => {
                let key = value.to_str().unwrap_or_default();
                if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
                    let detail = format!("an Idempotency-Key has 1 to {KEY_BYTES_MAX} ASCII bytes");
                    return Err(ApiError::new("idempotency_key_invalid", detail));
                }
                Some(CommandKey {
                    key: key.to_owned(),
                    fingerprint: fingerprint(self.request, body),
                })
            }
        };
        Ok(Context {
            origin: self.origin.clone(),
            cause: None,
            key,
        })
    }
}

/// The scheme and host that the client sees, also through a proxy that says so.
pub(super) fn origin(request: &HttpRequest) -> String {
    let text = |name| request.headers().get(name)?.to_str().ok();
    let scheme = match text(FORWARDED_PROTO) {
        Some("https") => "https://",
        _ => "http://",
    };
    let host = text(FORWARDED_HOST).or_else(|| text(header::HOST));
    let mut origin = String::with_capacity(URL_BYTES);
    origin.push_str(scheme);
    origin.push_str(host.unwrap_or("localhost"));
    origin
}

/// The address of one of a collection.
pub(super) fn url_of(collection: &str, number: u64) -> String {
    [collection, "/", json::digits(number, &mut [0; 20])].concat()
}

/// HAL, unless plain JSON is all that was asked for. The body is the same (SEED API 1.4).
///
/// A browser gets plain JSON: it shows that, and would save HAL as a file.
pub(super) fn content_type(request: &HttpRequest) -> HeaderValue {
    const HAL: HeaderValue = HeaderValue::from_static("application/hal+json;charset=UTF-8");
    const PLAIN: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept == "application/json" || accept.contains("text/html")) {
        PLAIN
    } else {
        HAL
    }
}

/// Tells a repeated request from another one under the same key.
fn fingerprint(request: &HttpRequest, body: &[u8]) -> u64 {
    let parts = [request.method().as_str(), request.path()].map(str::as_bytes);
    let [method, path] = parts;
    [method, b" ", path, b"\n", body]
        .into_iter()
        .fold(correlation::FNV_OFFSET, correlation::fnv1a)
}
