//! The payment gateway: one actor per storefront and shard, between the sagas and the provider.
//!
//! It bounds how long each call may take. How many are under way, over all shards, is bounded by the
//! permits that they come with (`breakers.rs`): a slow provider must not hold the shard's memory, and
//! one storefront's provider must not slow another's.

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
    breakers::Permit,
    coordinator::{Called, Charged, Work},
    local::Local,
    provider::{Answer, Call, Provider, Trouble},
    turn::{Subject, Turn},
};
use crate::{
    domain::{Origin, Trace, breaker::Outcome, payment::Effect},
    telemetry::spans::{self, Begun, Said},
};

/// A charge that a turn waits for.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Charge {
    pub(super) turn: Box<Turn>,
    pub(super) effect: Effect,
    pub(super) permit: Permit,
}

/// A call whose intent is durable and for which no caller waits.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Carry {
    pub(super) key: Subject,
    pub(super) effect: Effect,
    pub(super) attempt: u32,
    pub(super) permit: Permit,
    /// The request that it goes back to.
    pub(super) origin: Origin,
}

/// The actor.
pub(super) struct Gateway {
    local: Rc<Local>,
    storefront: usize,
    provider: Arc<dyn Provider>,
}

impl Gateway {
    pub(super) fn new(local: Rc<Local>, storefront: usize, provider: Arc<dyn Provider>) -> Self {
        Self {
            local,
            storefront,
            provider,
        }
    }

    /// Makes the call and hands its result to `done`, now or later.
    fn call(
        &self,
        (effect, origin): (Effect, Origin),
        permit: Permit,
        done: impl FnOnce(&Rc<Local>, Result<(), Trouble>) + 'static,
        ctx: &mut Context<Self>,
    ) {
        let (under_way, answer) = begin(
            &self.local,
            (self.storefront, &*self.provider),
            (effect, origin),
            permit,
        );
        match answer {
            Answer::Now(result) => {
                under_way.ended(&self.local, &result);
                done(&self.local, result);
            }
            Answer::Later(answer) => {
                let storefront = &self.local.storefronts[self.storefront];
                let deadline = Duration::from_millis(storefront.payment.deadline_ms);
                // A task of its own, so that a panic in it ends the call and not this actor.
                let task = actix::spawn(tokio::time::timeout(deadline, answer));
                ctx.spawn(
                    wrap_future::<_, Self>(task).map(move |ended, gateway, _ctx| {
                        let result = match ended {
                            Ok(Ok(result)) => result,
                            Ok(Err(_elapsed)) => Err(Trouble::TimedOut),
                            Err(_panic) => Err(Trouble::Unavailable),
                        };
                        under_way.ended(&gateway.local, &result);
                        done(&gateway.local, result);
                    }),
                );
            }
        }
    }
}

/// Makes a charge with a provider that [answers at once](Provider::answers_at_once): nothing has to be
/// waited for, so it need not go by way of the gateway and back, which are two messages of an order's
/// ten.
pub(super) fn charge_at_once(
    local: &Local,
    provider: &dyn Provider,
    turn: &Turn,
    effect: Effect,
    permit: Permit,
) -> Result<(), Trouble> {
    let storefront = turn.key.storefront;
    let asked = (effect, origin_of(local, turn));
    let (under_way, answer) = begin(local, (storefront, provider), asked, permit);
    let result = match answer {
        Answer::Now(result) => result,
        // It has changed its mind between two looks. What is not awaited never happened.
        Answer::Later(_dropped) => Err(Trouble::Unavailable),
    };
    under_way.ended(local, &result);
    result
}

/// A call that was made, until its end is known.
struct UnderWay {
    permit: Permit,
    begun: Begun,
    above: Option<Trace>,
    /// For its span, if anybody wants one.
    about: Option<Call>,
}

impl UnderWay {
    fn ended(self, local: &Local, result: &Result<(), Trouble>) {
        self.permit.ended(outcome(result));
        if let Some(call) = self.about {
            let trouble = result.as_ref().err();
            (local.spans).record(self.above, self.begun, || said(&call, trouble));
        }
    }
}

/// Makes the call.
fn begin(
    local: &Local,
    (storefront, provider): (usize, &dyn Provider),
    (effect, mut origin): (Effect, Origin),
    permit: Permit,
) -> (UnderWay, Answer) {
    let (spans, above) = (&local.spans, origin.trace);
    let begun = spans.begin();
    origin.trace = spans.below(above, begun);
    let call = Call {
        storefront: Arc::clone(&local.storefronts[storefront].name),
        effect,
        origin,
    };
    let under_way = UnderWay {
        permit,
        begun,
        above,
        about: spans.is_on().then(|| call.clone()),
    };
    let answer = catch_unwind(AssertUnwindSafe(|| provider.call(call)));
    // A provider's mistake is the provider's trouble.
    let answer = answer.unwrap_or(Answer::Now(Err(Trouble::Unavailable)));
    (under_way, answer)
}

/// The request that a turn's charge goes back to.
fn origin_of(local: &Local, turn: &Turn) -> Origin {
    Origin {
        trace: local.spans.below(turn.origin.trace, turn.begun),
        ..turn.origin.clone()
    }
}

impl Actor for Gateway {
    type Context = Context<Self>;
}

impl Supervised for Gateway {}

impl Handler<Charge> for Gateway {
    type Result = ();

    fn handle(&mut self, charge: Charge, ctx: &mut Self::Context) {
        let Charge {
            turn,
            effect,
            permit,
        } = charge;
        let origin = origin_of(&self.local, &turn);
        let done = move |local: &Rc<Local>, result| {
            local.tell(Work::Charged(Charged { turn, result }));
        };
        self.call((effect, origin), permit, done, ctx);
    }
}

impl Handler<Carry> for Gateway {
    type Result = ();

    fn handle(&mut self, carry: Carry, ctx: &mut Self::Context) {
        let Carry {
            key,
            effect,
            attempt,
            permit,
            origin,
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
        self.call((effect, origin), permit, done, ctx);
    }
}

/// A call as a span tells of it.
fn said(call: &Call, trouble: Option<&Trouble>) -> Said {
    Said::of("payment provider")
        .whose(spans::Kind::Client)
        .about("storefront", &*call.storefront)
        .about("order", call.effect.order().0)
        .about("call", call.key())
        .failed(trouble.map(Trouble::to_string))
}

/// What a call says about its provider. One that says no is well.
const fn outcome(result: &Result<(), Trouble>) -> Outcome {
    match result {
        Ok(()) | Err(Trouble::Declined(_)) => Outcome::Answered,
        Err(Trouble::Unavailable | Trouble::TimedOut) => Outcome::Failed,
    }
}
