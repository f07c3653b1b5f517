//! The actor that goes out for one subscriber, and begins anew if it panics.

use std::{cell::Cell, convert::Infallible, rc::Rc, time::Duration};

use actix::{
    Actor, AsyncContext, Context, Handler, Message, Supervised,
    fut::{ActorFutureExt, wrap_future},
};
use tokio::{
    sync::{Notify, oneshot},
    task::{JoinHandle, spawn_local},
};

use super::{
    errand::Errand,
    rounds::{Pace, Rounds, Who},
};
use crate::{actors::handles::Engine, clock::Clock};

/// The pause before a courier that panicked goes out again; doubled for each further panic, ten
/// times at most.
const PAUSE_MS: u64 = 50;

/// Something about the subscriber is different.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Changed;

/// Let what is under way end, and begin nothing. The sender is dropped when that is done.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Stop(pub(in crate::actors) oneshot::Sender<Infallible>);

/// What the actor tells its rounds.
#[derive(Debug, Default)]
pub(super) struct Bell {
    pub(super) rung: Notify,
    pub(super) is_ending: Cell<bool>,
}

/// The actor.
pub(in crate::actors) struct Courier<E> {
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) who: Who,
    pub(super) pace: Pace,
    pub(super) errand: Rc<E>,
    bell: Rc<Bell>,
    /// Those who wait for its end.
    waiting: Vec<oneshot::Sender<Infallible>>,
    is_out: bool,
    panics: u32,
}

/// Ends the rounds with the actor.
struct Out(JoinHandle<()>);

impl Drop for Out {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<E: Errand> Courier<E> {
    /// A courier for this subscriber.
    pub(in crate::actors) fn new(
        engine: Engine,
        clock: Clock,
        who: Who,
        pace: Pace,
        errand: E,
    ) -> Self {
        Self {
            engine,
            clock,
            who,
            pace,
            errand: Rc::new(errand),
            bell: Rc::default(),
            waiting: Vec::new(),
            is_out: false,
            panics: 0,
        }
    }

    fn go_out(&mut self, ctx: &mut Context<Self>) {
        let rounds = Rounds::new(
            self.engine.clone(),
            self.clock.clone(),
            self.who.clone(),
            self.pace.clone(),
            Rc::clone(&self.errand),
            Rc::clone(&self.bell),
        );
        self.is_out = true;
        // A task of its own, so that a panic in it does not end this actor's address.
        let mut out = Out(spawn_local(rounds.run()));
        let ended = async move { (&mut out.0).await.is_err() };
        ctx.spawn(
            wrap_future::<_, Self>(ended).map(|has_panicked, courier, ctx| {
                courier.is_out = false;
                if has_panicked {
                    courier.stumbled(ctx);
                } else {
                    courier.waiting.clear();
                }
            }),
        );
    }

    fn stumbled(&mut self, ctx: &mut Context<Self>) {
        let Who { role, name, .. } = &self.who;
        tracing::error!(
            role = role.name(),
            name,
            "a courier panicked; it goes out again"
        );
        self.panics = self.panics.saturating_add(1);
        let pause = Duration::from_millis(PAUSE_MS << self.panics.min(10));
        ctx.run_later(pause, Self::go_out_again);
    }

    fn go_out_again(&mut self, ctx: &mut Context<Self>) {
        self.go_out(ctx);
    }
}

impl<E: Errand> Actor for Courier<E> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.go_out(ctx);
    }
}

impl<E: Errand> Supervised for Courier<E> {}

impl<E: Errand> Handler<Changed> for Courier<E> {
    type Result = ();

    fn handle(&mut self, _: Changed, ctx: &mut Self::Context) {
        if self.is_out {
            self.bell.rung.notify_one();
        } else if !self.bell.is_ending.get() {
            self.go_out(ctx);
        }
    }
}

impl<E: Errand> Handler<Stop> for Courier<E> {
    type Result = ();

    fn handle(&mut self, Stop(done): Stop, _ctx: &mut Self::Context) {
        self.bell.is_ending.set(true);
        if self.is_out {
            self.waiting.push(done);
            self.bell.rung.notify_one();
        }
    }
}
