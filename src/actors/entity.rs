//! The one actor type for all kinds of entity: loads its state, decides, applies, and passes the
//! turn back.
//!
//! **Restart.** actix's supervisor does nothing about a panic: it drops the actor and its queue. So
//! the handler catches the unwind, reports the turn as crashed, and terminates; the supervisor
//! then restarts the actor at the same address, after a pause that doubles, and it loads its state
//! from the store again, never from the memory that a panic may have left half written.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use actix::{
    Actor, ActorContext, AsyncContext, Context, Handler, Message, Supervised, fut::wrap_future,
};

use super::{
    coordinator::{Visited, Work},
    faults::Point,
    handles::{Expected, Failure},
    local::{Local, decode},
    turn::{Snapshot, Turn},
};
use crate::domain::{
    Aggregate, EntityKey, Kind, Refusal, Stamped, approval, delivery, order, payment, payout,
};

/// What an aggregate must offer beside its rules to be run as an actor.
pub(super) trait Hosted: Aggregate + Unpin + Send {
    /// Whether it stands on its storefront's lists.
    fn is_listed(&self) -> bool;
    /// As the answer to a caller.
    fn as_answer(&self) -> super::handles::Entity;
}

impl Hosted for order::Order {
    fn is_listed(&self) -> bool {
        Self::is_listed(self)
    }

    fn as_answer(&self) -> super::handles::Entity {
        super::handles::Entity::Order(self.clone())
    }
}

impl Hosted for payment::Payment {
    fn is_listed(&self) -> bool {
        Self::is_listed(self)
    }

    fn as_answer(&self) -> super::handles::Entity {
        super::handles::Entity::Payment(self.clone())
    }
}

impl Hosted for delivery::Delivery {
    fn is_listed(&self) -> bool {
        self.exists()
    }

    fn as_answer(&self) -> super::handles::Entity {
        super::handles::Entity::Delivery(self.clone())
    }
}

impl Hosted for approval::Approval {
    fn is_listed(&self) -> bool {
        self.exists()
    }

    fn as_answer(&self) -> super::handles::Entity {
        super::handles::Entity::Approval(self.clone())
    }
}

impl Hosted for payout::Payout {
    fn is_listed(&self) -> bool {
        self.exists()
    }

    fn as_answer(&self) -> super::handles::Entity {
        super::handles::Entity::Payout(self.clone())
    }
}

/// A command to an entity, with the turn it belongs to.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Visit<C> {
    pub(super) command: C,
    pub(super) turn: Box<Turn>,
}

/// How a visit ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The command was carried out; `news` says whether anything happened.
    Done {
        /// Whether there were events.
        news: bool,
    },
    /// The rule said no.
    Refused(Refusal),
    /// The handler panicked, or the state could not be loaded.
    Failed(Failure),
}

/// An entity's actor.
pub(super) struct Entity<A> {
    local: Rc<Local>,
    storefront: usize,
    key: EntityKey,
    state: A,
    version: u64,
    loaded: bool,
    restarts: u32,
}

impl<A: Hosted> Entity<A> {
    pub(super) fn new(local: Rc<Local>, storefront: usize, number: u64) -> Self {
        Self {
            local,
            storefront,
            key: EntityKey::new(A::KIND, number),
            state: A::default(),
            version: 0,
            loaded: false,
            restarts: 0,
        }
    }

    fn load(&mut self) -> Result<(), Failure> {
        if self.loaded {
            return Ok(());
        }
        let found = self.local.slot(self.storefront, self.key)?;
        (self.state, self.version) = match found {
            Some(slot) => (decode(self.key, &slot.bytes)?, slot.version),
            None => (A::default(), 0),
        };
        self.loaded = true;
        Ok(())
    }

    /// Decides and applies; what happened is in `stamped` only if all of it was applied.
    fn carry_out(&mut self, command: &A::Command) -> Result<Vec<Stamped>, Refusal> {
        self.local.faults.strike(Point::Decide(self.key));
        let events = self.state.decide(command)?;
        let mut stamped = Vec::with_capacity(events.len());
        for event in events {
            self.state.apply(&event);
            self.local.faults.strike(Point::Apply(self.key));
            self.version += 1;
            let version = self.version;
            stamped.push(Stamped {
                entity: self.key,
                version,
                event: event.into(),
            });
        }
        Ok(stamped)
    }

    fn visit(&mut self, command: &A::Command, turn: &mut Turn) -> Outcome {
        if let Err(failure) = self.load() {
            return Outcome::Failed(failure);
        }
        let own = |expected: &mut Expected| expected.kind == self.key.kind;
        if let Some(expected) = turn.expected.take_if(own)
            && !expected.versions.contains(&self.version)
        {
            let version = self.version;
            return Outcome::Refused(Refusal::VersionMismatch { version });
        }
        match catch_unwind(AssertUnwindSafe(|| self.carry_out(command))) {
            Ok(Ok(stamped)) => {
                let news = !stamped.is_empty();
                if news {
                    turn.visited(self.key);
                    turn.events.extend(stamped);
                    turn.keep(Snapshot {
                        entity: self.key,
                        version: self.version,
                        listed: self.state.is_listed(),
                        state: Box::new(self.state.clone()),
                    });
                }
                if turn.own_commands > 0 && self.key.kind == turn.answer_with {
                    turn.answer = Some(super::handles::Item {
                        number: self.key.number,
                        version: self.version,
                        entity: self.state.as_answer(),
                    });
                }
                Outcome::Done { news }
            }
            Ok(Err(refusal)) => Outcome::Refused(refusal),
            Err(_panic) => {
                self.loaded = false;
                Outcome::Failed(Failure::Crashed)
            }
        }
    }
}

impl<A: Hosted> Actor for Entity<A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // An order has one open turn at a time, so no more than one visit ever waits.
        ctx.set_mailbox_capacity(4);
    }
}

impl<A: Hosted> Supervised for Entity<A> {
    fn restarting(&mut self, ctx: &mut Self::Context) {
        let doublings = self.restarts.min(10);
        let pause_ms = self.local.settings.restart_pause_ms << doublings;
        self.restarts += 1;
        ctx.wait(wrap_future(tokio::time::sleep(Duration::from_millis(
            pause_ms,
        ))));
    }
}

impl<A: Hosted> Handler<Visit<A::Command>> for Entity<A>
where
    A::Command: 'static,
{
    type Result = ();

    fn handle(&mut self, visit: Visit<A::Command>, ctx: &mut Self::Context) {
        let Visit { command, mut turn } = visit;
        let outcome = self.visit(&command, &mut turn);
        let crashed = matches!(outcome, Outcome::Failed(Failure::Crashed));
        self.local.tell(Work::Visited(Visited {
            entity: self.key,
            turn,
            outcome,
        }));
        if crashed {
            ctx.terminate();
        }
    }
}

/// The kinds that the registry hosts, for its match.
pub(super) const HOSTED: [Kind; 5] = [
    Kind::Order,
    Kind::Payment,
    Kind::Delivery,
    Kind::Approval,
    Kind::Payout,
];
