//! The journal: everything that ever happened, in order, in append-only segments.
//!
//! It is the truth; all else in the store can be rebuilt from it. A frame holds one encoded batch;
//! positions count events and have no gap. What [`Journal::sync`] returned for is never lost, or
//! opening the journal refuses and says so; what it did not return for may be cut.

mod directory;
mod error;
pub mod extent;
mod frame;
mod medium;
pub mod memory;
mod read;
mod scan;

use std::sync::Arc;

pub use directory::{Directory, Files};
pub use error::Error;
pub use medium::{Medium, Source};
pub use memory::Memory;
pub use read::{Place, Reader};
pub use scan::{Scanned, Torn, look_after, scan, scan_after, scan_closed};

use super::commit::Position;
use error::{io, unwritten};
use frame::{FRAME_BYTES_MIN, Frame, HEADER_BYTES};
use scan::Tail;

/// How large the journal's parts may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment, in bytes; this much is preallocated. 64 MiB: one more sync in some hundred
    /// thousand orders.
    pub segment_bytes_max: u64,
    /// A frame, in bytes: one batch with what the journal adds to it. 1 MiB.
    pub frame_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes_max: 64 * 1024 * 1024,
            frame_bytes_max: 1024 * 1024,
        }
    }
}

impl Limits {
    /// Whether an encoded batch of this many bytes fits in a frame.
    pub const fn take(&self, body_bytes: usize) -> bool {
        body_bytes.saturating_add(FRAME_BYTES_MIN) <= self.frame_bytes_max
    }

    fn check(self) -> Result<Self, Error> {
        let needed = self.frame_bytes_max.saturating_add(HEADER_BYTES) as u64;
        let countable = u32::try_from(self.frame_bytes_max).is_ok();
        if needed <= self.segment_bytes_max && countable {
            Ok(self)
        } else {
            Err(Error::Limits {
                segment_bytes_max: self.segment_bytes_max,
                frame_bytes_max: self.frame_bytes_max,
            })
        }
    }
}

/// One encoded batch on its way into a frame.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What `codec::encode` made.
    pub body: &'a [u8],
    /// How many events it holds, at least 1.
    pub count: u32,
}

/// A journal that was opened, and what was found.
#[derive(Debug)]
pub struct Opened {
    /// Ready to go on where it ended.
    pub journal: Journal,
    /// The unacknowledged tail that was cut, if there was one. Worth a line in the log.
    pub torn: Option<Torn>,
}

/// An open journal. One writer.
#[derive(Debug)]
pub struct Journal {
    medium: Box<dyn Medium>,
    limits: Limits,
    segment: Position,
    tail: u64,
    end: Position,
    /// The end of what was handed to the medium.
    handed: Position,
    stable: Position,
    poisoned: bool,
    /// Frames that are not handed to the medium yet. Empty between calls; kept for its space.
    buffer: Vec<u8>,
    syncs: u64,
}

impl Journal {
    /// Opens the journal on `medium`, or begins it there: checks everything, cuts a torn tail, and
    /// makes what is left durable.
    pub fn open(medium: impl Medium, limits: Limits) -> Result<Opened, Error> {
        let found = scan(&*medium.source(), |_, _, _| {})?;
        Self::after(found, Box::new(medium), limits)
    }

    /// The second half of [`open`](Self::open), for those who look at what the scan of this medium
    /// found before anything is changed.
    pub fn after(found: Scanned, medium: Box<dyn Medium>, limits: Limits) -> Result<Opened, Error> {
        let limits = limits.check()?;
        let mut journal = Self {
            medium,
            limits,
            segment: 1,
            tail: 0,
            end: found.end,
            handed: found.end,
            stable: found.end,
            poisoned: false,
            buffer: Vec::new(),
            syncs: 0,
        };
        if let Some(segment) = found.stillborn {
            let done = journal.medium.remove(segment);
            done.map_err(io("remove", journal.name(segment)))?;
        }
        match found.tail {
            None => journal.begin_segment()?,
            Some(tail) => {
                let is_torn = found.torn.is_some() && found.stillborn.is_none();
                journal
                    .go_on(tail, is_torn)
                    .map_err(io("make ready to write to", journal.name(tail.segment)))?;
            }
        }
        let torn = found.torn;
        Ok(Opened { journal, torn })
    }

    /// The position of the last event that was appended, durable or not; 0 if there is none.
    pub const fn end(&self) -> Position {
        self.end
    }

    /// The position of the last event that is durable.
    pub const fn stable(&self) -> Position {
        self.stable
    }

    /// How often it was synced since it was opened.
    pub const fn syncs(&self) -> u64 {
        self.syncs
    }

    /// The limits it was opened with.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The reading side of its medium, for [`Reader::new`].
    pub fn source(&self) -> Arc<dyn Source> {
        self.medium.source()
    }

