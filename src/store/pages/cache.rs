//! The pages in memory: those last used, and all that are not written yet.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use foldhash::fast::FixedState;

use super::{Error, locked, page::Page};

/// A page's collection and number.
pub(super) type Key = (usize, u64);

/// Several times the number of shards, so that they rarely wait for each other.
const STRIPES: usize = 64;

/// How many pages one insertion looks at for something to evict: when all are dirty, a look at
/// every one of them each time would cost more than the page.
const LOOKS_MAX: usize = 16;

/// A page as it was read from below: with the digests of its stored parts.
pub(super) struct Loaded {
    pub(super) page: Page,
    pub(super) stored: Vec<u64>,
}

/// A page on its way to the disk.
pub(super) struct Taken {
    pub(super) key: Key,
    pub(super) page: Arc<Page>,
    /// The digests of what is stored for it at the moment.
    pub(super) stored: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct Cache {
    stripes: Vec<Mutex<Stripe>>,
    stripe_pages_max: usize,
    stripe_bytes_max: usize,
    /// What all pages in it take.
    bytes: AtomicUsize,
    dirty: AtomicUsize,
    writing: AtomicUsize,
}

#[derive(Debug, Default)]
struct Stripe {
    pages: HashMap<Key, Entry, FixedState>,
    /// The hand of the clock is at the front.
    ring: VecDeque<Key>,
    dirty: Vec<Key>,
    bytes: usize,
    hits: u64,
    misses: u64,
}

/// How the cache did since the start, and what it has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Pages in it.
    pub(super) pages: usize,
    /// What they take in memory.
    pub(super) bytes: usize,
    /// How many looks found their page there.
    pub(super) hits: u64,
    /// How many had to load it.
    pub(super) misses: u64,
}

