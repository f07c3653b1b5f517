//! An open turn, from visit to visit until the saga asks for nothing more.

use std::collections::VecDeque;

use super::{Charged, Coordinator, Visited, settle::Pending};
use crate::{
    actors::{
        entity::Outcome,
        faults::Point,
        gateway::Charge,
        handles::{Error, Failure},
        provider::{Settles, Trouble},
        turn::{OrderKey, Snapshot, Turn},
    },
    domain::{
        Event, Kind, Refusal, Stamped, payment, saga,
        saga::{Circumstances, Closed, Command, Progress, Saga},
        storefront::{Action, Mode},
    },
};

impl Coordinator {
    /// Lets the saga take in what is new, and sends the turn on.
    pub(super) fn drive(&mut self, mut turn: Box<Turn>) {
        let key = turn.key;
        self.current = Some(key);
        if let Some(charge) = self.take_in(&mut turn) {
            return self.charge(turn, charge);
        }
        if turn.todo.is_empty() && !turn.idle {
            self.local.faults.strike(Point::React(key.number));
            let flow = &self.local.storefronts[key.storefront].flow;
            let live = &self.live[&key];
            let reaction = live.saga.react(&Circumstances {
                order: key.order(),
                flow,
                now: turn.at,
                closed: Closed::default(),
            });
            turn.todo = VecDeque::from(reaction.commands);
        }
        match turn.todo.pop_front() {
            Some(command) => {
                if let Err((turn, failure)) = self.registry.visit(command, turn) {
                    self.abandon(turn, failure.into());
                }
            }
            None => self.finish(turn),
        }
    }

    /// An entity is done with a command.
    pub(super) fn visited(&mut self, visited: Visited) {
        let Visited {
            entity,
            mut turn,
            outcome,
        } = visited;
        self.current = Some(turn.key);
        match outcome {
            Outcome::Done { news } => {
                turn.idle = turn.own_commands == 0 && !news && turn.todo.is_empty();
                turn.own_commands = turn.own_commands.saturating_sub(1);
                self.drive(turn);
            }
            Outcome::Refused(refusal) => self.abandon(turn, Error::Refused(refusal)),
            Outcome::Failed(failure) => {
                if failure == Failure::Crashed {
                    tracing::error!(%entity, "an entity panicked; it restarts from the store");
                    self.note_crash(turn.key);
                }
                self.abandon(turn, failure.into());
            }
        }
    }

    /// The provider answered a charge that the turn waits for.
    pub(super) fn charged(&mut self, charged: Charged) {
        let Charged { mut turn, result } = charged;
        let settles = self.outside.providers[turn.key.storefront].settles();
        let (error, clean_up) = match result {
            Ok(()) => {
                turn.todo
                    .push_front(Command::Payment(payment::Command::Capture));
                return self.drive(turn);
            }
            Err(Trouble::Declined(reason)) => {
                let fail = payment::Command::Fail {
                    reason: reason.clone(),
                };
                (Error::Refused(Refusal::PaymentDeclined { reason }), fail)
            }
            Err(Trouble::Unavailable) => {
                (Failure::PaymentUnavailable.into(), payment::Command::Void)
            }
            Err(Trouble::TimedOut) => (Failure::PaymentTimedOut.into(), payment::Command::Void),
        };
        match settles {
            Settles::InJournal => self.abandon(turn, error),
            Settles::Elsewhere => {
                // The intent is durable and the provider may have acted: only the payment's own
                // history goes on, to its end. The order never was.
                self.forget_visited(&mut turn);
                self.reset_saga(&turn);
                turn.events.clear();
                turn.snapshots.clear();
                turn.seen = 0;
                turn.answer = None;
                turn.failed = Some(error);
                turn.todo = VecDeque::from([Command::Payment(clean_up)]);
                self.drive(turn);
            }
        }
    }

    /// Gives a turn up: nothing of it happened.
    pub(super) fn abandon(&mut self, mut turn: Box<Turn>, error: Error) {
        self.forget_visited(&mut turn);
        self.reset_saga(&turn);
        if let Some(caller) = turn.caller.take() {
            let error = if self.store_failed {
                Failure::Store.into()
            } else {
                error
            };
            self.answer(turn.key, caller, turn.command_key.as_ref(), Err(error));
        }
        self.close(turn.key, true);
    }

