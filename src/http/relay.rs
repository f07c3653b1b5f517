//! Passes a request on to the process that took over, and its answer back.
//!
//! The answer says `Connection: close`, so that a client comes with its next request on a
//! connection of the other process's. There is one request for each connection, at most.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{
            self, CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue,
            TRANSFER_ENCODING, UPGRADE,
        },
    },
    web::Bytes,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::error::ApiError;

/// The longest answer that is passed on, in bytes; the longest page of a collection has fewer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// More headers than an answer of ours has.
const HEADERS_MAX: usize = 64;

/// What is said between two neighbours only, or said anew by whoever passes it on.
const OF_A_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    TRANSFER_ENCODING,
    UPGRADE,
    header::EXPECT,
    header::TE,
    header::TRAILER,
];

/// What the process at `address` answers to this request. It must come within `wait`.
pub(super) async fn pass(
    request: &HttpRequest,
    body: Bytes,
    address: SocketAddr,
    wait: Duration,
) -> Result<HttpResponse, ApiError> {
    if is_operators(request) && !is_local(request) {
        // It would come from this machine then, where operators may do more.
        let detail =
            "the server is being replaced; nothing was done, ask again on a new connection";
        return Err(ApiError::new("stopping", detail));
    }
    // Nothing was sent before the connection is there, so nothing can have been done.
    let connect = tokio::time::timeout(wait, TcpStream::connect(address)).await;
    let stream = connect.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()));
    let stream = stream.map_err(|error| {
        let detail = format!("the server that took over cannot be reached ({error}); try again");
        ApiError::new("stopping", detail)
    })?;
    let exchange = exchange(stream, head(request, body.len()), body);
    let answered = tokio::time::timeout(wait, exchange).await;
    let answered = answered.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()));
    let answer = answered.and_then(|bytes| read(&bytes, request.method()));
    answer.map_err(|error| {
        let detail = format!(
            "the server that took over did not answer ({error}); the outcome is unknown, look it \
             up before trying again"
        );
        ApiError::new("outcome_unknown", detail)
    })
}

fn is_operators(request: &HttpRequest) -> bool {
    let mut segments = request.path().split('/').filter(|own| !own.is_empty());
    segments.next() == Some("ops")
}

