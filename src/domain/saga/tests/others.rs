//! What others have a say in: a part that is paused, somebody's yes, the seller's share.

use super::*;

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
