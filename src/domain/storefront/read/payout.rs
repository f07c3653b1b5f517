//! `[payout]`: what the shop keeps of an order's money, and when the seller gets the rest.

use super::section::{Section, Word};
use crate::domain::{Kind, payout::Terms};

/// The longest time a seller can be made to wait, in milliseconds: ten years.
const AFTER_MS_MAX: u64 = 10 * 365 * 86_400_000;

/// The units of a time, each with its milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads the terms; nothing is kept and nobody waits where a mistake was noted.
pub(super) fn terms(top: &Section<'_>) -> Terms {
    let Some(section) = top.section(Kind::Payout.name()) else {
        return Terms::default();
    };
    let commission = section.required("commission", "commission = \"10 %\"");
    let after = section.text("after");
    Terms {
        commission_bp: commission.map_or(0, |word| commission_bp(&section, &word)),
        after_ms: after.map_or(0, |word| after_ms(&section, &word)),
    }
}

fn commission_bp(section: &Section<'_>, word: &Word<'_>) -> u16 {
    let read = || {
        let (whole, fraction) = {
            let number = word.text.strip_suffix('%')?.trim();
            number.split_once('.').unwrap_or((number, "0"))
        };
        let are_digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) || fraction.len() > 2 {
            return None;
        }
        let whole: u16 = whole.parse().ok()?;
        let hundredths: u16 = format!("{fraction:0<2}").parse().ok()?;
        let bp = whole.checked_mul(100)?.checked_add(hundredths)?;
        (bp <= 10_000).then_some(bp)
    };
    read().unwrap_or_else(|| {
        let message = format!(
            "`{}` is not a commission: expected 0 % to 100 % with two decimals at most, such as: \
             \"10 %\"",
            word.text
        );
        section.wrong(word, message);
        0
    })
}

fn after_ms(section: &Section<'_>, word: &Word<'_>) -> u64 {
    let read = || {
        let digits = word.text.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = word.text.split_at(digits);
        let (_, ms) = UNITS.into_iter().find(|(name, _)| *name == unit.trim())?;
        let ms = count.parse::<u64>().ok()?.checked_mul(ms)?;
        (ms <= AFTER_MS_MAX).then_some(ms)
    };
    read().unwrap_or_else(|| {
        let message = format!(
            "`{}` is not a time: expected a whole number with `ms`, `s`, `min`, `h` or `d`, ten \
             years at most, such as: \"7 d\"",
            word.text
        );
        section.wrong(word, message);
        0
    })
}
