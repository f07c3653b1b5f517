//! The saga coordinator: one actor per shard, owning the sagas of the shard's orders.
//!
//! It opens a turn for a command ([`begin`]), sends it from entity to entity while the saga asks
//! for more ([`drive`]), submits what happened, and answers once that is durable ([`settle`]); then the
//! order rests, or what waits for it begins ([`rest`]).
//! A charge that a turn waits for is in [`charge`]; provider calls without a caller, and their
//! retries, in [`calls`]; orders that wait in [`mod@line`]; keyed commands in [`keys`]; what a
//! request means for an order in [`meaning`], for a listing in [`listings`]; how a listing is assigned
//! in [`choose`], what an order of listings costs in [`prices`]. Turns of subscribers are in
//! [`subscribers`]. What waits for an operator is in
//! [`letters`], what orders wait for in [`why`]; [`watch`] finds those that stopped,
//! and turns that do not come back are in [`lost`].

mod begin;
mod calls;
mod charge;
mod choose;
mod drive;
mod keys;
mod letters;
mod line;
mod listings;
mod log;
mod lost;
mod meaning;
mod prices;
mod rest;
mod schedule;
mod settle;
mod subscribers;
mod watch;
mod why;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::{
    Actor, Addr, AsyncContext, Context, Handler, Message, SpawnHandle, Supervised,
    prelude::SendError,
};
use tokio::sync::oneshot;

use self::log::about;
pub(super) use self::{letters::Resume, line::Lines, why::Look};
use super::{
    crashes::{self, Crashes},
    entity::Outcome,
    faults::{Place, Point},
    gateway::Gateway,
    handles::{Context as From, Request},
    inbox::Inbox,
    lane::End,
    local::Local,
    mailbox,
    provider::{Provider, Trouble},
    registry::{Numbered, Registry},
    shard::Alive,
    turn::{Caller, Serial, Subject, Turn},
};
use crate::{
    domain::{
        EntityKey, Kind, Timestamp, listing,
        payment::Effect,
        saga::{Dossier, Saga},
        subscriber,
    },
    feed::Feed,
    store::commit::{Commit, Position, Settled, Taken},
};

/// Everything that reaches a coordinator.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Work {
    /// Requests from outside are in the inbox.
    Asked,
    /// An entity is done with a command.
    Visited(Visited),
    /// The provider answered a charge that a turn waits for.
    Charged(Charged),
    /// The provider answered a call that nobody waits for.
    Called(Called),
    /// Submissions are settled.
    Settled,
    /// A timer is due.
    Due,
    /// A turn of any shard wants a listing of this one.
    Serve(Serve),
    /// A part of a storefront was paused, or runs again.
    Changed,
    /// The first in a line may be able to go on.
    Moved,
    /// An operator wants what was given up to be tried again.
    Resume(Resume),
    /// Somebody wants to know what orders wait for.
    Look(Look),
    /// It is time to look for orders that have stopped.
    Watch,
    /// An open turn of this shard came to an end somewhere, without a word.
    Lost(Subject, Serial),
    /// Another shard was replaced: what was there of this one's is lost.
    Replaced(usize),
    /// A turn of another shard that had a listing of this one was given up.
    Withdrawn(Withdrawn),
    /// Somebody wants to know whether the shard is alive, and what is there.
    Count(oneshot::Sender<Census>),
}

/// A request from outside.
pub(super) struct Ask {
    pub(super) key: Subject,
    pub(super) asked: Asked,
    pub(super) from: From,
    pub(super) caller: Caller,
}

/// What is asked for.
#[expect(
    clippy::large_enum_variant,
    reason = "it travels in a box, and nearly always is a request"
)]
pub(super) enum Asked {
    /// In the storefront's terms, of an order or a listing.
    Request(Request),
    /// Of a subscriber, as it is.
    Subscriber(Box<subscriber::Command>),
}

/// A turn of any shard wants a listing of this one.
pub(super) struct Serve {
    pub(super) number: u64,
    pub(super) command: listing::Command,
    pub(super) turn: Box<Turn>,
}

/// An entity is done with a command.
pub(super) struct Visited {
    pub(super) entity: EntityKey,
    pub(super) turn: Box<Turn>,
    pub(super) outcome: Outcome,
}

/// The provider answered a charge that a turn waits for.
pub(super) struct Charged {
    pub(super) turn: Box<Turn>,
    pub(super) result: Result<(), Trouble>,
}

/// The provider answered a call that nobody waits for.
pub(super) struct Called {
    pub(super) key: Subject,
    pub(super) effect: Effect,
    pub(super) attempt: u32,
    pub(super) result: Result<(), Trouble>,
}

