//! What a saga asks for, given what has happened.

use super::*;
use std::sync::Arc;

use crate::domain::{
    money::Currency,
    storefront::{Granting, Mode, Retry, Step},
};

const ORDER: OrderId = OrderId(7);
const AMOUNT: Money = Money::new(10_000, Currency::KRW);

fn flow(deliver: Mode) -> Flow {
    let step = |action, mode, then| Step {
        action,
        mode,
        then,
        retry: Retry::default(),
        is_deferrable: false,
        only_if: None,
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

/// What surrounds the reaction in the tests below: every kind of step.
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
    }
}

fn own(event: impl Into<AnyEvent>) -> (u64, AnyEvent) {
    (ORDER.0, event.into())
}

/// Two of listing 3 and one of listing 9.
fn itemised() -> (u64, AnyEvent) {
    let line = |listing, quantity| order::Line {
        listing: ListingId(listing),
        quantity,
    };
    let lines = vec![line(9, 1), line(3, 1), line(3, 1)];
    own(order::Event::Itemised { lines })
}

fn reserved(listing: u64, quantity: u64) -> (u64, AnyEvent) {
    let reserved = listing::Event::Reserved {
        order: ORDER,
        quantity,
    };
    (listing, reserved.into())
}

fn reserve(listing: u64, quantity: u64) -> Command {
    let order = ORDER;
    Command::Listing(
        ListingId(listing),
        listing::Command::Reserve { order, quantity },
    )
}

fn release(listing: u64, quantity: u64) -> Command {
    let order = ORDER;
    Command::Listing(
        ListingId(listing),
        listing::Command::Release { order, quantity },
    )
}

#[test]
fn quantities_are_summed_and_reserved_in_the_order_of_the_listings() {
    let shop = Shop::new([step(Action::Reserve, Mode::Sync, None)]);
    let given = [own(placed()), itemised()];
    shop.check(&given, &[reserve(3, 2), reserve(9, 1)], None);
    let half = [own(placed()), itemised(), reserved(3, 2)];
    shop.check(&half, &[reserve(9, 1)], None);
    shop.check(&[own(placed())], &[], None);
}

#[test]
fn what_was_lent_comes_back_when_the_order_is_cancelled_or_completed() {
    let shop = Shop::new([step(Action::Reserve, Mode::Sync, None)]);
    let taken = [own(placed()), itemised(), reserved(3, 2), reserved(9, 1)];
    for end in [order::Event::Cancelled, order::Event::Completed] {
        let given = [&taken[..], &[own(end)]].concat();
        shop.check(&given, &[release(3, 2), release(9, 1)], None);
        let shut = Shop::new(shop.flow.steps.clone()).closed(Kind::Listing);
        shut.check(&given, &[], Some(Action::Reserve));
    }
    // An intent whose order never came to be.
    shop.check(&[reserved(3, 2)], &[release(3, 2)], None);
}

#[test]
fn what_is_sold_is_handed_over_instead() {
    let mut shop = Shop::new([step(Action::Reserve, Mode::Sync, None)]);
    shop.flow.returns = false;
    let completed = own(order::Event::Completed);
    let given = [own(placed()), itemised(), reserved(3, 2), completed];
    let hand = listing::Command::Hand {
        order: ORDER,
        quantity: 2,
    };
    // Listing 9 was never reserved: with goods, the step is still to be done.
    shop.check(&given, &[reserve(9, 1)], None);
    let given = [&given[..], &[reserved(9, 1)]].concat();
    let both = [3, 9].map(|listing| match listing {
        3 => Command::Listing(ListingId(3), hand.clone()),
        listing => Command::Listing(
            ListingId(listing),
            listing::Command::Hand {
                order: ORDER,
                quantity: 1,
            },
        ),
    });
    shop.check(&given, &both, None);
}

#[test]
fn a_step_whose_part_is_paused_waits_and_holds_the_order_if_it_says_so() {
    let pay = step(Action::Pay, Mode::Hold, Some(order::State::Confirmed));
    let shop = Shop::new([pay]).closed(Kind::Payment);
    let hold = Command::Order(order::Command::Hold);
    shop.check(&[own(placed())], &[hold], Some(Action::Pay));
    let on_hold = [own(placed()), own(order::Event::Held)];
    shop.check(&on_hold, &[], Some(Action::Pay));
    let request = payment::Command::Request {
        order: ORDER,
        amount: AMOUNT,
    };
    let open = Shop::new(shop.flow.steps);
    open.check(&on_hold, &[Command::Payment(request)], None);
}

