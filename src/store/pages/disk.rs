//! The sled database under the pages.
//!
//! Facts that shape it, measured with 0.34.7 on Linux: `flush` calls `sync_file_range`, so only a
//! `fdatasync` of our own makes it durable; the periodic flusher thread is the only one that calls
//! fsync, so it stays on; values of over 128 KiB become files that are never synced; after the
//! last handle is gone its threads still hold the lock for a moment.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    thread,
    time::Duration,
};

use super::{
    Error,
    backing::{Backing, Batches, Space, Visit},
    seal,
};
use crate::store::directory;

/// sled's own cache; a hint that it exceeds. The pages' own cache is in front of it.
const CACHE_BYTES: u64 = 64 << 20;
const FLUSH_EVERY_MS: u64 = 500;
/// How long sled's threads may take to let go after the last handle is gone.
const RELEASE_LOOKS_MAX: u32 = 2_000;
const RELEASE_LOOK_MS: u64 = 5;

/// An open database.
#[derive(Debug)]
pub(super) struct Sled {
    path: PathBuf,
    handles: RwLock<Option<Handles>>,
}

#[derive(Debug)]
struct Handles {
    db: sled::Db,
    /// In the order of [`Space::ALL`].
    trees: Vec<sled::Tree>,
    /// The log, through a descriptor of our own, to sync it.
    log: File,
}

impl Sled {
    /// Opens the database at `path`, in a data directory, or creates it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        directory::create(path).map_err(|source| at(path, source))?;
        let db = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .open()?;
        let trees = Space::ALL.iter().map(|space| db.open_tree(space.name()));
        let trees = trees.collect::<Result<_, _>>()?;
        let log = path.join("db");
        let log = File::open(&log).map_err(|source| at(&log, source))?;
        Ok(Self {
            path: path.to_owned(),
            handles: RwLock::new(Some(Handles { db, trees, log })),
        })
    }

    /// Makes a new database's files and their names durable.
    pub(super) fn sync_files(&self) -> Result<(), Error> {
        seal::sync_tree(&self.path)
            .and_then(|()| directory::sync_directory(self.dir()))
            .map_err(|source| at(&self.path, source))
    }

    fn with<R>(&self, work: impl FnOnce(&Handles) -> Result<R, Error>) -> Result<R, Error> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        work(handles.as_ref().ok_or(Error::Closed)?)
    }

    /// Drops the handles and waits until nobody holds the files. False if they were gone already.
    fn release(&self) -> Result<bool, Error> {
        let handles = self
            .handles
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Handles { db, trees, log }) = handles else {
            return Ok(false);
        };
        drop(trees);
        drop(db);
        for _ in 0..RELEASE_LOOKS_MAX {
            if log.try_lock().is_ok() {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(RELEASE_LOOK_MS));
        }
        let source = io::Error::other("its threads do not end");
        Err(at(&self.path, source))
    }

    fn dir(&self) -> &Path {
        self.path.parent().expect("it is in a data directory")
    }
}

impl Backing for Sled {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|handles| {
            let value = handles.trees[space.index()].get(key)?;
            Ok(value.map(|value| value.to_vec()))
        })
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        let tree = self.with(|handles| Ok(handles.trees[space.index()].clone()))?;
        for item in tree.scan_prefix(prefix) {
            let (key, value) = item?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batches: Batches) -> Result<(), Error> {
        self.with(|handles| {
            for (tree, changes) in handles.trees.iter().zip(batches) {
                let mut batch = sled::Batch::default();
                for (key, value) in changes {
                    match value {
                        Some(value) => batch.insert(key, value),
                        None => batch.remove(key),
                    }
                }
                tree.apply_batch(batch)?;
            }
            handles.db.flush()?;
            let synced = handles.log.sync_data();
            synced.map_err(|source| at(&self.path.join("db"), source))
        })
    }

    fn close(&self, whole: bool) -> Result<(), Error> {
        if self.release()? && whole {
            seal::sync_tree(&self.path)
                .and_then(|()| seal::write(self.dir()))
                .map_err(|source| at(&self.path, source))?;
        }
        Ok(())
    }
}

impl Drop for Sled {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::warn!(%error, "the pages' files are still held");
        }
    }
}

/// How many bytes the files of the database have.
pub(super) fn bytes(path: &Path) -> u64 {
    let files = seal::files(path).unwrap_or_default();
    let lengths = files.iter().filter_map(|file| fs::metadata(file).ok());
    lengths.map(|metadata| metadata.len()).sum()
}

pub(super) fn at(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        source,
    }
}
