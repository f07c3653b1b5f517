//! Numbers as people read them.

use std::time::Duration;

use super::figures::{Quantiles, Rate};

/// What stands where there is nothing to say yet.
const NOTHING: &str = "–";

/// 1234567 as `1,234,567`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// A rate a second: with one decimal while it is small.
pub(super) fn rate(rate: Option<Rate>) -> String {
    match rate {
        None => NOTHING.to_owned(),
        Some(Rate(0)) => "0".to_owned(),
        Some(Rate(thousandths @ 1..10_000)) => {
            let tenths = (thousandths + 50) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        }
        Some(rate) => number(rate.whole()),
    }
}

/// Thousandths of a core as percent of one.
pub(super) fn percent(cores: Option<Rate>) -> String {
    cores.map_or_else(
        || NOTHING.to_owned(),
        |Rate(thousandths)| format!("{} %", thousandths / 10),
    )
}

/// Bytes with a unit of 1,024.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1_024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 1_000 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

/// A short time with its unit.
pub(super) fn microseconds(us: u64) -> String {
    match us {
        ..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// Half, 90 % and 99 %, in columns.
pub(super) fn quantiles(quantiles: Quantiles) -> [String; 3] {
    quantiles.map_or_else(
        || [NOTHING; 3].map(str::to_owned),
        |own| own.map(microseconds),
    )
}

/// A longer time, rounded down.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
