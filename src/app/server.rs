//! The HTTP server around the REST surface: workers, limits, timeouts.

use std::{io, net::TcpListener, time::Duration};

use actix_web::{App, HttpServer, dev::Server, web};

use crate::http;

/// Connections at once, over all workers; more wait in the accept queue.
const CONNECTIONS_MAX: usize = 25_000;

/// How long a shutdown waits for requests under way, beyond the engine's own limit.
const SHUTDOWN_S: u64 = 15;

/// A server on this listener, not yet polled.
pub(super) fn start(
    listener: TcpListener,
    state: http::State,
    workers: usize,
) -> io::Result<Server> {
    let state = web::Data::new(state);
    let build = move || {
        let state = state.clone();
        App::new().configure(move |config| http::configure(config, state))
    };
    let server = HttpServer::new(build)
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
