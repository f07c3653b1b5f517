//! The saga of one order: what has been done for it, and what to do next or undo.
//!
//! A saga's state is a fold over the events of its order, payment and delivery, so it cannot
//! disagree with them. [`Saga::react`] looks at that state, not at the last event: asked twice, or
//! after a crash, it asks for the same things again, and entities answer what they have done
//! already with no news. Going forward it works through the storefront's
//! [flow](super::storefront::Flow); once the order is cancelled it undoes what was done, the last
//! step first.

use serde::{Deserialize, Serialize};

use super::{
    Event as AnyEvent, Money, Timestamp, delivery,
    ids::OrderId,
    ledger::Ledger,
    order, payment,
    storefront::{Action, Flow, Mode, Step},
};

/// How far one action of the flow has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Not begun.
    #[default]
    Waiting,
    /// Asked for, not answered.
    Asked,
    /// Done.
    Done,
    /// To be undone, not confirmed.
    Undoing,
    /// Undone, or never to be done.
    Undone,
}

/// What happens to the saga itself, beside what happens to its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Something outside has not answered; it is asked again at `due`.
    RetryScheduled {
        /// How many times it was asked.
        attempt: u32,
        /// When to ask again.
        due: Timestamp,
    },
    /// Nothing outside is outstanding any more.
    Settled,
}

impl Event {
    /// The domain's word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RetryScheduled { .. } => "retry_scheduled",
            Self::Settled => "settled",
        }
    }
}

/// A command to one of the order's entities.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To the order.
    Order(order::Command),
    /// To its payment.
    Payment(payment::Command),
    /// To its delivery.
    Delivery(delivery::Command),
}

/// The coordinator's memory of one order's flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saga {
    /// Where the order stands.
    pub order: order::State,
    /// What the order costs.
    pub amount: Option<Money>,
    /// How far the payment has come.
    pub pay: Progress,
    /// How far the delivery has come.
    pub deliver: Progress,
    /// When something outside is to be asked again, and how often it was asked.
    pub retry: Option<(Timestamp, u32)>,
    /// Where the order's money is. Checked before each commit and on each load.
    pub ledger: Ledger,
}

impl Saga {
    /// Takes in what happened to the order, its entities, or the saga.
    pub fn apply(&mut self, event: &AnyEvent) {
        self.ledger.post(event);
        match event {
            AnyEvent::Order(event) => {
                if let order::Event::Placed { amount, .. } = event {
                    self.amount = Some(*amount);
                }
                if let Some(state) = event.state_after() {
                    self.order = state;
                }
            }
            AnyEvent::Payment(event) => self.pay = payment_progress(event.state_after()),
            AnyEvent::Delivery(event) => self.deliver = delivery_progress(event.state_after()),
            AnyEvent::Saga(Event::RetryScheduled { attempt, due }) => {
                self.retry = Some((*due, *attempt));
            }
            AnyEvent::Saga(Event::Settled) => self.retry = None,
            AnyEvent::Listing(_) => {}
        }
    }

    /// What to do next for `order` under `flow`. Empty while something is awaited, or at the end.
    pub fn react(&self, order: OrderId, flow: &Flow) -> Vec<Command> {
        match self.order {
            // The order never came to be: what was asked for it is given up.
            order::State::Absent => match self.pay {
                Progress::Asked => vec![Command::Payment(payment::Command::Void)],
                Progress::Waiting | Progress::Done | Progress::Undoing | Progress::Undone => {
                    Vec::new()
                }
            },
            order::State::Cancelled => self.undo(flow),
            order::State::Placed
            | order::State::Held
            | order::State::Confirmed
            | order::State::Completed => self.advance(order, flow),
        }
    }

    /// Begins the step with this action by hand: a person asked for it.
    pub fn begin(&self, order: OrderId, step: &Step) -> Vec<Command> {
        match (step.action, self.progress(step.action)) {
            (Action::Pay, Progress::Waiting) => {
                let amount = self.amount.expect("an order that was placed has an amount");
                vec![Command::Payment(payment::Command::Request {
                    order,
                    amount,
                })]
            }
            (Action::Deliver { steps }, Progress::Waiting) => {
                vec![Command::Delivery(delivery::Command::Plan { order, steps })]
            }
            (
                Action::Pay | Action::Deliver { .. },
                Progress::Asked | Progress::Done | Progress::Undoing | Progress::Undone,
            ) => Vec::new(),
        }
    }

