//! The shards as everybody finds them: who runs each at the moment, and how it fares.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::{
    coordinator::Work, crashes::Crashes, numbers::shard_of, settings::Settings, shard::Shard,
};
use crate::domain::{EntityKey, Kind, Timestamp};

/// For how long it is known when a shard was replaced, in milliseconds.
const KEPT_MS: u64 = 60 * 60 * 1_000;

/// The shards in their order.
pub(super) struct Table {
    places: Vec<Place>,
    requests_per_shard_max: usize,
    /// One shard is replaced at a time.
    pub(super) replacing: tokio::sync::Mutex<()>,
    /// Told when a coordinator is gone.
    died: Notify,
    /// Threads that did not come back.
    leaked: AtomicUsize,
    /// Whether there are too many of them, and who is told.
    is_beyond_repair: AtomicBool,
    beyond_repair: Notify,
}

/// What stays whoever runs the shard.
struct Place {
    running: ArcSwapOption<Shard>,
    crashes: Arc<Crashes>,
    doing: Arc<Doing>,
    /// How many coordinators it has had.
    lives: AtomicU64,
    /// Which of them is gone, counted from 1; 0 if none is.
    gone: AtomicU64,
    /// How long it has not answered, in milliseconds; 0 if it does.
    silent_ms: AtomicU64,
    replaced: Mutex<VecDeque<Timestamp>>,
    /// How often it was replaced, by [`Ended`].
    replacements: [AtomicU64; 2],
}

/// Why a shard had to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was gone.
    Died,
    /// It did not answer.
    Stuck,
}

