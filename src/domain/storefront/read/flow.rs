//! `[[flow]]`: the steps that an order goes through. What they need of the rest of the file is
//! looked at in [`super::needs`].

use std::sync::Arc;

use super::{
    listing::field_named,
    needs::{self, Shop},
    section::{Section, Span, Word, expected},
};
use crate::domain::{
    Kind, order,
    storefront::{Action, Choice, FieldType, Granting, Mode, OnlyIf, Retry, Step},
};

/// The longest pause between two tries, in milliseconds: a day.
const PAUSE_MS_MAX: i64 = 86_400_000;

/// The longest that anything is tried again, or a person awaited, in seconds: a year.
const HORIZON_S_MAX: i64 = 31_536_000;

/// Every step with the modes it may have. A person does not make stock be there, nobody can wait for
/// a parcel, and sellers are paid when it is time.
const STEPS: [(&str, &[Mode]); 6] = [
    ("reserve", &[Mode::Sync, Mode::Async]),
    ("assign", &[Mode::Async]),
    ("approve", &[Mode::Sync, Mode::Async]),
    ("pay", &[Mode::Sync, Mode::Async, Mode::Hold, Mode::Command]),
    ("payout", &[Mode::Async]),
    ("deliver", &[Mode::Async, Mode::Command]),
];

/// A step, and where its `do` stands.
pub(super) type Placed = (Step, Span);

/// The steps, each with its place.
pub(super) fn steps(top: &Section<'_>, shop: &Shop<'_>) -> Vec<Placed> {
    if !top.has("flow") {
        let message =
            "the file needs at least one [[flow]], such as: do = \"pay\", mode = \"sync\"";
        top.report.at(&top.at, message);
    }
    let mut steps: Vec<Placed> = Vec::new();
    for section in top.sections("flow") {
        section.only(&[
            "do", "mode", "then", "retry", "fallback", "only_if", "unless", "by", "choose",
            "within_s",
        ]);
        let Some((word, modes)) = kind_of_step(&section) else {
            continue;
        };
        let Some(action) = action(&section, &word, shop) else {
            continue;
        };
        if steps
            .iter()
            .any(|(step, _)| step.action.name() == action.name())
        {
            section.wrong(
                &word,
                format!("`{}` is in the flow already: once at most", word.text),
            );
        }
        needs::sections_and_fields(&section, &word, action, shop, &steps);
        let reached = steps.iter().rev().find_map(|(step, _)| step.then);
        let mode = mode(&section, modes);
        let mut step = Step {
            action,
            mode: mode.unwrap_or(modes[0]),
            is_deferrable: is_deferrable(&section, mode),
            only_if: only_if(&section, shop),
            then: then(&section, reached),
            retry: retry(&section),
            within_ms: None,
        };
        step.within_ms = within_ms(&section, &step);
        steps.push((step, word.at));
    }
    needs::granted_by_a_later_step(top.report, &steps);
    steps
}

fn kind_of_step<'r>(section: &Section<'r>) -> Option<(Word<'r>, &'static [Mode])> {
    let word = section.required("do", "do = \"pay\"")?;
    let found = STEPS.into_iter().find(|(name, _)| *name == word.text);
    let Some((_, modes)) = found else {
        let expected = expected(word.text, &STEPS.map(|(name, _)| name));
        let message = format!("a flow has no step `{}`: {expected}", word.text);
        section.wrong(&word, message);
        return None;
    };
    Some((word, modes))
}

fn action(section: &Section<'_>, word: &Word<'_>, shop: &Shop<'_>) -> Option<Action> {
    for (key, step) in [("by", "approve"), ("choose", "assign")] {
        if section.has(key) && word.text != step {
            let message = format!("`{key}` is said of the step `{step}` only: remove it");
            section.report.at(&section.place(key), message);
        }
    }
    Some(match word.text {
        "reserve" => Action::Reserve,
        "assign" => {
            section.required("choose", "choose = \"nearest\"")?;
            Action::Assign(section.one_of("choose", &Choice::ALL)?)
        }
        "approve" => {
            let known = [("person", Granting::Person), ("flow", Granting::NextStep)];
            let by = section.one_of("by", &known);
            Action::Approve {
                by: by.unwrap_or(Granting::Person),
            }
        }
        "pay" => Action::Pay,
        "payout" => Action::PayOut(shop.terms),
        _ => Action::Deliver {
            steps: shop.delivery_steps,
        },
    })
}

