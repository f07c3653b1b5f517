//! The end of a run: nothing goes wrong any more, time passes, and everything must come to rest.

use std::time::Duration;

use jumun::{domain::payment, store::pages::NoteTree};
use tokio::time::sleep;

use super::{
    remote::Charge,
    world::{Run, World, notes},
};

/// Longer than every retry pause, every late call and every request, in halves of a second.
const HALF_SECONDS: u32 = 240;

/// After this many of them nothing may happen any more.
const QUIET_FROM: u32 = 160;

pub(crate) async fn come_to_rest(world: &mut World, run: &Run) -> Result<(), String> {
    let mut taken = 0;
    for half_second in 0..HALF_SECONDS {
        sleep(Duration::from_millis(500)).await;
        run.pump()?;
        if half_second == QUIET_FROM {
            taken = run.disk.taken();
        }
        if half_second % 20 == 0 {
            world.check(run)?;
        }
    }
    world.check(run)?;
    let more = run.disk.taken() - taken;
    if more > 0 {
        return Err(format!("{more} submissions while nothing was to be done"));
    }
    let waiting = world.desk.borrow().waiting();
    if waiting > 0 {
        return Err(format!("{waiting} callers were never answered"));
    }
    let live = run.engine.live().await;
    if live != Some(0) {
        return Err(format!("{live:?} entities are live and have nothing to do"));
    }
    let timers = notes(&run.pages, NoteTree::Timers);
    if !timers.is_empty() {
        return Err(format!("timers are set and nothing is awaited: {timers:?}"));
    }
    if !run.engine.drain(Duration::from_secs(1)).await {
        return Err("a permit was lost".into());
    }
    money(world)?;
    let complaints = world.desk.borrow().check();
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    world.compare_stored(run)?;
    world.checkpoint(run)
}

/// What the provider took and gave back is what the journal says.
fn money(world: &World) -> Result<(), String> {
    let book = world.book.lock().unwrap();
    let charges = world.remote.charges();
    for (name, life) in &book.lives {
        let (state, charge) = (life.payment(), charges.get(name));
        let amount = life.payments.last().and_then(|payment| payment.amount);
        let amount = amount.map(|amount| amount.minor);
        let fits = match state {
            payment::State::Requested | payment::State::Refunding | payment::State::Voiding => {
                false
            }
            _ if !world.remote.settles_elsewhere() => true,
            payment::State::Captured => charge.is_some_and(|charge| match charge {
                Charge::Taken(taken) => Some(*taken) == amount,
                Charge::Declined | Charge::GivenBack(_) | Charge::Void => false,
            }),
            payment::State::Refunded => matches!(charge, Some(Charge::GivenBack(_))),
            payment::State::Absent | payment::State::Failed => {
                matches!(charge, None | Some(Charge::Declined | Charge::Void))
            }
        };
        if !fits || life.awaits {
            let saga = if life.awaits { ", and is awaited" } else { "" };
            return Err(format!(
                "payment {name:?} is {state:?}{saga}, the provider has {charge:?}"
            ));
        }
    }
    for (name, charge) in charges {
        let known = book.lives.contains_key(&name);
        if !known {
            return Err(format!(
                "the provider has {charge:?} of {name:?}, and nobody asked for it"
            ));
        }
    }
    Ok(())
}
