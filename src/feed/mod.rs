//! A storefront's committed events, for those outside: in the journal's order, each under the number
//! that it has there, for ever.
//!
//! A feed keeps nothing of its own. It reads the journal from wherever it is asked to, renders what
//! has a name of the storefront's as `CloudEvents`, and shares what was rendered lately among all who
//! read. Nobody who commits waits for it, and while nobody reads it does nothing.

mod blocks;
mod cloud;
mod event;
mod places;
mod render;
#[cfg(test)]
mod tests;

use std::{fmt, ops::ControlFlow, sync::Arc};

use tokio::sync::{Semaphore, watch};

pub use self::event::{Event, Filter, subject_text};
use self::{
    blocks::{BLOCK_POSITIONS, Blocks},
    places::Places,
    render::Renderer,
};
use crate::{
    domain::{Batch, storefront::Storefront},
    store::{
        codec,
        commit::Position,
        journal::{self, Source},
        layout::Layout,
        pages::{self, Pages},
        snapshot,
    },
};

/// More blocks are not looked through by one [`Feed::read`]: some 16,000 of the journal's events, a
/// few milliseconds where nothing of them is wanted.
const BLOCKS_READ_MAX: usize = 32;

/// How many read files at once for [`Feed::next`].
const READS_AT_ONCE_MAX: usize = 4;

/// Why a feed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// An event of it.
    #[error("event {position} of the journal cannot be read: {source}")]
    Record {
        /// The first event of the batch.
        position: Position,
        /// Why.
        source: codec::Error,
    },
    /// The snapshots that events are shown with.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// One of them.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// A mistake of this program.
    #[error("reading the feed panicked; see the log above")]
    Panicked,
}

/// What feeds are made of.
pub struct Ground {
    /// In the order they are mounted.
    pub storefronts: Vec<Arc<Storefront>>,
    /// The pages' places.
    pub layout: Arc<Layout>,
    /// Where the snapshots are.
    pub pages: Arc<Pages>,
    /// The journal, while it is being written.
    pub journal: Arc<dyn Source>,
    /// Up to where everything is durable, and its snapshots are in the pages.
    pub complete_to: Box<dyn Fn() -> Position + Send + Sync>,
}

/// The feeds of all storefronts. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Inner>,
}

struct Inner {
    renderer: Renderer,
    complete_to: Box<dyn Fn() -> Position + Send + Sync>,
    horizon: watch::Sender<Horizon>,
    places: Places,
    blocks: Blocks,
    /// A permit for each who reads files.
    reads: Semaphore,
}

#[derive(Clone, Copy, Debug, Default)]
struct Horizon {
    position: Position,
    is_closed: bool,
}

/// What was read of a feed.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// In order.
    pub events: Vec<Event>,
    /// Everything up to here was looked at: go on reading after it.
    pub seen_to: Position,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("horizon", &*self.inner.horizon.borrow())
            .finish_non_exhaustive()
    }
}

impl Feed {
    /// The feeds of these storefronts.
    pub fn new(ground: Ground) -> Self {
        let Ground {
            storefronts,
            layout,
            pages,
            journal,
            complete_to,
        } = ground;
        Self {
            inner: Arc::new(Inner {
                renderer: Renderer {
                    storefronts,
                    layout,
                    pages,
                },
                complete_to,
                horizon: watch::Sender::new(Horizon::default()),
                places: Places::new(journal),
                blocks: Blocks::default(),
                reads: Semaphore::new(READS_AT_ONCE_MAX),
            }),
        }
    }

    /// The storefronts, in the order they are mounted.
    pub fn storefronts(&self) -> &[Arc<Storefront>] {
        &self.inner.renderer.storefronts
    }

    /// Up to where there is something to read: it is durable, and whoever looks at what it is about
    /// sees it. Never goes back.
    pub fn horizon(&self) -> Position {
        self.look().position
    }