    /// Gives the open turn of an order up that was lost in a panic.
    pub(super) fn give_up(&mut self, key: OrderKey) {
        self.note_crash(key);
        // Only the lost turn's own: an earlier one may be in flight, and others may wait.
        let named = self.live.get_mut(&key).and_then(|live| live.named.take());
        for waiting in
            named.map_or_else(Vec::new, |named| self.keys.answered(key.storefront, &named))
        {
            waiting.answer(Err(Failure::Crashed.into()));
        }
        for kind in crate::actors::entity::HOSTED {
            self.registry.forget(
                key.storefront,
                crate::domain::EntityKey::new(kind, key.number),
            );
        }
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        // What is loaded again must be what is durable, so not before all in flight is settled.
        live.reload = true;
        self.close(key, false);
    }

    /// The saga takes in the turn's new events. A charge that the turn must wait for is returned;
    /// other provider calls are kept until the events are durable.
    fn take_in(&mut self, turn: &mut Turn) -> Option<payment::Effect> {
        let flow = &self.local.storefronts[turn.key.storefront].flow;
        let live = self
            .live
            .get_mut(&turn.key)
            .expect("an order with an open turn is live");
        let mut charge = None;
        for stamped in &turn.events[turn.seen..] {
            live.saga.apply(stamped.entity, &stamped.event);
            let attempt = live.saga.charges;
            let Some(event) = stamped.event.as_payment() else {
                continue;
            };
            let order = turn.key.order();
            match event {
                payment::Event::Requested { amount, .. } => {
                    let effect = payment::Effect::Charge {
                        order,
                        amount: *amount,
                        attempt,
                    };
                    let waits = flow
                        .step(|action| action == Action::Pay)
                        .is_some_and(|step| step.mode != Mode::Async);
                    if waits {
                        charge = Some(effect);
                    } else {
                        turn.effects.push(effect);
                    }
                }
                payment::Event::RefundRequested { amount } => {
                    turn.effects.push(payment::Effect::Refund {
                        order,
                        amount: *amount,
                        attempt,
                    });
                }
                payment::Event::VoidRequested => {
                    turn.effects.push(payment::Effect::Void { order, attempt });
                }
                payment::Event::Captured { .. }
                | payment::Event::Failed { .. }
                | payment::Event::Refunded { .. } => {}
            }
        }
        turn.seen = turn.events.len();
        charge
    }

    fn charge(&mut self, mut turn: Box<Turn>, effect: payment::Effect) {
        // The committer need not wait for a turn that waits for someone else.
        if let Some(caller) = &mut turn.caller {
            caller.under_way = None;
        }
        match self.outside.providers[turn.key.storefront].settles() {
            Settles::InJournal => self.send_charge(turn, effect),
            Settles::Elsewhere => self.submit_intent(turn, effect),
        }
    }

    pub(super) fn send_charge(&mut self, turn: Box<Turn>, effect: payment::Effect) {
        let gateway = &self.gateways[turn.key.storefront];
        if let Err(error) = gateway.try_send(Charge { turn, effect }) {
            let Charge { turn, .. } = error.into_inner();
            let unavailable = Charged {
                turn,
                result: Err(Trouble::Unavailable),
            };
            self.charged(unavailable);
        }
    }

    /// Submits the payment's request alone, so that it is durable before the provider is called.
    fn submit_intent(&mut self, mut turn: Box<Turn>, effect: payment::Effect) {
        let key = turn.key;
        let storefront = &self.local.storefronts[key.storefront];
        let deadline_ms = storefront.payment.deadline_ms;
        let (mut events, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut turn.events)
            .into_iter()
            .partition(|stamped| stamped.entity.kind == Kind::Payment);
        turn.events = rest;
        turn.seen = turn.events.len();
        let (mut saga, version) = turn.before.clone();
        let due = turn
            .at
            .plus_ms(deadline_ms)
            .plus_ms(self.retry_pause_ms(key, 1));
        let retry = Event::from(saga::Event::RetryScheduled { attempt: 1, due });
        let version = version + 1;
        events.push(Stamped {
            entity: key.order().saga(),
            version,
            event: retry.clone(),
        });
        for stamped in &events {
            saga.apply(stamped.entity, &stamped.event);
        }
        let live = self
            .live
            .get_mut(&key)
            .expect("an order with an open turn is live");
        live.saga.apply(key.order().saga(), &retry);
        live.saga_version = version;
        let (mut snapshots, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut turn.snapshots)
            .into_iter()
            .partition(|snapshot| snapshot.entity.kind == Kind::Payment);
        turn.snapshots = rest;
        turn.visited.retain(|entity| entity.kind != Kind::Payment);
        snapshots.push(saga_snapshot(key, &saga, version));
        turn.before = (saga, version);
        let batch = self.batch(&turn, events, None);
        self.submit(
            Pending::intent(turn, effect, snapshots, Some(due)),
            Some(batch),
        );
    }

