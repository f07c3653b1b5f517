//! An open turn, from visit to visit until the saga asks for nothing more.

use std::collections::VecDeque;

use super::{Coordinator, Visited, Waiting, log::about, settle::Pending};
use crate::{
    actors::{
        breakers::Asker,
        entity::Outcome,
        faults::Place,
        handles::{self, Error, Failure},
        turn::{Later, Snapshot, Subject, Turn, Want},
    },
    domain::{
        EntityKey, Event, Kind, Stamped, order, payment,
        recorded::Answered,
        saga::{self, Command, Reaction, Saga},
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
            turn.news = 0;
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
                turn.news += usize::from(news);
                turn.idle = turn.own_commands == 0 && turn.news == 0 && turn.todo.is_empty();
                turn.own_commands = turn.own_commands.saturating_sub(1);
                self.drive(turn);
            }
            Outcome::Refused(_) if turn.chosen.take().is_some() => self.ask_next(turn),
            Outcome::Refused(refusal) => {
                let promised = turn.before.0.order != order::State::Absent;
                let unmet = entity.kind == Kind::Listing && promised && turn.caller.is_none();
                if unmet {
                    about!(warn, self, turn.key, Some(&turn.origin), %refusal, "called off: it cannot be had");
                    if let Some(live) = self.live.get_mut(&turn.key) {
                        live.waiting.push_front(Waiting::Cancel);
                    }
                }
                self.abandon(turn, Error::Refused(refusal));
            }
            Outcome::Failed(failure) => {
                if let Some(live) = self.live.get_mut(&turn.key) {
                    live.has_crashed = true;
                }
                self.abandon(turn, failure.into());
            }
        }
    }

    /// Gives a turn up: nothing of it happened.
    pub(super) fn abandon(&mut self, mut turn: Box<Turn>, error: Error) {
        about!(debug, self, turn.key, Some(&turn.origin), cause = turn.cause.name(), %error, "given up");
        self.record_turn(&turn, 0, Some(&error));
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
        let mut at = self.circumstances(turn.key, turn.at);
        if self.must_wait_to_pay(turn) {
            at.closed = at.closed.with(Kind::Payment);
        }
        self.live[&turn.key].saga.react(&at)
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
        let is_new = turn.before.0.order == order::State::Absent;
        let flow = &self.local.storefronts[turn.key.storefront].flow;
        let pays = flow.step(|action| action == Action::Pay);
        let waits = pays.is_some_and(|step| match step.mode {
            // Nobody waits any more for what was accepted without it.
            Mode::Sync => is_new,
            Mode::Command => true,
            Mode::Async | Mode::Hold => false,
        });
        let live = self
            .live
            .get_mut(&turn.key)
            .expect("an order with an open turn is live");
        let (mut charge, mut effect) = (None, None);
        for stamped in &turn.events[turn.seen..] {
            live.saga.apply(stamped.entity, &stamped.event);
            let attempt = live.saga.charges;
            let Some(event) = stamped.event.as_payment() else {
                continue;
            };
            let order = turn.key.order();
            match event {
                payment::Event::Requested { amount, .. } => {
                    let asked = payment::Effect::Charge {
                        order,
                        amount: *amount,
                        attempt,
                    };
                    if waits {
                        charge = Some(asked);
                    } else {
                        effect = Some(asked);
                    }
                }
                payment::Event::RefundRequested { amount } => {
                    effect = Some(payment::Effect::Refund {
                        order,
                        amount: *amount,
                        attempt,
                    });
                }
                payment::Event::VoidRequested => {
                    effect = Some(payment::Effect::Void { order, attempt });
                }
                payment::Event::Captured { .. }
                | payment::Event::Failed { .. }
                | payment::Event::Refunded { .. } => {}
            }
        }
        turn.seen = turn.events.len();
        if let Some(effect) = effect {
            match self.local.breakers.ask(turn.key.storefront, Asker::Order) {
                Ok(permit) => turn.effects.push((effect, permit)),
                Err(_refused) => turn.later = Some(Later::NotAsked),
            }
        }
        charge
    }

    /// Submits what happened. Without events there is nothing to submit, but the answer waits for
    /// what the order's earlier turns submitted.
    fn finish(&mut self, mut turn: Box<Turn>) {
        let key = turn.key;
        if turn.later == Some(Later::NotAsked) {
            turn.waits_for = Some(Want::Part(Action::Pay));
        }
        self.stay_or_leave(&turn);
        self.schedule(&mut turn);
        if let Err(failure) = self.complete_answer(&mut turn) {
            return self.abandon(turn, failure.into());
        }
        let live = &self.live[&key];
        if live.saga.ledger.check().is_err() {
            about!(
                error,
                self,
                key,
                Some(&turn.origin),
                "the books would not balance; refused"
            );
            return self.abandon(turn, Failure::Crashed.into());
        }
        let timer = live.saga.due();
        let is_letter = live.saga.given_up.is_some();
        let letter = (is_letter != turn.before.0.given_up.is_some()).then_some(is_letter);
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
        self.submit(Pending::turn(turn, timer).with_letter(letter), Some(batch));
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

    pub(super) fn forget_visited(&mut self, turn: &mut Turn) {
        for entity in turn.visited.drain(..) {
            self.registry.forget(turn.key.storefront, entity);
        }
    }

    pub(super) fn reset_saga(&mut self, turn: &Turn) {
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

pub(super) fn saga_snapshot(key: Subject, saga: &Saga, version: u64) -> Snapshot {
    let state = Box::new(saga.clone());
    Snapshot {
        entity: key.order().saga(),
        version,
        listed: false,
        state,
    }
}
