//! How far a journal is durable that somebody else may be writing, and how much of a segment a copy
//! up to there takes. Changes nothing and needs no lock.

use super::{
    Error,
    error::io,
    frame::{self, Frame, HEADER_BYTES, Header},
    medium::Source,
};
use crate::store::commit::Position;

/// The part of a segment that a copy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its header and its frames, in bytes from the segment's first on.
    pub bytes: usize,
    /// The position of the last event in it; one less than the segment's first if there is none.
    pub last: Position,
}

/// The whole frames of a segment's `bytes` that begin with an event up to `to`; the first one that
/// is not whole ends them. Every checksum of them is checked.
pub fn extent(
    source: &dyn Source,
    segment: Position,
    bytes: &[u8],
    to: Position,
) -> Result<Extent, Error> {
    walk(source, segment, bytes, to, |_frame| {})
}

/// How far the journal is known to be durable, given that it is to `known`: a whole frame says how
/// far it was when the frame was written.
///
/// Short of the end by what was written last: nothing in the files tells whether that was synced.
pub fn durable(source: &dyn Source, known: Position) -> Result<Position, Error> {
    let mut durable = known;
    let segments = source
        .segments()
        .map_err(io("list the files of", "the journal".to_owned()))?;
    let holding = segments.partition_point(|first| *first <= known.max(1));
    for &segment in &segments[holding.saturating_sub(1)..] {
        let bytes = read(source, segment)?;
        if segment > known && matches!(frame::read_header(&bytes), Header::Bad) {
            // It is being made.
            break;
        }
        // A segment is made once all before it are durable.
        durable = durable.max(segment - 1);
        walk(source, segment, &bytes, Position::MAX, |frame| {
            durable = durable.max(frame.stable);
        })?;
    }
    Ok(durable)
}

/// All bytes of a segment.
pub fn read(source: &dyn Source, segment: Position) -> Result<Vec<u8>, Error> {
    source
        .read(segment, 0, usize::MAX)
        .map_err(io("read", source.name(segment)))
}

fn walk(
    source: &dyn Source,
    segment: Position,
    bytes: &[u8],
    to: Position,
    mut visit: impl FnMut(&Frame<'_>),
) -> Result<Extent, Error> {
    match frame::read_header(bytes) {
        Header::Begins(first) if first == segment => {}
        Header::Newer(version) => {
            let file = source.name(segment);
            return Err(Error::Newer { file, version });
        }
        Header::Begins(_) | Header::Bad => {
            return Err(Error::Damaged {
                file: source.name(segment),
                offset: 0,
                position: segment,
                what: "its header is not what was written",
            });
        }
    }
    let (mut at, mut last) = (HEADER_BYTES, segment - 1);
    while last < to {
        let found = frame::read(&bytes[at..]).filter(|frame| frame.first == last + 1);
        let Some(frame) = found else { break };
        visit(&frame);
        at += frame.bytes();
        last = frame.last();
    }
    Ok(Extent { bytes: at, last })
}
