//! The HTTP side of following: who is there, and a stream's bytes.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    time::Duration,
};

use awc::{
    Connector,
    body::{BodyStream, BoxBody, MessageBody},
    http::{
        Version,
        header::{ACCEPT, HeaderValue},
    },
};
use serde_json::Value;

use super::Trouble;

/// How long a connection, or the beginning of an answer, may take.
const WAIT: Duration = Duration::from_secs(10);

/// The longest answer beside a stream, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A client of one server.
pub(super) struct Client {
    inner: awc::Client,
    server: String,
}

/// An answer that begins.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: BoxBody,
}

impl Client {
    pub(super) fn new(server: &str) -> Result<Self, Trouble> {
        let server = server.trim_end_matches('/');
        let server = if server.contains("://") {
            server.to_owned()
        } else {
            format!("http://{server}")
        };
        // Where the root certificates cannot be read, awc panics.
        let inner = catch_unwind(AssertUnwindSafe(client)).map_err(|_panic| Trouble::NoClient)?;
        Ok(Self { inner, server })
    }

    /// Asks for a path. `after` is the last event that was seen.
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &'static str,
        after: Option<&str>,
    ) -> Result<Answer, Trouble> {
        let unreachable = |why: String| Trouble::Unreachable {
            server: self.server.clone(),
            why,
        };
        let mut request = self.inner.get(format!("{}{path}", self.server));
        request = request.insert_header((ACCEPT, HeaderValue::from_static(accept)));
        if let Some(after) = after {
            request = request.insert_header(("last-event-id", after));
        }
        let sent = tokio::time::timeout(WAIT, request.send()).await;
        let answer = sent.map_err(|_elapsed| unreachable(format!("no answer in {WAIT:?}")))?;
        let answer = answer.map_err(|error| unreachable(error.to_string()))?;
        Ok(Answer {
            status: answer.status().as_u16(),
            body: BoxBody::new(BodyStream::new(answer)),
        })
    }

    /// The names of its shops.
    pub(super) async fn shops(&self) -> Result<Vec<String>, Trouble> {
        let stranger = || Trouble::Stranger(self.server.clone());
        let answer = self.get("/", "application/json", None).await?;
        let home: Value = serde_json::from_slice(&answer.whole().await).map_err(|_| stranger())?;
        let links = home["_links"].as_object().ok_or_else(stranger)?;
        let shops = links.iter().filter(|(name, link)| {
            let leads = link["href"].as_str().unwrap_or_default();
            let is_other = ["self", "profile"].contains(&name.as_str());
            !is_other && leads.ends_with(&format!("/{name}"))
        });
        let shops: Vec<String> = shops.map(|(name, _)| name.clone()).collect();
        if shops.is_empty() {
            return Err(stranger());
        }
        Ok(shops)
    }
}

impl Answer {
    /// All of the body, as far as it came.
    pub(super) async fn whole(self) -> Vec<u8> {
        let mut body = pin!(self.body);
        let mut whole = Vec::new();
        while whole.len() < ANSWER_BYTES_MAX {
            let next = poll_fn(|context| body.as_mut().poll_next(context));
            match tokio::time::timeout(WAIT, next).await {
                Ok(Some(Ok(bytes))) => whole.extend_from_slice(&bytes),
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
        whole
    }
}

fn client() -> awc::Client {
    // Another one is there already: that is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let connector = Connector::new()
        .max_http_version(Version::HTTP_11)
        .timeout(WAIT)
        .handshake_timeout(WAIT);
    awc::Client::builder()
        .connector(connector)
        .disable_redirects()
        .disable_timeout()
        .finish()
}
