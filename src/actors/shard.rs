//! A shard: one thread with a coordinator and the entities of its orders.

use std::{
    cell::OnceCell,
    fmt,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix::{Addr, Arbiter, ArbiterHandle, prelude::SendError};
use tokio::sync::{Semaphore, watch};

use super::{
    admission::Door,
    breakers::Breakers,
    claims::Claims,
    coordinator::{Ask, Coordinator, Lines, Outside, Work},
    faults::Faults,
    fence::Fence,
    handles::Failure,
    inbox::Inbox,
    lane::Lane,
    local::Local,
    mailbox,
    numbers::shard_of,
    provider::Provider,
    settings::Settings,
    table::Table,
    turn::Subject,
};
use crate::{
    clock::Clock,
    domain::{Timestamp, storefront::Storefront},
    feed::{self, Feed},
    store::{
        commit::{Commit, Position},
        committer::UnderWay,
        components::Components,
        journal::Source,
        layout::Layout,
        pages::{self, Pages},
        timers,
    },
    telemetry::spans::Spans,
    views::{model::Model, stops::Progress},
};

/// Where the shards run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Each on a thread of its own.
    Own,
    /// All on the caller's, which must run an actix system: the same input gives the same run.
    Callers,
}

/// What an engine is started with: everything is opened, restored and running.
pub struct Parts {
    /// In the order they are mounted.
    pub storefronts: Vec<Arc<Storefront>>,
    /// The pages' layout for these storefronts.
    pub layout: Arc<Layout>,
    /// Complete to the journal's end.
    pub pages: Arc<Pages>,
    /// Which components of the storefronts are paused.
    pub components: Arc<Components>,
    /// Where to submit; knows one lane for each shard.
    pub committer: Arc<dyn Commit>,
    /// The lanes that the committer settles, one for each shard.
    pub lanes: Vec<Arc<Lane>>,
    /// The committer's gauge of requests that have not submitted yet.
    pub under_way: UnderWay,
    /// The journal that the committer writes: what the store misses is read from it when a shard is made
    /// again.
    pub journal: Arc<dyn Source>,
    /// Up to where the journal is durable.
    pub durable: Arc<dyn Fn() -> Position + Send + Sync>,
    /// Whether the journal or the checkpoints have failed.
    pub failed: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Whether there is no room for more on the disk.
    pub full: Arc<dyn Fn() -> bool + Send + Sync>,
    /// How far the views have come.
    pub views: watch::Receiver<Progress>,
    /// Lets a view go on that panicked. False if it had not.
    pub release_view: Arc<dyn Fn(Model) -> bool + Send + Sync>,
    /// One for each storefront.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Where spans of traces go.
    pub spans: Spans,
    /// The time.
    pub clock: Clock,
    /// The limits.
    pub settings: Settings,
    /// What may go wrong on purpose.
    pub faults: Arc<dyn Faults>,
    /// Where the shards run.
    pub threads: Threads,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("lanes", &self.lanes.len())
            .finish_non_exhaustive()
    }
}

/// What all shards are started on, and made again on.
pub(super) struct Ground {
    pub(super) parts: Parts,
    pub(super) table: Arc<Table>,
    pub(super) claims: Arc<Claims>,
    pub(super) lines: Arc<Lines>,
    pub(super) breakers: Arc<Breakers>,
    pub(super) feed: Feed,
    /// Whether the engine takes no more requests.
    pub(super) stopping: AtomicBool,
}

