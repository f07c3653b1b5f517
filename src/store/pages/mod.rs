//! What can be rebuilt from the journal: snapshots of entities, view rows, timers, answered
//! commands. A write-back cache of pages in memory over sled.
//!
//! Whoever puts a slot here has made its events durable first, so the pages never hold anything
//! that the journal does not. A checkpoint writes what changed, with the position that the pages
//! are complete to; after a crash the caller replays the journal from there. In any doubt the
//! whole is moved aside and made again from the journal.

mod backing;
mod cache;
mod checkpoint;
mod checkpointer;
mod counts;
mod disk;
mod figures;
mod guard;
mod meta;
mod notes;
mod open;
mod page;
mod probe;
mod seal;
#[cfg(test)]
mod tests;

use std::{
    io,
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, atomic::AtomicU64},
};

pub use self::{
    backing::Durable,
    checkpoint::Checkpointed,
    checkpointer::Checkpointer,
    guard::{Ahead, Guard},
    notes::VisitNote,
    open::{OpenedPages, Opening},
    probe::{Probe, limit_memory, probe, probe_memory_bytes_max},
};
use self::{
    backing::{Backing, Space},
    cache::{Cache, Loaded},
    checkpoint::Writer,
    checkpointer::Wake,
    counts::Counts,
    figures::Checkpoints,
    notes::Notes,
    page::Page,
};
use super::{commit::Position, mark};
use crate::domain::{Kind, ids::NUMBERS_PER_PAGE};

/// The most bytes of one slot: 64 of them still make a page of a few hundred parts.
pub const SLOT_BYTES_MAX: usize = 256 * 1024;

/// The most bytes of one note's value, so that sled does not make a file of it.
pub const NOTE_BYTES_MAX: usize = 60 * 1024;

/// The most notes that one sweep takes away, so that a sweep does not fill the backlog.
pub const SWEEP_NOTES_MAX: usize = 2_000;

/// A sled tree of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tree {
    /// Listings' snapshots.
    Listings,
    /// Orders' snapshots.
    Orders,
    /// Payments' snapshots.
    Payments,
    /// Deliveries' snapshots.
    Deliveries,
    /// Sagas' snapshots.
    Sagas,
    /// Approvals' snapshots.
    Approvals,
    /// Payouts' snapshots.
    Payouts,
    /// Subscribers' snapshots.
    Subscribers,
    /// Rows of views.
    Views,
}

impl Tree {
    /// The tree of a kind's snapshots.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Listing => Self::Listings,
            Kind::Order => Self::Orders,
            Kind::Payment => Self::Payments,
            Kind::Delivery => Self::Deliveries,
            Kind::Saga => Self::Sagas,
            Kind::Approval => Self::Approvals,
            Kind::Payout => Self::Payouts,
            Kind::Subscriber => Self::Subscribers,
        }
    }
}

/// A sled tree of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteTree {
    /// Commands that were answered: storefront, 0, the caller's key.
    Answered,
    /// Timers: storefront, 0, the order's number big-endian.
    Timers,
    /// Clients' own keys of their orders: storefront, 0, the key. Each with the order's number.
    Keys,
    /// Dead letters: storefront, 0, the order's number big-endian.
    Letters,
}

/// The slots of one storefront's kind or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The tree it is in.
    pub tree: Tree,
    /// The storefront's name, for views with a slash and the view's path. Not empty, without NUL.
    pub name: String,
}

/// A collection's place in the list given at opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CollectionId(pub usize);

/// What is kept under one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// How many events of the entity it includes.
    pub version: u64,
    /// The journal's position of the last event it includes.
    pub position: Position,
    /// Whether it has a place in its collection's list.
    pub listed: bool,
    /// The snapshot, as `store::snapshot` encodes it; at most [`SLOT_BYTES_MAX`].
    pub bytes: Arc<[u8]>,
}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "a limit says so in its name")]
pub struct Limits {
    /// Pages kept in memory, besides those not written yet. A page of 64 small snapshots has some
    /// ten KiB.
    pub pages_max: usize,
    /// Bytes of pages kept in memory, likewise. At twice as much [`Pages::is_behind`] says so.
    pub bytes_max: usize,
    /// Pages and notes not written yet, from which on [`Pages::is_behind`] says so. At half of it
    /// the checkpoint thread is woken early.
    pub backlog_max: usize,
    /// How long a store that was not closed may take to be opened and checked. `None`: 20 seconds
    /// and one more for each 100 MiB.
    pub probe_ms_max: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages_max: 32_768,
            bytes_max: 128 * 1024 * 1024,
            backlog_max: 16_384,
            probe_ms_max: None,
        }
    }
}

