//! Why the journal could not be opened, read or written. Each sentence says what to do.

use std::io;

use crate::store::commit::Position;

/// Why the journal could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, or what stands for it, said no.
    #[error("could not {doing} `{file}`: {source}; look at the disk, then start again")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or directory.
        file: String,
        /// What came back.
        source: io::Error,
    },
    /// What was written could not be made durable. Nobody knows what of it the disk has.
    #[error("could not sync `{file}`: {source}; look at the disk, then start again")]
    Sync {
        /// Which file.
        file: String,
        /// What came back.
        source: io::Error,
    },
    /// The disk has no room. Nothing is lost and nothing half done: the same can be tried again.
    #[error("there is no room for `{file}` ({source}); free some")]
    Full {
        /// The segment.
        file: String,
        /// What came back.
        source: io::Error,
    },
    /// Something that was once durable is not what it was.
    #[error(
        "the journal is damaged: `{file}` at byte {offset}, where position {position} should be: \
         {what}; restore a backup, or the file from one"
    )]
    Damaged {
        /// The segment.
        file: String,
        /// The byte in it, from 0.
        offset: u64,
        /// The position that should begin there.
        position: Position,
        /// What is wrong.
        what: &'static str,
    },
    /// A segment is not there, or one that does not belong is.
    #[error(
        "the journal has a gap: position {expected} should come next, but the next file is \
         `{file}`; bring the missing file back, or restore a backup"
    )]
    Gap {
        /// The file found.
        file: String,
        /// The position that is missing.
        expected: Position,
    },
    /// A segment from the future.
    #[error(
        "`{file}` has journal format {version} and was written by a newer version of jumun: start \
         that version, or restore a backup that this one wrote"
    )]
    Newer {
        /// The segment.
        file: String,
        /// The version found.
        version: u32,
    },
    /// A frame that no segment may hold. Nothing was written; the journal goes on.
    #[error("a record of {bytes} bytes is too large for the journal, which takes {bytes_max}")]
    TooLarge {
        /// The whole frame.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
    /// A frame without events. Nothing was written; the journal goes on.
    #[error("a record without events has no place in the journal")]
    Empty,
    /// An earlier write or sync failed; what was written since the last sync may be gone.
    #[error("the journal could not be written before; nothing more is accepted until a restart")]
    Poisoned,
    /// Limits that no journal can keep.
    #[error(
        "a journal segment of {segment_bytes_max} bytes cannot hold a record of {frame_bytes_max}: \
         raise the first or lower the second"
    )]
    Limits {
        /// What a segment may hold.
        segment_bytes_max: u64,
        /// What a frame may be.
        frame_bytes_max: usize,
    },
}

/// Names what was tried when IO failed.
pub(super) fn io(doing: &'static str, file: String) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        doing,
        file,
        source,
    }
}

/// The same for what is written, where the want of room is told apart.
pub(super) fn unwritten(doing: &'static str, file: String) -> impl FnOnce(io::Error) -> Error {
    move |source| {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&source.kind()) {
            Error::Full { file, source }
        } else {
            io(doing, file)(source)
        }
    }
}
