//! A client that says which status it expects, and shows the whole answer when another one comes.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    config::AutoHeaderValue,
    http::{self, HeaderMap},
};

/// Longer than any answer takes, shorter than anyone waits for a test.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often something is looked at that is only promised to happen soon.
pub(super) const LOOKS_MAX: usize = 20_000;

/// Talks to one server, on connections that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    origin: String,
    prefix: String,
}

/// A request that is being put together.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    client: &'a Client,
    builder: http::request::Builder,
    what: String,
    accept: Option<&'a str>,
    body: Option<Vec<u8>>,
}

/// An answer that had the expected status.
#[derive(Debug)]
pub(crate) struct Reply {
    headers: HeaderMap,
    /// The body.
    pub(crate) text: String,
    what: String,
}

impl Client {
    /// A client of the server at `address`.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .accept(AutoHeaderValue::None)
            .timeout_global(Some(ANSWER_TIMEOUT));
        Self {
            agent: config.build().into(),
            origin: format!("http://{address}"),
            prefix: String::new(),
        }
    }

    /// The same, with `prefix` before every path.
    pub(crate) fn under(&self, prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            ..self.clone()
        }
    }

    /// Scheme, host and prefix, as they stand in links.
    pub(crate) fn base(&self) -> String {
        format!("{}{}", self.origin, self.prefix)
    }

    /// A request of any method. It accepts everything, as curl and httpie do.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request<'_> {
        let uri = format!("{}{path}", self.base());
        Request {
            client: self,
            what: format!("{method} {path}"),
            builder: http::Request::builder().method(method).uri(uri),
            accept: Some("*/*"),
            body: None,
        }
    }

    /// `GET`, which must be answered 200.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path).expect(200)
    }

    /// `GET`, again and again until it is there and the member has this value: what follows a
    /// command by itself follows soon, and not at once.
    pub(crate) fn until(&self, path: &str, pointer: &str, expected: &str) -> Reply {
        let look = || self.request("GET", path).send().expect("an answer");
        let mut looks = std::iter::repeat_with(look).take(LOOKS_MAX);
        let found = looks.find(|(status, reply)| *status == 200 && reply.at(pointer) == expected);
        let (_, reply) =
            found.unwrap_or_else(|| panic!("{pointer} of {path} does not become {expected}"));
        reply
    }

    /// `POST` of a JSON body, which must be answered 201.
    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.request("POST", path).json(body).expect(201)
    }

    /// Pauses a part of a storefront, such as `flowers/payment`.
    pub(crate) fn pause(&self, part: &str) {
        self.set(part, "paused");
    }

    /// Lets a part of a storefront run again.
    pub(crate) fn resume(&self, part: &str) {
        self.set(part, "running");
    }

    fn set(&self, part: &str, state: &str) {
        let path = format!("/ops/components/{part}");
        let body = format!(r#"{{"state": "{state}"}}"#);
        let origin = self.at_origin();
        let request = origin.request("PUT", &path).json(&body);
        request.expect(200).has("/state", state);
    }

    /// The same, without a prefix.
    fn at_origin(&self) -> Self {
        Self {
            prefix: String::new(),
            ..self.clone()
        }
    }

    /// `PATCH` with a JSON body, which must be answered 200.
    pub(crate) fn patch(&self, path: &str, body: &str) -> Reply {
        self.request("PATCH", path).json(body).expect(200)
    }
}

impl<'a> Request<'a> {
    /// With this header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// With this `Accept`, or none.
    pub(crate) const fn accept(mut self, accept: Option<&'a str>) -> Self {
        self.accept = accept;
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With this body, which is said to be JSON.
    pub(crate) fn json(self, body: &str) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// Sends it. The answer must have this status.
    pub(crate) fn expect(self, status: u16) -> Reply {
        let what = self.what.clone();
        let (found, reply) = self
            .send()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(found, status, "{what} was answered\n{}", reply.text);
        reply
    }

    /// Sends it, and gives back what was answered, whatever the status.
    pub(crate) fn send(self) -> Result<(u16, Reply), ureq::Error> {
        let builder = match self.accept {
            Some(accept) => self.builder.header("accept", accept),
            None => self.builder,
        };
        let agent = &self.client.agent;
        let mut response = match self.body {
            None => agent.run(builder.body(())?)?,
            Some(body) => agent.run(builder.body(body)?)?,
        };
        let text = response.body_mut().read_to_string()?;
        let headers = response.headers().clone();
        Ok((
            response.status().as_u16(),
            Reply {
                headers,
                text,
                what: self.what,
            },
        ))
    }
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{} is no JSON ({error}): {}", self.what, self.text))
    }

    /// The member at this JSON pointer; null if there is none.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The number of what was made, from `Location`.
    pub(crate) fn number(&self) -> u64 {
        let (_, number) = self
            .header("location")
            .rsplit_once('/')
            .expect("a Location");
        number.parse().unwrap()
    }

    /// The member must have this value.
    pub(crate) fn has(&self, pointer: &str, expected: impl Into<Value>) -> &Self {
        assert_eq!(
            self.at(pointer),
            expected.into(),
            "{pointer} of {}:\n{}",
            self.what,
            self.text
        );
        self
    }
}