    /// Events of the storefront with this place that the filter takes, from the first one after
    /// `after` on, at most `max`. Reads no further than the horizon, and no more than some ten
    /// thousand events that are not wanted at once: where there are none, [`Slice::seen_to`] says
    /// from where to go on.
    ///
    /// May read files: not for a thread that must not wait for a disk, unless
    /// [`is_at_hand`](Self::is_at_hand).
    pub fn read(
        &self,
        storefront: usize,
        after: Position,
        filter: &Filter,
        max: usize,
    ) -> Result<Slice, Error> {
        let horizon = self.horizon();
        let mut slice = Slice {
            events: Vec::new(),
            seen_to: after,
        };
        for _ in 0..BLOCKS_READ_MAX {
            let number = slice.seen_to / BLOCK_POSITIONS;
            let end = horizon.min((number + 1) * BLOCK_POSITIONS);
            if slice.seen_to >= end || slice.events.len() >= max {
                break;
            }
            let inner = &self.inner;
            let block = inner.blocks.of(storefront, number);
            let from = slice.seen_to;
            block.fill_to(end, inner, storefront, |events| {
                let behind = events.partition_point(|event| event.position <= from);
                let wanted = events[behind..].iter();
                let wanted = wanted.take_while(|event| event.position <= end);
                for event in wanted.filter(|event| filter.takes(event)) {
                    if slice.events.len() >= max {
                        return;
                    }
                    slice.seen_to = event.position;
                    slice.events.push(event.clone());
                }
                slice.seen_to = end;
            })?;
            inner.blocks.trim();
        }
        Ok(slice)
    }

    /// The same, on a thread that may wait for a disk where that is needed.
    pub async fn next(
        &self,
        storefront: usize,
        after: Position,
        filter: &Filter,
        max: usize,
    ) -> Result<Slice, Error> {
        if self.is_at_hand(storefront, after) {
            return self.read(storefront, after, filter, max);
        }
        let permit = self.inner.reads.acquire().await;
        // Whoever was before has perhaps read the same.
        if self.is_at_hand(storefront, after) {
            return self.read(storefront, after, filter, max);
        }
        let (feed, filter) = (self.clone(), filter.clone());
        let read = move || feed.read(storefront, after, &filter, max);
        let read = tokio::task::spawn_blocking(read).await;
        drop(permit);
        read.map_err(|_panicked| Error::Panicked)?
    }

    /// The event with this number, if the storefront's feed has it. On a thread that may wait for a
    /// disk where that is needed.
    pub async fn find(
        &self,
        storefront: usize,
        position: Position,
    ) -> Result<Option<Event>, Error> {
        let Some(before) = position.checked_sub(1) else {
            return Ok(None);
        };
        if position > self.horizon() {
            return Ok(None);
        }
        let any = Filter::default();
        let slice = self.next(storefront, before, &any, 1).await?;
        let mut found = slice.events.into_iter();
        Ok(found.next().filter(|event| event.position == position))
    }

    /// What was recorded as one batch, whose first event has this position; of whichever storefront.
    /// Reads a file.
    pub fn batch(&self, first: Position) -> Result<Option<Batch>, Error> {
        if first > self.horizon() {
            return Ok(None);
        }
        let mut found = None;
        let take = |position: Position, body: &[u8], _: u32| {
            found = (position == first).then(|| codec::decode(body));
            ControlFlow::Break(())
        };
        self.inner.places.read((first, first), &mut None, take)?;
        let error = |source| Error::Record {
            position: first,
            source,
        };
        found.transpose().map_err(error)
    }

    /// Whether what comes after `after` can be read without waiting for a disk, since somebody read
    /// it lately.
    pub fn is_at_hand(&self, storefront: usize, after: Position) -> bool {
        let blocks = &self.inner.blocks;
        blocks.has(storefront, after, self.inner.horizon.borrow().position)
    }

    /// Waits until there is something after `after`, and says up to where; `None` once the feed is
    /// closed. May be dropped at any time.
    pub async fn wait(&self, after: Position) -> Option<Position> {
        let mut horizons = self.inner.horizon.subscribe();
        loop {
            let horizon = self.look();
            if horizon.is_closed {
                return None;
            }
            if horizon.position > after {
                return Some(horizon.position);
            }
            drop(horizons.borrow_and_update());
            // Once more: it may have moved before it counted as seen.
            if self.look().position > after {
                continue;
            }
            if horizons.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Ready once the feed is closed.
    pub async fn closed(&self) {
        let mut horizons = self.inner.horizon.subscribe();
        let closed = horizons.wait_for(|horizon| horizon.is_closed);
        // It is never gone while somebody holds it.
        drop(closed.await);
    }

    /// Wakes those who wait, if there is something for them. Costs next to nothing if nobody does.
    pub fn ring(&self) {
        if self.inner.horizon.receiver_count() > 0 {
            self.look();
        }
    }

    /// Lets nobody wait any more: the program stops, or another takes over.
    pub fn close(&self) {
        let horizon = &self.inner.horizon;
        horizon.send_modify(|horizon| horizon.is_closed = true);
    }

    fn look(&self) -> Horizon {
        let complete_to = (self.inner.complete_to)();
        let horizon = &self.inner.horizon;
        horizon.send_if_modified(|horizon| {
            let is_further = complete_to > horizon.position;
            horizon.position = horizon.position.max(complete_to);
            is_further
        });
        *horizon.borrow()
    }
}
