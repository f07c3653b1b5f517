//! `[payment]`: how long a payment may take, and when its provider is asked at all
//! (`[payment.breaker]`).

use std::ops::RangeInclusive;

use super::section::Section;
use crate::domain::{Kind, breaker::Rules, storefront::PaymentRules};

/// How long a payment may take, in milliseconds, if the file does not say.
const DEADLINE_MS_DEFAULT: u64 = 1_000;

/// The longest time that a caller may be kept waiting for a payment, in milliseconds.
const DEADLINE_MS_MAX: i64 = 60_000;

/// The longest window and the longest pause of a breaker, in milliseconds: an hour.
const BREAKER_MS_MAX: i64 = 3_600_000;

/// The most calls that a breaker may want to have seen.
const CALLS_MIN_MAX: i64 = 1_000_000;

/// The most calls under way at once that a file may allow, and the most trials.
const CALLS_MAX_MAX: i64 = 1_000;

/// Calls under way at once if the file does not say: a thread pool of Hystrix (SEED API 1.9).
const CALLS_MAX_DEFAULT: u32 = 10;

/// Reads the rules; what is not said is as it was with the originals.
pub(super) fn rules(top: &Section<'_>) -> PaymentRules {
    let payment = top.section(Kind::Payment.name());
    let payment = payment.as_ref();
    let deadline = payment.and_then(|payment| payment.number("deadline_ms", 1..=DEADLINE_MS_MAX));
    let deadline = deadline.and_then(|ms| u64::try_from(ms).ok());
    let breaker = payment.and_then(|payment| payment.section("breaker"));
    if let Some(breaker) = &breaker {
        breaker.only(&[
            "window_ms",
            "calls_min",
            "errors_percent",
            "open_ms",
            "trials",
            "calls_max",
            "no_room",
        ]);
    }
    let number = |key, within: RangeInclusive<i64>| breaker.as_ref()?.number(key, within);
    let ms = |key, otherwise: u64| {
        let given = number(key, 1..=BREAKER_MS_MAX);
        given
            .and_then(|ms| u64::try_from(ms).ok())
            .unwrap_or(otherwise)
    };
    let count = |key, max, otherwise: u32| {
        let given = number(key, 1..=max);
        given
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(otherwise)
    };
    let no_room = breaker.as_ref();
    let no_room =
        no_room.and_then(|own| own.one_of("no_room", &[("error", true), ("ignore", false)]));
    let default = Rules::default();
    PaymentRules {
        deadline_ms: deadline.unwrap_or(DEADLINE_MS_DEFAULT),
        calls_max: count("calls_max", CALLS_MAX_MAX, CALLS_MAX_DEFAULT),
        breaker: Rules {
            window_ms: ms("window_ms", default.window_ms),
            calls_min: count("calls_min", CALLS_MIN_MAX, default.calls_min),
            errors_percent: count("errors_percent", 100, default.errors_percent),
            open_ms: ms("open_ms", default.open_ms),
            trials: count("trials", CALLS_MAX_MAX, default.trials),
            counts_no_room: no_room.unwrap_or(default.counts_no_room),
        },
    }
}
