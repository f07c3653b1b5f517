//! A simulation of the whole engine below HTTP: the real actors, journal, pages and views on one
//! thread, with time, crashes, panics and a payment provider out of one seed.
//!
//! `JUMUN_SIM_SEED=7 cargo test --test sim one` runs one seed, and shows what happened if it fails;
//! `JUMUN_SIM_SEEDS=100000 cargo test --release --test sim` runs more of them.
//! Seeds that once failed are kept in `seeds.txt`.

#![cfg(test)]

mod book;
mod desk;
mod disk;
mod ending;
mod product;
mod remote;
mod rooms;
mod strikes;
mod trace;
mod world;

use std::{
    cell::{Cell, RefCell},
    env, panic,
    sync::{Arc, Once},
};

use actix::{System, SystemRunner};
use jumun::domain::storefront::{Storefront, read};
use tokio::runtime;

use trace::Trace;
use world::{Ended, World};

/// The storefronts, by place. The second delivers by itself.
const STOREFRONTS: [&str; 4] = ["flowers", "bouquets", PAYS_LATER[0], PAYS_LATER[1]];

/// The storefronts that accept orders without their payment: of the first, customers never wait for
/// it; of the second they do, and are let go where it fails.
const PAYS_LATER: [&str; 2] = ["gardens", "hedges"];

/// How many seeds are run if nobody says.
const SEEDS: u64 = 2_500;

/// One test runs every so-manieth seed, so that the test runner's threads share them.
const SLICES: u64 = 4;

/// How many failing seeds a slice shows in full.
const SHOWN_MAX: usize = 4;

thread_local! {
    static RUNS: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The last panic on this thread that nobody asked for.
fn unexpected_panic() -> Option<String> {
    PANIC.take()
}

/// Whether something that happens this many times in 100 happens.
fn chance(random: &mut fastrand::Rng, percent: u32) -> bool {
    random.u32(0..100) < percent
}

fn storefronts() -> Vec<Arc<Storefront>> {
    let flowers = include_str!("../../storefronts/flowers.toml");
    let bouquets = flowers
        .replace("name = \"flowers\"", "name = \"bouquets\"")
        .replace("mode = \"command\"", "mode = \"async\"");
    let gardens = flowers
        .replace("name = \"flowers\"", "name = \"gardens\"")
        .replace("mode = \"sync\" ", "mode = \"async\"");
    // So touchy that a few calls in trouble open them, and with little room.
    let touchy = |text: &str, breaker: &str| {
        let limit = "deadline_ms = 300";
        assert!(text.contains(limit), "the shop says how long it waits");
        text.replace(limit, &format!("{limit}\nbreaker = {{ {breaker} }}"))
    };
    let bouquets = touchy(
        &bouquets,
        "calls_min = 3, open_ms = 700, trials = 2, calls_max = 2",
    );
    let gardens = touchy(&gardens, "calls_min = 4, open_ms = 2000, calls_max = 2");
    let accepted = "mode = \"sync\"\nfallback = \"accept\" ";
    let hedges = touchy(flowers, "calls_min = 4, open_ms = 1000, calls_max = 3")
        .replace("name = \"flowers\"", "name = \"hedges\"")
        .replace("mode = \"sync\" ", accepted)
        .replacen("confirmed = ", "held = \"held\"\nconfirmed = ", 1);
    let read = |text: &str| Arc::new(read::storefront(text).expect("it is well formed"));
    vec![
        read(flowers),
        read(&bouquets),
        read(&gardens),
        read(&hedges),
    ]
}

/// Runs one seed. `Err` says what was wrong.
fn run(seed: u64, trace: &Trace) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let shown = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if RUNS.get() {
                PANIC.set(Some(info.to_string()));
            } else {
                shown(info);
            }
        }));
    });
    RUNS.set(true);
    let ended = live(&mut World::new(seed, trace.clone()));
    RUNS.set(false);
    ended
}

