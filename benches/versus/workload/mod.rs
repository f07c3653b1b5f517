//! What is measured. Each file has a `WORKLOAD`.

pub(crate) mod place;
// Further workloads, one a line: feed, live, mixed, page, read, row, start, stored.

use std::io;

use super::{contest::Contest, result::Told};

/// Something that can be asked of servers.
pub(crate) struct Workload {
    /// One word, for the command line.
    pub(crate) name: &'static str,
    /// What is done, for `--help`.
    pub(crate) about: &'static str,
    /// Starts who takes part, has them take turns, and stops them. An error ends the whole run.
    pub(crate) run: fn(&Contest) -> io::Result<Told>,
}
