//! Provider calls that no caller waits for, and the timers that make them again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Called, Coordinator, Waiting, log::about};
use crate::{
    actors::{breakers::Asker, gateway::Carry, provider::Trouble, turn::Subject},
    domain::{
        Cause, Kind, Timestamp, order,
        payment::{self, Effect, Payment},
        saga::{self, Command},
        storefront::{Action, Step},
    },
};

/// When each order that awaits something is to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Each order at most once.
    by_time: BTreeSet<(Timestamp, Subject)>,
    by_order: BTreeMap<Subject, Timer>,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    /// As the store has it.
    stored: Timestamp,
    /// When it is next due: as stored, or later if it was postponed.
    due: Timestamp,
}

impl Timers {
    /// The order's timer as the store has it, if it has one.
    pub(super) fn of(&self, key: Subject) -> Option<Timestamp> {
        self.by_order.get(&key).map(|timer| timer.stored)
    }

    /// Sets or clears the order's timer, as the store has it from now on.
    pub(super) fn set(&mut self, key: Subject, stored: Option<Timestamp>) {
        let before = self.by_order.get(&key).copied();
        if before.map(|timer| timer.stored) == stored {
            return;
        }
        if let Some(timer) = before {
            self.by_time.remove(&(timer.due, key));
            self.by_order.remove(&key);
        }
        if let Some(stored) = stored {
            self.by_order.insert(
                key,
                Timer {
                    stored,
                    due: stored,
                },
            );
            self.by_time.insert((stored, key));
        }
    }

    /// Whether the order's timer rings by itself.
    pub(super) fn rings(&self, key: Subject) -> bool {
        let timer = self.by_order.get(&key);
        timer.is_some_and(|timer| self.by_time.contains(&(timer.due, key)))
    }

    /// How many orders have one.
    pub(super) fn len(&self) -> usize {
        self.by_order.len()
    }

    /// The earliest timer.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// An order that is due by `now`.
    fn due(&self, now: Timestamp) -> Option<Subject> {
        let (due, key) = *self.by_time.first()?;
        (due <= now).then_some(key)
    }

    /// Looks at every order that waits as soon as possible, also at those that are due already: in
    /// the order of their numbers.
    fn hasten(&mut self, now: Timestamp) {
        for (key, timer) in &mut self.by_order {
            self.by_time.remove(&(timer.due, *key));
            timer.due = now;
            self.by_time.insert((timer.due, *key));
        }
    }

    /// Looks at an order as soon as possible, also if its timer was laid aside.
    pub(super) fn hurry(&mut self, key: Subject, now: Timestamp) {
        if let Some(timer) = self.by_order.get_mut(&key) {
            self.by_time.remove(&(timer.due, key));
            timer.due = timer.due.min(now);
            self.by_time.insert((timer.due, key));
        }
    }

    /// Lets an order's timer ring again that was laid aside.
    pub(super) fn take_up(&mut self, key: Subject, now: Timestamp) {
        let aside = |timer: &Timer| !self.by_time.contains(&(timer.due, key));
        if self.by_order.get(&key).is_some_and(aside) {
            self.hurry(key, now);
        }
    }

    /// Lets an order's timer ring no more until it is hurried.
    fn lay_aside(&mut self, key: Subject) {
        if let Some(timer) = self.by_order.get(&key) {
            self.by_time.remove(&(timer.due, key));
        }
    }

    /// Looks at an order again later. What the store has stays as it is until something else is
    /// durable.
    fn postpone(&mut self, key: Subject, due: Timestamp) {
        if let Some(timer) = self.by_order.get_mut(&key) {
            self.by_time.remove(&(timer.due, key));
            // One that was hastened goes back to its own time.
            timer.due = due.max(timer.stored);
            self.by_time.insert((timer.due, key));
        }
    }
}

