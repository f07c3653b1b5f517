//! Backups: one tar file with a journal up to a position, and what a restore needs beside it.
//!
//! In this order: `FORMAT`, `components.json` if anything is paused, `storefronts/*.toml`,
//! `journal/*.log` cut at the position, `manifest.json` with the position and the checksum of each
//! part, and `manifest.crc32c` with that of the manifest. What can be made again from the journal is
//! not in it. The files are those of a data directory, so that a person can look into them.

mod manifest;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use self::{
    manifest::{Manifest, Part},
    read::Archive,
    write::{Origin, Written, write},
};
use super::{directory, journal};

/// The form of backup that this program writes. A newer one is refused.
pub const FORMAT: u32 = 1;

/// Hears how many bytes are done, of about how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A backup cannot be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be used.
    #[error("could not {doing} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The backup would take the place of something.
    #[error("{} is there already; name a file that is not", .0.display())]
    Exists(PathBuf),
    /// Another backup is being written to the same file.
    #[error("a backup is being written to {}; wait for it, or name another file", .0.display())]
    UnderWay(PathBuf),
    /// It is no backup.
    #[error("{} is not a backup of this program: {why}", .path.display())]
    NotABackup {
        /// Which file.
        path: PathBuf,
        /// What is not as in one.
        why: String,
    },
    /// It is not what was written.
    #[error("the backup {} is damaged or cut off: {why}; take another one", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A newer program wrote it.
    #[error(
        "the backup {} has format {found}, this program knows {FORMAT}; restore it with the newer \
         program that wrote it", .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The format it has.
        found: u32,
    },
    /// The journal that is to be backed up, or that a backup holds.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The directory that is backed up, or restored into.
    #[error(transparent)]
    Directory(#[from] directory::Error),
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + use<'a> {
    move |source| Error::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
