//! A breaker's life by hand, and what holds in any life.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, as it should"
)]

use super::*;

const RULES: Rules = Rules {
    window_ms: 1_000,
    calls_min: 4,
    errors_percent: 50,
    open_ms: 500,
    trials: 1,
    counts_no_room: true,
};

const TRIAL_MS_MAX: u64 = 300;

fn at(ms: i64) -> Timestamp {
    Timestamp(ms)
}

fn breaker() -> Breaker {
    Breaker::new(RULES, TRIAL_MS_MAX)
}

fn granted(breaker: &mut Breaker, now: i64) -> Pass {
    match breaker.admit(at(now)) {
        Admission::Granted(pass) => pass,
        Admission::Refused { until } => panic!("refused at {now} until {until:?}"),
    }
}

fn refused(breaker: &mut Breaker, now: i64) -> Option<i64> {
    match breaker.admit(at(now)) {
        Admission::Granted(_) => panic!("granted at {now}"),
        Admission::Refused { until } => until.map(|until| until.0),
    }
}

fn call(breaker: &mut Breaker, now: i64, outcome: Outcome) {
    let pass = granted(breaker, now);
    breaker.record(at(now), pass, outcome);
}

/// Opened at this instant.
fn opened(now: i64) -> Breaker {
    let mut breaker = breaker();
    for _ in 0..RULES.calls_min {
        call(&mut breaker, now, Outcome::Failed);
    }
    assert_eq!(breaker.state(), State::Open);
    breaker
}

#[test]
fn it_opens_when_enough_calls_were_made_and_too_many_of_them_failed() {
    use Outcome::{Answered, Failed, NotMade};
    let check = |outcomes: &[Outcome], opens: bool| {
        let mut breaker = breaker();
        for outcome in outcomes {
            call(&mut breaker, 10_000, *outcome);
        }
        assert_eq!(breaker.state() == State::Open, opens, "{outcomes:?}");
    };
    check(&[Failed; 3], false);
    check(&[Failed; 4], true);
    check(&[Answered, Answered, Failed, Failed], true);
    check(&[Answered, Answered, Answered, Failed, Failed], false);
    check(&[Failed, Failed, Failed, NotMade], false);
    check(&[Failed, Failed, Failed, Answered, Failed], true);
}

#[test]
fn what_left_the_window_counts_no_more() {
    let mut breaker = breaker();
    for now in [10_000, 10_100, 10_200] {
        call(&mut breaker, now, Outcome::Failed);
    }
    call(&mut breaker, 11_000, Outcome::Failed);
    assert_eq!(breaker.state(), State::Closed);
    let counts = breaker.counts(at(11_000));
    assert_eq!((counts.calls, counts.errors), (3, 3));
    assert_eq!(breaker.counts(at(60_000)), Counts::default());
    // A clock that was set back a little, or a lot.
    call(&mut breaker, 59_900, Outcome::Answered);
    assert_eq!(breaker.counts(at(60_000)).calls, 1);
    assert_eq!(breaker.counts(at(10)), Counts::default());
}

#[test]
fn one_trial_says_whether_it_closes() {
    let mut breaker = opened(1_000);
    assert_eq!(refused(&mut breaker, 1_499), Some(1_500));
    let trial = granted(&mut breaker, 1_500);
    assert_eq!(refused(&mut breaker, 1_501), Some(1_800));
    breaker.record(at(1_600), trial, Outcome::Failed);
    assert_eq!(refused(&mut breaker, 1_601), Some(2_100));
    call(&mut breaker, 2_100, Outcome::Answered);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.counts(at(2_100)), Counts::default());
}