impl FromIterator<(Timestamp, Subject)> for Timers {
    fn from_iter<I: IntoIterator<Item = (Timestamp, Subject)>>(timers: I) -> Self {
        let mut all = Self::default();
        timers
            .into_iter()
            .for_each(|(due, key)| all.set(key, Some(due)));
        all
    }
}

impl Coordinator {
    /// Sends a call on its way that no caller waits for.
    pub(super) fn carry(&mut self, carry: Carry) {
        let key = carry.key;
        let gateway = &self.gateways[key.storefront];
        match gateway.try_send(carry) {
            Ok(()) => {
                let now = self.now();
                if let Some(live) = self.live.get_mut(&key) {
                    live.calls += 1;
                    live.called = now;
                }
            }
            // The timer that was set with the intent makes the call again.
            Err(error) => about!(warn, self, key, self.origin_of(key), %error, "a call is put off"),
        }
    }

    /// The provider answered a call that nobody waits for.
    pub(super) fn called(&mut self, called: Called) {
        let key = called.key;
        self.current = Some(key);
        let Ok(live) = self.live(key) else { return };
        if live.busy || live.reload {
            live.waiting.push_back(Waiting::Called(called));
            return;
        }
        live.calls = live.calls.saturating_sub(1);
        let commands = match (&called.effect, &called.result) {
            (Effect::Charge { .. }, Ok(())) => vec![payment(payment::Command::Capture)],
            (Effect::Refund { .. }, Ok(())) => vec![payment(payment::Command::ConfirmRefund)],
            (Effect::Void { .. }, Ok(())) => vec![payment(payment::Command::ConfirmVoid)],
            (Effect::Charge { .. }, Err(Trouble::Declined(reason))) => vec![
                payment(payment::Command::Fail {
                    reason: reason.clone(),
                }),
                Command::Order(order::Command::Cancel),
            ],
            (_, Err(trouble)) => {
                about!(warn, self, key, self.origin_of(key), %trouble, attempt = called.attempt, "the provider is asked again later");
                Vec::new()
            }
        };
        let again = called.result.is_err() && commands.is_empty();
        if again && self.is_past_horizon(key) {
            return self.give_up_call(called);
        }
        let held = again && self.holds(key);
        let commands = if held {
            vec![Command::Order(order::Command::Hold)]
        } else {
            commands
        };
        let mut turn = self.turn(key, Cause::ProviderAnswered, VecDeque::from(commands));
        turn.attempt = called.attempt;
        if again {
            let attempt = called.attempt.saturating_add(1);
            let due = turn.at.plus_ms(self.retry_pause_ms(key, attempt));
            self.saga_happened(&mut turn, saga::Event::RetryScheduled { attempt, due });
        }
        self.drive(turn);
    }

    /// Looks at every order whose timer is due.
    pub(super) fn due(&mut self) {
        let now = self.now();
        // The others ring again at once. All of a long outage's at a time would fill the mailboxes,
        // and what finds no room there is lost.
        for _ in 0..self.local.settings.timers_per_look_max {
            let Some(key) = self.timers.due(now) else {
                return;
            };
            self.current = Some(key);
            if self.stands(key) {
                self.timers.lay_aside(key);
                continue;
            }
            // Should anything below fail, it is looked at again; never in this same instant.
            let pause_ms = self.retry_pause_ms(key, 1).max(1);
            self.timers.postpone(key, now.plus_ms(pause_ms));
            if self.crashes.is_quarantined(key) {
                self.leave_line(key);
                continue;
            }
            // What it would lead to is to be written.
            if (self.outside.full)() {
                continue;
            }
            match self.live(key) {
                Err(failure) => {
                    about!(error, self, key, self.origin_of(key), %failure, "a timer waits");
                }
                Ok(live) if live.busy || live.reload => {
                    if !(live.waiting.iter()).any(|waits| matches!(waits, Waiting::Due)) {
                        live.waiting.push_back(Waiting::Due);
                    }
                }
                Ok(_) => self.call_again(key),
            }
        }
    }