/// What a stripe may keep.
#[derive(Clone, Copy)]
struct Room {
    pages_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry {
    page: Arc<Page>,
    stored: Vec<u64>,
    used: bool,
    dirty: bool,
    writing: bool,
}

impl Cache {
    /// Keeps so many pages, and so many bytes of them.
    pub(super) fn new(pages_max: usize, bytes_max: usize) -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            stripe_pages_max: pages_max.div_ceil(STRIPES),
            stripe_bytes_max: bytes_max.div_ceil(STRIPES),
            bytes: AtomicUsize::new(0),
            dirty: AtomicUsize::new(0),
            writing: AtomicUsize::new(0),
        }
    }

    /// How many pages wait to be written.
    pub(super) fn backlog(&self) -> usize {
        self.dirty.load(Relaxed) + self.writing.load(Relaxed)
    }

    /// What all pages in it take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Looks at a page, which is loaded if it is not here.
    ///
    /// The stripe is locked while it loads: a page that was loaded outside could be put in after
    /// someone had changed, written and evicted it.
    pub(super) fn read<R>(
        &self,
        key: Key,
        load: impl FnOnce() -> Result<Loaded, Error>,
        look: impl FnOnce(&Page) -> R,
    ) -> Result<R, Error> {
        let mut stripe = locked(self.stripe(key));
        let before = stripe.bytes;
        let entry = stripe.entry(key, self.room(), load)?;
        let seen = look(&entry.page);
        self.weigh(before, stripe.bytes);
        Ok(seen)
    }

    /// Changes a page, which is loaded if it is not here, and marks it as not written.
    pub(super) fn change(
        &self,
        key: Key,
        load: impl FnOnce() -> Result<Loaded, Error>,
        change: impl FnOnce(&mut Page),
    ) -> Result<(), Error> {
        let mut stripe = locked(self.stripe(key));
        let before = stripe.bytes;
        let entry = stripe.entry(key, self.room(), load)?;
        let weighed = entry.page.weight();
        // Copies only while a checkpoint holds the page.
        change(Arc::make_mut(&mut entry.page));
        let weighs = entry.page.weight();
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.fetch_add(1, Relaxed);
            stripe.dirty.push(key);
        }
        stripe.bytes = stripe.bytes + weighs - weighed;
        self.weigh(before, stripe.bytes);
        Ok(())
    }

    /// A page as it is, without keeping it if it has to be loaded.
    pub(super) fn peek(
        &self,
        key: Key,
        load: impl FnOnce() -> Result<Loaded, Error>,
    ) -> Result<Arc<Page>, Error> {
        let stripe = locked(self.stripe(key));
        match stripe.pages.get(&key) {
            Some(entry) => Ok(Arc::clone(&entry.page)),
            None => load().map(|loaded| Arc::new(loaded.page)),
        }
    }

    /// Everything that is not written. Each page stays until [`Cache::written`] names it.
    pub(super) fn take_dirty(&self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for stripe in &self.stripes {
            let mut stripe = locked(stripe);
            for key in std::mem::take(&mut stripe.dirty) {
                let entry = stripe.pages.get_mut(&key).expect("dirty pages stay");
                entry.dirty = false;
                entry.writing = true;
                self.writing.fetch_add(1, Relaxed);
                self.dirty.fetch_sub(1, Relaxed);
                taken.push(Taken {
                    key,
                    page: Arc::clone(&entry.page),
                    stored: entry.stored.clone(),
                });
            }
        }
        taken
    }

    /// A page that was taken is stored, with these digests of its parts.
    pub(super) fn written(&self, key: Key, stored: Vec<u64>) {
        let mut stripe = locked(self.stripe(key));
        let entry = stripe
            .pages
            .get_mut(&key)
            .expect("pages being written stay");
        entry.writing = false;
        entry.stored = stored;
        self.writing.fetch_sub(1, Relaxed);
        // Dirty pages may have gone over the limit, and nothing else may ever be loaded.
        let before = stripe.bytes;
        stripe.evict(Room {
            pages_max: self.stripe_pages_max + 1,
            ..self.room()
        });
        self.weigh(before, stripe.bytes);
    }

    /// How it does.
    pub(super) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for stripe in &self.stripes {
            let stripe = locked(stripe);
            usage.pages += stripe.pages.len();
            usage.bytes += stripe.bytes;
            usage.hits += stripe.hits;
            usage.misses += stripe.misses;
        }
        usage
    }

    const fn room(&self) -> Room {
        Room {
            pages_max: self.stripe_pages_max,
            bytes_max: self.stripe_bytes_max,
        }
    }

    /// A stripe took so much before, and takes so much now.
    fn weigh(&self, before: usize, after: usize) {
        if after >= before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    fn stripe(&self, (collection, page): Key) -> &Mutex<Stripe> {
        // Neighbouring pages and collections go to different stripes.
        let mixed = (page ^ (collection as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        &self.stripes[usize::try_from(mixed).expect("six bits")]
    }
}

impl Stripe {
    fn entry(
        &mut self,
        key: Key,
        room: Room,
        load: impl FnOnce() -> Result<Loaded, Error>,
    ) -> Result<&mut Entry, Error> {
        if self.pages.contains_key(&key) {
            self.hits += 1;
        } else {
            self.misses += 1;
            let loaded = load()?;
            self.evict(room);
            self.bytes += loaded.page.weight();
            let entry = Entry {
                page: Arc::new(loaded.page),
                stored: loaded.stored,
                used: false,
                dirty: false,
                writing: false,
            };
            self.pages.insert(key, entry);
            self.ring.push_back(key);
        }
        let entry = self.pages.get_mut(&key).expect("just put there");
        entry.used = true;
        Ok(entry)
    }

    /// Makes room for one page, where the pages at the hand allow it.
    fn evict(&mut self, room: Room) {
        for _ in 0..LOOKS_MAX {
            let fits = self.pages.len() < room.pages_max.max(1) && self.bytes < room.bytes_max;
            if fits {
                return;
            }
            let Some(key) = self.ring.pop_front() else {
                return;
            };
            let entry = self
                .pages
                .get_mut(&key)
                .expect("the ring names what is here");
            if entry.dirty || entry.writing || entry.used {
                entry.used = false;
                self.ring.push_back(key);
            } else {
                self.bytes -= entry.page.weight();
                self.pages.remove(&key);
            }
        }
    }
}