fn is_local(request: &HttpRequest) -> bool {
    let peer = request.peer_addr();
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

/// The head as it came, but for what the connection is told.
fn head(request: &HttpRequest, body_bytes: usize) -> Vec<u8> {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    let mut head = format!("{} {path} HTTP/1.1\r\n", request.method()).into_bytes();
    let kept = request.headers().iter();
    for (name, value) in kept.filter(|(name, _)| !OF_A_CONNECTION.contains(name)) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    let end = format!("connection: close\r\ncontent-length: {body_bytes}\r\n\r\n");
    head.extend_from_slice(end.as_bytes());
    head
}

async fn exchange(mut stream: TcpStream, head: Vec<u8>, body: Bytes) -> io::Result<Vec<u8>> {
    stream.set_nodelay(true)?;
    stream.write_all(&head).await?;
    stream.write_all(&body).await?;
    let mut bytes = Vec::new();
    let mut answer = stream.take(ANSWER_BYTES_MAX);
    answer.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// The answer in these bytes, which are all that was sent before the connection ended.
fn read(bytes: &[u8], method: &Method) -> io::Result<HttpResponse> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let head_bytes = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => return Err(invalid("its answer is not HTTP")),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| invalid("its answer has no status"))?;
    let mut all = HeaderMap::new();
    for header in &*parsed.headers {
        let name = HeaderName::try_from(header.name);
        let value = HeaderValue::from_bytes(header.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(invalid("its answer has a header that is none"));
        };
        all.append(name, value);
    }
    let body = &bytes[head_bytes..];
    let said = all.get(CONTENT_LENGTH).and_then(|said| said.to_str().ok());
    let said = said.and_then(|said| said.parse::<usize>().ok());
    if method != Method::HEAD && said.unwrap_or(0) != body.len() {
        return Err(invalid("its answer is not whole"));
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in &all {
        // What a page of another origin may see is said by the layer around us.
        let is_of_origin = name.as_str().starts_with("access-control-");
        if !OF_A_CONNECTION.contains(name) && !is_of_origin {
            response.append_header((name.clone(), value.clone()));
        }
    }
    response.force_close();
    Ok(if body.is_empty() {
        response.finish()
    } else {
        response.body(Bytes::copy_from_slice(body))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody, test::TestRequest};

    use super::*;

    #[test]
    fn a_request_is_passed_on_as_it_came_but_for_its_connection() {
        let request = TestRequest::put()
            .uri("/shop/things/1?projection=x%20y")
            .insert_header(("Host", "shop.example"))
            .insert_header(("Connection", "keep-alive"))
            .insert_header(("Content-Length", "7"))
            .insert_header(("X-Name", "꽃"))
            .to_http_request();
        let head = String::from_utf8(head(&request, 2)).unwrap();
        assert!(
            head.starts_with("PUT /shop/things/1?projection=x%20y HTTP/1.1\r\n"),
            "{head}"
        );
        for line in ["host: shop.example", "x-name: 꽃", "content-length: 2"] {
            assert_eq!(head.matches(line).count(), 1, "{line} in {head}");
        }
        assert!(
            !head.contains("keep-alive") && !head.contains(": 7"),
            "{head}"
        );
        assert!(head.ends_with("\r\n\r\n"));
    }

    #[tokio::test]
    async fn what_operators_ask_from_afar_does_not_come_from_here_afterwards() {
        // Nobody listens there, so that what is passed on is told from what is not.
        let there = SocketAddr::from(([127, 0, 0, 1], 1));
        let check = async |path: &str, peer: &str, is_passed_on: bool| {
            let request = TestRequest::with_uri(path).peer_addr(peer.parse().unwrap());
            let request = request.to_http_request();
            let passed = pass(&request, Bytes::new(), there, Duration::from_secs(9)).await;
            let refusal = passed.unwrap_err().to_string();
            assert_eq!(
                refusal.contains("cannot be reached"),
                is_passed_on,
                "{path} of {peer}"
            );
        };
        check("/ops/components", "127.0.0.1:9", true).await;
        check("/ops/components", "[::ffff:127.0.0.1]:9", true).await;
        check("/ops/components", "10.1.2.3:9", false).await;
        check("//ops//components", "10.1.2.3:9", false).await;
        check("/shop/ops", "10.1.2.3:9", true).await;
    }

    #[test]
    fn an_answer_is_passed_back_whole_or_not_at_all() {
        let check = |text: &str, method: Method, expected: Option<(u16, &str)>| {
            let found = read(text.as_bytes(), &method).ok().map(|response| {
                assert!(
                    response.head().connection_type() == actix_web::http::ConnectionType::Close
                );
                let status = response.status().as_u16();
                let body = response.into_body().try_into_bytes().unwrap();
                (status, String::from_utf8(body.to_vec()).unwrap())
            });
            let found = found.as_ref().map(|(status, body)| (*status, &**body));
            assert_eq!(found, expected, "{text:?}");
        };
        let whole = "HTTP/1.1 201 Created\r\nlocation: /a/1\r\ncontent-length: 2\r\n\r\n{}";
        check(whole, Method::POST, Some((201, "{}")));
        check(&whole[..whole.len() - 1], Method::POST, None);
        check(&whole[..30], Method::POST, None);
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
        check(head, Method::HEAD, Some((200, "")));
        check(
            "HTTP/1.1 204 No Content\r\n\r\n",
            Method::DELETE,
            Some((204, "")),
        );
        check("hello", Method::GET, None);
        check("", Method::GET, None);
    }
}