fn mode(section: &Section<'_>, modes: &[Mode]) -> Option<Mode> {
    let word = section.required("mode", "mode = \"async\"")?;
    let known = Mode::ALL.into_iter();
    let known: Vec<(&str, Mode)> = known.filter(|(_, mode)| modes.contains(mode)).collect();
    let found = known.iter().find(|(name, _)| *name == word.text);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let expected = expected(word.text, &names);
        section.wrong(
            &word,
            format!("this step has no mode `{}`: {expected}", word.text),
        );
    }
    found.map(|(_, mode)| *mode)
}

/// Only who waits for a step can be let go without it.
fn is_deferrable(section: &Section<'_>, mode: Option<Mode>) -> bool {
    let deferrable = section.one_of("fallback", &[("accept", true)]);
    if section.has("fallback") && mode.is_some_and(|mode| mode != Mode::Sync) {
        let message = "only a step with mode = \"sync\" has a fallback: the others are done later \
                       anyway";
        section.report.at(&section.place("fallback"), message);
    }
    deferrable.unwrap_or(false)
}

fn only_if(section: &Section<'_>, shop: &Shop<'_>) -> Option<OnlyIf> {
    if section.has("only_if") && section.has("unless") {
        let message = "a step has `only_if` or `unless`, not both: remove one";
        section.report.at(&section.place("unless"), message);
    }
    let (word, given) = match section.text("only_if") {
        Some(word) => (word, true),
        None => (section.text("unless")?, false),
    };
    let order = shop.resource(Kind::Order)?;
    let field = field_named(section, &word, order, |field| {
        let holds = field.holds;
        let can_be_missing = matches!(
            holds,
            FieldType::Text { .. }
                | FieldType::Integer { .. }
                | FieldType::Key { .. }
                | FieldType::Position
        );
        (can_be_missing || is_lines(holds)) && field.of.is_none()
    })?;
    Some(OnlyIf {
        field: Arc::clone(&field.name),
        given,
        of_lines: is_lines(field.holds),
    })
}

/// Whether it is kept with the order's lines, and not among its fields.
const fn is_lines(holds: FieldType) -> bool {
    matches!(holds, FieldType::Listing | FieldType::Lines)
}

fn then(section: &Section<'_>, reached: Option<order::State>) -> Option<order::State> {
    let word = section.text("then")?;
    let known = [
        order::State::Held,
        order::State::Confirmed,
        order::State::Completed,
    ];
    let Some(then) = known.into_iter().find(|state| state.name() == word.text) else {
        let names = known.map(order::State::name);
        let expected = expected(word.text, &names);
        section.wrong(
            &word,
            format!("an order does not become `{}`: {expected}", word.text),
        );
        return None;
    };
    if let Some(reached) = reached.filter(|reached| *reached >= then) {
        let message = format!(
            "an order that is {} does not become {} again: expected a later state",
            reached.name(),
            then.name()
        );
        section.wrong(&word, message);
    }
    Some(then)
}

/// Only a person can be late: what the shop does by itself has its `retry`.
fn within_ms(section: &Section<'_>, step: &Step) -> Option<u64> {
    let within_s = section.number("within_s", 1..=HORIZON_S_MAX)?;
    if !step.is_by_person() {
        let message = "`within_s` is how long a person is awaited: say it of a step with do = \
                       \"pay\" and mode = \"command\", or of `approve` by a person";
        section.report.at(&section.place("within_s"), message);
        return None;
    }
    ms(within_s)
}

fn ms(seconds: i64) -> Option<u64> {
    u64::try_from(seconds).ok()?.checked_mul(1_000)
}

fn retry(section: &Section<'_>) -> Retry {
    let default = Retry::default();
    let Some(retry) = section.section("retry") else {
        return default;
    };
    retry.only(&["first_ms", "longest_ms", "for_s"]);
    let pause_ms = |key, otherwise| {
        let given = retry.number(key, 1..=PAUSE_MS_MAX);
        given
            .and_then(|ms| u64::try_from(ms).ok())
            .unwrap_or(otherwise)
    };
    let first_ms = pause_ms("first_ms", default.first_ms);
    let longest_ms = pause_ms("longest_ms", default.longest_ms.max(first_ms));
    if longest_ms < first_ms {
        retry.report.at(
            &retry.at,
            "the longest pause must not be shorter than the first",
        );
    }
    let for_s = retry.number("for_s", 1..=HORIZON_S_MAX);
    Retry {
        first_ms,
        longest_ms,
        for_ms: for_s.and_then(ms).unwrap_or(default.for_ms),
    }
}
