//! What must hold at the end, when nothing goes wrong any more and time has passed.

use std::{collections::BTreeMap, ops::ControlFlow};

use jumun::{
    actors::handles::{Wait, Why},
    domain::{
        Kind,
        approval::{self, Approval},
        listing::Listing,
        order::{self, Order},
        payment::{self, Payment},
        saga::{Kept, Saga},
        storefront::Action,
    },
    store::{
        pages::{NoteTree, Slot},
        snapshot,
    },
};
use serde::de::DeserializeOwned;

use super::{
    super::world::notes,
    bank::Charge,
    house::{House, LISTINGS, Run},
};

/// What a seed met, or it would prove little.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    pub(super) letters: usize,
    pub(super) expired: usize,
}

/// Everything stored of one kind, by number.
pub(super) fn all<T: DeserializeOwned>(house: &House, run: &Run, kind: Kind) -> BTreeMap<u64, T> {
    let mut found = BTreeMap::new();
    let collection = house.layout.entities(0, kind);
    let mut visit = |number: u64, slot: &Slot| {
        found.insert(number, snapshot::decode(&slot.bytes).unwrap());
        ControlFlow::Continue(())
    };
    run.pages.each(collection, &mut visit).unwrap();
    found
}

/// Every saga as it is stored, without its dossier.
pub(super) fn sagas(house: &House, run: &Run) -> BTreeMap<u64, Saga> {
    let kept: BTreeMap<u64, Kept> = all(house, run, Kind::Saga);
    let sagas = kept.into_iter().map(|(number, kept)| (number, kept.saga));
    sagas.collect()
}

/// Every order with something stored is finished, or waits for a person who may take for ever.
/// Dead letters are there only for what is to be given back.
pub(super) async fn at_rest(house: &House, run: &Run) -> Result<Met, String> {
    let sagas = sagas(house, run);
    let orders: BTreeMap<u64, Order> = all(house, run, Kind::Order);
    let payments: BTreeMap<u64, Payment> = all(house, run, Kind::Payment);
    let listings: BTreeMap<u64, Listing> = all(house, run, Kind::Listing);
    let mut letters = Vec::new();
    for (number, saga) in &sagas {
        let wrong = |what: String| {
            let history = house.history(*number);
            Err(format!("order {number}: {what}: {saga:?}\n{history}"))
        };
        let order = orders
            .get(number)
            .map_or(order::State::Absent, |order| order.state);
        let payment = payments.get(number).cloned().unwrap_or_default();
        let why = why(run, *number).await?;
        if let Err(what) = waits(house, &listings, why.waits, saga) {
            return wrong(what);
        }
        if why.waits == Wait::Letter {
            letters.push(*number);
        }
        let is_letter = why.waits == Wait::Letter;
        if let Err(what) = paid(order, payment.state, is_letter) {
            return wrong(what);
        }
        let is_open = matches!(order, order::State::Placed | order::State::Held);
        if is_open && why.waits == Wait::Nothing {
            return wrong("it is not finished and waits for nothing".to_owned());
        }
        if let Some(charges) = house.bank.charges_of(*number)
            && let Err(what) = agrees(payment.state, &charges)
        {
            return wrong(what);
        }
        let is_gone = matches!(order, order::State::Absent | order::State::Cancelled);
        if is_gone && !saga.reserved.is_empty() {
            return wrong("it is gone and something is still reserved for it".to_owned());
        }
    }
    stock(&listings, &sagas)?;
    let (listed, total) = run
        .engine
        .dead_letters(0, usize::MAX)
        .map_err(|e| e.to_string())?;
    let listed: Vec<u64> = listed.iter().map(|letter| letter.order).collect();
    if listed != letters || total != letters.len() {
        return Err(format!(
            "dead letters are {letters:?}, listed are {listed:?}"
        ));
    }
    others(house, run, &orders, &sagas).await?;
    let approvals: BTreeMap<u64, Approval> = all(house, run, Kind::Approval);
    let expired = |approval: &&Approval| approval.state == approval::State::Expired;
    Ok(Met {
        letters: letters.len(),
        expired: approvals.values().filter(expired).count(),
    })
}

/// What an order waits for, once it is not just being looked at.
async fn why(run: &Run, order: u64) -> Result<Why, String> {
    for _ in 0..3 {
        let why = run.engine.why(0, order).await;
        match why.map_err(|failure| failure.to_string())? {
            Some(why) if why.waits == Wait::Turn => run.rest(0).await,
            Some(why) => return Ok(why),
            None => return Err(format!("order {order} is nothing to its shard")),
        }
        tokio::task::yield_now().await;
    }
    Err(format!("a turn of order {order} does not end"))
}

