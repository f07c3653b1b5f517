//! The bytes of a segment: its header, and the frames that follow.
//!
//! All numbers are little-endian. Header: magic 8, format version 4, first position 8, CRC32C 4
//! over what stands before it. Frame: length 4, CRC32C 4, then what both of them cover: first
//! position 8, `stable` 8, number of events 4, body. A length of zero is the preallocated tail.

use crate::store::commit::Position;

/// The format that is written today.
pub(super) const FORMAT_VERSION: u32 = 1;
/// A segment's header.
pub(super) const HEADER_BYTES: usize = 24;
/// A frame without its body.
pub(super) const FRAME_BYTES_MIN: usize = 8 + COVERED_BYTES_MIN;

const MAGIC: [u8; 8] = *b"jumunlog";
/// What length and checksum cover, without the body.
const COVERED_BYTES_MIN: usize = 20;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The segment begins with this position.
    Begins(Position),
    /// It was written by a newer version.
    Newer(u32),
    /// It is no header.
    Bad,
}

pub(super) fn header(first: Position) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&first.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..20]);
    bytes[20..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

pub(super) fn read_header(bytes: &[u8]) -> Header {
    let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Header::Bad;
    };
    let version = u32_at(bytes, 8);
    if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..20]) != u32_at(bytes, 20) {
        return Header::Bad;
    }
    if version == FORMAT_VERSION {
        Header::Begins(u64_at(bytes, 12))
    } else {
        Header::Newer(version)
    }
}

/// A frame whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// The position of its first event.
    pub(super) first: Position,
    /// The position up to which everything was durable when it was written.
    pub(super) stable: Position,
    /// How many events it holds, at least 1.
    pub(super) count: u32,
    /// The encoded batch.
    pub(super) body: &'a [u8],
}

impl Frame<'_> {
    /// The position of its last event.
    pub(super) fn last(&self) -> Position {
        self.first + u64::from(self.count) - 1
    }

    /// All its bytes.
    pub(super) const fn bytes(&self) -> usize {
        FRAME_BYTES_MIN + self.body.len()
    }
}

/// Appends a frame to `to`. The caller has checked its size and that it has events.
pub(super) fn write(to: &mut Vec<u8>, frame: &Frame<'_>) {
    let start = to.len();
    let length = u32::try_from(frame.bytes() - 8).expect("a frame is within `frame_bytes_max`");
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(&[0; 4]);
    to.extend_from_slice(&frame.first.to_le_bytes());
    to.extend_from_slice(&frame.stable.to_le_bytes());
    to.extend_from_slice(&frame.count.to_le_bytes());
    to.extend_from_slice(frame.body);
    let checksum = crc32c::crc32c(&to[start + 8..]);
    to[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// The frame at the beginning of `bytes`, if one is there and its checksum is right.
pub(super) fn read(bytes: &[u8]) -> Option<Frame<'_>> {
    let frame = plausible(bytes)?;
    let covered = &bytes[8..frame.bytes()];
    (crc32c::crc32c(covered) == u32_at(bytes, 4)).then_some(frame)
}

/// How many bytes the frame at the beginning of `bytes` says it has; `None` if it says nothing.
pub(super) fn announced(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32_at(bytes.first_chunk::<4>()?, 0)).ok()?;
    (length > 0).then_some(length.saturating_add(8))
}

/// Whether a frame in `bytes` proves that position `lost` was durable once: it comes after it, is
/// whole, and says that everything up to `lost` or further was stable.
pub(super) fn proves(lost: Position, bytes: &[u8]) -> bool {
    anywhere(bytes, |frame| {
        // No segment has room for more events than that; it spares garbage the checksum.
        let near = u32::try_from(frame.first.saturating_sub(lost)).is_ok();
        frame.stable >= lost && frame.first > lost && near
    })
}

/// Whether there is a frame of a segment that begins with `first` anywhere in `bytes`.
pub(super) fn belongs(first: Position, bytes: &[u8]) -> bool {
    anywhere(bytes, |frame| {
        frame.first >= first && u32::try_from(frame.first - first).is_ok()
    })
}

/// Whether a whole frame that `fits` begins at any byte of `bytes`.
fn anywhere(bytes: &[u8], fits: impl Fn(&Frame<'_>) -> bool) -> bool {
    let mut at = 0;
    while at + FRAME_BYTES_MIN <= bytes.len() {
        // Most of a segment may be its preallocated tail. A frame that began within the next five
        // bytes would have a length of zero.
        if bytes[at..at + 8] == [0; 8] {
            at += 5;
            continue;
        }
        let here = &bytes[at..];
        if plausible(here).is_some_and(|frame| fits(&frame)) && read(here).is_some() {
            return true;
        }
        at += 1;
    }
    false
}

/// How many of `bytes` are left when the zeros at the end are taken off.
pub(super) fn without_zeros(bytes: &[u8]) -> usize {
    let mut len = bytes.len();
    while len >= 64 && bytes[len - 64..len] == [0; 64] {
        len -= 64;
    }
    bytes[..len]
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1)
}

/// A frame by its form, its checksum not yet looked at.
fn plausible(bytes: &[u8]) -> Option<Frame<'_>> {
    let fixed = bytes.first_chunk::<FRAME_BYTES_MIN>()?;
    let end = announced(fixed).filter(|end| *end >= FRAME_BYTES_MIN)?;
    let frame = Frame {
        first: u64_at(fixed, 8),
        stable: u64_at(fixed, 16),
        count: u32_at(fixed, 24),
        body: bytes.get(FRAME_BYTES_MIN..end)?,
    };
    let in_order = frame.stable < frame.first && frame.count > 0;
    let in_range = frame.first.checked_add(u64::from(frame.count)).is_some();
    (in_order && in_range).then_some(frame)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let field = bytes[at..].first_chunk().expect("the field is within");
    u32::from_le_bytes(*field)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let field = bytes[at..].first_chunk().expect("the field is within");
    u64::from_le_bytes(*field)
}
