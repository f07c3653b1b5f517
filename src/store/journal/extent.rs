//! How far a journal is durable that somebody else may be writing, and how much of a segment a copy
//! up to there takes. Changes nothing and needs no lock.

use super::{
    Error,
    error::io,
    frame::{self, Frame, HEADER_BYTES, Header},
    medium::Source,
};
use crate::store::commit::Position;

/// How much is read at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// The part of a segment that a copy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its header and its frames, in bytes from the segment's first on.
    pub bytes: u64,
    /// The position of the last event in it; one less than the segment's first if there is none.
    pub last: Position,
}

/// The whole frames of a segment that begin with an event up to `to`; the first one that is not
/// whole ends them. Every checksum of them is checked. Holds some frames in memory, not the segment.
pub fn extent(source: &dyn Source, segment: Position, to: Position) -> Result<Extent, Error> {
    begins(source, segment)?;
    walk(source, segment, to, |_frame| {})
}

/// How far a journal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Known to be durable: a whole frame says how far that was when it was written. Short of the
    /// end by what was written last, of which nothing in the files tells whether it was synced.
    pub durable: Position,
    /// The last event of the last whole frame.
    pub end: Position,
    /// The segment with that frame, and where the frame ends.
    last: Option<(Position, u64)>,
}

impl Reach {
    /// That nothing which was durable lies behind the last whole frame. Only for a journal that
    /// nobody is writing.
    pub fn check_end(&self, source: &dyn Source) -> Result<(), Error> {
        let Some((segment, offset)) = self.last else {
            return Ok(());
        };
        let rest = source.read(segment, offset, usize::MAX);
        let rest = rest.map_err(io("read", source.name(segment)))?;
        if frame::proves(self.end + 1, &rest) {
            return Err(Error::Damaged {
                file: source.name(segment),
                offset,
                position: self.end + 1,
                what: "a record that was durable is not what was written",
            });
        }
        Ok(())
    }
}

/// How far the journal goes, given that it is durable to `known`. Reads the files from there on.
pub fn reach(source: &dyn Source, known: Position) -> Result<Reach, Error> {
    let mut reach = Reach {
        durable: known,
        end: 0,
        last: None,
    };
    let segments = source
        .segments()
        .map_err(io("list the files of", "the journal".to_owned()))?;
    let holding = segments.partition_point(|first| *first <= known.max(1));
    for &segment in &segments[holding.saturating_sub(1)..] {
        match begins(source, segment) {
            // It is being made.
            Err(Error::Damaged { .. }) if segment > known => break,
            found => found?,
        }
        // A segment is made once all before it are durable.
        let mut durable = reach.durable.max(segment - 1);
        let own = walk(source, segment, Position::MAX, |frame| {
            durable = durable.max(frame.stable);
        })?;
        reach = Reach {
            durable,
            end: own.last,
            last: Some((segment, own.bytes)),
        };
    }
    Ok(reach)
}

/// That the segment has the header that it should have.
fn begins(source: &dyn Source, segment: Position) -> Result<(), Error> {
    let header = source.read(segment, 0, HEADER_BYTES);
    let header = header.map_err(io("read", source.name(segment)))?;
    let file = source.name(segment);
    match frame::read_header(&header) {
        Header::Begins(first) if first == segment => Ok(()),
        Header::Newer(version) => Err(Error::Newer { file, version }),
        Header::Begins(_) | Header::Bad => Err(Error::Damaged {
            file,
            offset: 0,
            position: segment,
            what: "its header is not what was written",
        }),
    }
}

fn walk(
    source: &dyn Source,
    segment: Position,
    to: Position,
    mut visit: impl FnMut(&Frame<'_>),
) -> Result<Extent, Error> {
    let read = |offset, bytes_max| {
        let bytes = source.read(segment, offset, bytes_max);
        bytes.map_err(io("read", source.name(segment)))
    };
    let (mut offset, mut last) = (HEADER_BYTES as u64, segment - 1);
    while last < to {
        let mut bytes = read(offset, CHUNK_BYTES)?;
        if let Some(whole) = frame::announced(&bytes).filter(|whole| *whole > bytes.len()) {
            bytes = read(offset, whole)?;
        }
        let mut at = 0;
        while last < to
            && let Some(frame) = frame::read(&bytes[at..]).filter(|frame| frame.first == last + 1)
        {
            visit(&frame);
            at += frame.bytes();
            last = frame.last();
        }
        if at == 0 {
            break;
        }
        offset += at as u64;
    }
    Ok(Extent {
        bytes: offset,
        last,
    })
}
