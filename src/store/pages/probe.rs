//! Reading a whole store, to learn whether it is what was written.
//!
//! A sled log that came back shorter can open empty, panic, hang, or ask for more memory than
//! there is. So this runs where it may fail: in a child process with a limit on its memory, or in
//! a thread.

use std::{fmt, path::Path};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{
    Error,
    backing::Space,
    disk::{self, Sled},
    meta,
};
use crate::store::commit::Position;

/// What a healthy answer starts with. [`super::Guard::Child`] looks for it.
pub(super) const HEALTHY: &str = "healthy:";

/// Address space that a probe gets besides what it needs for the data: sled's threads reserve
/// stacks, the allocator reserves arenas.
const PROBE_BYTES_BASE: u64 = 4 << 30;

/// A store that is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The pages are complete to here.
    pub complete_to: Position,
    /// Nothing in them is newer than this.
    pub reaches_to: Position,
    /// How many keys there are.
    pub entries: u64,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{HEALTHY} {} entries, complete to event {}, nothing after {}",
            self.entries, self.complete_to, self.reaches_to
        )
    }
}

/// Opens the database of a data directory, reads all of it and checks it against its checksums and
/// digests. May panic, hang, or end the process.
///
/// Takes no lock of the data directory: who asks for it holds that.
pub fn probe(dir: &Path) -> Result<Probe, Error> {
    probe_database(&dir.join("sled"))
}

/// The same for a database by its own path.
pub(super) fn probe_database(path: &Path) -> Result<Probe, Error> {
    if !path.is_dir() {
        return Err(Error::Damaged("there is no database"));
    }
    let sled = Sled::open(path)?;
    let spaces = Space::ALL.into_iter();
    let metas = spaces
        .map(|space| meta::verify(&sled, space))
        .collect::<Result<Vec<_>, _>>()?;
    let complete_to = metas.iter().map(|meta| meta.complete_to).min();
    let reaches_to = metas.iter().map(|meta| meta.reaches_to).max();
    Ok(Probe {
        complete_to: complete_to.unwrap_or(0),
        reaches_to: reaches_to.unwrap_or(0),
        entries: metas.iter().map(|meta| meta.entries).sum(),
    })
}

/// Limits the memory of this process, for a child that probes: a damaged log can ask for more
/// than the machine has.
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    Ok(setrlimit(Resource::As, limit)?)
}

/// How much memory a probe of this data directory should be limited to, for [`limit_memory`].
pub fn probe_memory_bytes_max(dir: &Path) -> u64 {
    PROBE_BYTES_BASE + 4 * disk::bytes(&dir.join("sled"))
}