    /// Writes one frame for each record and returns the position of the first event. Nothing of it
    /// is durable before the next [`sync`](Self::sync).
    ///
    /// A record that is too large or empty is refused before anything is written. After
    /// [`Error::Full`] the first records may be appended, which [`end`](Self::end) tells; the others
    /// are to be appended again, and before anything else. After any other error the journal is
    /// poisoned.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<Position, Error> {
        self.check_usable()?;
        for record in records {
            self.check(record)?;
        }
        let first = self.end + 1;
        let done = self.write(records);
        self.poison_on_error(done)?;
        Ok(first)
    }

    /// Makes everything that was appended durable, and returns the position of the last event.
    ///
    /// After an error the journal is poisoned: the system may have dropped what it could not write,
    /// and a second sync that succeeds would prove nothing.
    pub fn sync(&mut self) -> Result<Position, Error> {
        self.check_usable()?;
        let done = self.sync_segment();
        self.poison_on_error(done)?;
        Ok(self.stable)
    }

    fn check_usable(&self) -> Result<(), Error> {
        if self.poisoned {
            Err(Error::Poisoned)
        } else {
            Ok(())
        }
    }

    fn poison_on_error(&mut self, done: Result<(), Error>) -> Result<(), Error> {
        self.poisoned |= matches!(&done, Err(error) if !matches!(error, Error::Full { .. }));
        done
    }

    fn check(&self, record: &Record<'_>) -> Result<(), Error> {
        if record.count == 0 {
            return Err(Error::Empty);
        }
        if self.limits.take(record.body.len()) {
            return Ok(());
        }
        Err(Error::TooLarge {
            bytes: record.body.len().saturating_add(FRAME_BYTES_MIN),
            bytes_max: self.limits.frame_bytes_max,
        })
    }

    fn write(&mut self, records: &[Record<'_>]) -> Result<(), Error> {
        for record in records {
            let bytes = (FRAME_BYTES_MIN + record.body.len() + self.buffer.len()) as u64;
            if self.tail + bytes > self.limits.segment_bytes_max {
                self.rotate()?;
            }
            let frame = Frame {
                first: self.end + 1,
                stable: self.stable,
                count: record.count,
                body: record.body,
            };
            frame::write(&mut self.buffer, &frame);
            self.end = frame.last();
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let done = self.medium.append(&self.buffer);
        if done.is_ok() {
            self.tail += self.buffer.len() as u64;
            self.handed = self.end;
        } else {
            self.end = self.handed;
        }
        self.buffer.clear();
        done.map_err(|source| unwritten("write to", self.name(self.segment))(source))
    }

    fn sync_segment(&mut self) -> Result<(), Error> {
        let done = self.medium.sync();
        self.syncs += 1;
        done.map_err(|source| Error::Sync {
            file: self.name(self.segment),
            source,
        })?;
        self.stable = self.end;
        Ok(())
    }

    /// Writes the last group once more in its place, the same bytes, before it is synced: after a
    /// sync that failed, the system may show what it never wrote, and call it clean.
    fn go_on(&mut self, tail: Tail, is_torn: bool) -> std::io::Result<()> {
        let bytes_max = usize::try_from(tail.end - tail.unproven).unwrap_or(usize::MAX);
        let source = self.medium.source();
        let group = source.read(tail.segment, tail.unproven, bytes_max)?;
        self.medium.resume(tail.segment, tail.unproven)?;
        self.medium.append(&group)?;
        self.medium.sync()?;
        if is_torn {
            let bytes = self.limits.segment_bytes_max;
            self.medium.cut(tail.segment, tail.end, bytes)?;
        }
        (self.segment, self.tail) = (tail.segment, tail.end);
        Ok(())
    }

    /// The old segment is durable before the new one exists, so that only the last one can be torn.
    /// Without room for the new one, the old one stays current.
    fn rotate(&mut self) -> Result<(), Error> {
        self.hand_over()?;
        self.sync_segment()?;
        let (segment, tail) = (self.segment, self.tail);
        self.segment = self.end + 1;
        let begun = self.begin_segment();
        if matches!(begun, Err(Error::Full { .. })) {
            let resumed = self.medium.resume(segment, tail);
            resumed.map_err(io("go on with", self.name(segment)))?;
            (self.segment, self.tail) = (segment, tail);
        }
        begun
    }

    /// The header is durable before a frame is written, so that a bad one proves something. Without
    /// room for it there is no such segment.
    fn begin_segment(&mut self) -> Result<(), Error> {
        let bytes = self.limits.segment_bytes_max;
        let done = self.medium.create(self.segment, bytes);
        done.map_err(unwritten("create", self.name(self.segment)))?;
        self.tail = 0;
        self.buffer.extend_from_slice(&frame::header(self.segment));
        let begun = self.hand_over();
        if matches!(begun, Err(Error::Full { .. })) {
            let removed = self.medium.remove(self.segment);
            removed.map_err(io("remove", self.name(self.segment)))?;
        }
        begun?;
        self.sync_segment()
    }

    fn name(&self, segment: Position) -> String {
        self.medium.source().name(segment)
    }
}

#[cfg(test)]
mod tests;
