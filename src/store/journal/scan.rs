//! Reading every segment from its first byte to its last, and telling a torn tail from damage.
//!
//! What was not yet synced when the power went may be there, or not, or in part, in any order:
//! such a tail was never acknowledged and is cut. What had been synced must be there. The two are
//! told apart by `stable`, which each frame carries: a whole frame behind a bad one, written when
//! the bad one's position was already durable, proves that this is damage.

use std::fmt;

use super::{
    Error,
    error::io,
    frame::{self, HEADER_BYTES, Header},
    medium::Source,
};
use crate::store::commit::Position;

/// A tail that was written but not made durable before a crash, and was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: String,
    /// The position that would have begun there.
    pub position: Position,
    /// How many bytes are cut, zeros at the end not counted.
    pub bytes: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            position,
            bytes,
        } = self;
        write!(
            f,
            "{file} ends in {bytes} bytes of event {position}, which was being written when the \
             process or the machine stopped; it was never acknowledged and is cut off"
        )
    }
}

/// What the whole journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The position of the last event; 0 if there is none.
    pub end: Position,
    /// How many segments there are.
    pub segments: usize,
    /// The tail that opening the journal would cut.
    pub torn: Option<Torn>,
    /// The end of the last segment that is to be kept.
    pub(super) tail: Option<Tail>,
    /// A last segment that is to be removed: its creation was cut short.
    pub(super) stillborn: Option<Position>,
}

impl Scanned {
    const fn nothing() -> Self {
        Self {
            end: 0,
            segments: 0,
            torn: None,
            tail: None,
            stillborn: None,
        }
    }
}

/// The end of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) segment: Position,
    /// Where the frames begin that no later frame calls stable. They were read, but that may have
    /// been from the system's memory, and not from the disk.
    pub(super) unproven: u64,
    /// Where the last frame ends.
    pub(super) end: u64,
}

/// Checks every segment and every checksum without changing anything, and hands each frame to
/// `visit` as the position of its first event, its body, and its number of events.
///
/// Not for a journal that is being written.
pub fn scan(
    source: &dyn Source,
    visit: impl FnMut(Position, &[u8], u32),
) -> Result<Scanned, Error> {
    scan_after(Scanned::nothing(), source, visit)
}

/// The same for what follows the segments that were [scanned before](scan_closed).
pub fn scan_after(
    before: Scanned,
    source: &dyn Source,
    mut visit: impl FnMut(Position, &[u8], u32),
) -> Result<Scanned, Error> {
    let mut scanned = before;
    let left = places(source, &scanned)?;
    scanned.segments += left.len();
    for place in left {
        place.scan(&place.read(source)?, &mut scanned, &mut visit)?;
    }
    Ok(scanned)
}

/// The same for all segments but the last one. It may be called while the journal is being written:
/// nothing more is written to these.
pub fn scan_closed(
    source: &dyn Source,
    mut visit: impl FnMut(Position, &[u8], u32),
) -> Result<Scanned, Error> {
    let mut scanned = Scanned::nothing();
    for place in places(source, &scanned)? {
        if !place.is_last {
            place.scan(&place.read(source)?, &mut scanned, &mut visit)?;
            scanned.segments += 1;
        }
    }
    Ok(scanned)
}

/// Hands the frames of the segments that follow `before` to `visit`, up to where nothing more is
/// written yet, and returns the last position. For a journal that is being written.
pub fn look_after(
    before: &Scanned,
    source: &dyn Source,
    mut visit: impl FnMut(Position, &[u8], u32),
) -> Result<Position, Error> {
    let mut end = before.end;
    for place in places(source, before)? {
        if place.segment != end + 1 {
            break;
        }
        let bytes = place.read(source)?;
        if let Header::Newer(version) = frame::read_header(&bytes) {
            let file = place.file;
            return Err(Error::Newer { file, version });
        }
        let mut at = HEADER_BYTES.min(bytes.len());
        while let Some(frame) = frame::read(&bytes[at..]).filter(|frame| frame.first == end + 1) {
            visit(frame.first, frame.body, frame.count);
            at += frame.bytes();
            end = frame.last();
        }
    }
    Ok(end)
}

