//! Who is let through the gate to a provider, how many, and who is told.

use std::time::Duration;

use super::*;
use crate::{
    actors::{
        provider::{Answer, Call, Settles},
        simulator::{Behaviour, Simulator},
    },
    domain::storefront::read,
};

const POSIES: &str = include_str!("../../../tests/shops/posies.toml");

/// A provider that is never called here.
struct Elsewhere;

impl Provider for Elsewhere {
    fn settles(&self) -> Settles {
        Settles::Elsewhere
    }

    fn call(&self, _call: Call) -> Answer {
        Answer::Now(Ok(()))
    }
}

fn breakers(provider: Arc<dyn Provider>, mode: &str, breaker: &str) -> (Breakers, Arc<Lines>) {
    let breaker = format!("deadline_ms = 300\nbreaker = {{ {breaker} }}");
    let text = POSIES
        .replace("deadline_ms = 300", &breaker)
        .replacen("mode = \"sync\"", mode, 1);
    let lines = Arc::new(Lines::new());
    let clock = Clock::runtime(Timestamp(1_000_000));
    let storefronts = [Arc::new(read::storefront(&text).unwrap())];
    let breakers = Breakers::new(&storefronts, &[provider], &lines, &clock);
    (breakers, lines)
}

fn ask(breakers: &Breakers, asker: Asker, count: usize) -> Vec<Permit> {
    let permits = (0..count).map(|_| breakers.ask(0, asker));
    permits.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_that_nobody_waits_for_leave_half_of_the_room_to_callers() {
    let check = |mode, unawaited| {
        let (breakers, _) = breakers(Arc::new(Elsewhere), mode, "calls_max = 5, calls_min = 100");
        let orders = ask(&breakers, Asker::Order, unawaited);
        let refused = breakers.ask(0, Asker::Order).unwrap_err();
        assert!(breakers.is_shut(0) && breakers.next(0).is_none());
        assert_eq!(refused, Refused::NoRoom);
        let callers = ask(&breakers, Asker::Caller, 5 - unawaited);
        assert_eq!(breakers.ask(0, Asker::Caller).unwrap_err(), Refused::NoRoom);
        let gauge = breakers.gauge(0);
        assert_eq!((gauge.under_way, gauge.counts.errors), (5, 1));
        drop((orders, callers));
        assert!(!breakers.is_shut(0));
        assert_eq!(breakers.gauge(0).counts.calls, 1, "they were not made");
    };
    check("mode = \"sync\"", 3);
    check("mode = \"async\"", 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_gives_its_place_back_long_after_its_deadline() {
    let (breakers, _) = breakers(Arc::new(Elsewhere), "mode = \"async\"", "calls_max = 1");
    let lost = ask(&breakers, Asker::Order, 1);
    tokio::time::advance(Duration::from_millis(300)).await;
    assert!(breakers.is_shut(0));
    tokio::time::advance(Duration::from_millis(LOST_AFTER_MS)).await;
    let other = ask(&breakers, Asker::Order, 1);
    drop(lost);
    assert_eq!(
        breakers.gauge(0).under_way,
        1,
        "the other's place is its own"
    );
    drop(other);
    assert_eq!(breakers.gauge(0).under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn who_answers_at_once_has_no_calls_under_way_but_fails_like_anybody() {
    let simulator = Arc::new(Simulator::new(Behaviour::default(), 1));
    let provider = Arc::clone(&simulator) as Arc<dyn Provider>;
    let (breakers, _) = breakers(provider, "mode = \"sync\"", "calls_max = 1, calls_min = 3");
    for permit in ask(&breakers, Asker::Order, 3) {
        permit.ended(Outcome::Failed);
    }
    let refused = breakers.ask(0, Asker::Caller).unwrap_err();
    assert_eq!(
        Failure::from(refused),
        Failure::PaymentSuspended { retry_s: 5 }
    );
    tokio::time::advance(Duration::from_millis(4_001)).await;
    let refused = breakers.ask(0, Asker::Caller).unwrap_err();
    assert_eq!(
        Failure::from(refused),
        Failure::PaymentSuspended { retry_s: 1 }
    );
    tokio::time::advance(Duration::from_millis(999)).await;
    assert_eq!(breakers.next(0), Some(Timestamp(1_005_000)));
    ask(&breakers, Asker::Caller, 1)
        .remove(0)
        .ended(Outcome::Answered);
    let expected = Totals {
        answered: 1,
        failed: 3,
        suspended: 2,
        opened: 1,
        ..Totals::default()
    };
    assert_eq!(breakers.gauge(0).totals, expected);
    simulator.behave(Behaviour {
        latency_ms_max: 1,
        ..Behaviour::default()
    });
    let _permit = ask(&breakers, Asker::Caller, 1);
    assert_eq!(breakers.ask(0, Asker::Caller).unwrap_err(), Refused::NoRoom);
}

#[tokio::test(start_paused = true)]
async fn the_lines_are_told_when_a_call_ends_and_when_a_person_decides() {
    let (breakers, lines) = breakers(Arc::new(Elsewhere), "mode = \"async\"", "calls_max = 1");
    let moves = lines.moves();
    let permit = ask(&breakers, Asker::Order, 1);
    drop(permit);
    assert!(!moves.has_rung(), "nobody stands in one");
    lines.stand_for_test();
    let is_told = |what: &dyn Fn()| {
        let moves = lines.moves();
        what();
        moves.has_rung()
    };
    assert!(is_told(&|| drop(ask(&breakers, Asker::Order, 1))));
    assert!(is_told(&|| breakers.hold(0, Hold::Open)));
    let refused = breakers.ask(0, Asker::Order).unwrap_err();
    assert_eq!(refused, Refused::Suspended { for_ms: None });
}
