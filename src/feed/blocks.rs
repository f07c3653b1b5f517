//! What was rendered lately, in blocks of consecutive positions: a hundred who read the same decode
//! and render it once.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::{Error, Event, Inner};
use crate::store::{
    codec,
    commit::{Committed, Position},
    journal::Place,
};

/// Positions in a block. A block is read by one thread at a time.
pub(super) const BLOCK_POSITIONS: Position = 512;

/// Bytes of rendered events after which those go that nobody read for the longest time.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// What an event takes beside its text, about.
const EVENT_BYTES: usize = 160;

/// The blocks that are kept, of all storefronts.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Mutex<HashMap<(usize, u64), Arc<Block>>>,
    reads: AtomicU64,
}

/// Some of a storefront's events.
#[derive(Debug)]
pub(super) struct Block {
    number: u64,
    read_last: AtomicU64,
    bytes: AtomicUsize,
    filled: Mutex<Filled>,
}

#[derive(Debug)]
struct Filled {
    /// All up to here are there.
    to: Position,
    events: Vec<Event>,
    /// Where the rest is.
    place: Option<Place>,
}

impl Blocks {
    /// The block with this number, which may be empty yet.
    pub(super) fn of(&self, storefront: usize, number: u64) -> Arc<Block> {
        let now = self.reads.fetch_add(1, Ordering::Relaxed);
        let mut blocks = self.lock();
        let block = blocks.entry((storefront, number));
        let block = block.or_insert_with(|| Arc::new(Block::new(number)));
        block.read_last.store(now, Ordering::Relaxed);
        Arc::clone(block)
    }

    /// Whether what follows on `after` is there, up to the end of the block or `end`.
    pub(super) fn has(&self, storefront: usize, after: Position, end: Position) -> bool {
        let number = after / BLOCK_POSITIONS;
        let block = self.lock().get(&(storefront, number)).map(Arc::clone);
        let end = end.min((number + 1) * BLOCK_POSITIONS);
        // Whoever is filling it may take its time.
        block.is_some_and(|block| {
            let filled = block.filled.try_lock();
            filled.is_ok_and(|filled| filled.to >= end)
        })
    }

    /// Lets go what is too much.
    pub(super) fn trim(&self) {
        let mut blocks = self.lock();
        let bytes_of = |block: &Block| block.bytes.load(Ordering::Relaxed) + EVENT_BYTES;
        let mut bytes: usize = blocks.values().map(|block| bytes_of(block)).sum();
        while bytes > BYTES_MAX && blocks.len() > 1 {
            let oldest = blocks
                .iter()
                .min_by_key(|(_, block)| block.read_last.load(Ordering::Relaxed))
                .map(|(key, block)| (*key, bytes_of(block)));
            let Some((key, own)) = oldest else {
                return;
            };
            blocks.remove(&key);
            bytes -= own;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(usize, u64), Arc<Block>>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Block {
    const fn new(number: u64) -> Self {
        Self {
            number,
            read_last: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            filled: Mutex::new(Filled {
                to: number * BLOCK_POSITIONS,
                events: Vec::new(),
                place: None,
            }),
        }
    }

    /// Hands its events to `take`, all of them up to `end` at least. What is missing is read first,
    /// while others who want the same wait.
    pub(super) fn fill_to(
        &self,
        end: Position,
        on: &Inner,
        storefront: usize,
        take: impl FnOnce(&[Event]),
    ) -> Result<(), Error> {
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        if filled.to < end {
            let fresh = filled.events.len();
            let read = filled.read_to(end, on, storefront);
            let more = &filled.events[fresh..];
            let bytes: usize = more
                .iter()
                .map(|event| event.json.len() + EVENT_BYTES)
                .sum();
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            read?;
            if end == (self.number + 1) * BLOCK_POSITIONS
                && let Some(place) = filled.place
            {
                on.places.remember(place);
            }
        }
        take(&filled.events);
        Ok(())
    }
}

impl Filled {
    fn read_to(&mut self, end: Position, on: &Inner, storefront: usize) -> Result<(), Error> {
        let name = &*on.renderer.storefronts[storefront].name;
        let (from, mut failed) = (self.to + 1, None);
        let mut fresh = Vec::new();
        on.places
            .read((from, end), &mut self.place, |first, body, _| {
                let error = |source| Error::Record {
                    position: first,
                    source,
                };
                let rendered = match codec::storefront(body) {
                    Ok(own) if own != name => return ControlFlow::Continue(()),
                    Ok(_) => codec::decode(body).map_err(error).and_then(|batch| {
                        let batch = Arc::new(batch);
                        let committed = Committed { first, batch };
                        on.renderer
                            .events(storefront, &committed, (from, end), &mut fresh)
                    }),
                    Err(source) => Err(error(source)),
                };
                match rendered {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
        if let Some(error) = failed {
            // Read once more from the start of the block, by the next who asks.
            self.place = None;
            return Err(error);
        }
        self.events.append(&mut fresh);
        self.to = end;
        Ok(())
    }
}
