//! The actor of a listing. Many orders want it at once, each within a turn of its own, and a turn's
//! events are durable together or not at all. So a turn that changes the listing **holds** it until
//! the turn is submitted or given up; others wait their turn, bounded, in the order they came.
//!
//! A turn that is given up leaves nothing behind: what was there before is put back. Nobody can
//! have built on it, since nobody else held the listing. A turn takes several listings in the order
//! of their numbers, so two turns never wait for each other.

use std::{
    collections::VecDeque,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix::{
    Actor, AsyncContext, Context, Handler, Message, Supervised,
    fut::{ActorFutureExt, wrap_future},
};
use tokio::sync::oneshot;

use super::{
    coordinator::Visited,
    entity::Outcome,
    fence::Fence,
    handles::Failure,
    local::Local,
    memory::Memory,
    turn::{Serial, Subject, Turn},
};
use crate::domain::listing::{self, Listing};

/// A turn's claim to a listing. Dropping it without [`Hold::keep`] puts back what was there before.
#[derive(Debug)]
pub(super) struct Hold {
    listing: u64,
    /// Which hold of the listing it is. A subject's next turn may come before the listing has heard
    /// that the last one is over, so a holder is known by its hold and not by its subject.
    number: u64,
    kept: Option<oneshot::Sender<()>>,
    /// Whether it was, for those who do not wait for that.
    is_kept: Arc<AtomicBool>,
    /// Of the shard whose listing it is.
    fence: Arc<Fence>,
    /// Keeps the listing in memory until what happened to it is in the store.
    _in_use: InUse,
}

impl Hold {
    /// Of the shard whose listing it is: who is submitted with the hold has to pass it.
    pub(super) fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.fence)
    }

    /// The turn is submitted: the next may have the listing.
    pub(super) fn keep(&mut self) {
        self.is_kept.store(true, Ordering::Release);
        if let Some(kept) = self.kept.take() {
            // A listing that is gone has nobody waiting for it.
            let _gone = kept.send(());
        }
    }
}

/// As long as one of these is around, beside the registry's own, the listing must stay in memory.
pub(super) type InUse = Arc<()>;

/// A command to a listing, with the turn that it belongs to.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Visit {
    pub(super) command: listing::Command,
    pub(super) turn: Box<Turn>,
    pub(super) in_use: InUse,
}

/// A turn that may have the listing does not come back.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Release {
    /// This one.
    Of(Subject, Serial),
    /// Any, of a shard that was replaced.
    Fenced,
}

/// Who holds the listing, and what it was like before.
struct Holder {
    key: Subject,
    serial: Serial,
    /// Of the shard whose turn it is.
    fence: Arc<Fence>,
    is_kept: Arc<AtomicBool>,
    /// The number of the hold.
    hold: u64,
    before: (Listing, u64),
}

/// A listing's actor.
pub(super) struct Shelf {
    memory: Memory<Listing>,
    holder: Option<Holder>,
    /// How many turns have held it.
    holds: u64,
    waiting: VecDeque<Visit>,
}

impl Shelf {
    pub(super) fn new(local: Rc<Local>, storefront: usize, number: u64) -> Self {
        Self {
            memory: Memory::new(local, storefront, number),
            holder: None,
            holds: 0,
            waiting: VecDeque::new(),
        }
    }

    fn serve(&mut self, visit: Visit, ctx: &mut Context<Self>) {
        let Visit {
            command,
            mut turn,
            in_use,
        } = visit;
        let loaded = self.memory.load();
        let outcome = loaded.map_or_else(Outcome::Failed, |()| {
            self.take(&command, &mut turn, in_use, ctx)
        });
        let entity = self.memory.key;
        self.memory.local.report_away(Visited {
            entity,
            turn,
            outcome,
        });
    }

    fn take(
        &mut self,
        command: &listing::Command,
        turn: &mut Turn,
        in_use: InUse,
        ctx: &mut Context<Self>,
    ) -> Outcome {
        let before = (self.memory.state.clone(), self.memory.version);
        let outcome = self.memory.visit(command, turn);
        match outcome {
            Outcome::Done { news: true } if self.holder.is_none() => {
                self.hold(turn, before, in_use, ctx);
            }
            // What was set aside before is untouched by the panic; the store may be behind.
            Outcome::Failed(Failure::Crashed) => self.memory.put_back(before.0, before.1),
            Outcome::Done { .. } | Outcome::Refused(_) | Outcome::Failed(_) => {}
        }
        outcome
    }

    fn hold(
        &mut self,
        turn: &mut Turn,
        before: (Listing, u64),
        in_use: InUse,
        ctx: &mut Context<Self>,
    ) {
        let (kept, ended) = oneshot::channel();
        self.holds += 1;
        let (listing, number) = (self.memory.key.number, self.holds);
        let hold = number;
        let is_kept = Arc::<AtomicBool>::default();
        self.holder = Some(Holder {
            key: turn.key,
            serial: turn.token.serial(),
            fence: Arc::clone(turn.token.fence()),
            is_kept: Arc::clone(&is_kept),
            hold,
            before,
        });
        turn.holds.push(Hold {
            listing,
            number,
            kept: Some(kept),
            is_kept,
            fence: Arc::clone(&self.memory.local.fence),
            _in_use: in_use,
        });
        ctx.spawn(wrap_future::<_, Self>(ended).map(move |ended, shelf, ctx| {
            if shelf
                .holder
                .as_ref()
                .is_some_and(|holder| holder.hold == hold)
            {
                shelf.let_go(ended.is_ok(), ctx);
            }
        }));
    }

    fn is_held_by(&self, holder: &Holder, turn: &Turn) -> bool {
        let listing = self.memory.key.number;
        let own = |hold: &Hold| hold.listing == listing && hold.number == holder.hold;
        turn.holds.iter().any(own)
    }

    /// The turn that held the listing is submitted, or given up.
    fn let_go(&mut self, is_kept: bool, ctx: &mut Context<Self>) {
        if let Some(Holder { before, .. }) = self.holder.take().filter(|_| !is_kept) {
            self.memory.put_back(before.0, before.1);
        }
        while self.holder.is_none()
            && let Some(next) = self.waiting.pop_front()
        {
            self.serve(next, ctx);
        }
    }
}

impl Actor for Shelf {
    type Context = Context<Self>;
}

impl Supervised for Shelf {}

impl Handler<Visit> for Shelf {
    type Result = ();

    fn handle(&mut self, visit: Visit, ctx: &mut Self::Context) {
        match &self.holder {
            Some(holder) if !self.is_held_by(holder, &visit.turn) => {
                if self.waiting.len() < self.memory.local.settings.turns_per_listing_max {
                    self.waiting.push_back(visit);
                } else {
                    let entity = self.memory.key;
                    self.memory.local.report_away(Visited {
                        entity,
                        turn: visit.turn,
                        outcome: Outcome::Failed(Failure::Overloaded),
                    });
                }
            }
            Some(_) | None => self.serve(visit, ctx),
        }
    }
}

impl Handler<Release> for Shelf {
    type Result = ();

    fn handle(&mut self, release: Release, ctx: &mut Self::Context) {
        let Some(holder) = &self.holder else { return };
        let is_meant = match release {
            Release::Of(key, serial) => (holder.key, holder.serial) == (key, serial),
            Release::Fenced => holder.fence.is_closed(),
        };
        // One that was submitted is let go of as ever.
        if is_meant && !holder.is_kept.load(Ordering::Acquire) {
            self.let_go(false, ctx);
        }
    }
}