/// Something to be done for an order when its open turn is over.
enum Waiting {
    Ask(Box<Ask>),
    Called(Called),
    Due,
    /// What was promised to the order cannot be had: it is called off.
    Cancel,
    /// What was given up is to be tried again.
    Resume(Resume),
}

/// An order that something is under way for.
struct Live {
    saga: Saga,
    saga_version: u64,
    /// Where it came from, and where its story stands, as far as that is durable.
    dossier: Dossier,
    /// A turn is open.
    busy: bool,
    /// Which turn is, or was last.
    open: Serial,
    /// The shard whose listing it visits, if it is another one.
    away: Option<usize>,
    /// The listings that it visited there and elsewhere.
    visited: Vec<u64>,
    /// The caller's own key for the open turn's command.
    named: Option<String>,
    /// The client's key of the order, while it is not in the store.
    claim: Option<String>,
    /// Submitted, not settled.
    in_flight: usize,
    /// Provider calls that nobody waits for.
    calls: usize,
    /// When the last of them was begun.
    called: Timestamp,
    /// The entities' memory was given up; nothing may be loaded before all in flight is settled.
    reload: bool,
    /// One of the entities' actors panicked, and may be pausing before it restarts.
    has_crashed: bool,
    waiting: VecDeque<Waiting>,
}

/// Turns that one life of a shard can count: a million a second for a fortnight.
const LIFE_SHIFT: u32 = 40;

/// What is on a shard at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// How many entities are live, of each kind.
    pub(super) live: Vec<(Kind, usize)>,
    /// Orders and listings that something is under way for.
    pub(super) sagas: usize,
    /// Submissions that are not settled.
    pub(super) in_flight: usize,
    /// Orders that have a timer.
    pub(super) timers: usize,
}

/// A turn that was given up had a listing.
pub(super) struct Withdrawn {
    pub(super) storefront: usize,
    pub(super) listing: u64,
    pub(super) key: Subject,
    pub(super) serial: Serial,
}

/// What the coordinator was handed at its start.
pub(super) struct Outside {
    pub(super) committer: Arc<dyn Commit>,
    pub(super) durable: Arc<dyn Fn() -> Position + Send + Sync>,
    pub(super) feed: Feed,
    pub(super) full: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(super) lane: Arc<End>,
    pub(super) lane_number: usize,
    pub(super) inbox: Arc<Inbox>,
    /// Which of the shard's lives it is.
    pub(super) life: u64,
    /// Tells when it is gone.
    pub(super) _alive: Alive,
    pub(super) providers: Vec<Arc<dyn Provider>>,
    /// Timers that were set before the start.
    pub(super) timers: Vec<(Timestamp, Subject)>,
}

/// The actor.
pub(super) struct Coordinator {
    local: Rc<Local>,
    outside: Outside,
    registry: Registry,
    gateways: Vec<Addr<Gateway>>,
    live: Numbered<Subject, Live>,
    pending: VecDeque<settle::Pending>,
    /// Taken from the lane, and not taken in.
    settled: VecDeque<Settled>,
    /// Submitted, and not looked whether it is settled already.
    taken: Option<Taken>,
    /// Taken from the inbox, and not looked at.
    asked: VecDeque<Box<Ask>>,
    next_ticket: u64,
    timers: calls::Timers,
    alarm: Option<(Timestamp, SpawnHandle)>,
    keys: keys::Keys,
    crashes: Arc<Crashes>,
    watch: watch::Watch,
    /// Whose work is being done, in case it panics.
    current: Option<Subject>,
    /// The last panic's message.
    panic: String,
    /// Counts the turns; begins with the shard's life, so that no other's is meant.
    turns: u64,
    /// The journal failed: what turns find in memory from then on says nothing.
    store_failed: bool,
}

impl Coordinator {
    pub(super) fn new(local: Rc<Local>, outside: Outside) -> Self {
        Self {
            registry: Registry::new(Rc::clone(&local)),
            gateways: Vec::new(),
            live: Numbered::default(),
            pending: VecDeque::new(),
            settled: VecDeque::new(),
            taken: None,
            asked: VecDeque::new(),
            next_ticket: 0,
            timers: outside.timers.iter().copied().collect(),
            alarm: None,
            keys: keys::Keys::default(),
            crashes: Arc::clone(&local.crashes),
            watch: watch::Watch::default(),
            panic: String::new(),
            turns: outside.life << LIFE_SHIFT,
            current: None,
            store_failed: false,
            local,
            outside,
        }
    }

