//! What is measured. Each file has a `WORKLOAD`.

pub(crate) mod feed;
pub(crate) mod live;
pub(crate) mod mixed;
pub(crate) mod page;
pub(crate) mod place;
pub(crate) mod read;
pub(crate) mod row;
mod shelf;
pub(crate) mod start;
mod stock;
pub(crate) mod stored;

use std::{io, time::Duration};

use super::{contest::Contest, result::Told};

/// Something that can be asked of servers.
pub(crate) struct Workload {
    /// One word, for the command line.
    pub(crate) name: &'static str,
    /// What is done, for `--help`.
    pub(crate) about: &'static str,
    /// How long it takes, about.
    pub(crate) takes: fn(&Contest) -> Duration,
    /// Starts who takes part, has them take turns, and stops them. An error ends the whole run.
    pub(crate) run: fn(&Contest) -> io::Result<Told>,
}
