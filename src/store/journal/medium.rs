//! What the journal is kept on: real files, memory, or a simulated disk.

use std::{fmt, io, sync::Arc};

use crate::store::commit::Position;

/// The reading side. May be used while the journal is being written.
pub trait Source: Send + Sync + fmt::Debug + 'static {
    /// The segments' first positions, in ascending order.
    fn segments(&self) -> io::Result<Vec<Position>>;

    /// At most `bytes_max` bytes of a segment from `offset` on; fewer only at its end, and none
    /// past it. A preallocated tail reads as zeros.
    fn read(&self, segment: Position, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>>;

    /// What a person calls the segment: its file.
    fn name(&self, segment: Position) -> String;

    /// The bytes that all segments take, preallocated ones included.
    fn bytes(&self) -> io::Result<u64>;
}

/// The writing side. One segment is current: the last one created, resumed or cut.
///
/// Nothing that fails is tried again: after an error the journal makes no further call. Except for
/// want of room (`StorageFull`, `QuotaExceeded`) in [`create`](Self::create), which then has made
/// nothing, and in [`append`](Self::append), which then goes on at the same tail: the journal tries
/// those again later, an append with the same bytes first.
pub trait Medium: Send + fmt::Debug + 'static {
    /// Its reading side, which sees what was appended, synced or not.
    fn source(&self) -> Arc<dyn Source>;

    /// Makes a new, empty segment the current one, with room for `bytes` if the medium can see to
    /// that. Its existence is durable when this returns.
    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()>;

    /// Makes an existing segment the current one, to go on at byte `tail`, and syncs it.
    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()>;

    /// Makes an existing segment the current one and everything from byte `tail` on zeros or gone,
    /// durably, before it returns.
    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()>;

    /// Removes a segment, durably.
    fn remove(&mut self, segment: Position) -> io::Result<()>;

    /// Writes at the current segment's tail.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was appended to the current segment durable.
    fn sync(&mut self) -> io::Result<()>;
}
