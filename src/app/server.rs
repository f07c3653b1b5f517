//! The HTTP server around the REST surface: workers, limits, timeouts.

use std::{any::Any, io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::{Extensions, Server},
    rt::net::TcpStream,
    web,
};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::sync::watch;

use crate::http::{self, Gate};

/// Connections at once, over all workers; more wait in the accept queue.
const CONNECTIONS_MAX: usize = 25_000;

/// How long a shutdown waits for requests under way, beyond the engine's own limit.
const SHUTDOWN_S: u64 = 15;

/// How long what was sent may stay unread, in milliseconds.
const UNREAD_MS_MAX: u32 = 120_000;

/// The connections of a server, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    open: Arc<watch::Sender<()>>,
}

/// Lives as long as a connection.
struct Connected {
    _open: watch::Receiver<()>,
}

impl Connections {
    /// Ready when none is open.
    pub(super) async fn ended(&self) {
        self.open.closed().await;
    }

    fn begun(&self, data: &mut Extensions) {
        let open = self.open.subscribe();
        data.insert(Connected { _open: open });
    }
}

/// Has the system close the connection when the other side takes nothing for long: it would hold what
/// was written for it for ever.
fn leave_stuck(stream: &TcpStream) {
    if let Err(error) = set_tcp_user_timeout(stream, UNREAD_MS_MAX) {
        tracing::debug!(%error, "a connection has no limit for what is not read");
    }
}

/// A server on this listener, not yet polled.
pub(super) fn start(
    listener: TcpListener,
    gate: web::Data<Gate>,
    connections: Connections,
    workers: usize,
) -> io::Result<Server> {
    let build = move || {
        let gate = web::Data::clone(&gate);
        App::new().configure(move |config| http::configure(config, gate))
    };
    let server = HttpServer::new(build)
        .on_connect(move |connection: &dyn Any, data| {
            if let Some(stream) = connection.downcast_ref::<TcpStream>() {
                leave_stuck(stream);
            }
            connections.begun(data);
        })
        .workers(workers)
        .max_connections(CONNECTIONS_MAX / workers.max(1))
        .client_request_timeout(http::HEADER_TIMEOUT)
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(http::KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_S)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
