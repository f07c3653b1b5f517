//! What the load generator can do at most: a server that reads nothing of what it is sent. As soon as as
//! many bytes came as a request has, it answers always the same.

use std::io;

use actix::Arbiter;
use actix_web::rt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::host;
use crate::contest::Server;

/// Answers every request, each of `request_bytes`, with `answer`.
pub(crate) fn start(request_bytes: usize, answer: &'static [u8]) -> io::Result<Server> {
    host("generator", move |listener, ready, stop| async move {
        drop(ready.send(Ok(())));
        let served = serve(listener, stop, request_bytes, answer).await;
        served.expect("a listener of our own can be used");
    })
}

/// On two threads by turns, as the others have two workers.
async fn serve(
    listener: std::net::TcpListener,
    mut stop: oneshot::Receiver<()>,
    request_bytes: usize,
    answer: &'static [u8],
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let other = Arbiter::new();
    let mut is_other = false;
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => accepted?,
        };
        // A thread has its own watch over its connections.
        let stream = stream.into_std()?;
        let answered = async move {
            // A connection that breaks ends; the load generator counts it.
            drop(answer_all(stream, request_bytes, answer).await);
        };
        if is_other {
            other.spawn(answered);
        } else {
            rt::spawn(answered);
        }
        is_other = !is_other;
    }
    other.stop();
    other
        .join()
        .map_err(|_| io::Error::other("a thread panicked"))
}

async fn answer_all(
    stream: std::net::TcpStream,
    request_bytes: usize,
    answer: &[u8],
) -> io::Result<()> {
    let mut stream = TcpStream::from_std(stream)?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    let mut came = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            bytes => came += bytes,
        }
        while came >= request_bytes {
            came -= request_bytes;
            stream.write_all(answer).await?;
        }
    }
}
