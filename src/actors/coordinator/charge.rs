//! A charge that an open turn waits for, and what becomes of an order whose payment fails.

use std::collections::VecDeque;

use super::{Charged, Coordinator, drive::saga_snapshot, line::Line, settle::Pending};
use crate::{
    actors::{
        breakers::{Asker, Permit},
        gateway::{Charge, charge_at_once},
        handles::{Error, Failure},
        provider::{Settles, Trouble},
        turn::{Later, Turn},
    },
    domain::{
        Event, Kind, Refusal, Stamped, order, payment,
        saga::{self, Command},
        storefront::{Action, Mode},
    },
};

impl Coordinator {
    /// Makes a charge that the turn waits for; leave for it is taken before anything is recorded.
    pub(super) fn charge(&mut self, mut turn: Box<Turn>, effect: payment::Effect) {
        let permit = match self.local.breakers.ask(turn.key.storefront, Asker::Caller) {
            Ok(permit) => permit,
            Err(_refused) if self.is_accepted_unpaid(&turn) => {
                turn.later = Some(Later::NotAsked);
                return self.accept_unpaid(turn);
            }
            Err(refused) => return self.abandon(turn, Failure::from(refused).into()),
        };
        match self.outside.providers[turn.key.storefront].settles() {
            Settles::InJournal if turn.holds.is_empty() => self.send_charge(turn, effect, permit),
            // Also where it would settle in the journal: nobody else gets a listing that is held
            // while the provider takes its time.
            Settles::InJournal | Settles::Elsewhere => self.submit_intent(turn, effect, permit),
        }
    }

    pub(super) fn send_charge(
        &mut self,
        mut turn: Box<Turn>,
        effect: payment::Effect,
        permit: Permit,
    ) {
        let provider = &*self.outside.providers[turn.key.storefront];
        if provider.answers_at_once() {
            let result = charge_at_once(&self.local, provider, &turn, effect, permit);
            return self.charged(Charged { turn, result });
        }
        others_may_go_on(&mut turn);
        let gateway = &self.gateways[turn.key.storefront];
        let charge = Charge {
            turn,
            effect,
            permit,
        };
        if let Err(error) = gateway.try_send(charge) {
            let Charge { turn, .. } = error.into_inner();
            let unavailable = Charged {
                turn,
                result: Err(Trouble::Unavailable),
            };
            self.charged(unavailable);
        }
    }

    /// The provider answered a charge that the turn waits for.
    pub(super) fn charged(&mut self, charged: Charged) {
        let Charged { mut turn, result } = charged;
        if !self.is_open(&turn) {
            return;
        }
        let is_failed = matches!(result, Err(Trouble::Unavailable | Trouble::TimedOut));
        if is_failed && self.is_accepted_unpaid(&turn) {
            turn.attempt += 1;
            turn.later = Some(Later::Failed);
            return self.accept_unpaid(turn);
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

    /// Whether the order's payment is not begun now, since the provider cannot be asked or others
    /// wait for it already. Who has a caller that will not wait is told when it is begun, and what is
    /// to be undone is recorded at once.
    pub(super) fn must_wait_to_pay(&self, turn: &Turn) -> bool {
        let key = turn.key;
        let is_behind = || self.local.lines.is_behind(key, Line::Part(Kind::Payment));
        let is_shut = || self.local.breakers.is_shut(key.storefront);
        let goes_on = || self.live[&key].saga.order != order::State::Cancelled;
        (is_behind() || is_shut()) && !self.pays_at_once(turn) && goes_on()
    }

    /// Whether the storefront takes an order all the same whose payment cannot be made at once.
    fn is_accepted_unpaid(&self, turn: &Turn) -> bool {
        let flow = &self.local.storefronts[turn.key.storefront].flow;
        let pays = flow.step(|action| action == Action::Pay);
        pays.is_some_and(|step| step.is_deferrable)
    }

    /// Goes on without the payment: what was asked for stays outstanding, and is asked for again
    /// under the same key.
    fn accept_unpaid(&mut self, mut turn: Box<Turn>) {
        if self.live[&turn.key].saga.order < order::State::Held {
            turn.todo.push_front(Command::Order(order::Command::Hold));
        }
        self.drive(turn);
    }

    /// Whether somebody waits for the order's payment, so that the order is not accepted without it.
    fn pays_at_once(&self, turn: &Turn) -> bool {
        let flow = &self.local.storefronts[turn.key.storefront].flow;
        let pays = flow.step(|action| action == Action::Pay);
        pays.is_some_and(|step| match step.mode {
            Mode::Sync => !step.is_deferrable && turn.before.0.order == order::State::Absent,
            Mode::Command => true,
            Mode::Async | Mode::Hold => false,
        })
    }

    /// Submits the payment's request alone, so that it is durable before the provider is called;
    /// with what is reserved, so that no listing is held as long as the provider takes.
    fn submit_intent(&mut self, mut turn: Box<Turn>, effect: payment::Effect, permit: Permit) {
        others_may_go_on(&mut turn);
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
            Pending::intent(turn, (effect, permit), snapshots, Some(due)),
            Some(batch),
        );
    }
}

/// The committer need not wait for a turn that waits for someone else.
fn others_may_go_on(turn: &mut Turn) {
    if let Some(caller) = &mut turn.caller {
        caller.waits();
    }
}

/// What is made durable before a provider elsewhere is called.
const fn is_intent(kind: Kind) -> bool {
    matches!(kind, Kind::Payment | Kind::Listing)
}
