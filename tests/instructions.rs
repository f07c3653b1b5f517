//! That the gate of `benches/instructions` lets nothing through that has grown, and that its file is read.

#![cfg(test)]

#[path = "../benches/instructions/baseline.rs"]
mod baseline;

use baseline::{Baseline, GROWTH_PER_MILLE_MAX, Settings, Verdict, change};

const PATH: &str = "place an order";

fn recorded(count: u64) -> Baseline {
    Baseline {
        settings: Settings::own(),
        paths: [(PATH.into(), count)].into(),
    }
}

#[track_caller]
fn check(before: u64, now: u64, verdict: Verdict, shown: &str) {
    assert_eq!(recorded(before).judge(PATH, now), verdict);
    assert_eq!(change(now, before), shown);
}

#[test]
fn only_what_grows_by_more_than_a_twentieth_is_refused() {
    assert_eq!(GROWTH_PER_MILLE_MAX, 50);
    check(1_000, 1_000, Verdict::Same, "0.0 %");
    check(1_000, 1_050, Verdict::Same, "+5.0 %");
    check(1_000, 1_051, Verdict::More, "+5.1 %");
    check(1_000, 950, Verdict::Same, "-5.0 %");
    check(1_000, 949, Verdict::Less, "-5.1 %");
    check(140_000, 280_000, Verdict::More, "+100.0 %");
    assert_eq!(recorded(1).judge("another path", 1), Verdict::New);
}

#[test]
fn the_baseline_of_the_repository_says_how_it_was_recorded() {
    let text = include_str!("../benches/instructions/baseline.toml");
    let baseline: Baseline = toml::from_str(text).unwrap();
    assert!(baseline.paths.contains_key(PATH));
    assert!(
        baseline
            .settings
            .to_string()
            .contains("lto off, codegen units 1")
    );
}
