//! The file that says which components are paused: JSON, so that a person can read and mend it.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::store::directory::write_synced;

/// The largest such file, in bytes. A pause has some 200 at most.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The form that this program writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// The states of the components cannot be read, or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("the file {} cannot be used: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not say what it should.
    #[error(
        "the file {} says which parts of the shops are paused and cannot be read: {why}; mend it, \
         or remove it: then all run, and what should be paused is to be paused again",
        .path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// More is paused than the file may say.
    #[error("more than {FILE_BYTES_MAX} bytes of pauses; let something run first")]
    TooMany,
    /// The directory is being given up.
    #[error("the data directory is closed")]
    Closed,
}

/// One entry of the file: a component that is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    pub(super) storefront: String,
    pub(super) component: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    paused: Vec<Pause>,
}

/// What the file says; nothing if it is not there.
pub(super) fn read(path: &Path) -> Result<Vec<Pause>, Error> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let damaged = |why| Error::Damaged {
        path: path.to_owned(),
        why,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut text = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut text).map_err(io)?;
    if text.len() > FILE_BYTES_MAX {
        return Err(damaged(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let stored: Stored =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if stored.format != FORMAT {
        let found = stored.format;
        return Err(damaged(format!(
            "its format is {found}, this program knows {FORMAT}"
        )));
    }
    Ok(stored.paused)
}

/// Replaces the file, durably.
pub(super) fn write(path: &Path, pauses: &[Pause]) -> Result<(), Error> {
    let stored = Stored {
        format: FORMAT,
        paused: pauses.to_vec(),
    };
    let mut text = serde_json::to_vec_pretty(&stored).expect("texts and a number are always JSON");
    text.push(b'\n');
    if text.len() > FILE_BYTES_MAX {
        return Err(Error::TooMany);
    }
    write_synced(path, &text).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}
