//! An open turn, from visit to visit until the saga asks for nothing more.

use std::collections::VecDeque;

use super::{Charged, Coordinator, Visited, Waiting, settle::Pending};
use crate::{
    actors::{
        entity::Outcome,
        faults::Place,
        gateway::Charge,
        handles::{self, Error, Failure},
        provider::{Settles, Trouble},
        turn::{Snapshot, Subject, Turn, Want},
    },
    domain::{
        EntityKey, Event, Kind, Refusal, Stamped, order, payment,
        recorded::Answered,
        saga::{self, Circumstances, Command, Progress, Reaction, Saga},
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
        self.route(&mut turn);
        if turn.todo.is_empty() && !turn.idle && key.is_order() {
            self.local.doing.begin(key.storefront, key.order().saga());
            self.local
                .strike(Place::React, key.storefront, key.order().key());
            let reaction = self.react(&turn);
            turn.waits_for = reaction.waits_for.map(Want::Part);
            if self.must_not_wait(&turn) {
                return self.abandon(turn, Failure::Paused.into());
            }
            turn.todo = VecDeque::from(reaction.commands);
        }
        match turn.todo.pop_front() {
            Some(Command::Listing(listing, command)) => {
                self.send_to_listing(listing, command, turn);
            }
            Some(Command::Choose(choice)) => self.choose(choice, turn),
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
        if !self.is_open(&turn) {
            return;
        }
        if let Some(live) = self.live.get_mut(&turn.key) {
            live.away = None;
        }
        self.current = Some(turn.key);
        match outcome {
            Outcome::Done { news } => {
                if let Some(candidate) = turn.chosen.take().filter(|_| news) {
                    return self.assigned(turn, &candidate);
                }
                turn.idle = turn.own_commands == 0 && !news && turn.todo.is_empty();
                turn.own_commands = turn.own_commands.saturating_sub(1);
                self.drive(turn);
            }
            Outcome::Refused(_) if turn.chosen.take().is_some() => self.ask_next(turn),
            Outcome::Refused(refusal) => {
                let promised = turn.before.0.order != order::State::Absent;
                let unmet = entity.kind == Kind::Listing && promised && turn.caller.is_none();
                if unmet && let Some(live) = self.live.get_mut(&turn.key) {
                    tracing::warn!(subject = %turn.key, %refusal, "called off: it cannot be had");
                    live.waiting.push_front(Waiting::Cancel);
                }
                self.abandon(turn, Error::Refused(refusal));
            }
            Outcome::Failed(failure) => {
                self.abandon(turn, failure.into());
            }
        }
    }

    /// The provider answered a charge that the turn waits for.
    pub(super) fn charged(&mut self, charged: Charged) {
        let Charged { mut turn, result } = charged;
        if !self.is_open(&turn) {
            return;
        }
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
        if !turn.is_intended {
            return self.abandon(turn, error);
        }
        // The intent is durable and the provider may have acted: only the payment's own history
        // goes on, to its end, and what is reserved comes back. The order never was.
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

    /// Gives a turn up: nothing of it happened.
    pub(super) fn abandon(&mut self, mut turn: Box<Turn>, error: Error) {
        turn.token.spend();
        self.forget_visited(&mut turn);
        self.reset_saga(&turn);
        self.leave_line(turn.key);
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

    /// What the saga asks for now.
    fn react(&self, turn: &Turn) -> Reaction {
        let key = turn.key;
        self.live[&key].saga.react(&Circumstances {
            order: key.order(),
            flow: &self.local.storefronts[key.storefront].flow,
            now: turn.at,
            closed: self.local.closed(key.storefront),
        })
    }

    /// Whether the turn would place an order without a step that its caller waits for.
    fn must_not_wait(&self, turn: &Turn) -> bool {
        let flow = &self.local.storefronts[turn.key.storefront].flow;
        let Some(Want::Part(action)) = turn.waits_for else {
            return false;
        };
        let step = flow.step(|own| own == action);
        turn.before.0.order == order::State::Absent
            && step.is_some_and(|step| step.mode == Mode::Sync && !step.is_deferrable)
    }

    /// Notes which steps a new order leaves out, as soon as it is placed.
    fn route(&mut self, turn: &mut Turn) {
        if turn.skipped != 0 && self.live[&turn.key].saga.order != order::State::Absent {
            let skipped = std::mem::take(&mut turn.skipped);
            self.saga_happened(turn, saga::Event::Routed { skipped });
        }
    }

    /// The saga takes in the turn's new events. A charge that the turn must wait for is returned;
    /// other provider calls are kept until the events are durable.
    fn take_in(&mut self, turn: &mut Turn) -> Option<payment::Effect> {
        if !turn.key.is_order() {
            return None;
        }
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
                        .is_some_and(|step| matches!(step.mode, Mode::Sync | Mode::Command));
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
            Settles::InJournal if turn.holds.is_empty() => self.send_charge(turn, effect),
            // Also where it would settle in the journal: nobody else gets a listing that is held
            // while the provider takes its time.
            Settles::InJournal | Settles::Elsewhere => self.submit_intent(turn, effect),
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

    /// Submits the payment's request alone, so that it is durable before the provider is called;
    /// with what is reserved, so that no listing is held as long as the provider takes.
    fn submit_intent(&mut self, mut turn: Box<Turn>, effect: payment::Effect) {
        turn.is_intended = true;
        let key = turn.key;
        let storefront = &self.local.storefronts[key.storefront];
        let deadline_ms = storefront.payment.deadline_ms;
        let (mut events, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut turn.events)
            .into_iter()
            .partition(|stamped| is_intent(stamped.entity.kind));
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
            .partition(|snapshot| is_intent(snapshot.entity.kind));
        turn.snapshots = rest;
        turn.visited.retain(|entity| !is_intent(entity.kind));
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
        self.stay_or_leave(&turn);
        self.schedule(&mut turn);
        if let Err(failure) = self.complete_answer(&mut turn) {
            return self.abandon(turn, failure.into());
        }
        let live = &self.live[&key];
        if live.saga.ledger.check().is_err() {
            tracing::error!(subject = %key, "the books would not balance; refused");
            return self.abandon(turn, Failure::Crashed.into());
        }
        let timer = live.saga.due();
        if turn.events.is_empty() {
            return self.submit(Pending::turn(turn, timer), None);
        }
        if key.is_order() {
            let snapshot = saga_snapshot(key, &live.saga, live.saga_version);
            turn.snapshots.push(snapshot);
        }
        let events = std::mem::take(&mut turn.events);
        let answered = turn.command_key.as_ref().zip(turn.answer.as_ref());
        let answered = answered.map(|(named, item)| Answered {
            key: named.key.clone(),
            fingerprint: named.fingerprint,
            entity: EntityKey::new(item.entity.kind(), item.number),
            version: item.version,
        });
        let batch = self.batch(&turn, events, answered);
        self.submit(Pending::turn(turn, timer), Some(batch));
    }

    /// Notes when the order is to be looked at again, or that it need not be.
    fn schedule(&mut self, turn: &mut Turn) {
        let key = turn.key;
        if !key.is_order() {
            return;
        }
        let saga = &self.live[&key].saga;
        let is_asked = matches!(saga.pay, Progress::Asked | Progress::Undoing);
        let waits = turn.waits_for.is_some();
        if !turn.effects.is_empty() || (waits && saga.retry.is_none()) {
            let attempt = turn.attempt + 1;
            let due = turn.at.plus_ms(self.retry_pause_ms(key, attempt));
            self.saga_happened(turn, saga::Event::RetryScheduled { attempt, due });
        } else if saga.retry.is_some() && !is_asked && !waits {
            self.saga_happened(turn, saga::Event::Settled);
        }
    }

    /// A caller is answered with the entity it addressed, also where the turn did not come by it.
    fn complete_answer(&self, turn: &mut Turn) -> Result<(), Failure> {
        if turn.caller.is_none() || turn.answer.is_some() || turn.failed.is_some() {
            return Ok(());
        }
        let (storefront, number) = (turn.key.storefront, turn.key.number);
        for kind in [turn.answer_with, turn.key.kind] {
            let slot = self.local.slot(storefront, EntityKey::new(kind, number))?;
            if let Some(slot) = slot {
                turn.answer = Some(handles::item(kind, number, &slot)?);
                break;
            }
        }
        Ok(())
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

    pub(super) fn retry_pause_ms(&self, key: Subject, attempt: u32) -> u64 {
        let flow = &self.local.storefronts[key.storefront].flow;
        flow.step(|action| action == Action::Pay)
            .or_else(|| flow.steps.first())
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
}

/// What is made durable before a provider elsewhere is called.
const fn is_intent(kind: Kind) -> bool {
    matches!(kind, Kind::Payment | Kind::Listing)
}

fn saga_snapshot(key: Subject, saga: &Saga, version: u64) -> Snapshot {
    let state = Box::new(saga.clone());
    Snapshot {
        entity: key.order().saga(),
        version,
        listed: false,
        state,
    }
}
