//! The high-water mark: how far the journal was known to be durable, kept outside the journal.
//!
//! A journal that comes back shorter than its mark has lost acknowledged events, which its own
//! checksums cannot show. Two slots are written in turn, in place, each with a checksum, so that a
//! torn write leaves the other one.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::commit::Position;

/// One slot per page of the page cache, so that a write never touches both.
const SLOT_BYTES: u64 = 4096;
const MAGIC: [u8; 8] = *b"jumunmk1";
/// Magic, position, complete-to, generation, checksum.
const RECORD_BYTES: usize = 8 + 3 * 8 + 4;

/// What is known to be durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The journal was durable up to here.
    pub position: Position,
    /// The pages held everything up to here.
    pub complete_to: Position,
    /// How often the mark was written.
    pub generation: u64,
}

/// The mark cannot be used, or the journal does not reach it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("the file `mark` of the data directory cannot be used: {0}")]
    Io(#[from] io::Error),
    /// Neither slot has a valid checksum.
    #[error(
        "both copies of the high-water mark are damaged, so it cannot be told whether the journal \
         is whole; restore a backup, or check the journal with `jumun verify`"
    )]
    Damaged,
    /// Acknowledged events are missing.
    #[error(
        "the journal ends at event {end} but {known} were known to be durable: the disk or someone \
         with access to it has lost events that were acknowledged; restore a backup"
    )]
    JournalTooShort {
        /// The last event that the journal has.
        end: Position,
        /// The last event that was known to be durable.
        known: Position,
    },
}

/// The mark's file, open for writing.
#[derive(Debug)]
pub struct MarkFile {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    last: Mark,
}

impl Mark {
    /// Refuses a journal that ends before this mark.
    pub const fn check_journal(&self, end: Position) -> Result<(), Error> {
        if end < self.position {
            return Err(Error::JournalTooShort {
                end,
                known: self.position,
            });
        }
        Ok(())
    }

    /// Reads the mark at `path`: the newer of its valid slots.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_from(&File::open(path)?)
    }

    fn read_from(file: &File) -> Result<Self, Error> {
        let slots = [Self::slot(file, 0)?, Self::slot(file, 1)?];
        slots
            .into_iter()
            .flatten()
            .max_by_key(|mark| mark.generation)
            .ok_or(Error::Damaged)
    }

    fn slot(file: &File, slot: u64) -> io::Result<Option<Self>> {
        let mut record = [0; RECORD_BYTES];
        match file.read_exact_at(&mut record, slot * SLOT_BYTES) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let (body, sum) = record.split_at(RECORD_BYTES - 4);
        if body[..8] != MAGIC || crc32c::crc32c(body).to_le_bytes() != sum {
            return Ok(None);
        }
        let word = |at: usize| {
            let bytes = body[at..at + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        Ok(Some(Self {
            position: word(8),
            complete_to: word(16),
            generation: word(24),
        }))
    }

    fn encode(self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..8].copy_from_slice(&MAGIC);
        record[8..16].copy_from_slice(&self.position.to_le_bytes());
        record[16..24].copy_from_slice(&self.complete_to.to_le_bytes());
        record[24..32].copy_from_slice(&self.generation.to_le_bytes());
        let sum = crc32c::crc32c(&record[..RECORD_BYTES - 4]);
        record[RECORD_BYTES - 4..].copy_from_slice(&sum.to_le_bytes());
        record
    }
}

impl MarkFile {
    /// Creates the mark of a fresh data directory, synced: its journal is durable up to `position`,
    /// 0 where nothing was restored.
    pub(super) fn create(path: &Path, position: Position) -> Result<(), Error> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let fresh = Mark {
            position,
            ..Mark::default()
        };
        let record = fresh.encode();
        file.write_all_at(&record, 0)?;
        file.write_all_at(&record, SLOT_BYTES)?;
        file.sync_all()?;
        Ok(())
    }

    /// Opens the mark at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let last = Mark::read_from(&file)?;
        Ok(Self {
            state: Mutex::new(State { file, last }),
        })
    }

    /// The mark as it was last written.
    pub fn last(&self) -> Mark {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last
    }

    /// Writes the mark and makes it durable. The position is only ever raised; the pages' may
    /// fall, when they are about to be rebuilt.
    pub fn write(&self, position: Position, complete_to: Position) -> Result<Mark, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Mark {
            position: position.max(state.last.position),
            complete_to,
            generation: state.last.generation + 1,
        };
        let slot = next.generation % 2;
        state.file.write_all_at(&next.encode(), slot * SLOT_BYTES)?;
        state.file.sync_data()?;
        state.last = next;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_falls_back_to_the_other_and_two_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        MarkFile::create(&path, 0).unwrap();
        let marks = MarkFile::open(&path).unwrap();
        assert_eq!(marks.last(), Mark::default());
        marks.write(10, 4).unwrap();
        let newest = marks.write(7, 6).unwrap();
        assert_eq!(
            (newest.position, newest.complete_to),
            (10, 6),
            "only raised"
        );
        assert_eq!(Mark::read(&path).unwrap(), newest);

        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[0xff; 20], 10).unwrap();
        let older = Mark::read(&path).unwrap();
        assert_eq!((older.position, older.complete_to), (10, 4));
        assert_eq!(MarkFile::open(&path).unwrap().last(), older);

        file.write_all_at(&[0xff; 20], SLOT_BYTES + 10).unwrap();
        assert!(matches!(Mark::read(&path), Err(Error::Damaged)));
        assert!(matches!(MarkFile::open(&path), Err(Error::Damaged)));
    }

    #[test]
    fn a_journal_that_ends_before_the_mark_is_refused() {
        let mark = Mark {
            position: 10,
            ..Mark::default()
        };
        assert!(mark.check_journal(10).is_ok());
        let sentence = mark.check_journal(9).unwrap_err().to_string();
        assert!(sentence.contains("ends at event 9 but 10"), "{sentence}");
    }
}
