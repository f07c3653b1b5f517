//! The HTTP client: one request, one answer or a reason why there is none, within a time.
//!
//! It follows no redirect: a receiver that has moved says so to a person, who then changes the address.
//! An answer's body is read only as far as a log wants it.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    time::Duration,
};

use awc::{
    Connector,
    body::{BodyStream, MessageBody},
    error::{ConnectError, SendRequestError},
    http::{
        Method, Version,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
};

use super::address::Address;

/// How much of an answer is read, in bytes: enough for the sentence of an error page.
pub const ANSWER_BYTES_MAX: usize = 1_024;

/// How the client presents itself.
const USER_AGENT: &str = concat!("jumun/", env!("CARGO_PKG_VERSION"));

/// Connections that one client has open at once, over all receivers.
const CONNECTIONS_MAX: usize = 1_024;

/// How long the client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// For a connection, with its name's resolution and TLS, in milliseconds.
    pub connect_ms: u64,
    /// For everything, from the name's resolution to the end of the answer, in milliseconds.
    pub total_ms: u64,
}

/// A POST request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub to: Address,
    /// What the body is.
    pub content_type: &'static str,
    /// Beside the content type.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// What a receiver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// How long it wants to be left alone, in milliseconds, if it said so in seconds.
    pub retry_after_ms: Option<u64>,
    /// The beginning of the body, [`ANSWER_BYTES_MAX`] at most.
    pub text: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing listens there, or the way there is broken.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// It took too long.
    #[error("no answer within {0} ms")]
    TimedOut(u64),
    /// The connection ended before the answer did, or what came is no HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// This machine cannot make a client.
    #[error(
        "this machine's root certificates cannot be read: install ca-certificates, then start again"
    )]
    NoClient,
}

/// The client. It belongs to the thread that made it.
pub struct Client {
    /// Without the machine's root certificates there is none.
    inner: Option<awc::Client>,
    waits: Waits,
}

impl Client {
    /// A client on this thread, which must run local tasks, as an actix system does.
    pub fn new(waits: Waits) -> Self {
        Self {
            // Where the root certificates cannot be read, awc panics.
            inner: catch_unwind(AssertUnwindSafe(|| client(waits))).ok(),
            waits,
        }
    }

    /// Sends it, and waits for the answer.
    pub async fn post(&self, post: Post) -> Result<Answer, Trouble> {
        let inner = self.inner.clone().ok_or(Trouble::NoClient)?;
        let wait = Duration::from_millis(self.waits.total_ms);
        // A task of its own: a panic in the client ends this request and nothing else.
        let mut task = OnDrop(tokio::task::spawn_local(send(inner, post)));
        match tokio::time::timeout(wait, &mut task.0).await {
            Err(_elapsed) => Err(Trouble::TimedOut(self.waits.total_ms)),
            Ok(Err(_panic)) => Err(Trouble::Broken("the request failed inside".into())),
            Ok(Ok(answered)) => answered.map_err(|error| self.trouble(&error)),
        }
    }

    fn trouble(&self, error: &SendRequestError) -> Trouble {
        if let SendRequestError::Timeout = error {
            return Trouble::TimedOut(self.waits.total_ms);
        }
        let SendRequestError::Connect(error) = error else {
            return Trouble::Broken(error.to_string());
        };
        if let ConnectError::Timeout = error {
            Trouble::NoConnection(format!("none within {} ms", self.waits.connect_ms))
        } else if let ConnectError::Disconnected = error {
            Trouble::Broken("it was closed without an answer".into())
        } else {
            Trouble::NoConnection(error.to_string())
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

/// A task that ends when nobody waits for it any more.
struct OnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for OnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn client(waits: Waits) -> awc::Client {
    provide_cryptography();
    let connect = Duration::from_millis(waits.connect_ms);
    let connector = Connector::new()
        .max_http_version(Version::HTTP_11)
        .timeout(connect)
        .handshake_timeout(connect)
        .limit(CONNECTIONS_MAX);
    awc::Client::builder()
        .connector(connector)
        .disable_redirects()
        .disable_timeout()
        .add_default_header(("user-agent", USER_AGENT))
        .finish()
}

/// TLS by ring, whatever else a program that embeds this one has compiled in.
fn provide_cryptography() {
    // Another one is there already: that is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}

async fn send(client: awc::Client, post: Post) -> Result<Answer, SendRequestError> {
    let mut request = client
        .request(Method::POST, post.to.as_str())
        .insert_header((CONTENT_TYPE, post.content_type));
    for (name, value) in post.headers {
        request = request.insert_header((name, value));
    }
    let response = request.send_body(post.body).await?;
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER);
    let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    Ok(Answer {
        status,
        retry_after_ms: seconds.map(|seconds| seconds.saturating_mul(1_000)),
        text: beginning(BodyStream::new(response)).await,
    })
}

/// The beginning of a body. One that breaks off is as long as it came.
async fn beginning(body: impl MessageBody) -> String {
    let mut body = pin!(body);
    let mut read = Vec::new();
    while read.len() < ANSWER_BYTES_MAX {
        match poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            Some(Ok(bytes)) => read.extend_from_slice(&bytes),
            Some(Err(_)) | None => break,
        }
    }
    read.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&read).into_owned()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What is made of a receiver that reads a request and writes `said`, or says nothing.
    fn check(said: Option<&'static str>, expected: Result<(u16, Option<u64>, usize), Trouble>) {
        let local = tokio::task::LocalSet::new();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let answered = local.block_on(&runtime, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let to = format!("http://{}/hook", listener.local_addr().unwrap());
            let receiver = tokio::task::spawn_local(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut read = vec![0; 4_096];
                let length = stream.read(&mut read).await.unwrap();
                if let Some(said) = said {
                    stream.write_all(said.as_bytes()).await.unwrap();
                    drop(stream);
                } else {
                    std::future::pending::<()>().await;
                }
                String::from_utf8_lossy(&read[..length]).into_owned()
            });
            let client = Client::new(Waits {
                connect_ms: 5_000,
                total_ms: if said.is_some() { 5_000 } else { 50 },
            });
            let post = Post {
                to: to.parse().unwrap(),
                content_type: "text/plain",
                headers: vec![("x-more".into(), "1".into())],
                body: b"news".to_vec(),
            };
            let answered = client.post(post).await;
            if said.is_some() {
                let request = receiver.await.unwrap();
                assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
                assert!(request.contains("\r\nx-more: 1\r\n"), "{request}");
                assert!(request.ends_with("\r\n\r\nnews"), "{request}");
            }
            answered
        });
        let answered =
            answered.map(|answer| (answer.status, answer.retry_after_ms, answer.text.len()));
        match (answered, expected) {
            (Err(Trouble::Broken(_)), Err(Trouble::Broken(_))) => {}
            (answered, expected) => assert_eq!(answered, expected, "{said:?}"),
        }
    }

    #[test]
    fn a_receivers_answer_is_what_it_said_and_its_silence_has_a_reason() {
        check(Some("HTTP/1.1 204 No Content\r\n\r\n"), Ok((204, None, 0)));
        let elsewhere =
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        check(Some(elsewhere), Ok((302, None, 0)));
        let long = format!(
            "HTTP/1.1 503 Busy\r\nretry-after: 2\r\ncontent-length: 3000\r\n\r\n{}",
            "a".repeat(3_000)
        );
        check(Some(long.leak()), Ok((503, Some(2_000), ANSWER_BYTES_MAX)));
        check(None, Err(Trouble::TimedOut(50)));
        check(Some("what?"), Err(Trouble::Broken(String::new())));
        check(Some(""), Err(Trouble::Broken(String::new())));
    }
}
