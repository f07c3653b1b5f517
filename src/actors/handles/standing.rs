//! How the engine is, stopping it, and what may go wrong in it on purpose.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::sync::oneshot;

use super::{Engine, Failure, Injected, Kind};
use crate::{
    actors::{
        coordinator::{Census, Work},
        crashes::Panicked,
        numbers::shard_of,
        shard::Shard,
        turn::Subject,
    },
    domain::Timestamp,
    views::model::Model,
};

/// How long a shard may take to say how it is.
const LOOK_WAIT: Duration = Duration::from_secs(1);

/// What counts as the last hour.
const HOUR_MS: u64 = 60 * 60 * 1_000;

/// How a shard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is there; `None` if it does not answer within a second.
    pub present: Option<Present>,
    /// Requests under way.
    pub requests: usize,
    /// Panics that were survived since the program was started.
    pub panics: u64,
    /// Of these, in the last hour; 1,024 at most.
    pub panics_in_hour: usize,
    /// The last of them.
    pub last_panic: Option<Panic>,
    /// How often it was replaced since the program was started.
    pub replaced: u64,
    /// Of these, in the last hour.
    pub replaced_in_hour: usize,
}

/// A view that panicked, and takes nothing in until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedView {
    /// The storefront's place.
    pub storefront: usize,
    /// Its path.
    pub view: String,
    /// The last event that it has.
    pub at: u64,
    /// What the panic said.
    pub reason: String,
}

/// A shard that has not answered for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Which, counted from 0.
    pub shard: usize,
    /// For how long, in milliseconds.
    pub silent_ms: u64,
    /// What it worked on last: the storefront's place, the kind and the number.
    pub doing: Option<(usize, Kind, u64)>,
}

/// What is on a shard that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// How many entities are in memory, of each kind.
    pub live: Vec<(Kind, usize)>,
    /// Orders and listings that something is under way for.
    pub sagas: usize,
    /// Batches that wait for the disk.
    pub in_flight: usize,
    /// Orders with a timer.
    pub timers: usize,
}

/// A panic that was survived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// The storefront's place.
    pub storefront: usize,
    /// [`Kind::Order`] or [`Kind::Listing`]: whose work it was.
    pub kind: Kind,
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub text: String,
}

/// An order or a listing that panicked too often, and waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The last panic, and whose it was.
    pub last: Panic,
    /// How often it had panicked by then.
    pub panics: usize,
}

impl Engine {
    /// The faults that are set; `None` where none may be.
    pub fn injected(&self) -> Option<&Injected> {
        self.inner.faults.injected()
    }

    /// How each shard is, in their order.
    pub async fn standings(&self) -> Vec<Standing> {
        let now = self.inner.clock.now();
        let mut standings = Vec::with_capacity(self.inner.shards.len());
        for place in 0..self.inner.shards.len() {
            let running = self.inner.shards.running(place);
            let crashes = self.inner.shards.crashes(place);
            let (panics, last) = crashes.panics();
            let permits = running.as_ref().map_or(0, |running| {
                self.inner.settings.requests_per_shard_max - running.permits.available_permits()
            });
            let present = match &running {
                Some(running) => look(running).await,
                None => None,
            };
            standings.push(Standing {
                present: present.map(Present::from),
                requests: permits,
                panics,
                panics_in_hour: crashes.panics_in_hour(now),
                last_panic: last.map(Panic::from),
                replaced: self.inner.shards.replacements(place),
                replaced_in_hour: self.inner.shards.replaced_lately(place, now, HOUR_MS),
            });
        }
        standings
    }

    /// How many batches wait for the committer, and for the disk.
    pub fn commits_waiting(&self) -> usize {
        self.inner.ground.parts.committer.waiting()
    }

    /// The most requests that may be under way on one shard.
    pub fn requests_per_shard_max(&self) -> usize {
        self.inner.settings.requests_per_shard_max
    }

    /// How many orders of each storefront stand in a line, by its place.
    pub fn standing_in_line(&self) -> Vec<usize> {
        let lengths = self.inner.ground.lines.lengths();
        let storefronts = 0..self.inner.storefronts.len();
        let length = |at| lengths.get(&at).copied().unwrap_or_default();
        storefronts.map(length).collect()
    }

    /// Everything that is quarantined, by storefront, kind and number.
    pub fn quarantined(&self) -> Vec<Quarantine> {
        let shards = 0..self.inner.shards.len();
        let all = shards.flat_map(|shard| self.inner.shards.crashes(shard).quarantined());
        let mut all: Vec<Quarantine> = all
            .map(|(subject, why)| Quarantine {
                last: Panic::of(subject, why.since, why.reason),
                panics: why.panics,
            })
            .collect();
        all.sort_by_key(|one| (one.last.storefront, one.last.kind.number(), one.last.number));
        all
    }