    /// How far an action has come.
    pub const fn progress(&self, action: Action) -> Progress {
        match action {
            Action::Pay => self.pay,
            Action::Deliver { .. } => self.deliver,
        }
    }

    /// The first step of the flow that is not done, if there is one.
    pub fn current<'a>(&self, flow: &'a Flow) -> Option<&'a Step> {
        flow.steps
            .iter()
            .find(|step| self.progress(step.action) != Progress::Done)
    }

    fn advance(&self, order: OrderId, flow: &Flow) -> Vec<Command> {
        for step in &flow.steps {
            if self.progress(step.action) != Progress::Done {
                return match (step.mode, step.action, self.progress(step.action)) {
                    (Mode::Command, ..) => Vec::new(),
                    // Nobody outside is awaited for a delivery that starts by itself.
                    (Mode::Async, Action::Deliver { .. }, Progress::Asked) => {
                        vec![Command::Delivery(delivery::Command::Advance)]
                    }
                    (Mode::Sync | Mode::Async, ..) => self.begin(order, step),
                };
            }
            if let Some(command) = self.then(step) {
                return vec![command];
            }
        }
        Vec::new()
    }

    /// What a finished step means for the order, unless the order knows already.
    fn then(&self, step: &Step) -> Option<Command> {
        let reached = step.then.filter(|then| *then > self.order)?;
        let command = match reached {
            order::State::Held => order::Command::Hold,
            order::State::Confirmed => order::Command::Confirm,
            order::State::Completed => order::Command::Complete,
            order::State::Absent | order::State::Placed | order::State::Cancelled => return None,
        };
        Some(Command::Order(command))
    }

    fn undo(&self, flow: &Flow) -> Vec<Command> {
        flow.steps
            .iter()
            .rev()
            .filter_map(|step| self.undo_step(step.action))
            .collect()
    }

    fn undo_step(&self, action: Action) -> Option<Command> {
        match (action, self.progress(action)) {
            (Action::Pay, Progress::Done) => Some(Command::Payment(payment::Command::Refund)),
            (Action::Pay, Progress::Asked) => Some(Command::Payment(payment::Command::Void)),
            (Action::Deliver { .. }, Progress::Asked | Progress::Done) => {
                Some(Command::Delivery(delivery::Command::Cancel))
            }
            (Action::Pay, Progress::Waiting | Progress::Undoing | Progress::Undone)
            | (Action::Deliver { .. }, Progress::Waiting | Progress::Undoing | Progress::Undone) => {
                None
            }
        }
    }
}

const fn payment_progress(state: payment::State) -> Progress {
    match state {
        payment::State::Absent => Progress::Waiting,
        payment::State::Requested => Progress::Asked,
        payment::State::Captured => Progress::Done,
        payment::State::Refunding | payment::State::Voiding => Progress::Undoing,
        payment::State::Refunded | payment::State::Failed => Progress::Undone,
    }
}

