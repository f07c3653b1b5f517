//! Who is awaited, until when, and what becomes of an order for which nobody came.

use super::*;

const WITHIN_MS: u64 = 1_000;

fn by_person(mode: Mode, action: Action) -> Step {
    Step {
        within_ms: Some(WITHIN_MS),
        ..step(action, mode, None)
    }
}

fn approve() -> Step {
    let by = Granting::Person;
    by_person(Mode::Async, Action::Approve { by })
}

fn pay() -> Step {
    let then = Some(order::State::Confirmed);
    Step {
        then,
        ..by_person(Mode::Command, Action::Pay)
    }
}

impl Shop {
    fn at(mut self, now: i64) -> Self {
        self.now = Timestamp(now);
        self
    }

    fn begins_to_await(&self, given: &[(u64, AnyEvent)]) -> Option<Event> {
        told(given).begins_to_await(&Circumstances {
            order: ORDER,
            flow: &self.flow,
            now: self.now,
            closed: self.closed,
        })
    }
}

fn told(given: &[(u64, AnyEvent)]) -> Saga {
    let mut saga = Saga::default();
    for (number, event) in given {
        saga.apply(EntityKey::new(event.kind(), *number), event);
    }
    saga
}

fn awaiting(kind: Kind, until: i64) -> (u64, AnyEvent) {
    let until = Timestamp(until);
    own(Event::Awaiting { kind, until })
}

fn asked() -> (u64, AnyEvent) {
    let subject = ORDER.key();
    own(approval::Event::Requested { subject })
}

#[test]
fn whoever_is_awaited_has_until_then_and_it_is_noted_once() {
    let shop = Shop::new([approve(), pay()]).at(500);
    let (for_a_yes, for_money) = (
        awaiting(Kind::Approval, 1_500),
        awaiting(Kind::Payment, 1_500),
    );
    let noted = |given: &[_]| shop.begins_to_await(given).map(own);
    assert_eq!(noted(&[own(placed())]), None, "nobody was asked yet");
    let mut given = vec![own(placed()), asked()];
    assert_eq!(noted(&given).as_ref(), Some(&for_a_yes));
    given.push(for_a_yes);
    assert_eq!(noted(&given), None);
    assert_eq!(told(&given).due(), Some(Timestamp(1_500)));
    given.push(own(approval::Event::Granted {
        subject: ORDER.key(),
    }));
    assert_eq!(told(&given).due(), None, "the yes is there");
    assert_eq!(noted(&given).as_ref(), Some(&for_money));
    given.extend([for_money, own(requested())]);
    assert_eq!(told(&given).due(), Some(Timestamp(1_500)));
    given.push(own(captured()));
    assert_eq!(told(&given).due(), None, "it is paid");
}

#[test]
fn an_order_for_which_nobody_came_is_called_off_when_its_time_is_over_and_not_before() {
    let given = [own(placed()), awaiting(Kind::Payment, 2_000)];
    let cancel = [Command::Order(order::Command::Cancel)];
    Shop::new([pay()]).at(1_999).check(&given, &[], None);
    Shop::new([pay()]).at(2_000).check(&given, &cancel, None);
    let given = [own(placed()), asked(), awaiting(Kind::Approval, 2_000)];
    let expire = [Command::Approval(approval::Command::Expire)];
    Shop::new([approve()]).at(1_999).check(&given, &[], None);
    Shop::new([approve()])
        .at(2_000)
        .check(&given, &expire, None);
    let subject = ORDER.key();
    let expired = [&given[..], &[own(approval::Event::Expired { subject })]].concat();
    assert_eq!(told(&expired).due(), None);
    Shop::new([approve()])
        .at(2_000)
        .check(&expired, &cancel, None);
}

#[test]
fn what_is_being_paid_or_was_answered_when_the_time_is_up_is_not_cut_off() {
    let shop = Shop::new([pay()]).at(9_000);
    let until = awaiting(Kind::Payment, 2_000);
    let paying = [own(placed()), until, own(requested())];
    shop.check(&paying, &[], None);
    let paid = [&paying[..], &[own(captured())]].concat();
    let confirm = Command::Order(order::Command::Confirm);
    shop.check(&paid, &[confirm], None);
    let failed = own(payment::Event::Failed {
        reason: "voided".to_owned(),
    });
    let unpaid = [&paying[..], &[failed]].concat();
    shop.check(&unpaid, &[Command::Order(order::Command::Cancel)], None);
    let subject = ORDER.key();
    let granted = own(approval::Event::Granted { subject });
    let given = [
        own(placed()),
        asked(),
        awaiting(Kind::Approval, 2_000),
        granted,
    ];
    Shop::new([approve()]).at(9_000).check(&given, &[], None);
}

#[test]
fn what_was_given_up_has_no_timer_until_it_is_resumed_or_something_else_is_outstanding() {
    let retry = |due| {
        own(Event::RetryScheduled {
            attempt: 1,
            due: Timestamp(due),
        })
    };
    let given_up = GivenUp {
        attempt: 9,
        since: Timestamp(7_000),
        reason: "away".to_owned(),
    };
    let refunding = own(payment::Event::RefundRequested { amount: AMOUNT });
    let mut given = vec![
        own(placed()),
        own(captured()),
        refunding,
        retry(1_000),
        retry(3_000),
    ];
    assert_eq!(told(&given).tried_since, Some(Timestamp(1_000)));
    given.push(own(Event::GaveUp(given_up.clone())));
    let saga = told(&given);
    assert_eq!(
        (saga.due(), saga.given_up, saga.tried_since),
        (None, Some(given_up), None)
    );
    given.extend([own(Event::Resumed), retry(8_000)]);
    let saga = told(&given);
    assert_eq!((saga.due(), saga.given_up), (Some(Timestamp(8_000)), None));
    assert_eq!(saga.tried_since, Some(Timestamp(8_000)), "a new horizon");
    given.push(own(payment::Event::Refunded { amount: AMOUNT }));
    assert_eq!(told(&given).tried_since, None);
}
