//! Backing a data directory up, checking a backup, and restoring one.

use std::{path::Path, sync::Arc};

use super::{
    definitions::Definition,
    open,
    verify::{self, Report},
};
use crate::{
    clock::Clock,
    http::{BackedUp, NotBackedUp},
    store::{
        archive::{self, Archive, Manifest, Origin, Progress, Written},
        commit::Position,
        directory::{self, Directory},
        journal::{self, extent},
        mark::Mark,
        pages::Guard,
    },
};

/// Why a backup could not be made, checked or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The backup, or the directory.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// What it holds.
    #[error(transparent)]
    Open(#[from] open::Error),
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup said of itself.
    pub manifest: Manifest,
    /// What is to be said of the directory that it was restored into.
    pub report: Report,
}

/// Backs the data directory up into the file `to`, which must not be there.
///
/// A program that serves the directory goes on meanwhile. The backup then holds what is known from
/// outside to be durable: it is short of the last acknowledged order by no more than a checkpoint's
/// interval.
pub fn back_up(data: &Path, to: &Path, progress: Progress<'_>) -> Result<Written, Error> {
    let files = journal::Files::new(directory::journal(data));
    // Held no longer than it takes to see how far it goes: who starts it then changes nothing that
    // comes before that.
    let at_rest = match Directory::existing(data) {
        Ok(directory) => Some(directory),
        Err(directory::Error::InUse(_)) => None,
        Err(error) => return Err(archive::Error::from(error).into()),
    };
    let mark = Mark::read(&directory::mark(data)).map_err(open::Error::from)?;
    let reach = extent::reach(&files, mark.position).map_err(open::Error::from)?;
    mark.check_journal(reach.end).map_err(open::Error::from)?;
    let position = if at_rest.is_some() {
        reach.check_end(&files).map_err(open::Error::from)?;
        reach.end
    } else {
        reach.durable
    };
    drop(at_rest);
    let origin = Origin {
        data,
        position,
        now: Clock::System.now(),
    };
    Ok(archive::write(&origin, to, progress)?)
}

/// Backs up the data directory that this process serves, whose journal is durable to `position`.
pub(super) fn running(data: &Path, position: Position, to: &Path) -> Result<BackedUp, NotBackedUp> {
    let origin = Origin {
        data,
        position,
        now: Clock::System.now(),
    };
    match archive::write(&origin, to, &mut |_, _| {}) {
        Ok(Written {
            position,
            bytes,
            crc32c,
        }) => {
            tracing::info!(to = %to.display(), position, bytes, "backed up");
            Ok(BackedUp {
                position,
                bytes,
                crc32c,
            })
        }
        Err(error @ archive::Error::Exists(_)) => Err(NotBackedUp::Exists(error.to_string())),
        Err(error) => {
            tracing::error!(to = %to.display(), %error, "the backup failed");
            Err(NotBackedUp::Failed(error.to_string()))
        }
    }
}

/// Checks a backup where it is: every checksum, every history, the books of every order.
pub fn check(
    file: &Path,
    definitions: &[Definition],
    progress: Progress<'_>,
) -> Result<(Manifest, Report), Error> {
    let archive = Archive::open(file, progress)?;
    let manifest = archive.manifest().clone();
    let report = verify::journal(Arc::new(archive), definitions)?;
    Ok((manifest, report))
}

/// Makes the backup `file` the data directory `data`, which must be new or empty, and verifies that.
pub fn restore(
    file: &Path,
    data: &Path,
    definitions: &[Definition],
    guard: &Guard,
    progress: Progress<'_>,
) -> Result<Restored, Error> {
    let archive = Archive::open(file, &mut |_, _| {})?;
    let directory = Directory::vacant(data).map_err(archive::Error::from)?;
    archive.restore(&directory, progress)?;
    drop(directory);
    let report = verify::verify(data, definitions, guard)?;
    Ok(Restored {
        manifest: archive.manifest().clone(),
        report,
    })
}