impl Ended {
    /// Every one with its stable name.
    pub(super) const ALL: [(Self, &'static str); 2] =
        [(Self::Died, "died"), (Self::Stuck, "stuck")];
}

/// What a shard's thread works on.
#[derive(Debug, Default)]
pub(super) struct Doing {
    storefront: AtomicUsize,
    kind: AtomicUsize,
    number: AtomicU64,
    /// It submits something, which takes as long as the disk where that is alone.
    submits: AtomicBool,
}

impl Doing {
    /// It begins to work on this.
    pub(super) fn begin(&self, storefront: usize, entity: EntityKey) {
        self.storefront.store(storefront, Ordering::Relaxed);
        self.number.store(entity.number, Ordering::Relaxed);
        let kind = usize::from(entity.kind.number());
        self.kind.store(kind, Ordering::Relaxed);
    }

    /// Submits something. Meanwhile it is not taken for stuck: a disk that stands still is no mistake of the
    /// shard's, and another shard would wait for it, too.
    pub(super) fn submitting<T>(&self, submit: impl FnOnce() -> T) -> T {
        self.submits.store(true, Ordering::Relaxed);
        let submitted = submit();
        self.submits.store(false, Ordering::Relaxed);
        submitted
    }

    /// Whether it submits something just now.
    pub(super) fn submits(&self) -> bool {
        self.submits.load(Ordering::Relaxed)
    }

    /// What it began to work on last.
    pub(super) fn last(&self) -> Option<(usize, EntityKey)> {
        let kind = u8::try_from(self.kind.load(Ordering::Relaxed)).ok()?;
        let number = self.number.load(Ordering::Relaxed);
        let entity = EntityKey::new(Kind::from_number(kind)?, number);
        Some((self.storefront.load(Ordering::Relaxed), entity))
    }
}

impl Table {
    /// Places for so many shards, none of which runs.
    pub(super) fn new(settings: Settings) -> Self {
        let place = |_| Place {
            running: ArcSwapOption::empty(),
            crashes: Arc::new(Crashes::new(settings)),
            doing: Arc::default(),
            lives: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            silent_ms: AtomicU64::new(0),
            replaced: Mutex::default(),
            replacements: Default::default(),
        };
        Self {
            places: (0..settings.shards).map(place).collect(),
            requests_per_shard_max: settings.requests_per_shard_max,
            replacing: tokio::sync::Mutex::default(),
            died: Notify::new(),
            leaked: AtomicUsize::new(0),
            is_beyond_repair: AtomicBool::new(false),
            beyond_repair: Notify::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The shard at this place; `None` while it is not running.
    pub(super) fn running(&self, shard: usize) -> Option<Arc<Shard>> {
        self.places[shard].running.load_full()
    }

    /// How many requests the shard has that are not answered; more than any if it does not run. Asked
    /// for every request, of every shard, so it writes nothing that threads share.
    pub(super) fn load(&self, shard: usize) -> usize {
        let running = self.places[shard].running.load();
        let running = running
            .as_ref()
            .filter(|running| running.coordinator.connected());
        running.map_or(usize::MAX, |running| {
            let free = running.permits.available_permits();
            self.requests_per_shard_max - free
        })
    }

    /// All that run.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Arc<Shard>)> {
        (0..self.len()).filter_map(|shard| Some((shard, self.running(shard)?)))
    }

    /// From now on this one runs there, or none.
    pub(super) fn run(&self, shard: usize, running: Option<Arc<Shard>>) {
        self.places[shard].running.store(running);
    }

    /// From now on this one runs there, unless it is gone already.
    pub(super) fn begin(&self, shard: usize, running: Shard) {
        self.run(shard, Some(Arc::new(running)));
        // It may have died before anybody could find it.
        self.died.notify_one();
    }

    /// The next life at this place, counted from 1.
    pub(super) fn next_life(&self, shard: usize) -> u64 {
        self.places[shard].lives.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Which life it is at this place, counted from 1.
    pub(super) fn life(&self, shard: usize) -> u64 {
        self.places[shard].lives.load(Ordering::Acquire)
    }

    /// The coordinator of this life is gone.
    pub(super) fn gone(&self, shard: usize, life: u64) {
        self.places[shard].gone.fetch_max(life, Ordering::AcqRel);
        self.died.notify_one();
    }

    /// Waits until a coordinator is gone.
    pub(super) async fn noticed(&self) {
        self.died.notified().await;
    }

    /// A shard whose coordinator is gone, and that nobody runs instead.
    pub(super) fn next_gone(&self) -> Option<usize> {
        let is_gone = |place: &Place| {
            let gone = place.gone.load(Ordering::Acquire);
            gone > 0 && gone == place.lives.load(Ordering::Acquire)
        };
        self.places.iter().position(is_gone)
    }

    /// What has panicked at this place.
    pub(super) fn crashes(&self, shard: usize) -> &Arc<Crashes> {
        &self.places[shard].crashes
    }

    /// What the shard's thread says that it works on.
    pub(super) fn work(&self, shard: usize) -> &Arc<Doing> {
        &self.places[shard].doing
    }

    /// What the shard works on, or did last.
    pub(super) fn doing(&self, shard: usize) -> Option<(usize, EntityKey)> {
        self.places[shard].doing.last()
    }

    /// Notes how long a shard has not answered, in milliseconds; `None` if it answers.
    pub(super) fn silent(&self, shard: usize, silent_ms: Option<u64>) {
        let silent_ms = silent_ms.unwrap_or_default();
        self.places[shard]
            .silent_ms
            .store(silent_ms, Ordering::Relaxed);
    }

    /// How long a shard has not answered, in milliseconds, if that is too long.
    pub(super) fn silence_ms(&self, shard: usize) -> Option<u64> {
        let silent_ms = self.places[shard].silent_ms.load(Ordering::Relaxed);
        (silent_ms > 0).then_some(silent_ms)
    }

    /// Notes that a shard was replaced, and why.
    pub(super) fn replaced(&self, shard: usize, why: Ended, now: Timestamp) {
        let place = &self.places[shard];
        place.replacements[why as usize].fetch_add(1, Ordering::Relaxed);
        let mut replaced = lock(&place.replaced);
        replaced.retain(|at| now.ms_since(*at) < KEPT_MS);
        replaced.push_back(now);
    }

    /// How often a shard was replaced within so many milliseconds, an hour at most.
    pub(super) fn replaced_lately(&self, shard: usize, now: Timestamp, lately_ms: u64) -> usize {
        let replaced = lock(&self.places[shard].replaced);
        let lately = replaced.iter().filter(|at| now.ms_since(**at) < lately_ms);
        lately.count()
    }

    /// How often a shard was replaced since the start.
    pub(super) fn replacements(&self, shard: usize) -> u64 {
        let all = Ended::ALL.into_iter();
        all.map(|(why, _)| self.replacements_of(shard, why)).sum()
    }

    /// How often for this reason.
    pub(super) fn replacements_of(&self, shard: usize, why: Ended) -> u64 {
        self.places[shard].replacements[why as usize].load(Ordering::Relaxed)
    }

    /// One more thread did not come back. More than `max`, and the program should end.
    pub(super) fn leaked(&self, max: usize) {
        if self.leaked.fetch_add(1, Ordering::AcqRel) >= max {
            self.is_beyond_repair.store(true, Ordering::Release);
            self.beyond_repair.notify_waiters();
        }
    }

    /// How many threads did not come back.
    pub(super) fn leaks(&self) -> usize {
        self.leaked.load(Ordering::Relaxed)
    }

    /// Waits until too many threads did not come back.
    pub(super) async fn beyond_repair(&self) {
        let told = self.beyond_repair.notified();
        if !self.is_beyond_repair.load(Ordering::Acquire) {
            told.await;
        }
    }

    /// Sends work to the coordinator of the shard that owns a number. A coordinator's mailbox has room
    /// for everything that can be under way, so what is not taken finds it gone: the work is dropped,
    /// and a turn in it reports that itself.
    pub(super) fn tell(&self, number: u64, work: Work) {
        let shard = shard_of(number, self.places.len());
        let running = self.places[shard].running.load();
        if running
            .as_ref()
            .is_none_or(|running| running.coordinator.try_send(work).is_err())
        {
            tracing::debug!(shard, "a shard is not running; what it was sent is dropped");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
