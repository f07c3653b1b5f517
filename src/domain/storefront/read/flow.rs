//! `[[flow]]`: the steps that an order goes through.

use super::section::{Report, Section, Span, Word, expected};
use crate::domain::{
    Kind, order,
    storefront::{Action, CommandAction, CommandRule, FieldType, Mode, Resource, Retry, Step},
};

/// The longest pause between two tries, in milliseconds: a day.
const PAUSE_MS_MAX: i64 = 86_400_000;

/// The steps, each with its place.
pub(super) fn steps(
    top: &Section<'_>,
    resources: &[Resource],
    delivery_steps: u8,
) -> Vec<(Step, Span)> {
    if !top.has("flow") {
        let message =
            "the file needs at least one [[flow]], such as: do = \"pay\", mode = \"sync\"";
        top.report.at(&top.at, message);
    }
    let mut steps: Vec<(Step, Span)> = Vec::new();
    for section in top.sections("flow") {
        section.only(&["do", "mode", "then", "retry"]);
        let Some((action, word)) = action(&section, delivery_steps) else {
            continue;
        };
        if steps.iter().any(|(step, _)| step.action == action) {
            section.wrong(
                &word,
                format!("`{}` is in the flow already: once at most", word.text),
            );
        }
        needs(&section, &word, action, resources);
        let reached = steps.iter().rev().find_map(|(step, _)| step.then);
        let step = Step {
            action,
            mode: mode(&section, action).unwrap_or(Mode::Command),
            then: then(&section, reached),
            retry: retry(&section),
            is_deferrable: false,
            only_if: None,
        };
        steps.push((step, word.at));
    }
    steps
}

/// Notes a step that waits for a command when no request means that command.
pub(super) fn check_commanded(report: &Report<'_>, steps: &[(Step, Span)], rules: &[CommandRule]) {
    let advances = rules
        .iter()
        .any(|rule| rule.action == CommandAction::AdvanceDelivery);
    for (step, at) in steps {
        let delivers = matches!(step.action, Action::Deliver { .. });
        if delivers && step.mode == Mode::Command && !advances {
            let message = "this step waits for a command, but no request means it: add a \
                           [[command]] with do = \"delivery.advance\"";
            report.at(at, message);
        }
    }
}

fn action<'r>(section: &Section<'r>, delivery_steps: u8) -> Option<(Action, Word<'r>)> {
    let word = section.required("do", "do = \"pay\"")?;
    let action = match word.text {
        "pay" => Action::Pay,
        "deliver" => Action::Deliver {
            steps: delivery_steps,
        },
        other => {
            let expected = expected(other, &["pay", "deliver"]);
            section.wrong(&word, format!("a flow has no step `{other}`: {expected}"));
            return None;
        }
    };
    Some((action, word))
}

/// What a step works on must be there.
fn needs(section: &Section<'_>, word: &Word<'_>, action: Action, resources: &[Resource]) {
    let find = |kind| resources.iter().find(|resource| resource.kind == kind);
    match action {
        Action::Pay => {
            if find(Kind::Payment).is_none() {
                section.wrong(
                    word,
                    "`pay` needs a section [payment] with its path and fields",
                );
            }
            let amount = find(Kind::Order).and_then(|order| order.field_holding(FieldType::Money));
            if amount.is_none() {
                section.wrong(word, "`pay` needs a field of [order] with type = \"money\"");
            }
        }
        Action::Reserve | Action::Assign(_) | Action::Approve { .. } | Action::PayOut(_) => {}
        Action::Deliver { .. } => {
            if find(Kind::Delivery).is_none() {
                section.wrong(
                    word,
                    "`deliver` needs a section [delivery] with its path and steps",
                );
            }
        }
    }
}

fn mode(section: &Section<'_>, action: Action) -> Option<Mode> {
    let word = section.required("mode", "mode = \"async\"")?;
    // A person does not make a payment happen, and nobody can wait for a parcel.
    let modes: [&str; 2] = match action {
        Action::Pay => ["sync", "async"],
        _ => ["async", "command"],
    };
    if !modes.contains(&word.text) {
        let expected = expected(word.text, &modes);
        section.wrong(
            &word,
            format!("this step has no mode `{}`: {expected}", word.text),
        );
        return None;
    }
    Some(match word.text {
        "sync" => Mode::Sync,
        "async" => Mode::Async,
        _ => Mode::Command,
    })
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

fn retry(section: &Section<'_>) -> Retry {
    let default = Retry::default();
    let Some(retry) = section.section("retry") else {
        return default;
    };
    retry.only(&["first_ms", "longest_ms"]);
    let ms = |key, otherwise| {
        let given = retry.number(key, 1..=PAUSE_MS_MAX);
        given
            .and_then(|ms| u64::try_from(ms).ok())
            .unwrap_or(otherwise)
    };
    let first_ms = ms("first_ms", default.first_ms);
    let longest_ms = ms("longest_ms", default.longest_ms.max(first_ms));
    if longest_ms < first_ms {
        retry.report.at(
            &retry.at,
            "the longest pause must not be shorter than the first",
        );
    }
    Retry {
        first_ms,
        longest_ms,
    }
}
