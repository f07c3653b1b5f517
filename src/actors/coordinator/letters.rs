//! Dead letters: calls to the payment provider that failed until their horizon was over.
//!
//! A charge is not worth waiting for that long: its order is called off, or a person pays again. A
//! refund or a void is owed. It is kept, without a timer, until an operator has it tried again.

use std::collections::VecDeque;

use super::{Called, Coordinator, Waiting, log::about};
use crate::{
    actors::{
        breakers::Asker,
        handles::Failure,
        turn::{Caller, Later, Subject},
    },
    domain::{
        Cause, Kind, Refusal, order,
        payment::{self, Effect, Payment},
        saga::{self, Command, GivenUp},
        storefront::{Action, Mode},
    },
};

/// An operator wants what was given up to be tried again.
pub(in crate::actors) struct Resume {
    pub(in crate::actors) key: Subject,
    pub(in crate::actors) caller: Caller,
}

impl Coordinator {
    /// Whether what is outstanding for the order was asked again for long enough.
    pub(super) fn is_past_horizon(&self, key: Subject) -> bool {
        let since = self.live.get(&key).and_then(|live| live.saga.tried_since);
        since.is_some_and(|since| self.retry(key).is_over(since, self.now()))
    }

    /// Whether a person pays, with a request.
    pub(super) fn is_paid_by_person(&self, key: Subject) -> bool {
        let flow = &self.local.storefronts[key.storefront].flow;
        let step = flow.step(|action| action == Action::Pay);
        step.is_some_and(|step| step.mode == Mode::Command)
    }

    /// The call failed once more, and its horizon is over.
    pub(super) fn give_up_call(&mut self, called: Called) {
        let Called {
            key,
            effect,
            attempt,
            result,
        } = called;
        let is_charge = matches!(effect, Effect::Charge { .. });
        let commands = match (is_charge, self.is_paid_by_person(key)) {
            (true, true) => vec![Command::Payment(payment::Command::Void)],
            (true, false) => vec![Command::Order(order::Command::Cancel)],
            (false, _) => Vec::new(),
        };
        let mut turn = self.turn(key, Cause::ProviderAnswered, VecDeque::from(commands));
        if is_charge {
            about!(
                warn,
                self,
                key,
                self.origin_of(key),
                attempt,
                "called off: it was not paid in all that time"
            );
        } else {
            let reason = result
                .err()
                .map_or_else(String::new, |last| last.to_string());
            about!(error, self, key, self.origin_of(key), attempt, %reason, "given up; see /ops/dead-letters");
            let given_up = GivenUp {
                attempt,
                since: turn.at,
                reason,
            };
            self.saga_happened(&mut turn, saga::Event::GaveUp(given_up));
        }
        self.drive(turn);
    }

    /// Tries again what was given up, or lets that wait for the order's open turn.
    pub(super) fn resume_letter(&mut self, resume: Resume) {
        let key = resume.key;
        self.current = Some(key);
        if self.crashes.is_quarantined(key) {
            return resume.caller.answer(Err(Failure::Quarantined.into()));
        }
        match self.live(key) {
            Err(failure) => resume.caller.answer(Err(failure.into())),
            Ok(live) if live.busy || live.reload => live.waiting.push_back(Waiting::Resume(resume)),
            Ok(_) => self.begin_again(resume),
        }
    }

    /// Begins a new horizon for an order without an open turn.
    pub(super) fn begin_again(&mut self, resume: Resume) {
        let Resume { key, caller } = resume;
        if !caller.begins(self.now()) {
            caller.answer(Err(Failure::Overloaded.into()));
            return self.resume(key);
        }
        let payment = self
            .local
            .state::<Payment>(key.storefront, Kind::Payment, key.number);
        let is_given_up = (self.live.get(&key)).is_some_and(|live| live.saga.given_up.is_some());
        let outcome = match payment.map(|payment| payment.outstanding()) {
            Ok(Some(effect)) if is_given_up => Ok(effect),
            Ok(_) => Err(Refusal::NotFound {
                kind: Kind::Payment,
                number: key.number,
            }
            .into()),
            Err(failure) => Err(failure.into()),
        };
        match outcome {
            Ok(effect) => {
                let mut turn = self.turn(key, Cause::Operator, VecDeque::new());
                turn.caller = Some(caller);
                turn.answer_with = Kind::Payment;
                match self.local.breakers.ask(key.storefront, Asker::Order) {
                    Ok(permit) => turn.effects.push((effect, permit)),
                    Err(_refused) => turn.later = Some(Later::NotAsked),
                }
                self.saga_happened(&mut turn, saga::Event::Resumed);
                self.drive(turn);
            }
            Err(error) => {
                caller.answer(Err(error));
                self.resume(key);
            }
        }
    }
}
