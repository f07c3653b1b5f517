//! The payment gateway: one actor per storefront and shard, between the sagas and the provider.
//!
//! It bounds how many calls are under way and how long each may take. A call that finds no room is
//! answered "unavailable" at once rather than queued: a slow provider must not hold the shard's
//! memory, and one storefront's provider must not slow another's.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::{
    Actor, AsyncContext, Context, Handler, Message, Supervised,
    fut::{ActorFutureExt, wrap_future},
};

use super::{
    coordinator::{Called, Charged, Work},
    local::Local,
    provider::{Answer, Call, Provider, Trouble},
    turn::{Subject, Turn},
};
use crate::domain::payment::Effect;

/// A charge that a turn waits for.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Charge {
    pub(super) turn: Box<Turn>,
    pub(super) effect: Effect,
}

/// A call whose intent is durable and for which no caller waits.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Carry {
    pub(super) key: Subject,
    pub(super) effect: Effect,
    pub(super) attempt: u32,
}

/// The actor.
pub(super) struct Gateway {
    local: Rc<Local>,
    storefront: usize,
    provider: Arc<dyn Provider>,
    under_way: usize,
}

impl Gateway {
    pub(super) fn new(local: Rc<Local>, storefront: usize, provider: Arc<dyn Provider>) -> Self {
        Self {
            local,
            storefront,
            provider,
            under_way: 0,
        }
    }

    /// Makes the call and hands its result to `done`, now or later.
    fn call(
        &mut self,
        effect: Effect,
        done: impl FnOnce(&Rc<Local>, Result<(), Trouble>) + 'static,
        ctx: &mut Context<Self>,
    ) {
        if self.under_way >= self.local.settings.provider_calls_max {
            return done(&self.local, Err(Trouble::Unavailable));
        }
        let storefront = &self.local.storefronts[self.storefront];
        let call = Call {
            storefront: Arc::clone(&storefront.name),
            effect,
        };
        match catch_unwind(AssertUnwindSafe(|| self.provider.call(call))) {
            // A provider's mistake is the provider's trouble.
            Err(_panic) => done(&self.local, Err(Trouble::Unavailable)),
            Ok(Answer::Now(result)) => done(&self.local, result),
            Ok(Answer::Later(answer)) => {
                self.under_way += 1;
                let deadline = Duration::from_millis(storefront.payment.deadline_ms);
                // A task of its own, so that a panic in it ends the call and not this actor.
                let task = actix::spawn(tokio::time::timeout(deadline, answer));
                ctx.spawn(
                    wrap_future::<_, Self>(task).map(move |ended, gateway, _ctx| {
                        gateway.under_way -= 1;
                        let result = match ended {
                            Ok(Ok(result)) => result,
                            Ok(Err(_elapsed)) => Err(Trouble::TimedOut),
                            Err(_panic) => Err(Trouble::Unavailable),
                        };
                        done(&gateway.local, result);
                    }),
                );
            }
        }
    }
}

impl Actor for Gateway {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.local.settings.mailbox_max());
    }
}

impl Supervised for Gateway {}

impl Handler<Charge> for Gateway {
    type Result = ();

    fn handle(&mut self, Charge { turn, effect }: Charge, ctx: &mut Self::Context) {
        let done = move |local: &Rc<Local>, result| {
            local.tell(Work::Charged(Charged { turn, result }));
        };
        self.call(effect, done, ctx);
    }
}

impl Handler<Carry> for Gateway {
    type Result = ();

    fn handle(&mut self, carry: Carry, ctx: &mut Self::Context) {
        let Carry {
            key,
            effect,
            attempt,
        } = carry;
        let asked = effect.clone();
        let done = move |local: &Rc<Local>, result| {
            local.tell(Work::Called(Called {
                key,
                effect: asked,
                attempt,
                result,
            }));
        };
        self.call(effect, done, ctx);
    }
}