    fn work(&mut self, work: Work) {
        match work {
            Work::Asked => {
                self.asked.extend(self.outside.inbox.take());
                self.asked();
            }
            Work::Visited(visited) => self.visited(visited),
            Work::Charged(charged) => self.charged(charged),
            Work::Called(called) => self.called(called),
            Work::Settled => self.settle(),
            Work::Due => self.due(),
            Work::Serve(serve) => self.serve(serve),
            Work::Lost(key, serial) => self.lost(key, serial),
            Work::Changed => self.changed(),
            Work::Moved => self.moved(),
            Work::Resume(resume) => self.resume_letter(resume),
            Work::Look(look) => self.look(look),
            Work::Watch => self.watch(),
            Work::Replaced(place) => self.replaced(place),
            Work::Withdrawn(withdrawn) => self.registry.withdraw(&withdrawn),
            Work::Count(reply) => drop(reply.send(self.census())),
        }
    }

    /// Takes a step. The order whose open turn was lost, if the step panicked.
    fn guarded(&mut self, step: impl FnOnce(&mut Self)) -> Option<Subject> {
        self.current = None;
        match catch_unwind(AssertUnwindSafe(|| step(self))) {
            Ok(()) => None,
            Err(panic) => {
                self.panic = crashes::text(&*panic);
                self.current.take()
            }
        }
    }

    fn census(&self) -> Census {
        Census {
            live: self.registry.by_kind(),
            sagas: self.live.len(),
            in_flight: self.pending.len(),
            timers: self.timers.len(),
        }
    }

    /// Rings once the earliest timer is due.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.timers.first_due() else {
            return;
        };
        if let Some((set, alarm)) = self.alarm.take() {
            if set == due {
                self.alarm = Some((set, alarm));
                return;
            }
            ctx.cancel_future(alarm);
        }
        let wait = Duration::from_millis(due.ms_since(self.local.clock.now()));
        let alarm = ctx.run_later(wait, |coordinator, _ctx| {
            coordinator.alarm = None;
            coordinator.local.tell(Work::Due);
        });
        self.alarm = Some((due, alarm));
    }
}

impl Actor for Coordinator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (address, lane) = (ctx.address(), Arc::clone(&self.outside.lane));
        actix::spawn(async move {
            loop {
                lane.woken().await;
                // What is settled meanwhile is taken with it. An answer is waited for only where there is no
                // room: it would be two wake-ups more for each group.
                let told = match address.try_send(Work::Settled) {
                    Err(SendError::Full(work)) => address.send(work).await.is_ok(),
                    told => told.is_ok(),
                };
                if !told {
                    break;
                }
            }
        });
        let (address, mut changes) = (ctx.address(), self.local.components.changes());
        actix::spawn(async move {
            while changes.changed().await.is_ok() {
                if address.send(Work::Changed).await.is_err() {
                    break;
                }
            }
        });
        let (address, moves) = (ctx.address(), self.local.lines.moves());
        actix::spawn(async move {
            loop {
                moves.heard().await;
                if address.send(Work::Moved).await.is_err() {
                    break;
                }
            }
        });
        self.gateways = (self.outside.providers.iter().enumerate())
            .map(|(storefront, provider)| {
                let (local, provider) = (Rc::clone(&self.local), Arc::clone(provider));
                let room = local.settings.mailbox_max();
                mailbox::start(room, move |_| Gateway::new(local, storefront, provider))
            })
            .collect();
        ctx.run_interval(
            Duration::from_millis(watch::WATCH_MS),
            |coordinator, _ctx| {
                coordinator.local.tell(Work::Watch);
            },
        );
        self.set_alarm(ctx);
    }
}

impl Supervised for Coordinator {}

impl Handler<Work> for Coordinator {
    type Result = ();

    /// A panic in here (a saga's rule, or a mistake of the coordinator's own) ends the turn it
    /// happened in, and nothing else. Giving a turn up begins the order's next one, which may panic
    /// too; and what else was settled or asked for has still to be taken in.
    fn handle(&mut self, work: Work, ctx: &mut Self::Context) {
        if self.local.fence.is_closed() {
            return;
        }
        self.local.faults.strike(Point {
            number: Some(self.outside.lane_number as u64),
            ..Point::at(Place::Shard)
        });
        let mut lost = self.guarded(|coordinator| coordinator.work(work));
        loop {
            lost = match lost {
                Some(key) => {
                    about!(
                        error,
                        self,
                        key,
                        self.origin_of(key),
                        "a saga panicked; its turn is given up"
                    );
                    self.guarded(|coordinator| coordinator.give_up(key))
                }
                None if !self.settled.is_empty() => self.guarded(Self::settle),
                // What was submitted alone is settled already; views are woken after that was answered.
                None if self.taken.is_some() => {
                    let taken = self.taken.take();
                    let lost = self.guarded(Self::settle);
                    drop(taken);
                    lost
                }
                None if !self.asked.is_empty() => self.guarded(Self::asked),
                None => break,
            };
        }
        self.set_alarm(ctx);
    }
}
