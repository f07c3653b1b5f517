//! Random flows with random faults: whatever happens on the way, in the end every order is confirmed
//! and paid, or gone with its money and its stock given back, and nothing waits that nobody will
//! wake.
//!
//! `JUMUN_SIM_SEED=7 cargo test --test sim one_seed` runs one seed.

mod bank;
mod check;
mod flows;
mod house;

use std::{collections::BTreeSet, env};

use jumun::{
    actors::handles::{Request, Target},
    domain::{Kind, saga::Saga, storefront::CommandAction},
    store::pages::NoteTree,
};

use super::{chance, system, world::notes};
use check::Met;
use house::{House, LISTINGS};

/// How many seeds are run if nobody says.
const SEEDS: u64 = 1_000;

/// Seeds beyond those that once failed: a seller was paid for an order that was called off later.
const ONCE_FAILED: [u64; 3] = [1_113, 1_366, 2_389];

/// How many failing seeds are shown.
const SHOWN_MAX: usize = 3;

/// Longer than a horizon with the pause before its last try, everything that a person may take, and
/// the time in line before a breaker that hardly lets anybody through,
/// in halves of a second.
const REST: u32 = 2 * (3 * flows::HORIZON_S + 2 * flows::WITHIN_S + 30);

/// Listings are there before the trouble begins.
async fn offer(house: &mut House) {
    let run = house.open(|_| {});
    for _ in 0..LISTINGS {
        let offer = Request {
            on_hand: Some(house.random.u64(1..8)),
            ..Request::new(CommandAction::OfferListing, Target::New, Kind::Listing)
        };
        run.ask(offer, &house.orders);
    }
    run.rest(2).await;
    house.crash(&run);
}

/// A life with everything that can go wrong, which ends between any two steps.
async fn trouble(house: &mut House) {
    let run = house.open(|_| {});
    for _ in 0..house.random.u32(10..50) {
        house.act(&run).await;
        for _ in 0..house.random.u32(0..6) {
            house.step(&run).await;
        }
    }
    house.crash(&run);
}

/// A life without trouble. Everything comes to rest.
async fn rest(house: &mut House) -> Result<Met, String> {
    let run = house.open(|_| {});
    house.run_all(&run);
    run.rest(REST).await;
    let outcome = check::at_rest(house, &run).await;
    house.crash(&run);
    outcome
}

/// What was given up is still known after a restart, and succeeds once the bank gives money back.
async fn resume(house: &mut House) -> Result<Met, String> {
    let run = house.open(|_| {});
    let letters = run.engine.dead_letters(0, usize::MAX);
    let (letters, _) = letters.map_err(|failure| failure.to_string())?;
    house.bank.be_generous();
    for letter in letters {
        let engine = run.engine.clone();
        actix::spawn(async move { drop(engine.resume_dead_letter(0, letter.order).await) });
    }
    run.rest(REST).await;
    let outcome = check::at_rest(house, &run).await;
    house.crash(&run);
    outcome
}

fn run(seed: u64) -> Result<Met, String> {
    let mut house = House::new(seed);
    system().block_on(offer(&mut house));
    for _ in 0..house.random.u32(1..4) {
        house.get_worse();
        system().block_on(trouble(&mut house));
        if chance(&mut house.random, 50) {
            house.bank.calm();
        }
    }
    house.get_well();
    let told = |house: &House, what| format!("seed {seed}: {what}\nflow: {}", house.flow);
    let met = system().block_on(rest(&mut house));
    let met = met.map_err(|what| told(&house, what))?;
    if met.letters > 0 {
        let left = system().block_on(resume(&mut house));
        let left = left.map_err(|what| told(&house, format!("after a retry: {what}")))?;
        if left.letters > 0 {
            return Err(told(&house, "dead letters after a retry".to_owned()));
        }
    }
    Ok(met)
}

fn check(seeds: impl Iterator<Item = u64>) {
    let (mut wrong, mut met) = (Vec::new(), Met::default());
    for seed in seeds {
        match run(seed) {
            Err(what) => wrong.push(what),
            Ok(own) => {
                met.letters += own.letters;
                met.expired += own.expired;
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(SHOWN_MAX);
    assert!(
        wrong.is_empty(),
        "{count} seeds failed\n{}",
        wrong.join("\n")
    );
    assert!(
        met.letters > 0 && met.expired > 0,
        "too little happened: {met:?}"
    );
}

fn slice(number: u64) {
    let given = |name| {
        env::var(name)
            .ok()
            .map(|text| text.parse().expect("a number"))
    };
    let seeds = given("JUMUN_SIM_SEEDS").unwrap_or(SEEDS);
    check((0..seeds).filter(|seed| seed % 2 == number));
}

#[test]
fn orders_end_as_they_should_whatever_their_flow_even_seeds() {
    slice(0);
}

#[test]
fn orders_end_as_they_should_whatever_their_flow_odd_seeds() {
    slice(1);
}

#[test]
fn seeds_of_random_flows_that_once_failed() {
    for seed in ONCE_FAILED {
        let met = run(seed);
        assert!(met.is_ok(), "{}", met.unwrap_err());
    }
}

#[test]
fn one_seed_of_random_flows_if_asked_for() {
    if let Ok(seed) = env::var("JUMUN_SIM_SEED") {
        let met = run(seed.parse().expect("a number"));
        assert!(met.is_ok(), "{}", met.unwrap_err());
    }
}

/// An order that owes money and whose timer somebody took out of the store.
async fn edited(house: &mut House) -> Result<usize, String> {
    let owed = |saga: &Saga| saga.is_asked() && saga.given_up.is_none();
    let run = house.open(|pages| {
        for (key, _) in notes(pages, NoteTree::Timers) {
            pages.put_note(NoteTree::Timers, &key, None).unwrap();
        }
    });
    let sagas = check::sagas(house, &run);
    let owing: BTreeSet<u64> = (sagas.iter())
        .filter(|(_, saga)| owed(saga))
        .map(|(number, _)| *number)
        .collect();
    house.bank.be_generous();
    run.rest(60).await;
    let stuck = run.engine.stopped().await;
    let stuck = stuck.map_err(|failure| failure.to_string())?;
    let found: BTreeSet<u64> = stuck.iter().map(|stuck| stuck.order).collect();
    let sagas = check::sagas(house, &run);
    let left: Vec<u64> = (sagas.iter())
        .filter(|(_, saga)| owed(saga))
        .map(|(number, _)| *number)
        .collect();
    house.crash(&run);
    if owing.is_subset(&found) && left.is_empty() {
        return Ok(owing.len());
    }
    Err(format!(
        "{owing:?} had stopped, {found:?} were found, {left:?} still owe"
    ))
}

#[test]
fn orders_whose_timers_were_lost_are_found_and_taken_up() {
    let mut owing = 0;
    for seed in 0..40 {
        let mut house = House::new(seed);
        system().block_on(offer(&mut house));
        system().block_on(trouble(&mut house));
        house.bank.calm();
        let outcome = system().block_on(edited(&mut house));
        owing += outcome.unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
    assert!(owing > 0, "nobody owed anything");
}