    /// Lets an order or a listing ([`Kind::Order`], [`Kind::Listing`]) try again. False if it was not
    /// quarantined.
    pub fn release(&self, storefront: usize, kind: Kind, number: u64) -> bool {
        let shard = shard_of(number, self.inner.shards.len());
        let subject = Subject {
            storefront,
            number,
            kind,
        };
        self.inner.shards.crashes(shard).release(subject)
    }

    /// The views that panicked and stopped, where each is, and what it said.
    pub fn stopped_views(&self) -> Vec<StoppedView> {
        let progress = self.inner.views.borrow();
        let panicked = progress.panicked.iter();
        let stopped = panicked.map(|(model, reason)| StoppedView {
            storefront: model.storefront,
            view: model
                .path(&self.inner.storefronts[model.storefront])
                .to_owned(),
            at: progress.of(*model),
            reason: reason.clone(),
        });
        stopped.collect()
    }

    /// Lets the view at this path go on that panicked, from where it stopped. False if it had not.
    pub fn release_view(&self, storefront: usize, path: &str) -> bool {
        let definition = &self.inner.storefronts[storefront];
        let mut models = Model::all(storefront, definition);
        let model = models.find(|model| model.path(definition) == path);
        model.is_some_and(|model| (self.inner.ground.parts.release_view)(model))
    }

    /// The shards that have not answered for too long, and what each worked on last; `/livez`.
    pub fn stuck(&self) -> Vec<Stuck> {
        let shards = &self.inner.shards;
        let stuck = (0..shards.len()).filter_map(|shard| {
            let silent_ms = shards.silence_ms(shard)?;
            let doing = shards.doing(shard);
            Some(Stuck {
                shard,
                silent_ms,
                doing: doing.map(|(storefront, entity)| (storefront, entity.kind, entity.number)),
            })
        });
        stuck.collect()
    }

    /// Threads of shards that did not come back, since the start.
    pub fn leaked(&self) -> usize {
        self.inner.shards.leaks()
    }

    /// Ready when too many threads of shards did not come back: the program should end.
    pub async fn beyond_repair(&self) {
        self.inner.shards.beyond_repair().await;
    }

    /// How many entities are in memory, over all shards; `None` if a shard does not answer within a
    /// second.
    pub async fn live(&self) -> Option<usize> {
        let mut sum = 0;
        for place in 0..self.inner.shards.len() {
            let census = look(&*self.inner.shards.running(place)?).await?;
            sum += census.live.iter().map(|(_, count)| count).sum::<usize>();
        }
        Some(sum)
    }

    /// Why the engine takes no requests at the moment, if it does not; `/readyz`.
    pub fn not_ready(&self) -> Option<Failure> {
        if self.inner.ground.stopping.load(Ordering::Relaxed) {
            Some(Failure::Stopping)
        } else if (self.inner.failed)() {
            Some(Failure::Store)
        } else if (self.inner.full)() {
            Some(Failure::StoreFull)
        } else if self.inner.pages.is_behind() {
            Some(Failure::Overloaded)
        } else {
            None
        }
    }

    /// Takes no new requests from now on, and waits until none is under way, or `wait` has passed.
    /// True if all were finished.
    pub async fn drain(&self, wait: Duration) -> bool {
        self.inner.ground.stopping.store(true, Ordering::Relaxed);
        let all = async {
            for (_, shard) in self.inner.shards.all() {
                let every = u32::try_from(self.inner.settings.requests_per_shard_max);
                let every = every.unwrap_or(u32::MAX);
                drop(shard.permits.acquire_many(every).await);
            }
        };
        tokio::time::timeout(wait, all).await.is_ok()
    }

    /// Ends the shards' threads. Call [`Engine::drain`] first.
    pub fn stop(&self) {
        self.inner.ground.stopping.store(true, Ordering::Relaxed);
        self.inner.shards.all().for_each(|(_, shard)| shard.stop());
    }
}

/// Asks a shard how it is.
async fn look(shard: &Shard) -> Option<Census> {
    let (reply, answer) = oneshot::channel();
    shard.coordinator.try_send(Work::Count(reply)).ok()?;
    tokio::time::timeout(LOOK_WAIT, answer).await.ok()?.ok()
}

impl From<Census> for Present {
    fn from(census: Census) -> Self {
        let Census {
            live,
            sagas,
            in_flight,
            timers,
        } = census;
        Self {
            live,
            sagas,
            in_flight,
            timers,
        }
    }
}

impl From<Panicked> for Panic {
    fn from(panicked: Panicked) -> Self {
        Self::of(panicked.subject, panicked.at, panicked.text)
    }
}

impl Panic {
    fn of(subject: Subject, at: Timestamp, text: String) -> Self {
        Self {
            storefront: subject.storefront,
            kind: subject.kind,
            number: subject.number,
            at,
            text,
        }
    }
}
