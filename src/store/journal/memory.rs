//! A medium in memory, for tests and for simulations of power cuts.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::medium::{Medium, Source};
use crate::store::commit::Position;

/// Segments in memory that forget what was not synced when the power is cut. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    segments: BTreeMap<Position, Segment>,
    current: Option<Position>,
    is_failing: bool,
    /// How many bytes may still be written; any number if there is no limit.
    room: Option<usize>,
}

#[derive(Debug, Default)]
struct Segment {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// Where the writer goes on.
    tail: usize,
    /// What was written since the last sync: where, and what.
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl Memory {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: of what was not synced, only the writes that `survives` says yes to are
    /// left. It is asked for each write, counted from 0 within its segment, in no promised order of
    /// time: disks write as they like.
    pub fn cut_power(&self, mut survives: impl FnMut(Position, usize) -> bool) {
        let mut state = self.state();
        state.current = None;
        for (first, segment) in &mut state.segments {
            for (index, (at, bytes)) in std::mem::take(&mut segment.unsynced).iter().enumerate() {
                if survives(*first, index) {
                    put(&mut segment.durable, *at, bytes);
                }
            }
            segment.seen.clone_from(&segment.durable);
        }
    }

    /// Changes a segment's bytes behind the journal's back, for good.
    pub fn alter(&self, segment: Position, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let segment = state.segments.entry(segment).or_default();
        change(&mut segment.seen);
        segment.unsynced.clear();
        segment.durable.clone_from(&segment.seen);
    }

    /// From now on every write and sync fails, until [`mend`](Self::mend). As on Linux, what a
    /// failing sync did not write is still seen, but no later sync writes it.
    pub fn fail(&self) {
        self.state().is_failing = true;
    }

    /// Ends what [`fail`](Self::fail) began.
    pub fn mend(&self) {
        self.state().is_failing = false;
    }

    /// From now on so many bytes may be written; what a segment is made with counts too. `None`:
    /// as many as one likes. A write that finds too little room is written in part.
    pub fn limit(&self, room: Option<usize>) {
        self.state().room = room;
    }

    /// A copy that shares nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for (first, segment) in &self.state().segments {
            copy.alter(*first, |bytes| bytes.clone_from(&segment.seen));
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the lock")
    }

    fn with_current<T>(&self, change: impl FnOnce(&mut Segment) -> T) -> io::Result<T> {
        let mut state = self.state();
        if state.is_failing {
            for segment in state.segments.values_mut() {
                segment.unsynced.clear();
            }
            return Err(io::Error::other("the memory was told to fail"));
        }
        let current = state.current;
        let segment = current.and_then(|current| state.segments.get_mut(&current));
        segment
            .map(change)
            .ok_or_else(|| io::Error::other("no segment is being written"))
    }

    /// How many of so many bytes there is room for.
    fn take_room(&self, bytes: usize) -> usize {
        let mut state = self.state();
        let Some(room) = &mut state.room else {
            return bytes;
        };
        let taken = bytes.min(*room);
        *room -= taken;
        taken
    }

    fn select(&self, segment: Position, change: impl FnOnce(&mut Segment)) -> io::Result<()> {
        self.state().current = Some(segment);
        self.with_current(change)
    }
}

impl Source for Memory {
    fn segments(&self) -> io::Result<Vec<Position>> {
        Ok(self.state().segments.keys().copied().collect())
    }

    fn read(&self, segment: Position, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let state = self.state();
        let segment = state.segments.get(&segment);
        let bytes = &segment.ok_or(io::ErrorKind::NotFound)?.seen;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let from = bytes.get(offset..).unwrap_or_default();
        Ok(from[..from.len().min(bytes_max)].to_vec())
    }

    fn name(&self, segment: Position) -> String {
        format!("memory/{segment}")
    }

    fn bytes(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state
            .segments
            .values()
            .map(|one| one.seen.len() as u64)
            .sum())
    }
}

impl Medium for Memory {
    fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }

    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        if self.take_room(bytes) < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let empty = Segment {
            seen: vec![0; bytes],
            durable: vec![0; bytes],
            ..Segment::default()
        };
        self.state().segments.insert(segment, empty);
        self.select(segment, |_| {})
    }

    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()> {
        let tail = usize::try_from(tail).map_err(io::Error::other)?;
        self.select(segment, |segment| {
            segment.sync();
            segment.tail = tail;
        })
    }

    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()> {
        let tail = usize::try_from(tail).map_err(io::Error::other)?;
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        self.select(segment, |segment| {
            segment.seen.truncate(tail);
            segment.seen.resize(bytes.max(tail), 0);
            segment.tail = tail;
            segment.unsynced.clear();
            segment.durable.clone_from(&segment.seen);
        })
    }

    fn remove(&mut self, segment: Position) -> io::Result<()> {
        self.state().segments.remove(&segment);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.take_room(bytes.len());
        self.with_current(|segment| {
            let written = &bytes[..room];
            put(&mut segment.seen, segment.tail, written);
            segment.unsynced.push((segment.tail, written.to_vec()));
            if room < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            segment.tail += bytes.len();
            Ok(())
        })?
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with_current(Segment::sync)
    }
}

impl Segment {
    fn sync(&mut self) {
        for (at, bytes) in std::mem::take(&mut self.unsynced) {
            put(&mut self.durable, at, &bytes);
        }
    }
}

fn put(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if to.len() < at + bytes.len() {
        to.resize(at + bytes.len(), 0);
    }
    to[at..at + bytes.len()].copy_from_slice(bytes);
}