impl Ground {
    pub(super) fn new(parts: Parts) -> Self {
        let lines = Arc::new(Lines::new());
        let (storefronts, providers) = (&parts.storefronts, &parts.providers);
        let breakers = Breakers::new(storefronts, providers, &lines, &parts.clock);
        let feed = feed(&parts);
        Self {
            feed,
            table: Arc::new(Table::new(parts.settings)),
            claims: Arc::default(),
            breakers: Arc::new(breakers),
            lines,
            stopping: AtomicBool::new(false),
            parts,
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The feeds of what these shards commit.
fn feed(parts: &Parts) -> Feed {
    let (durable, lanes) = (Arc::clone(&parts.durable), parts.lanes.clone());
    let complete_to = move || {
        let durable = durable();
        let complete = lanes.iter().map(|lane| lane.complete_to(durable)).min();
        complete.unwrap_or(durable)
    };
    Feed::new(feed::Ground {
        storefronts: parts.storefronts.clone(),
        layout: Arc::clone(&parts.layout),
        pages: Arc::clone(&parts.pages),
        journal: Arc::clone(&parts.journal),
        complete_to: Box::new(complete_to),
    })
}

/// A running shard, from outside.
pub(super) struct Shard {
    pub(super) coordinator: Addr<Coordinator>,
    inbox: Arc<Inbox>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) door: Door,
    pub(super) fence: Arc<Fence>,
    thread: Option<ArbiterHandle>,
}

impl Shard {
    /// Hands it a request, together with what else comes at this moment.
    ///
    /// Runs on even if the returned future is dropped.
    pub(super) async fn post(self: Arc<Self>, ask: Box<Ask>) {
        if self.inbox.put(ask) {
            let announcement = Announcement(self);
            // Whatever can be read from other connections by now joins it.
            tokio::task::yield_now().await;
            drop(announcement);
        }
    }

    /// Answers what it has not begun to look at: nothing of that was done.
    pub(super) fn turn_away(&self, failure: Failure) {
        for ask in self.inbox.take() {
            ask.caller.answer(Err(failure.into()));
        }
    }

    pub(super) fn stop(&self) {
        if let Some(thread) = &self.thread {
            thread.stop();
        }
    }
}

/// Tells a shard of what is in its inbox, when it is dropped.
struct Announcement(Arc<Shard>);

impl Drop for Announcement {
    fn drop(&mut self) {
        let Self(shard) = self;
        let failure = match shard.coordinator.try_send(Work::Asked) {
            Ok(()) => return,
            Err(SendError::Full(_)) => Failure::Overloaded,
            Err(SendError::Closed(_)) => Failure::Restarting,
        };
        shard.turn_away(failure);
    }
}

/// Starts a shard for each lane.
pub(super) fn start(ground: &Ground) -> Result<(), pages::Error> {
    let timers = timers(&ground.parts)?.into_iter().enumerate();
    for (shard, timers) in timers {
        let running = start_one(ground, shard, timers);
        ground.table.run(shard, Some(Arc::new(running)));
    }
    Ok(())
}

/// The timers that the store has, of each shard.
pub(super) fn timers(parts: &Parts) -> Result<Vec<Vec<(Timestamp, Subject)>>, pages::Error> {
    let shards = parts.settings.shards;
    let mut timers = vec![Vec::new(); shards];
    for (storefront, definition) in parts.storefronts.iter().enumerate() {
        for (number, due) in timers::all(&parts.pages, &definition.name)? {
            let shard: &mut Vec<(Timestamp, Subject)> = &mut timers[shard_of(number, shards)];
            shard.push((due, Subject::of_order(storefront, number)));
        }
    }
    Ok(timers)
}

/// Starts a shard that goes on from what is durable, with these timers.
pub(super) fn start_one(
    ground: &Ground,
    number: usize,
    timers: Vec<(Timestamp, Subject)>,
) -> Shard {
    let (parts, table) = (&ground.parts, &ground.table);
    let life = table.next_life(number);
    let inbox = Arc::<Inbox>::default();
    let outside = Outside {
        committer: Arc::clone(&parts.committer),
        durable: Arc::clone(&parts.durable),
        full: Arc::clone(&parts.full),
        lane: parts.lanes[number].end(),
        lane_number: number,
        inbox: Arc::clone(&inbox),
        life,
        providers: parts.providers.clone(),
        feed: ground.feed.clone(),
        timers,
        _alive: Alive {
            table: Arc::clone(table),
            place: number,
            life,
        },
    };
    let (settings, spans) = (parts.settings, parts.spans.clone());
    let storefronts = parts.storefronts.clone();
    let (layout, pages) = (Arc::clone(&parts.layout), Arc::clone(&parts.pages));
    let (clock, faults) = (parts.clock.clone(), Arc::clone(&parts.faults));
    let (shards, claims) = (Arc::clone(table), Arc::clone(&ground.claims));
    let crashes = Arc::clone(table.crashes(number));
    let doing = Arc::clone(table.work(number));
    let components = Arc::clone(&parts.components);
    let (lines, breakers) = (Arc::clone(&ground.lines), Arc::clone(&ground.breakers));
    let fence = Arc::<Fence>::default();
    let own_fence = Arc::clone(&fence);
    let local = move || {
        let coordinator = OnceCell::new();
        Rc::new(Local {
            storefronts,
            layout,
            pages,
            spans,
            clock,
            settings,
            faults,
            coordinator,
            shards,
            fence: own_fence,
            crashes,
            doing,
            components,
            lines,
            breakers,
            claims,
        })
    };
    let build = move |address: Addr<Coordinator>| {
        let local = local();
        drop(local.coordinator.set(address));
        Coordinator::new(local, outside)
    };
    let (coordinator, thread) = start_coordinator(parts.threads, settings.mailbox_max(), build);
    Shard {
        coordinator,
        inbox,
        permits: Arc::new(Semaphore::new(settings.requests_per_shard_max)),
        door: Door::new(&settings),
        fence,
        thread,
    }
}

fn start_coordinator(
    threads: Threads,
    room: usize,
    build: impl FnOnce(Addr<Coordinator>) -> Coordinator + Send + 'static,
) -> (Addr<Coordinator>, Option<ArbiterHandle>) {
    match threads {
        Threads::Callers => (mailbox::start(room, build), None),
        Threads::Own => {
            let arbiter = Arbiter::new().handle();
            let started = mailbox::start_on(&arbiter, room, build);
            (started, Some(arbiter))
        }
    }
}

/// A coordinator's sign of life: dropping it tells that the coordinator is gone.
pub(super) struct Alive {
    table: Arc<Table>,
    place: usize,
    life: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.table.gone(self.place, self.life);
    }
}

impl Settings {
    /// Room in a coordinator's mailbox for everything that can be under way: each request may have a
    /// turn, a call, and a repetition of it; and the requests of all shards may want one listing.
    pub(super) const fn mailbox_max(&self) -> usize {
        4 * self.requests_per_shard_max * self.shards + 4_096
    }
}
