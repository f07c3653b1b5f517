//! What a saga asks for, given what has happened: here for what is paid and delivered.

mod others;
mod stock;
mod waiting;

use super::*;
use std::sync::Arc;

use crate::domain::{
    money::Currency,
    storefront::{Granting, Mode, Retry, Step},
};

const ORDER: OrderId = OrderId(7);
const AMOUNT: Money = Money::new(10_000, Currency::KRW);

fn flow(deliver: Mode) -> Flow {
    Flow {
        steps: vec![
            step(Action::Pay, Mode::Sync, Some(order::State::Confirmed)),
            step(
                Action::Deliver { steps: 1 },
                deliver,
                Some(order::State::Completed),
            ),
        ],
        returns: false,
    }
}

fn saga(given: &[AnyEvent]) -> Saga {
    let mut saga = Saga::default();
    for event in given {
        saga.apply(EntityKey::new(event.kind(), ORDER.0), event);
    }
    saga
}

fn check(mode: Mode, given: &[AnyEvent], then: &[Command]) {
    let reaction = saga(given).react(&Circumstances {
        order: ORDER,
        flow: &flow(mode),
        now: Timestamp(0),
        closed: Closed::default(),
    });
    assert_eq!(reaction.commands, then, "given {given:?}");
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

/// What surrounds a reaction, whatever the steps.
struct Shop {
    flow: Flow,
    closed: Closed,
    now: Timestamp,
}

impl Shop {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            flow: Flow {
                steps: steps.into_iter().collect(),
                returns: true,
            },
            closed: Closed::default(),
            now: Timestamp(0),
        }
    }

    fn closed(mut self, kind: Kind) -> Self {
        self.closed = self.closed.with(kind);
        self
    }

    fn react(&self, given: &[(u64, AnyEvent)]) -> Reaction {
        let mut saga = Saga::default();
        for (number, event) in given {
            saga.apply(EntityKey::new(event.kind(), *number), event);
        }
        saga.react(&Circumstances {
            order: ORDER,
            flow: &self.flow,
            now: self.now,
            closed: self.closed,
        })
    }

    fn check(&self, given: &[(u64, AnyEvent)], commands: &[Command], waits_for: Option<Action>) {
        let expected = Reaction {
            commands: commands.to_vec(),
            waits_for,
        };
        assert_eq!(self.react(given), expected, "given {given:?}");
    }
}

fn step(action: Action, mode: Mode, then: Option<order::State>) -> Step {
    Step {
        action,
        mode,
        then,
        retry: Retry::default(),
        is_deferrable: false,
        only_if: None,
        within_ms: None,
    }
}

fn own(event: impl Into<AnyEvent>) -> (u64, AnyEvent) {
    (ORDER.0, event.into())
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
fn what_an_order_is_accepted_without_does_not_keep_it_from_being_paid() {
    let mut flow = flow(Mode::Command);
    let reserve = Step {
        action: Action::Reserve,
        mode: Mode::Sync,
        is_deferrable: true,
        then: None,
        ..flow.steps[0].clone()
    };
    flow.steps.insert(0, reserve);
    let line = order::Line {
        listing: ListingId(3),
        quantity: 1,
    };
    let itemised = order::Event::Itemised { lines: vec![line] }.into();
    let closed = Closed::default().with(Kind::Listing);
    let react = |given: &[AnyEvent]| {
        saga(given).react(&Circumstances {
            order: ORDER,
            flow: &flow,
            now: Timestamp(0),
            closed,
        })
    };
    let mut given = vec![placed(), itemised, requested(), captured()];
    let confirm = Command::Order(order::Command::Confirm);
    assert_eq!(react(&given).commands, [confirm]);
    given.push(confirmed());
    let then = Reaction {
        commands: Vec::new(),
        waits_for: Some(Action::Reserve),
    };
    assert_eq!(react(&given), then);
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