async fn others(
    house: &House,
    run: &Run,
    orders: &BTreeMap<u64, Order>,
    sagas: &BTreeMap<u64, Saga>,
) -> Result<(), String> {
    let complaints = house.bank.complaints();
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    if let Some(lost) = house
        .orders
        .borrow()
        .iter()
        .find(|number| !orders.contains_key(number))
    {
        return Err(format!("order {lost} was acknowledged and is lost"));
    }
    if let Some(unknown) = house
        .bank
        .orders()
        .iter()
        .find(|order| !sagas.contains_key(order))
    {
        return Err(format!(
            "the bank has a charge of {unknown}, of which we know nothing"
        ));
    }
    let stuck = run
        .engine
        .stopped()
        .await
        .map_err(|failure| failure.to_string())?;
    if !stuck.is_empty() {
        return Err(format!("the watchdog had to help: {stuck:?}"));
    }
    let due = sagas.values().filter(|saga| saga.due().is_some()).count();
    let timers = notes(&run.pages, NoteTree::Timers).len();
    if due != timers {
        return Err(format!(
            "{due} sagas wait for a time, {timers} timers are set"
        ));
    }
    let waiting = *run.waiting.borrow();
    if waiting > 0 {
        return Err(format!("{waiting} callers were never answered"));
    }
    match run.engine.live().await {
        Some(live) if live as u64 <= LISTINGS => Ok(()),
        live => Err(format!("{live:?} entities are live and have nothing to do")),
    }
}

/// Whether somebody or something will end the waiting, or may leave it as it is.
fn waits(
    house: &House,
    listings: &BTreeMap<u64, Listing>,
    waits: Wait,
    saga: &Saga,
) -> Result<(), String> {
    let is_final = match waits {
        Wait::Nothing | Wait::Letter => true,
        Wait::Person(action, until) => {
            let step = house.storefront.flow.step(|own| own == action);
            until.is_none() && step.is_some_and(|step| step.within_ms.is_none())
        }
        // Nobody will be free as long as no person does anything.
        Wait::Somebody(place) => {
            let is_free = |listing: &Listing| listing.available() != Some(0);
            let assigns = |action| matches!(action, Action::Assign(_));
            let assigns = house.storefront.flow.step(assigns).is_some();
            place.is_some() && assigns && !listings.values().any(is_free)
        }
        Wait::Turn
        | Wait::Quarantine
        | Wait::Provider(_)
        | Wait::Part(..)
        | Wait::Payout(_)
        | Wait::Timer => false,
    };
    if is_final || (waits == Wait::Letter && saga.given_up.is_some()) {
        return Ok(());
    }
    Err(format!("it waits for {waits}"))
}

/// An order that stands is paid or will be by a person; one that is gone has its money back.
fn paid(order: order::State, payment: payment::State, is_letter: bool) -> Result<(), String> {
    use payment::State as Paid;
    let fits = match order {
        order::State::Absent | order::State::Cancelled => match payment {
            Paid::Absent | Paid::Failed | Paid::Refunded => !is_letter,
            Paid::Refunding | Paid::Voiding => is_letter,
            Paid::Requested | Paid::Captured => false,
        },
        order::State::Confirmed | order::State::Completed => payment == Paid::Captured,
        order::State::Placed | order::State::Held => match payment {
            Paid::Absent | Paid::Failed => true,
            // A person's payment that failed, and cannot be given back either.
            Paid::Voiding => is_letter,
            Paid::Requested | Paid::Captured | Paid::Refunding | Paid::Refunded => false,
        },
    };
    if fits {
        return Ok(());
    }
    Err(format!("it is {order:?} and its payment {payment:?}"))
}

/// The bank's books say the same as ours.
fn agrees(payment: payment::State, charges: &[Charge]) -> Result<(), String> {
    let taken = charges
        .iter()
        .filter(|charge| **charge == Charge::Taken)
        .count();
    let back = charges
        .iter()
        .filter(|charge| **charge == Charge::GivenBack)
        .count();
    let fits = match payment {
        payment::State::Captured => (taken, back) == (1, 0),
        // Given up; what was not answered may have been done all the same.
        payment::State::Refunding => taken + back == 1,
        payment::State::Refunded => (taken, back) == (0, 1),
        payment::State::Absent | payment::State::Failed => (taken, back) == (0, 0),
        payment::State::Voiding => taken <= 1 && back == 0,
        payment::State::Requested => false,
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "its payment is {payment:?}, the bank has {charges:?}"
    ))
}

/// What listings keep is what the sagas know of, to the last one.
fn stock(listings: &BTreeMap<u64, Listing>, sagas: &BTreeMap<u64, Saga>) -> Result<(), String> {
    for (number, listing) in listings {
        let mut due = BTreeMap::new();
        for (order, saga) in sagas {
            let own = saga
                .reserved
                .iter()
                .filter(|line| line.listing.0 == *number);
            let quantity: u64 = own.map(|line| line.quantity).sum();
            if quantity > 0 {
                due.insert(*order, quantity);
            }
        }
        let kept: BTreeMap<u64, u64> = (listing.reserved.iter())
            .map(|(order, quantity)| (order.0, *quantity))
            .collect();
        if kept != due || listing.is_oversold() {
            return Err(format!("shed {number} keeps {kept:?}, orders have {due:?}"));
        }
    }
    Ok(())
}
