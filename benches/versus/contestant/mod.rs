//! Those who take part. Each file has a `start`, and lives until what it answers is dropped.
//!
//! All of them answer `POST /flowers/orders` with 201 and a JSON body, durable before it but for the
//! echo. They run in this process, on threads of their own that are not called as the load
//! generator's are, with [`WORKERS`] HTTP workers.

pub(crate) mod append;
pub(crate) mod constant;
pub(crate) mod echo;
pub(crate) mod jumun;
pub(crate) mod mutex;
mod peer;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod sqlite;

use std::{
    io,
    net::TcpListener,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use actix_web::{App, HttpServer, web};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::contest::Server;

/// HTTP threads of each server.
pub(crate) const WORKERS: usize = 2;

/// Where an order is placed.
pub(crate) const PATH: &str = "/flowers/orders";

/// An order of the flower shop.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) phone_number: String,
    pub(crate) address: String,
    pub(crate) customer_name: String,
    pub(crate) flower_type: String,
    /// In won.
    pub(crate) price: i64,
}

/// A thread that is told to end, and waited for.
pub(crate) struct Hosted {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Whether the peers keep what they answer.
///
/// An error says what one of them kept instead.
pub(crate) fn test() -> io::Result<()> {
    mutex::test()?;
    sqlite::test()?;
    // Where PostgreSQL is not installed, the workload says so.
    postgres::test().map(drop)
}

/// A thread that ends by itself, and is waited for.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        drop(self.0.take().map(JoinHandle::join));
    }
}

/// An actix-web server with these routes.
pub(crate) fn http(
    name: &'static str,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    host(name, move |listener, ready, stop| async move {
        let app = move || App::new().configure(configure.clone());
        let server = HttpServer::new(app)
            .workers(WORKERS)
            .disable_signals()
            .listen(listener)
            .expect("a listener of our own can be used")
            .run();
        drop(ready.send(Ok(())));
        let handle = server.handle();
        actix_web::rt::spawn(async move {
            drop(stop.await);
            handle.stop(false).await;
        });
        server.await.expect("a server ends when it is told to");
    })
}

/// Runs `serve` on a thread with an actix system of its own. It says when it is ready, or why not, and
/// ends when the receiver does.
pub(crate) fn host<F: Future<Output = ()>>(
    name: &'static str,
    serve: impl FnOnce(TcpListener, mpsc::Sender<io::Result<()>>, oneshot::Receiver<()>) -> F
    + Send
    + 'static,
) -> io::Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (ready, started) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = thread::Builder::new().name(name.into()).spawn(move || {
        actix_web::rt::System::new().block_on(serve(listener, ready, stopped));
    })?;
    let hosted = Hosted {
        stop: Some(stop),
        thread: Some(thread),
    };
    started.recv().map_err(io::Error::other)??;
    Ok(Server {
        name,
        address,
        processes: Vec::new(),
        keep: Box::new(hosted),
    })
}
