//! What is told about the program at work: its log, and the spans of traces.

#[cfg(feature = "otlp")]
mod otlp;
pub mod panics;
pub mod spans;

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::ParseError};

/// What is logged unless `RUST_LOG` says otherwise: refusals and failures, not each request (a line
/// per request costs 3.5 µs of CPU, a sixth of an order). What is not even HTTP is the sender's
/// trouble and not ours, although the dispatcher calls it an error.
pub const DEFAULT_FILTER: &str = "info,sled=warn,actix_server=warn,actix_http::h1::dispatcher=off";

/// How log lines are written, to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// A filter of the log that says nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{filter}` is no filter of the log ({source}); say a level such as `debug`, or levels of parts, \
     such as `info,jumun::turns=debug`"
)]
pub struct BadFilter {
    filter: String,
    source: ParseError,
}

/// Begins to log what `filter` lets through, else what `RUST_LOG` does, else what is usual. Does
/// nothing where the program has a subscriber already.
pub fn start(form: Form, filter: Option<&str>) -> Result<(), BadFilter> {
    let filter = match filter {
        Some(filter) => EnvFilter::try_new(filter).map_err(|source| BadFilter {
            filter: filter.to_owned(),
            source,
        })?,
        None => EnvFilter::try_from_default_env()
            .unwrap_or_else(|_unset| EnvFilter::new(DEFAULT_FILTER)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match form {
        Form::Text => builder.try_init(),
        Form::Json => builder.json().flatten_event(true).try_init(),
    };
    drop(started);
    Ok(())
}