/// A system on this thread whose time passes only while everyone waits.
fn system() -> SystemRunner {
    System::with_tokio_rt(|| {
        let mut runtime = runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.expect("it needs nothing")
    })
}

/// One life after the other.
fn live(world: &mut World) -> Result<(), String> {
    loop {
        let system = system();
        let ended = system.block_on(world.live())?;
        drop(system);
        // What actix still runs while it drops actors is no part of the run.
        PANIC.take();
        if ended == Ended::AtRest {
            return Ok(());
        }
    }
}

/// Runs these seeds, all of them, and fails with what was wrong with the first that were wrong.
fn check(seeds: impl Iterator<Item = u64>) {
    let mut wrong = Vec::new();
    for seed in seeds {
        if let Err(what) = run(seed, &Trace::new(false)) {
            wrong.push(format!(
                "seed {seed}: {what}\nrepeat: JUMUN_SIM_SEED={seed} cargo test --test sim one\n\
                 keep it: add {seed} to tests/sim/seeds.txt\n"
            ));
        }
    }
    let count = wrong.len();
    wrong.truncate(SHOWN_MAX);
    assert!(
        wrong.is_empty(),
        "{count} seeds failed\n{}",
        wrong.join("\n")
    );
}

fn slice(number: u64) {
    let seeds = env::var("JUMUN_SIM_SEEDS").map_or(SEEDS, |text| text.parse().expect("a number"));
    check((0..seeds).filter(|seed| seed % SLICES == number));
}

#[test]
fn seeds_slice_0() {
    slice(0);
}

#[test]
fn seeds_slice_1() {
    slice(1);
}

#[test]
fn seeds_slice_2() {
    slice(2);
}

#[test]
fn seeds_slice_3() {
    slice(3);
}

#[test]
fn seeds_that_once_failed() {
    let lines = include_str!("seeds.txt").lines();
    let seeds = lines
        .filter_map(|line| line.split('#').next())
        .map(str::trim);
    check(
        seeds
            .filter(|seed| !seed.is_empty())
            .map(|seed| seed.parse().expect("a number")),
    );
}

#[test]
fn one_seed_is_always_the_same_run() {
    for seed in 1_000_000..1_000_010 {
        let [once, again] = [(); 2].map(|()| {
            let trace = Trace::new(false);
            (run(seed, &trace), trace.hash())
        });
        assert_eq!(once, again, "seed {seed}");
    }
}

/// What some of the first hundreds of seeds must meet, or the simulation proves little.
const MET: [&str; 19] = [
    "Err(Failed(Overloaded))",
    "Err(Failed(PaymentUnavailable))",
    "Err(Failed(PaymentTimedOut))",
    "Err(Failed(PaymentSuspended",
    "Err(Failed(PaymentOverloaded))",
    "Err(Failed(OutcomeUnknown))",
    "Err(Failed(Crashed))",
    "Err(Failed(Quarantined))",
    "Err(Failed(Restarting))",
    "Err(Failed(Store))",
    "Err(Refused(PaymentDeclined",
    "Err(Refused(KeyReused))",
    "Err(Refused(OrderNotReady",
    "Err(Refused(IsCancelled))",
    "Err(Refused(AmountFixed))",
    "state: Done",
    "removed: true",
    "crash",
    "memory/",
];

#[test]
fn the_first_seeds_meet_all_that_can_go_wrong() {
    let mut missed = MET.to_vec();
    for seed in 0..400 {
        let trace = Trace::new(true);
        drop(run(seed, &trace));
        let text = trace.text();
        missed.retain(|what| !text.contains(what));
        if missed.is_empty() {
            return;
        }
    }
    panic!("never met: {missed:?}");
}

#[test]
fn one_seed_in_full_if_asked_for() {
    let Ok(seed) = env::var("JUMUN_SIM_SEED") else {
        return;
    };
    let trace = Trace::new(true);
    let outcome = run(seed.parse().expect("a number"), &trace);
    assert_eq!(outcome, Ok(()), "\n{}", trace.text());
}