/// The pages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// sled says so.
    #[error("the pages cannot be read or written: {0}")]
    Sled(#[from] sled::Error),
    /// A file beside sled's cannot be used.
    #[error("{} cannot be used: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is stored is not what was written.
    #[error("the pages are damaged: {0}; stop, then run rebuild-views")]
    Damaged(&'static str),
    /// A snapshot or note is too large to be kept.
    #[error("{what} has {bytes} bytes, {max} are allowed")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
    /// The name of a collection, or the key of a note, is empty or starts with or has a NUL.
    #[error("{0:?} cannot be a name in the store: it is empty or has a NUL where none may be")]
    Name(String),
    /// The database opened well in a check, and now does not come back.
    #[error("the pages cannot be opened ({0}); start again, they are then rebuilt")]
    TooSlow(String),
    /// They were closed.
    #[error("the pages are closed")]
    Closed,
    /// An earlier checkpoint failed; what it left is found out at the next start.
    #[error("the pages could not be written ({0}); restart, nothing is lost")]
    Failed(String),
    /// The high-water mark cannot be written.
    #[error(transparent)]
    Mark(#[from] mark::Error),
}

/// Held while things are put that belong together; see [`Pages::together`].
#[derive(Debug)]
pub struct Together<'a> {
    _held: RwLockReadGuard<'a, ()>,
}

/// The pages of all collections, and the notes. Shared by all shards.
#[derive(Debug)]
pub struct Pages {
    collections: Vec<Collection>,
    counts: Vec<Mutex<Counts>>,
    cache: Cache,
    notes: [Notes; 4],
    /// Read by who puts several things that belong together, written by who takes all of them.
    together: RwLock<()>,
    backing: Box<dyn Backing>,
    writer: Mutex<Writer>,
    complete_to: AtomicU64,
    wake: Wake,
    limits: Limits,
    checkpoints: Checkpoints,
}

impl Pages {
    /// The collection of this tree and name, if it was in the list given at opening.
    pub fn collection(&self, tree: Tree, name: &str) -> Option<CollectionId> {
        let mut all = self.collections.iter();
        all.position(|known| known.tree == tree && known.name == name)
            .map(CollectionId)
    }

    /// The slot under a number.
    pub fn get(&self, collection: CollectionId, number: u64) -> Result<Option<Slot>, Error> {
        let (page, index) = place(number);
        if !self.counts(collection).has(page) {
            return Ok(None);
        }
        self.cache.read(
            (collection.0, page),
            || self.load(collection, page),
            |page| page.get(index).cloned(),
        )
    }

    /// Keeps a slot. It is written by a later checkpoint.
    pub fn put(&self, collection: CollectionId, number: u64, slot: Slot) -> Result<(), Error> {
        self.put_unless(collection, number, slot, |_there, _new| false)
    }

    /// Keeps a slot, unless a newer one is there: where several turns change an entity, one of a
    /// later batch may be stored first.
    pub fn put_newer(
        &self,
        collection: CollectionId,
        number: u64,
        slot: Slot,
    ) -> Result<(), Error> {
        let is_newer = |there: &Slot, new: &Slot| there.position > new.position;
        self.put_unless(collection, number, slot, is_newer)
    }

    fn put_unless(
        &self,
        collection: CollectionId,
        number: u64,
        slot: Slot,
        stays: impl Fn(&Slot, &Slot) -> bool,
    ) -> Result<(), Error> {
        limit("a snapshot", slot.bytes.len(), SLOT_BYTES_MAX)?;
        let (page, index) = place(number);
        self.cache.change(
            (collection.0, page),
            || self.load(collection, page),
            |content| {
                if !content.get(index).is_some_and(|there| stays(there, &slot)) {
                    content.set(index, slot);
                    self.counts(collection).set(page, content.listed());
                }
            },
        )?;
        self.wake_if_behind(self.cache.backlog());
        Ok(())
    }

    /// What one thread puts while it holds this is written by one checkpoint, or none of it is: after
    /// a crash all of it is there, or nothing. A checkpoint begins when nobody holds it, so the holder
    /// makes none, and lets go soon.
    pub fn together(&self) -> Together<'_> {
        Together {
            _held: self.together.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// How many listed slots there are.
    pub fn listed(&self, collection: CollectionId) -> u64 {
        self.counts(collection).listed()
    }

    /// Listed slots by their place, in the order of their numbers: at most `limit` from `offset`
    /// on. Reads only the pages they are in.
    pub fn range(
        &self,
        collection: CollectionId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Slot)>, Error> {
        let mut found = Vec::new();
        let Some((mut page, skip)) = self.counts(collection).locate(offset) else {
            return Ok(found);
        };
        let mut skip = usize::try_from(skip).expect("at most a page's slots come before it");
        while found.len() < limit {
            let room = limit - found.len();
            let here = |content: &Page| -> Vec<_> {
                let listed = content.slots().filter(|(_, slot)| slot.listed);
                let wanted = listed.skip(skip).take(room);
                wanted
                    .map(|(index, slot)| (number(page, index), slot.clone()))
                    .collect()
            };
            let load = || self.load(collection, page);
            found.extend(self.cache.read((collection.0, page), load, here)?);
            skip = 0;
            match self.counts(collection).at_or_after(page + 1) {
                Some(next) => page = next,
                None => break,
            }
        }
        Ok(found)
    }

    /// Every slot, also those not listed, in the order of their numbers. Leaves the cache as it
    /// is.
    pub fn each(
        &self,
        collection: CollectionId,
        visit: &mut dyn FnMut(u64, &Slot) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut from = 0;
        while let Some(first) = self.page_from(collection, from) {
            if self.each_of_page(collection, first, visit)?.is_break() {
                break;
            }
            from = first + NUMBERS_PER_PAGE;
        }
        Ok(())
    }

    /// The first number of the page that has `from`, or of the first one after it that has any.
    pub fn page_from(&self, collection: CollectionId, from: u64) -> Option<u64> {
        let page = self.counts(collection).at_or_after(place(from).0)?;
        Some(number(page, 0))
    }

    /// Every slot of the page that has this number. Leaves the cache as it is.
    pub fn each_of_page(
        &self,
        collection: CollectionId,
        first: u64,
        visit: &mut dyn FnMut(u64, &Slot) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let page = place(first).0;
        let key = (collection.0, page);
        let content = self.cache.peek(key, || self.load(collection, page))?;
        let mut slots = content.slots();
        Ok(slots.try_for_each(|(index, slot)| visit(number(page, index), slot)))
    }

    /// The highest number that has a slot; 0 if none has.
    pub fn highest(&self, collection: CollectionId) -> Result<u64, Error> {
        let Some(page) = self.counts(collection).last() else {
            return Ok(0);
        };
        let key = (collection.0, page);
        let content = self.cache.peek(key, || self.load(collection, page))?;
        let last = content.slots().next_back();
        Ok(last.map_or(0, |(index, _)| number(page, index)))
    }

    /// How many pages and notes are not written yet. A note costs a checkpoint what a page does.
    pub fn backlog(&self) -> usize {
        let notes: usize = self.notes.iter().map(Notes::backlog).sum();
        self.cache.backlog() + notes
    }

    /// Whether so much is not written yet that nothing new should be admitted.
    pub fn is_behind(&self) -> bool {
        self.backlog() >= self.limits.backlog_max || self.cache.bytes() >= 2 * self.limits.bytes_max
    }

    /// Whether so much is not written yet that what can wait should.
    pub fn is_filling(&self) -> bool {
        self.backlog() >= self.limits.backlog_max.div_ceil(2) || self.is_heavy()
    }

    /// Whether what is not written yet takes half as much room as all pages should, besides these.
    fn is_heavy(&self) -> bool {
        self.cache.bytes() / 3 >= self.limits.bytes_max / 2
    }

    fn wake_if_behind(&self, backlog: usize) {
        if backlog >= self.limits.backlog_max.div_ceil(2) || self.is_heavy() {
            self.wake.early();
        }
    }

    fn counts(&self, collection: CollectionId) -> MutexGuard<'_, Counts> {
        locked(&self.counts[collection.0])
    }

    fn notes(&self, tree: NoteTree) -> &Notes {
        match tree {
            NoteTree::Answered => &self.notes[0],
            NoteTree::Timers => &self.notes[1],
            NoteTree::Keys => &self.notes[2],
            NoteTree::Letters => &self.notes[3],
        }
    }

    fn load(&self, collection: CollectionId, page: u64) -> Result<Loaded, Error> {
        if !self.counts(collection).has(page) {
            return Ok(Loaded {
                page: Page::empty(),
                stored: Vec::new(),
            });
        }
        let Collection { tree, name } = &self.collections[collection.0];
        let read = |part| {
            let key = page::key(name, page, part);
            let value = self.backing.read(Space::Pages(*tree), &key)?;
            let value = value.ok_or(Error::Damaged("a page that is counted is missing"))?;
            Ok::<_, Error>((page::digest(&key, &value), value))
        };
        let first = read(0)?;
        let parts = page::chunks_of(&first.1)?;
        let rest = (1..parts).map(read);
        let (stored, values): (Vec<_>, Vec<_>) = std::iter::once(Ok(first))
            .chain(rest)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .unzip();
        Ok(Loaded {
            page: Page::decode(&values)?,
            stored,
        })
    }
}

/// A number's page, and its place in it.
fn place(number: u64) -> (u64, usize) {
    let index = usize::try_from(number % NUMBERS_PER_PAGE).expect("below 64");
    (number / NUMBERS_PER_PAGE, index)
}

fn number(page: u64, index: usize) -> u64 {
    page * NUMBERS_PER_PAGE + index as u64
}

fn limit(what: &'static str, bytes: usize, max: usize) -> Result<(), Error> {
    if bytes > max {
        return Err(Error::TooLarge { what, bytes, max });
    }
    Ok(())
}

/// Nothing under these locks is left half-changed by a panic that a later user could not bear:
/// what a checkpoint had begun is remembered as failed.
fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
