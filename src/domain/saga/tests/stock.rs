//! What is reserved, assigned, lent and sold.

use super::*;

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