    /// Submits what happened. Without events there is nothing to submit, but the answer waits for
    /// what the order's earlier turns submitted.
    fn finish(&mut self, mut turn: Box<Turn>) {
        let key = turn.key;
        let live = &self.live[&key];
        let outstanding = matches!(live.saga.pay, Progress::Asked | Progress::Undoing);
        if !turn.effects.is_empty() {
            let attempt = turn.attempt + 1;
            let due = turn.at.plus_ms(self.retry_pause_ms(key, attempt));
            self.saga_happened(&mut turn, saga::Event::RetryScheduled { attempt, due });
        } else if live.saga.retry.is_some() && !outstanding {
            self.saga_happened(&mut turn, saga::Event::Settled);
        }
        let live = &self.live[&key];
        if live.saga.ledger.check().is_err() {
            tracing::error!(order = %key.order(), "the books would not balance; refused");
            return self.abandon(turn, Failure::Crashed.into());
        }
        let timer = live.saga.retry.map(|(due, _)| due);
        if turn.events.is_empty() {
            return self.submit(Pending::turn(turn, timer), None);
        }
        let snapshot = saga_snapshot(key, &live.saga, live.saga_version);
        turn.snapshots.push(snapshot);
        let events = std::mem::take(&mut turn.events);
        let answered = turn.command_key.as_ref().zip(turn.answer.as_ref());
        let answered = answered.map(|(named, item)| crate::domain::recorded::Answered {
            key: named.key.clone(),
            fingerprint: named.fingerprint,
            entity: crate::domain::EntityKey::new(turn.answer_with, item.number),
            version: item.version,
        });
        let batch = self.batch(&turn, events, answered);
        self.submit(Pending::turn(turn, timer), Some(batch));
    }

    /// Adds an event of the saga's own.
    pub(super) fn saga_happened(&mut self, turn: &mut Turn, event: saga::Event) {
        let live = self
            .live
            .get_mut(&turn.key)
            .expect("an order with an open turn is live");
        let event = Event::from(event);
        live.saga.apply(turn.key.order().saga(), &event);
        live.saga_version += 1;
        let entity = turn.key.order().saga();
        turn.events.push(Stamped {
            entity,
            version: live.saga_version,
            event,
        });
        turn.seen = turn.events.len();
    }

    pub(super) fn retry_pause_ms(&self, key: OrderKey, attempt: u32) -> u64 {
        let flow = &self.local.storefronts[key.storefront].flow;
        flow.step(|action| action == Action::Pay)
            .map_or_else(Default::default, |step| step.retry)
            .pause_ms(attempt)
    }

    fn forget_visited(&mut self, turn: &mut Turn) {
        for entity in turn.visited.drain(..) {
            self.registry.forget(turn.key.storefront, entity);
        }
    }

    fn reset_saga(&mut self, turn: &Turn) {
        let live = self
            .live
            .get_mut(&turn.key)
            .expect("an order with an open turn is live");
        (live.saga, live.saga_version) = turn.before.clone();
        if live.in_flight > 0 {
            live.reload = true;
        }
    }

    fn note_crash(&mut self, key: OrderKey) {
        let now = self.now();
        if self.crashes.note(key, now) {
            tracing::error!(order = %key.order(), "quarantined: it panicked too often");
        }
    }
}

fn saga_snapshot(key: OrderKey, saga: &Saga, version: u64) -> Snapshot {
    let state = Box::new(saga.clone());
    Snapshot {
        entity: key.order().saga(),
        version,
        listed: false,
        state,
    }
}