    /// Makes the outstanding call of an order without an open turn again, or gives it up.
    pub(super) fn call_again(&mut self, key: Subject) {
        let payment = self
            .local
            .state::<Payment>(key.storefront, Kind::Payment, key.number);
        let Ok(live) = self.live(key) else { return };
        let attempt = live.saga.retry.map_or(1, |(_, attempt)| attempt);
        let never_placed = live.saga.order == order::State::Absent;
        let is_given_up = live.saga.given_up.is_some();
        if live.calls > 0 || live.in_flight > 0 {
            return self.resume(key);
        }
        match payment.map(|payment| payment.outstanding()) {
            Err(failure) => {
                about!(error, self, key, self.origin_of(key), %failure, "a retry waits");
                self.resume(key);
            }
            // A charge for an order that never came to be: the saga gives it up. Or nothing is
            // outstanding any more: the turn settles the timer.
            Ok(Some(Effect::Charge { .. })) if never_placed => self.step(key),
            Ok(None) => self.step(key),
            Ok(Some(_)) if is_given_up => self.step(key),
            // Whoever paid is gone, and what the price was with them: they may pay again.
            Ok(Some(Effect::Charge { .. })) if self.is_paid_by_person(key) => {
                let void = VecDeque::from([Command::Payment(payment::Command::Void)]);
                let turn = self.turn(key, Cause::Timer, void);
                self.drive(turn);
            }
            // It is asked again once its part of the storefront runs.
            Ok(Some(_)) if self.local.closed(key.storefront).has(Kind::Payment) => self.resume(key),
            Ok(Some(effect)) => {
                match self.local.breakers.ask(key.storefront, Asker::Order) {
                    Ok(permit) => {
                        self.leave_line(key);
                        let origin = self.origin_of(key).cloned().unwrap_or_default();
                        self.carry(Carry {
                            key,
                            effect,
                            attempt,
                            permit,
                            origin,
                        });
                    }
                    Err(_refused) => self.stand_for_payment(key),
                }
                self.resume(key);
            }
        }
    }

    /// Whether an order is held while its payment is not made.
    fn holds(&self, key: Subject) -> bool {
        let flow = &self.local.storefronts[key.storefront].flow;
        let pays = flow.step(|action| action == Action::Pay);
        let live = self.live.get(&key);
        pays.is_some_and(Step::holds)
            && live.is_some_and(|live| live.saga.order == order::State::Placed)
    }

    /// A part of a storefront was paused, or runs again: whatever waits is looked at, in the order
    /// of the orders' numbers.
    pub(super) fn changed(&mut self) {
        let now = self.now();
        self.timers.hasten(now);
        self.due();
    }

    /// Calls an order off that no turn is open for.
    pub(super) fn call_off(&mut self, key: Subject) {
        let cancel = VecDeque::from([Command::Order(order::Command::Cancel)]);
        let turn = self.turn(key, Cause::Unmet, cancel);
        self.drive(turn);
    }

    /// Opens a turn in which the saga alone says what is to be done.
    pub(super) fn step(&mut self, key: Subject) {
        let turn = self.turn(key, Cause::Timer, VecDeque::new());
        self.drive(turn);
    }
}

const fn payment(command: payment::Command) -> Command {
    Command::Payment(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_was_hastened_rings_once_and_then_at_its_own_time() {
        let at = Timestamp;
        let key = Subject::of_order(0, 1);
        let mut timers = Timers::from_iter([(at(10_000), key)]);
        timers.hasten(at(1_000));
        assert_eq!(timers.due(at(1_000)), Some(key));
        timers.postpone(key, at(2_000));
        assert_eq!(timers.due(at(9_999)), None);
        assert_eq!(timers.due(at(10_000)), Some(key));
        timers.postpone(key, at(11_000));
        assert_eq!(timers.due(at(10_999)), None);
        assert_eq!(timers.due(at(11_000)), Some(key));
        timers.set(key, None);
        assert_eq!(timers.first_due(), None);
    }
}
