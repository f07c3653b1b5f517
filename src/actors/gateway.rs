//! The payment gateway: one actor per storefront and shard, between the sagas and the provider.
//!
//! It bounds how many calls are under way and how long each may take. A call that finds no room is
//! answered "unavailable" at once rather than queued: a slow provider must not hold the shard's
//! memory, and one storefront's provider must not slow another's.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, fut::wrap_future};
use actix::fut::ActorFutureExt;

use super::{
    coordinator::{Called, Charged, Work},
    local::Local,
    provider::{Answer, Call, Provider, Trouble},
    turn::{OrderKey, Turn},
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
    pub(super) key: OrderKey,
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
        Self { local, storefront, provider, under_way: 0 }
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
        let call = Call { storefront: Arc::clone(&storefront.name), effect };
        match self.provider.call(call) {
            Answer::Now(result) => done(&self.local, result),
            Answer::Later(answer) => {
                self.under_way += 1;
                let deadline = Duration::from_millis(storefront.payment.deadline_ms);
                let answer = wrap_future::<_, Self>(tokio::time::timeout(deadline, answer));
                ctx.spawn(answer.map(move |in_time, gateway: &mut Self, _ctx| {
                    gateway.under_way -= 1;
                    done(&gateway.local, in_time.unwrap_or(Err(Trouble::TimedOut)));
                }));
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
        let Carry { key, effect, attempt } = carry;
        let asked = effect.clone();
        let done = move |local: &Rc<Local>, result| {
            local.tell(Work::Called(Called { key, effect: asked, attempt, result }));
        };
        self.call(effect, done, ctx);
    }
}
