//! The actor of everything that belongs to one order: decides, applies, and passes the turn back.
//! A listing, which many orders share, has one of its own kind: [`super::shelf`].
//!
//! **Restart.** actix's supervisor does nothing about a panic: it drops the actor and its queue. So
//! the handler catches the unwind, reports the turn as crashed, and terminates; the supervisor
//! then restarts the actor at the same address, after a pause that doubles, and it loads its state
//! from the store again, never from the memory that a panic may have left half written.

use std::{rc::Rc, time::Duration};

use actix::{
    Actor, ActorContext, AsyncContext, Context, Handler, Message, Supervised, fut::wrap_future,
};

use super::{
    coordinator::Visited,
    handles::Failure,
    local::Local,
    memory::{Hosted, Memory},
    turn::Turn,
};
use crate::domain::Refusal;

/// A command to an entity, with the turn it belongs to.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Visit<C> {
    pub(super) command: C,
    pub(super) turn: Box<Turn>,
    /// Whether the actor begins to serve this entity: whatever it knows is of another, or old.
    pub(super) moves_in: bool,
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
    memory: Memory<A>,
    restarts: u32,
}

impl<A: Hosted> Entity<A> {
    pub(super) fn new(local: Rc<Local>, storefront: usize, number: u64) -> Self {
        Self {
            memory: Memory::new(local, storefront, number),
            restarts: 0,
        }
    }
}

impl<A: Hosted> Actor for Entity<A> {
    type Context = Context<Self>;
}

impl<A: Hosted> Supervised for Entity<A> {
    fn restarting(&mut self, ctx: &mut Self::Context) {
        let doublings = self.restarts.min(10);
        let pause_ms = self.memory.local.settings.restart_pause_ms << doublings;
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
        let Visit {
            command,
            mut turn,
            moves_in,
        } = visit;
        if moves_in {
            self.memory.move_in(turn.key.storefront, turn.key.number);
            self.restarts = 0;
        }
        let outcome = self.memory.visit(&command, &mut turn);
        let crashed = matches!(outcome, Outcome::Failed(Failure::Crashed));
        let entity = self.memory.key;
        self.memory.local.report(Visited {
            entity,
            turn,
            outcome,
        });
        if crashed {
            ctx.terminate();
        }
    }
}
