//! The program is replaced under load, again and again: no connection is refused or reset, no
//! request lost, and nobody waits long.

use std::{io, thread, time::Duration};

use tokio::time::Instant;

use super::{
    books::Books,
    crowd::{Crowd, Pace},
    server::{Server, Setup},
    shops::{SHOPS, stock},
    stage::Stage,
    tally::{Tallies, Tally},
    visitor::{Visitor, remembered},
};

/// Clients of each of the five shops; a hundred together.
const CLIENTS: usize = 20;
/// Their longest pause, in milliseconds.
const THINK_MS_MAX: u64 = 100;
const TAKEOVERS: u32 = 3;
/// The longest that anyone may wait.
const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let setup = stage.setup("redeploy")?;
    let mut server = setup.serve()?;
    stock(setup.address)?;
    let pace = Pace::Thinking(THINK_MS_MAX);
    let crowd = Crowd::start(setup.address, pace, Visitor::of_each("t", CLIENTS))?;
    let part = stage.length(60) / (TAKEOVERS + 1);
    for number in 1..=TAKEOVERS {
        thread::sleep(part);
        server = takeover(stage, &setup, server, number)?;
    }
    let (visitors, tallies) = crowd.stop_after(part)?;
    stage.say(Tally::head())?;
    for (name, tally) in tallies.each() {
        stage.say(tally.row(name, CLIENTS))?;
    }
    check(stage, tallies)?;

    let (shops, mut faults) = remembered(visitors);
    let mut orders = 0;
    for (shop, memory) in &shops {
        let found = memory.compare(shop, setup.address)?;
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{}: {fault}", shop.name)),
        );
        orders += memory.orders();
    }
    let what = format!("{orders} acknowledged orders are there, once, as acknowledged");
    stage.none(what, &faults)?;
    stage.must("it ends as asked", server.stop()?.success())?;
    let doubled = Books::read(&setup.data)?.doubled();
    stage.must("none is paid twice", doubled == 0)?;
    stage.verify(&setup)
}

/// Starts the next server beside the one that serves, which then ends by itself.
fn takeover(stage: &mut Stage<'_>, setup: &Setup, old: Server, number: u32) -> io::Result<Server> {
    let began = Instant::now();
    let new = setup.clone().with("--takeover").serve()?;
    let serves_ms = began.elapsed().as_millis();
    let status = old.wait()?;
    let ended_ms = began.elapsed().as_millis();
    let what = format!(
        "takeover {number}: the new one serves after {serves_ms} ms, the old one ends after \
         {ended_ms} ms: {status}"
    );
    stage.must(what, status.success())?;
    Ok(new)
}

fn check(stage: &mut Stage<'_>, tallies: Tallies) -> io::Result<()> {
    let silence_ms = tallies.silence.as_millis();
    let total = tallies.total();
    let availability = total.availability();
    let what = format!(
        "availability {availability}: {} requests of {} clients, {} without an answer, {} \
         connections refused",
        total.requests(),
        CLIENTS * SHOPS.len(),
        total.lost,
        total.unreached
    );
    stage.must(what, availability.is_all() && total.unreached == 0)?;
    let longest = Duration::from_micros(total.longest_us().into());
    let what = format!(
        "longest pause: nobody had an answer for {silence_ms} ms, the slowest answer took {} ms",
        longest.as_millis()
    );
    stage.measured(what, longest < PAUSE_MAX)
}