#[test]
fn an_order_that_is_refused_is_called_off_and_its_money_goes_back() {
    let by_person = Action::Approve {
        by: Granting::Person,
    };
    let shop = Shop::new([
        step(Action::Pay, Mode::Sync, Some(order::State::Confirmed)),
        step(by_person, Mode::Async, None),
    ]);
    let subject = ORDER.key();
    let paid = [own(placed()), own(captured()), own(confirmed())];
    let ask = Command::Approval(approval::Command::Request { subject });
    shop.check(&paid, &[ask], None);
    let asked = [&paid[..], &[own(approval::Event::Requested { subject })]].concat();
    shop.check(&asked, &[], None);
    let refused = [&asked[..], &[own(approval::Event::Refused { subject })]].concat();
    let cancel = Command::Order(order::Command::Cancel);
    shop.check(&refused, &[cancel], None);
    let cancelled = own(order::Event::Cancelled);
    let gone = [&refused[..], std::slice::from_ref(&cancelled)].concat();
    let refund = Command::Payment(payment::Command::Refund);
    shop.check(&gone, std::slice::from_ref(&refund), None);
    let withdraw = Command::Approval(approval::Command::Withdraw);
    let called_off = [&asked[..], &[cancelled]].concat();
    shop.check(&called_off, &[withdraw, refund], None);
}

#[test]
fn who_is_assigned_is_what_the_flow_was_asked_to_approve() {
    let by_flow = Action::Approve {
        by: Granting::NextStep,
    };
    let assign = Action::Assign(Choice::First);
    let shop = Shop::new([
        step(by_flow, Mode::Sync, None),
        step(assign, Mode::Async, Some(order::State::Confirmed)),
    ]);
    let subject = ORDER.key();
    let asked = [own(placed()), own(approval::Event::Requested { subject })];
    shop.check(&asked, &[Command::Choose(Choice::First)], None);
    let chosen = [&asked[..], &[reserved(4, 1)]].concat();
    let grant = Command::Approval(approval::Command::Grant);
    shop.check(&chosen, &[grant], None);
    let granted = [&chosen[..], &[own(approval::Event::Granted { subject })]].concat();
    let confirm = Command::Order(order::Command::Confirm);
    shop.check(&granted, &[confirm], None);
}

#[test]
fn the_seller_is_paid_when_it_is_due_and_nobody_waits_for_that() {
    let terms = payout::Terms {
        commission_bp: 1_000,
        after_ms: 50,
    };
    let mut shop = Shop::new([
        step(Action::Pay, Mode::Async, Some(order::State::Confirmed)),
        step(Action::PayOut(terms), Mode::Async, None),
        step(Action::Deliver { steps: 1 }, Mode::Async, None),
    ]);
    let (amount, commission) = (
        Money::new(9_000, Currency::KRW),
        Money::new(1_000, Currency::KRW),
    );
    let due = Timestamp(50);
    let paid = [own(placed()), own(captured()), own(confirmed())];
    let schedule = payout::Command::Schedule {
        order: ORDER,
        amount,
        commission,
        due,
    };
    shop.check(&paid, &[Command::Payout(schedule)], None);
    let scheduled = payout::Event::Scheduled {
        order: ORDER,
        amount,
        commission,
        due,
    };
    let owed = [&paid[..], &[own(scheduled)]].concat();
    let plan = Command::Delivery(delivery::Command::Plan {
        order: ORDER,
        steps: 1,
    });
    shop.check(&owed, &[plan], None);
    let cancelled = [&owed[..], &[own(order::Event::Cancelled)]].concat();
    let take_back = Command::Payout(payout::Command::TakeBack);
    let refund = Command::Payment(payment::Command::Refund);
    shop.check(&cancelled, &[take_back, refund], None);
    shop.now = due;
    shop.check(&owed, &[Command::Payout(payout::Command::Pay)], None);
    let shut = Shop {
        now: due,
        ..Shop::new(shop.flow.steps).closed(Kind::Payout)
    };
    let waits = shut.react(&owed).waits_for;
    assert_eq!(waits, Some(Action::PayOut(terms)));
}

#[test]
fn a_step_that_an_order_leaves_out_is_neither_done_nor_undone() {
    let shop = Shop::new([
        step(Action::Reserve, Mode::Sync, None),
        step(Action::Pay, Mode::Sync, None),
    ]);
    let routed = own(Event::Routed { skipped: 0b10 });
    let given = [
        own(placed()),
        itemised(),
        routed,
        reserved(3, 2),
        reserved(9, 1),
    ];
    shop.check(&given, &[], None);
}
