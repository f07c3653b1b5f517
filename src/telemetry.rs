//! The tracing subscriber: what is logged, where, and in which form.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise: refusals and failures, not each request (a line
/// per request costs 3.5 µs of CPU, a sixth of an order). What is not even HTTP is the sender's
/// trouble and not ours, although the dispatcher calls it an error.
pub const DEFAULT_FILTER: &str = "info,sled=warn,actix_server=warn,actix_http::h1::dispatcher=off";

/// How log lines are written, to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Begins to log. Does nothing where the program has a subscriber already.
pub fn start(form: Form) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match form {
        Form::Text => builder.try_init(),
        Form::Json => builder.json().try_init(),
    };
    drop(started);
}