const fn delivery_progress(state: delivery::State) -> Progress {
    match state {
        delivery::State::Absent => Progress::Waiting,
        delivery::State::Planned | delivery::State::Step(_) => Progress::Asked,
        delivery::State::Done => Progress::Done,
        delivery::State::Cancelled => Progress::Undone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::domain::{money::Currency, storefront::Retry};

    const ORDER: OrderId = OrderId(7);
    const AMOUNT: Money = Money::new(10_000, Currency::KRW);

    fn flow(deliver: Mode) -> Flow {
        let step = |action, mode, then| Step {
            action,
            mode,
            then,
            retry: Retry::default(),
        };
        Flow {
            steps: vec![
                step(Action::Pay, Mode::Sync, Some(order::State::Confirmed)),
                step(
                    Action::Deliver { steps: 1 },
                    deliver,
                    Some(order::State::Completed),
                ),
            ],
        }
    }

    fn saga(given: &[AnyEvent]) -> Saga {
        let mut saga = Saga::default();
        for event in given {
            saga.apply(event);
        }
        saga
    }

    fn check(mode: Mode, given: &[AnyEvent], then: &[Command]) {
        assert_eq!(
            saga(given).react(ORDER, &flow(mode)),
            then,
            "given {given:?}"
        );
    }

    fn placed() -> AnyEvent {
        order::Event::Placed {
            fields: Arc::default(),
            amount: AMOUNT,
        }
        .into()
    }

    fn requested() -> AnyEvent {
        payment::Event::Requested {
            order: ORDER,
            amount: AMOUNT,
        }
        .into()
    }

    fn captured() -> AnyEvent {
        payment::Event::Captured { amount: AMOUNT }.into()
    }

    fn confirmed() -> AnyEvent {
        order::Event::Confirmed.into()
    }

    fn planned() -> AnyEvent {
        delivery::Event::Planned {
            order: ORDER,
            steps: 1,
        }
        .into()
    }

    #[test]
    fn an_order_is_paid_then_confirmed_then_waits_for_a_person() {
        let request = payment::Command::Request {
            order: ORDER,
            amount: AMOUNT,
        };
        check(Mode::Command, &[placed()], &[Command::Payment(request)]);
        check(Mode::Command, &[placed(), requested()], &[]);
        let paid = [placed(), requested(), captured()];
        check(
            Mode::Command,
            &paid,
            &[Command::Order(order::Command::Confirm)],
        );
        check(
            Mode::Command,
            &[placed(), requested(), captured(), confirmed()],
            &[],
        );
    }

    #[test]
    fn a_delivery_that_starts_by_itself_is_done_by_the_policy() {
        let paid = [placed(), requested(), captured(), confirmed()];
        let plan = delivery::Command::Plan {
            order: ORDER,
            steps: 1,
        };
        check(Mode::Async, &paid, &[Command::Delivery(plan)]);
        let under_way = [placed(), requested(), captured(), confirmed(), planned()];
        check(
            Mode::Async,
            &under_way,
            &[Command::Delivery(delivery::Command::Advance)],
        );
    }

    #[test]
    fn a_delivery_that_is_done_completes_the_order() {
        let done = delivery::Event::Done.into();
        let given = [
            placed(),
            requested(),
            captured(),
            confirmed(),
            planned(),
            done,
        ];
        check(
            Mode::Command,
            &given,
            &[Command::Order(order::Command::Complete)],
        );
    }

    #[test]
    fn cancelling_undoes_the_last_step_first() {
        let cancelled = || AnyEvent::from(order::Event::Cancelled);
        let cancel_delivery = Command::Delivery(delivery::Command::Cancel);
        let refund = Command::Payment(payment::Command::Refund);
        let paid = [placed(), requested(), captured(), confirmed(), cancelled()];
        check(Mode::Command, &paid, std::slice::from_ref(&refund));
        let done = delivery::Event::Done.into();
        let given = [
            placed(),
            requested(),
            captured(),
            planned(),
            done,
            cancelled(),
        ];
        check(Mode::Command, &given, &[cancel_delivery, refund]);
    }

    #[test]
    fn cancelling_twice_undoes_once() {
        let refunding = payment::Event::RefundRequested { amount: AMOUNT }.into();
        let cancelled = order::Event::Cancelled.into();
        check(
            Mode::Command,
            &[placed(), requested(), captured(), cancelled, refunding],
            &[],
        );
    }

    #[test]
    fn a_payment_without_an_order_is_given_up() {
        check(
            Mode::Command,
            &[requested()],
            &[Command::Payment(payment::Command::Void)],
        );
        let voiding = payment::Event::VoidRequested.into();
        check(Mode::Command, &[requested(), voiding], &[]);
    }

    #[test]
    fn a_retry_is_remembered_until_it_is_settled() {
        let due = Timestamp(1_000);
        let scheduled = AnyEvent::from(Event::RetryScheduled { attempt: 2, due });
        assert_eq!(saga(std::slice::from_ref(&scheduled)).retry, Some((due, 2)));
        assert_eq!(saga(&[scheduled, Event::Settled.into()]).retry, None);
    }
}
