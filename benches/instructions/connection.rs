//! HTTP/1.1 without a socket: actix-web's own server at one end of a pipe in memory, a client that does as
//! little as it can at the other.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::HttpService;
use actix_web::{
    App,
    dev::{Service, ServiceFactory, fn_factory},
    rt, test, web,
};
use jumun::http::{self, Gate};
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

/// What either side may have written that the other has not read, in bytes.
const PIPE_BYTES: usize = 256 * 1024;

/// A client's end, and what it has read of the answer that it waits for.
pub(crate) struct Connection {
    stream: DuplexStream,
    answer: Vec<u8>,
    read: usize,
}

/// Opens so many connections to the REST surface behind the gate. The server's ends run on this thread.
pub(crate) async fn open(gate: web::Data<Gate>, count: usize) -> Vec<Connection> {
    let app = move || {
        let gate = web::Data::clone(&gate);
        async move {
            let app = App::new().configure(|config| http::configure(config, gate));
            Ok::<_, ()>(test::init_service(app).await)
        }
    };
    let server = HttpService::build()
        .keep_alive(http::KEEP_ALIVE)
        .client_request_timeout(http::HEADER_TIMEOUT)
        .h1(fn_factory(app));
    let server = server.new_service(()).await.expect("it needs nothing");
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let (client, own) = duplex(PIPE_BYTES);
        rt::spawn(server.call((own, None)));
        connections.push(Connection {
            stream: client,
            answer: vec![0; PIPE_BYTES],
            read: 0,
        });
    }
    connections
}

impl Connection {
    /// Sends a whole request.
    pub(crate) async fn send(&mut self, request: &[u8]) {
        self.read = 0;
        let sent = self.stream.write_all(request).await;
        sent.expect("the pipe has room for a request");
    }

    /// Reads what there is. True as soon as the whole answer is there.
    pub(crate) fn is_answered(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            let mut rest = ReadBuf::new(&mut self.answer[self.read..]);
            match Pin::new(&mut self.stream).poll_read(context, &mut rest) {
                Poll::Pending => return false,
                Poll::Ready(outcome) => {
                    outcome.expect("the pipe is whole");
                    let count = rest.filled().len();
                    assert_ne!(count, 0, "the server hung up: {}", self.text());
                    self.read += count;
                }
            }
            if whole(&self.answer[..self.read]) {
                return true;
            }
        }
    }

    /// The answer's status.
    pub(crate) fn status(&self) -> &[u8] {
        &self.answer[9..12]
    }

    /// The answer.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.answer[..self.read]).into_owned()
    }
}

/// Whether an answer has come to its end; one without a length has no body.
fn whole(answer: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(answer).expect("it is HTTP");
    let httparse::Status::Complete(head) = parsed else {
        return false;
    };
    let mut headers = response.headers.iter();
    let length = headers.find(|own| own.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|own| str::from_utf8(own.value).ok()?.parse().ok());
    answer.len() >= head + length.unwrap_or(0)
}
