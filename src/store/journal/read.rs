//! Reading committed frames again, while the journal goes on being written.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Error,
    error::io,
    frame::{self, HEADER_BYTES, Header},
    medium::Source,
};
use crate::store::commit::Position;

/// How much is read at once, unless it is said.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Reads frames in order. Remembers where it stopped, so that going on costs nothing.
#[derive(Debug)]
pub struct Reader {
    source: Arc<dyn Source>,
    cursor: Option<Cursor>,
    chunk_bytes: usize,
}

/// A place in the journal at which a frame begins, for [`Reader::at`].
#[derive(Clone, Copy, Debug)]
pub struct Place(Cursor);

impl Place {
    /// The position of the first event there.
    pub const fn position(self) -> Position {
        self.0.next
    }
}

/// Where the frame that begins with `next` is.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    segment: Position,
    offset: u64,
    next: Position,
}

impl Reader {
    /// A reader of what `source` holds.
    pub const fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            cursor: None,
            chunk_bytes: CHUNK_BYTES,
        }
    }

    /// A reader that knows a place to begin at, and reads so many bytes at once.
    pub fn at(source: Arc<dyn Source>, place: Option<Place>, chunk_bytes: usize) -> Self {
        Self {
            source,
            cursor: place.map(|place| place.0),
            chunk_bytes,
        }
    }

    /// Where it stopped, if it has read anything.
    pub fn place(&self) -> Option<Place> {
        self.cursor.map(Place)
    }

    /// Goes to the frame that holds `position`, which must be durable, and tells of the places that it
    /// passes, one for each chunk.
    pub fn seek(&mut self, position: Position, mut passes: impl FnMut(Place)) -> Result<(), Error> {
        let position = position.max(1);
        let segments = self.segments()?;
        let holding = segments.partition_point(|first| *first <= position);
        let holding = holding.checked_sub(1).map_or(0, |index| segments[index]);
        let known = self.cursor;
        // Whole segments are not read through.
        self.cursor = known.filter(|cursor| cursor.segment >= holding);
        let mut cursor = self.cursor_before(position)?;
        while cursor.next <= position {
            let mut stop = |_: Position, _: &[u8], _: u32| ControlFlow::Break(());
            match self.read_chunk(&mut cursor, position, position, &mut stop)? {
                Chunk::Read => passes(Place(cursor)),
                Chunk::SegmentEnds => cursor = self.segment_after(cursor)?,
                Chunk::Stopped => break,
            }
        }
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Hands each frame that holds a position of `from..=to` to `visit`, as the position of its
    /// first event, its body, and its number of events. The first frame may begin before `from`.
    ///
    /// `to` must be durable: what lies beyond it may be half written. Whatever is missing up to it
    /// is an error.
    pub fn read(
        &mut self,
        from: Position,
        to: Position,
        mut visit: impl FnMut(Position, &[u8], u32) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if from > to {
            return Ok(());
        }
        let mut cursor = self.cursor_before(from.max(1))?;
        while cursor.next <= to {
            match self.read_chunk(&mut cursor, from, to, &mut visit)? {
                Chunk::Read => self.cursor = Some(cursor),
                Chunk::SegmentEnds => cursor = self.segment_after(cursor)?,
                Chunk::Stopped => {
                    self.cursor = Some(cursor);
                    break;
                }
            }
        }
        Ok(())
    }

    /// The remembered place, or the start of the segment that holds `from`.
    fn cursor_before(&self, from: Position) -> Result<Cursor, Error> {
        if let Some(cursor) = self.cursor.filter(|cursor| cursor.next <= from) {
            return Ok(cursor);
        }
        let segments = self.segments()?;
        let holding = segments.partition_point(|first| *first <= from);
        match holding.checked_sub(1).map(|index| segments[index]) {
            Some(segment) => self.begin(segment),
            None => Err(Error::Gap {
                file: self.source.name(1),
                expected: from,
            }),
        }
    }

    fn segment_after(&self, cursor: Cursor) -> Result<Cursor, Error> {
        if self.segments()?.binary_search(&cursor.next).is_ok() && cursor.next != cursor.segment {
            return self.begin(cursor.next);
        }
        Err(Error::Damaged {
            file: self.source.name(cursor.segment),
            offset: cursor.offset,
            position: cursor.next,
            what: "a record that was durable is not there",
        })
    }

    fn segments(&self) -> Result<Vec<Position>, Error> {
        self.source
            .segments()
            .map_err(io("list the files of", "the journal".to_owned()))
    }

    fn begin(&self, segment: Position) -> Result<Cursor, Error> {
        let file = || self.source.name(segment);
        let header = self
            .source
            .read(segment, 0, HEADER_BYTES)
            .map_err(io("read", file()))?;
        match frame::read_header(&header) {
            Header::Begins(first) if first == segment => Ok(Cursor {
                segment,
                offset: HEADER_BYTES as u64,
                next: segment,
            }),
            Header::Newer(version) => Err(Error::Newer {
                file: file(),
                version,
            }),
            Header::Begins(_) | Header::Bad => Err(Error::Damaged {
                file: file(),
                offset: 0,
                position: segment,
                what: "its header is not what was written",
            }),
        }
    }

    fn read_chunk(
        &self,
        cursor: &mut Cursor,
        from: Position,
        to: Position,
        visit: &mut impl FnMut(Position, &[u8], u32) -> ControlFlow<()>,
    ) -> Result<Chunk, Error> {
        let bytes = self.load(cursor)?;
        let mut at = 0;
        while cursor.next <= to {
            let Some(frame) = frame::read(&bytes[at..]).filter(|found| found.first == cursor.next)
            else {
                return Ok(if at > 0 {
                    Chunk::Read
                } else {
                    Chunk::SegmentEnds
                });
            };
            if frame.last() >= from && visit(frame.first, frame.body, frame.count).is_break() {
                return Ok(Chunk::Stopped);
            }
            at += frame.bytes();
            cursor.offset += frame.bytes() as u64;
            cursor.next = frame.last() + 1;
        }
        Ok(Chunk::Read)
    }

    /// The bytes from the cursor on, with its first frame whole if it is there.
    fn load(&self, cursor: &Cursor) -> Result<Vec<u8>, Error> {
        let read = |bytes_max| {
            self.source
                .read(cursor.segment, cursor.offset, bytes_max)
                .map_err(io("read", self.source.name(cursor.segment)))
        };
        let bytes = read(self.chunk_bytes)?;
        match frame::announced(&bytes) {
            Some(whole) if whole > bytes.len() => read(whole),
            _ => Ok(bytes),
        }
    }
}

/// How reading a chunk came to its end.
enum Chunk {
    /// At least one frame was read, or all that were asked for.
    Read,
    /// There is no further frame in this segment.
    SegmentEnds,
    /// The visitor has had enough; the cursor stands at the frame it saw last.
    Stopped,
}
