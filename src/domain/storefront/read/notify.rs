//! `[[notify]]`: who is told what, and when.

use std::sync::Arc;

use super::{
    section::{Section, Word, expected},
    words::events,
};
use crate::domain::{
    Kind,
    storefront::{FieldType, Notice, Resource, Title},
};

/// The words in braces that are no field.
const OTHERS: [&str; 4] = ["status", "event", "number", "amount"];

/// The longest text, in characters.
const TEXT_CHARS_MAX: usize = 1_000;

/// Reads who is told what.
pub(super) fn notices(top: &Section<'_>, resources: &[Resource]) -> Vec<Notice> {
    let sections = top.sections("notify");
    let notices = sections.iter();
    notices.map(|section| notice(section, resources)).collect()
}

fn notice(section: &Section<'_>, resources: &[Resource]) -> Notice {
    section.only(&["on", "to", "text"]);
    let on: Vec<(Kind, Arc<str>)> = section
        .texts("on")
        .iter()
        .filter_map(|word| event(section, word, resources))
        .collect();
    if section.texts("on").is_empty() {
        let message = format!(
            "{} needs `on`, such as: on = [\"order.placed\"]",
            section.name
        );
        section.report.at(&section.place("on"), message);
    }
    let known = known(&on, resources);
    let to = section.text("to");
    if let Some(to) = to.as_ref().filter(|to| !known.contains(&to.text)) {
        let message = format!(
            "there is no field `{}` that says who is told: {}",
            to.text,
            expected(to.text, &known)
        );
        section.wrong(to, message);
    }
    Notice {
        to: to.map(|to| to.text.into()),
        text: text(section, &known),
        on,
    }
}

/// `order.placed` as whose event it is and which.
fn event(
    section: &Section<'_>,
    word: &Word<'_>,
    resources: &[Resource],
) -> Option<(Kind, Arc<str>)> {
    let (kind_name, name) = word.text.split_once('.').unwrap_or((word.text, ""));
    let mut kinds = resources.iter().map(|resource| resource.kind);
    let Some(kind) = kinds.find(|kind| kind.name() == kind_name) else {
        let names: Vec<&str> = resources.iter().map(|own| own.kind.name()).collect();
        let message = format!(
            "nothing has the event `{}`: before its point, {}",
            word.text,
            expected(kind_name, &names)
        );
        section.wrong(word, message);
        return None;
    };
    if !events(kind).contains(&name) {
        let expected = expected(name, events(kind));
        let message = format!("[{kind}] has no event `{name}`: {expected}");
        section.wrong(word, message);
        return None;
    }
    Some((kind, name.into()))
}

/// The fields that are known when these events happen: the order's and what is noted about it, or
/// the listing's.
fn known<'a>(on: &[(Kind, Arc<str>)], resources: &'a [Resource]) -> Vec<&'a str> {
    let has = |about: &[Kind]| on.is_empty() || on.iter().any(|(kind, _)| about.contains(kind));
    let of_orders = on.is_empty() || on.iter().any(|(kind, _)| *kind != Kind::Listing);
    let of_listings = has(&[Kind::Listing, Kind::Approval]);
    let mut names = Vec::new();
    for resource in resources {
        for field in resource.fields.iter().filter(|field| field.of.is_none()) {
            let is_told = match (resource.kind, field.holds) {
                (
                    Kind::Order,
                    FieldType::Text { .. }
                    | FieldType::Integer { .. }
                    | FieldType::Money
                    | FieldType::Order
                    | FieldType::Key { .. }
                    | FieldType::Listing
                    | FieldType::Quantity { .. }
                    | FieldType::Position,
                )
                | (
                    Kind::Delivery,
                    FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position,
                ) => of_orders,
                (
                    Kind::Listing,
                    FieldType::Text { .. }
                    | FieldType::Integer { .. }
                    | FieldType::Money
                    | FieldType::Position,
                ) => of_listings,
                _ => false,
            };
            if is_told && !names.contains(&&*field.name) {
                names.push(&*field.name);
            }
        }
    }
    names
}

fn text(section: &Section<'_>, known: &[&str]) -> Title {
    let example = "text = { ko = \"{status}입니다\", en = \"It is {status}\" }";
    if !section.has("text") {
        let message = format!("{} needs `text`, such as: {example}", section.name);
        section.report.at(&section.at, message);
    }
    let text = section.section("text");
    if let Some(text) = &text {
        text.only(&["ko", "en"]);
    }
    let language = |key| {
        let text = text.as_ref()?;
        let word = text.required(key, &format!("{key} = \"…\""))?;
        placeholders(text, &word, known);
        Some(word.text.to_owned())
    };
    Title {
        ko: language("ko").unwrap_or_default(),
        en: language("en").unwrap_or_default(),
    }
}

/// Notes what stands in braces and is not known.
fn placeholders(section: &Section<'_>, word: &Word<'_>, known: &[&str]) {
    if word.text.chars().count() > TEXT_CHARS_MAX {
        section.wrong(
            word,
            format!("expected {TEXT_CHARS_MAX} characters at most"),
        );
    }
    let mut rest = word.text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            section.wrong(word, "a `{` has no `}` after it: expected both");
            return;
        };
        let name = name.trim();
        if !known.contains(&name) && !OTHERS.contains(&name) {
            let all: Vec<&str> = OTHERS.iter().chain(known).copied().collect();
            let expected = expected(name, &all);
            section.wrong(
                word,
                format!("nothing is known as `{{{name}}}`: {expected}"),
            );
        }
        rest = behind;
    }
}