/// The segments that are not scanned yet.
fn places(source: &dyn Source, scanned: &Scanned) -> Result<Vec<Place>, Error> {
    let segments = source
        .segments()
        .map_err(io("list the files of", "the journal".to_owned()))?;
    let left = segments.iter().enumerate().skip(scanned.segments);
    Ok(left
        .map(|(index, &segment)| Place {
            file: source.name(segment),
            segment,
            is_last: index + 1 == segments.len(),
        })
        .collect())
}

/// A segment, while it is scanned.
struct Place {
    file: String,
    segment: Position,
    is_last: bool,
}

impl Place {
    fn read(&self, source: &dyn Source) -> Result<Vec<u8>, Error> {
        let bytes = source.read(self.segment, 0, usize::MAX);
        bytes.map_err(io("read", self.file.clone()))
    }

    fn scan(
        &self,
        bytes: &[u8],
        scanned: &mut Scanned,
        visit: &mut impl FnMut(Position, &[u8], u32),
    ) -> Result<(), Error> {
        if self.segment != scanned.end + 1 {
            return Err(Error::Gap {
                file: self.file.clone(),
                expected: scanned.end + 1,
            });
        }
        match frame::read_header(bytes) {
            Header::Begins(first) if first == self.segment => {}
            Header::Begins(_) => {
                return Err(self.damaged(0, self.segment, "it begins with another position"));
            }
            Header::Newer(version) => {
                let file = self.file.clone();
                return Err(Error::Newer { file, version });
            }
            Header::Bad => return self.headless(bytes, scanned),
        }
        let (mut at, mut next) = (HEADER_BYTES, self.segment);
        let (mut unproven, mut stable) = (at, None);
        while let Some(frame) = frame::read(&bytes[at..]).filter(|frame| frame.first == next) {
            visit(frame.first, frame.body, frame.count);
            // A sync makes everything before it stable, so a group begins where `stable` changes.
            if stable.replace(frame.stable) != Some(frame.stable) {
                unproven = at;
            }
            at += frame.bytes();
            next = frame.last() + 1;
        }
        scanned.end = next - 1;
        scanned.tail = Some(Tail {
            segment: self.segment,
            unproven: unproven as u64,
            end: at as u64,
        });
        let left = frame::without_zeros(&bytes[at..]);
        if left == 0 {
            return Ok(());
        }
        if !self.is_last {
            return Err(self.damaged(
                at,
                next,
                "a record is not what was written, and more follow",
            ));
        }
        if frame::proves(next, &bytes[at..]) {
            return Err(self.damaged(
                at,
                next,
                "a record that was durable is not what was written",
            ));
        }
        scanned.torn = Some(self.torn(next, left));
        Ok(())
    }

    /// A header is synced before the first frame is written, so that a segment without one holds
    /// no frame, or is damaged.
    fn headless(&self, bytes: &[u8], scanned: &mut Scanned) -> Result<(), Error> {
        if !self.is_last || frame::belongs(self.segment, bytes) {
            return Err(self.damaged(0, self.segment, "its header is not what was written"));
        }
        scanned.stillborn = Some(self.segment);
        scanned.torn = Some(self.torn(self.segment, frame::without_zeros(bytes)));
        Ok(())
    }

    fn torn(&self, position: Position, bytes: usize) -> Torn {
        Torn {
            file: self.file.clone(),
            position,
            bytes: bytes as u64,
        }
    }

    fn damaged(&self, at: usize, position: Position, what: &'static str) -> Error {
        Error::Damaged {
            file: self.file.clone(),
            offset: at as u64,
            position,
            what,
        }
    }
}