#[test]
fn calls_from_before_it_opened_do_not_close_it() {
    let mut breaker = breaker();
    let early = granted(&mut breaker, 1_000);
    let mut breaker = {
        for _ in 0..4 {
            call(&mut breaker, 1_000, Outcome::Failed);
        }
        breaker
    };
    breaker.record(at(1_100), early, Outcome::Answered);
    assert_eq!(breaker.state(), State::Open);
    let trial = granted(&mut breaker, 1_500);
    breaker.record(at(1_500), early, Outcome::Answered);
    breaker.record(at(1_500), early, Outcome::Failed);
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.record(at(1_500), trial, Outcome::Answered);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_trial_that_says_nothing_or_is_not_made_does_not_keep_it_half_open() {
    let mut breaker = opened(1_000);
    let lost = granted(&mut breaker, 1_500);
    assert_eq!(refused(&mut breaker, 1_800), Some(2_300));
    let trial = granted(&mut breaker, 2_300);
    breaker.record(at(2_300), lost, Outcome::Answered);
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.record(at(2_300), trial, Outcome::NotMade);
    call(&mut breaker, 2_300, Outcome::Answered);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_person_holds_it_open_or_closed_whatever_happens() {
    let mut breaker = breaker();
    breaker.hold(Hold::Open);
    assert_eq!(refused(&mut breaker, 1_000_000), None);
    assert_eq!(breaker.next(at(2_000_000)), None);
    breaker.hold(Hold::Closed);
    for _ in 0..20 {
        call(&mut breaker, 1_000, Outcome::Failed);
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.counts(at(1_000)).errors, 20);
    breaker.hold(Hold::Automatic);
    assert_eq!(breaker.counts(at(1_000)), Counts::default());
    for _ in 0..4 {
        call(&mut breaker, 1_000, Outcome::Failed);
    }
    assert_eq!(breaker.state(), State::Open);
}

/// What must hold after each thing that happens to a breaker, whatever its rules and its clock.
#[test]
fn whatever_happens_it_keeps_its_rules_and_never_sticks() {
    for seed in 0..2_000 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let rules = Rules {
            window_ms: random.u64(1..2_000),
            calls_min: random.u32(1..6),
            errors_percent: random.u32(1..=100),
            open_ms: random.u64(1..1_000),
            trials: random.u32(1..4),
            counts_no_room: true,
        };
        let trial_ms_max = random.u64(1..1_000);
        live(random, rules, trial_ms_max);
    }
}

fn live(random: &mut fastrand::Rng, rules: Rules, trial_ms_max: u64) {
    let mut breaker = Breaker::new(rules, trial_ms_max);
    let (mut now, mut out) = (random.i64(-5_000..5_000), Vec::new());
    for _ in 0..300 {
        now += match random.u32(0..10) {
            0 => -random.i64(0..100_000),
            1 => random.i64(0..100_000),
            _ => random.i64(0..100),
        };
        let before = breaker.state();
        let next = breaker.next(at(now)).unwrap();
        let longest = rules.open_ms.max(trial_ms_max);
        assert!(next >= at(now) && next <= at(now).plus_ms(longest));
        if random.bool() {
            match breaker.admit(at(now)) {
                Admission::Granted(pass) => {
                    assert_eq!(next, at(now));
                    out.push(pass);
                    let own = out.iter().filter(|own: &&Pass| own.era == breaker.era);
                    assert!(match breaker.state() {
                        State::Closed => before == State::Closed,
                        State::Open => false,
                        State::HalfOpen => own.fold(0, |sum, _| sum + 1) <= rules.trials,
                    });
                }
                Admission::Refused { until } => {
                    assert_eq!(until, Some(next));
                    assert!(next > at(now), "it is worth asking again, but not at once");
                    assert_ne!(breaker.state(), State::Closed);
                }
            }
        } else if !out.is_empty() {
            let pass = out.swap_remove(random.usize(..out.len()));
            let outcomes = [Outcome::Answered, Outcome::Failed, Outcome::NotMade];
            let outcome = random.choice(outcomes).unwrap();
            let counts = breaker.counts(at(now));
            breaker.record(at(now), pass, outcome);
            let opened = before == State::Closed && breaker.state() == State::Open;
            if opened {
                let errors = counts.errors + 1;
                assert_eq!(outcome, Outcome::Failed);
                assert!(counts.calls + 1 >= rules.calls_min);
                assert!(errors * 100 >= rules.errors_percent * (counts.calls + 1));
            }
        }
    }
    // Left alone it lets something through, and if that goes well it closes.
    for _ in 0..=2 * rules.trials + 1 {
        now = breaker.next(at(now)).unwrap().0;
        // A trial that said nothing fails only now.
        if let Admission::Granted(trial) = breaker.admit(at(now)) {
            breaker.record(at(now), trial, Outcome::Answered);
        }
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn calls_without_room_open_it_only_where_the_rules_count_them() {
    for counts_no_room in [true, false] {
        let rules = Rules {
            counts_no_room,
            ..Rules::default()
        };
        let mut breaker = Breaker::new(rules, 1_000);
        for _ in 0..rules.calls_min {
            breaker.no_room(Timestamp(0));
        }
        assert_eq!(breaker.is_closed(), !counts_no_room);
    }
}
